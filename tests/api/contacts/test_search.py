"""Searching contacts by whatever they are known by."""

import pytest

from models.contacts.search import MOST_OF_A_KIND, phone_beginnings
from tests.builders import Caller

PEOPLE = [
    {"external_id": "Shop-1", "first_name": "Ingrid", "last_name": "Solheim", "phone": "+4741200123", "tags": ["vip"]},
    {"external_id": "shop-2", "first_name": "Åsa", "email": "asa@post.example", "tags": ["ingrid"]},
    {"email": "ingrid.berg@post.example", "last_name": "de la Cruz"},
    {"external_id": "100%_sure", "first_name": "O'Neil"},
]


async def found(api: Caller, q: str, **query: str) -> list[str]:
    answer = await api.get("/contacts", params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return [each["external_id"] or each["email"] for each in answer.json()["items"]]


@pytest.fixture(autouse=True)
async def _people(api: Caller) -> None:
    for each in PEOPLE:
        assert (await api.post("/contacts", json=each)).status_code == 201


@pytest.mark.parametrize(
    ("q", "who"),
    [
        ("solh", ["Shop-1"]),
        ("INGRID SOL", ["Shop-1"]),
        ("Solheim, Ing", ["Shop-1"]),
        ("ingrid", ["ingrid.berg@post.example", "shop-2", "Shop-1"]),  # address, tag, name; each once, newest first
        ("åsa", ["shop-2"]),
        ("ÅSA", ["shop-2"]),
        ("de la", ["ingrid.berg@post.example"]),
        ("o'n", ["100%_sure"]),
        ("Asa@Post", ["shop-2"]),
        ("shop-", ["shop-2"]),
        ("Shop-", ["Shop-1"]),
        ("vip", ["Shop-1"]),
        ("vi", []),
        ("+47 412", ["Shop-1"]),
        ("0047 (412) 00", ["Shop-1"]),
        ("100%", ["100%_sure"]),
        ("%", []),
        ("_", []),
        ("heim", []),
        ("<script>", []),
    ],
)
async def test_it_finds_what_begins_so(api: Caller, q: str, who: list[str]) -> None:
    assert await found(api, q) == who


async def test_a_number_is_read_as_it_is_dialled(api: Caller) -> None:
    assert await found(api, "412 00", default_country="NO") == ["Shop-1"]
    assert await found(api, "412 00") == []


async def test_a_search_narrows_what_other_filters_let_through(api: Caller) -> None:
    assert await found(api, "ingrid", tag="ingrid") == ["shop-2"]
    assert await found(api, "ingrid", tag="nobody") == []
    assert len(await found(api, "   ")) == len(PEOPLE)  # nothing was asked for


async def test_a_search_is_read_page_by_page(api: Caller) -> None:
    first = (await api.get("/contacts", params={"q": "ingrid", "limit": 2})).json()
    rest = (await api.get("/contacts", params={"q": "ingrid", "limit": 2, "cursor": first["next_cursor"]})).json()
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]


async def test_somebody_who_is_erased_is_found_no_more(api: Caller) -> None:
    (person,) = (await api.get("/contacts", params={"q": "solheim"})).json()["items"]
    assert (await api.post(f"/contacts/{person['id']}/erase")).status_code == 200
    assert await found(api, "solheim") == []


async def test_of_many_only_the_first_are_looked_at(api: Caller) -> None:
    rows = [{"external_id": f"many-{number:03}"} for number in range(MOST_OF_A_KIND + 20)]
    assert (await api.post("/contacts/bulk", json={"contacts": rows})).status_code == 200
    assert len(await found(api, "many", limit="500")) == MOST_OF_A_KIND
    assert await found(api, "many-119") == ["many-119"]


@pytest.mark.parametrize(
    ("typed", "country", "beginnings"),
    [
        ("41200", "NO", ["+41200", "+4741200"]),
        ("0151 23", "DE", ["+015123", "+4915123"]),
        ("+47-412", None, ["+47412"]),
        ("12", None, []),
        ("41a2", "NO", []),
        ("+", None, []),
    ],
)
def test_how_a_number_may_begin(typed: str, country: str | None, beginnings: list[str]) -> None:
    assert phone_beginnings(typed, country) == beginnings
