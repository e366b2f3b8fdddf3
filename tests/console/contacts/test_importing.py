"""Importing a file: what it would do, what its columns become, and a file that survives between preview and import."""

import os
import zlib
from base64 import urlsafe_b64encode
from typing import Any
from uuid import uuid4

import pytest

from console.areas.contacts.carried import MOST_BYTES, CannotBeCarried, CarriedFile, unpacked
from tests.builders import Caller
from tests.console.conftest import Browser, Shown, with_role

CSV = "external_id,email,first_name,vip:boolean\ncrm-1,ada@example.com,Ada,yes\ncrm-2,nonsense,<b>Eve</b>,maybe\n,,,\nx,a,b\n"
GERMAN = "Kunden-Nr;Mail;Schuh\n7;ada@example.com;41,5\n"


async def choose(browser: Browser, content: bytes | str, name: str = "people.csv", **fields: str) -> Shown:
    data = {"form_token": await browser.token(), **fields}
    files = {"file": (name, content.encode() if isinstance(content, str) else content, "text/csv")}
    return Shown(await browser.client.post("/console/contacts/import/preview", data=data, files=files))


def form_of(shown: Shown) -> dict[str, Any]:
    """What the preview's form would send."""
    (form,) = shown.body.cssselect("form#map")
    return {name: value for name, value in form.form_values() if name != "form_token"}


async def test_a_preview_shows_rows_and_faults_and_stores_nothing(browser: Browser, api: Caller) -> None:
    shown = await choose(browser, CSV)
    assert (shown.status, shown.all("h1")) == (200, ["Import people.csv"])
    assert shown.all('[aria-label="First rows"] tbody td:nth-child(2) .badge') == ["New", "New", "Left out"]
    assert "<b>Eve</b>" in shown.text
    assert "not an e-mail address" in shown.text
    assert "neither true nor false" in shown.text
    assert [shown.value(f"becomes-{number}") for number in range(4)] == ["external_id", "email", "first_name", "vip:boolean"]
    assert all(len(each.cssselect("[selected]")) == 1 for each in shown.body.cssselect("th select"))
    assert (await api.get("/contacts")).json()["items"] == []


async def test_the_file_survives_until_it_is_imported_once(browser: Browser, api: Caller) -> None:
    fields = form_of(await choose(browser, CSV))
    answers = [await browser.send("/contacts/import", **fields) for _ in range(2)]
    assert [each.status for each in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    (made,) = (await api.get("/contact-imports")).json()["items"]
    path = f"/console/contacts/import/{made['id']}"
    assert (made["total"], answers[0].location) == (3, f"{path}?file=people.csv")
    shown = await browser.open(path)
    assert shown.answer.headers["refresh"] == "2"
    assert shown.body.cssselect("progress[max='3']")
    assert (await browser.send(f"{path}/cancel")).status == 303
    over = await browser.open(path)
    assert ("refresh" in over.answer.headers, "Cancelled" in over.text) == (False, True)
    assert "/console/contacts/import/" in " ".join((await browser.open("/contacts/import")).links("tbody a"))


async def test_columns_with_other_names_are_mapped(browser: Browser, api: Caller) -> None:
    refused = await choose(browser, GERMAN)
    assert refused.status == 422
    fields = form_of(refused)
    assert (fields["header-0"], fields["becomes-0"]) == ("Kunden-Nr", "-")
    fields |= {"becomes-0": "external_id", "becomes-1": "email", "becomes-2": "schuh:number"}
    shown = await browser.send("/contacts/import/preview", **fields)
    assert shown.status == 200
    assert shown.all("tbody td bdi") == ["7", "ada@example.com", "41.5"]
    assert [shown.value(f"becomes-{number}") for number in range(3)] == ["external_id", "email", "schuh:number"]
    assert (await browser.send("/contacts/import", **form_of(shown))).status == 303
    again = await browser.send("/contacts/import", **{**form_of(shown), "becomes-1": "external_id", "once": str(uuid4())})
    assert (again.status, again.value("becomes-1")) == (422, "external_id")


async def test_options_are_kept_and_numbers_are_read_where_they_are_dialled(browser: Browser, api: Caller) -> None:
    await api.patch("/organization", json={"time_zone": "Europe/Oslo"})
    shown = await choose(browser, "phone\n412 00 123\n")
    assert (shown.value("default_country"), shown.all("tbody td bdi")) == ("NO", ["+4741200123"])
    fields = {**form_of(shown), "default_country": "DE", "match_on": "phone", "tags": "replace", "clear": "NULL"}
    again = await browser.send("/contacts/import/preview", **fields)
    values = [again.value(name) for name in ("default_country", "match_on", "tags", "clear")]
    assert values == ["DE", "phone", "replace", "NULL"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00", "NUL character"),
        (b"email\n", "no rows below the header"),
        (bytes(range(1, 256)) * 4, ""),
    ],
    ids=["empty", "picture", "header", "bytes"],
)
async def test_what_is_no_table_gets_a_sentence(browser: Browser, content: bytes, sentence: str) -> None:
    shown = await choose(browser, content)
    assert shown.status == 422
    assert sentence in shown.text
    assert shown.body.cssselect(".fault, .consequence.bad")


async def test_a_file_that_is_too_large_gets_a_sentence(browser: Browser) -> None:
    shown = await choose(browser, b"email\n" + b"x" * MOST_BYTES)
    assert (shown.status, "A file may have 20 MB" in shown.text) == (422, True)
    assert (await choose(browser, b"email\n" + b"x" * (MOST_BYTES + 2**20))).status == 413


async def test_without_a_file_it_is_asked_for(browser: Browser) -> None:
    for path in ("/contacts/import/preview", "/contacts/import"):
        assert "Choose a file first." in (await browser.send(path)).text
        shown = await browser.send(path, packed="nonsense", name="x")
        assert (shown.status, "lost on its way" in shown.text) == (422, True)


async def test_a_viewer_sees_imports_and_makes_none(visitor: Browser, api: Caller) -> None:
    browser = await with_role(visitor, api, "viewer")
    shown = await browser.open("/contacts/import")
    assert (shown.status, shown.body.cssselect("main form")) == (200, [])
    for path in ("", "/preview", f"/{uuid4()}/cancel"):
        assert (await browser.send(f"/contacts/import{path}")).status == 403
    assert (await browser.open(f"/contacts/import/{uuid4()}")).status == 404


@pytest.mark.parametrize("content", [b"", b"a", "ä,ö\n1,2\n".encode() * 1000])
def test_a_file_comes_out_as_it_went_in(content: bytes) -> None:
    assert unpacked("x", CarriedFile("x", content).packed()).content == content


ENDLESS, CUT = zlib.compress(b"a" * (MOST_BYTES + 1)), zlib.compress(b"x" * 99)[:-9]


@pytest.mark.parametrize(
    "packed",
    ["", "!", "AAAA", urlsafe_b64encode(ENDLESS).decode(), urlsafe_b64encode(CUT).decode()],
    ids=["empty", "no base64", "nothing packed", "endless", "cut off"],
)
def test_what_was_not_packed_here_or_becomes_endless_is_refused(packed: str) -> None:
    with pytest.raises(CannotBeCarried):
        unpacked("x", packed)


def test_what_does_not_get_smaller_is_not_carried() -> None:
    with pytest.raises(CannotBeCarried):
        CarriedFile("x", os.urandom(MOST_BYTES)).packed()


async def test_a_row_that_is_left_out_shows_what_the_file_has_and_is_counted(browser: Browser) -> None:
    shown = await choose(browser, "email,first_name\nnonsense,Eve\nada@example.com,Ada\n")
    (row, _) = shown.all('[aria-label="First rows"] tbody tr')
    assert ("nonsense" in row, "Eve" in row) == (True, True)
    assert shown.all(".head button") == ["Import 1 row; 1 is left out"]
    assert "1 new, 0 change a contact, 0 as before, 1 left out" in shown.text
    assert row.count("must have an @-sign") == 1


async def test_every_row_that_is_left_out_is_listed_before_those_that_lack_a_field(browser: Browser) -> None:
    good = "".join(f"a{number}@example.com,,no\n" for number in range(8))
    shown = await choose(browser, f"email,first_name,vip:boolean\n{good}b@example.com,Ben,maybe\nnonsense,Eve,no\n<b>,Cy,no\n")
    rows = shown.body.cssselect('[aria-labelledby="faulty"] tbody tr')
    told = [[" ".join(cell.text_content().split()) for cell in row] for row in rows]
    assert [each[:3] for each in told] == [
        ["11", "Left out", "nonsense, Eve, no"],
        ["12", "Left out", "<b>, Cy, no"],
        ["10", "Taken without a field", "b@example.com, Ben, maybe"],
    ]
    assert all("@-sign" in each[3] for each in told[:2])
    assert "neither true nor false" in told[2][3]
    assert shown.all(".head button") == ["Import 9 rows; 2 are left out"]


async def test_of_a_long_file_it_says_how_much_of_it_was_judged(browser: Browser) -> None:
    shown = await choose(browser, "email\n" + "nonsense\n" * 2 + "".join(f"a{number}@example.com\n" for number in range(100)))
    assert shown.all(".head button") == ["Import up to 100 rows; at least 2 are left out"]
    assert "Of the first 100 rows: 98 new" in shown.text


async def test_a_file_of_which_nothing_can_be_taken_is_not_imported(browser: Browser) -> None:
    shown = await choose(browser, "email\nnonsense\n")
    (button,) = shown.body.cssselect(".head button")
    assert (button.text, button.get("aria-disabled")) == ("Nothing to import", "true")


async def test_columns_and_their_choices_are_said_in_plain_words(browser: Browser, api: Caller) -> None:
    await api.post("/contacts", json={"email": "ada@example.com"})
    shown = await choose(browser, "email;first_name;2024\nada@example.com;Ada;x\n", **{"header-2": "2024", "becomes-2": "-"})
    assert "columns separated by semicolons, text encoded as utf-8" in shown.text
    assert "Changes a contact Show the contact" in shown.text
    names = [each.text for each in shown.body.cssselect("#becomes-1 option")]
    assert names[-5:] == [
        "Property column_first_name: a text, or true or false",
        "Property column_first_name: a text",
        "Property column_first_name: a number",
        "Property column_first_name: true or false",
        "Property column_first_name: a date",
    ]
    mapped = {**form_of(shown), "becomes-2": "column_2024:number"}
    again = await browser.send("/contacts/import/preview", **mapped)
    assert (again.status, again.value("becomes-2")) == (200, "column_2024:number")


async def test_a_number_without_a_country_says_which_field_helps(browser: Browser) -> None:
    fields = {**form_of(await choose(browser, "phone\n412 00 123\n")), "default_country": ""}
    shown = await browser.send("/contacts/import/preview", **fields)
    assert "choose the country of numbers without +" in shown.text
    assert "default_country" not in shown.text


async def test_the_result_names_the_file(browser: Browser) -> None:
    answer = await browser.send("/contacts/import", **form_of(await choose(browser, CSV)))
    shown = Shown(await browser.client.get(answer.location))
    assert shown.all("h1") == ["Import of people.csv"]


async def test_a_columns_type_survives_the_preview(browser: Browser) -> None:
    """Without it, the word `false` of a text would become a boolean."""
    header = ["email", "plain", "vip:text", "size:number", "new:boolean", "since:date"]
    content = f"{','.join(header)}\nada@example.com,false,false,41.5,no,2026-03-31\n"
    shown = await choose(browser, content)
    for _ in range(2):
        assert [shown.value(f"becomes-{number}") for number in range(6)] == header
        shown = await browser.send("/contacts/import/preview", **form_of(shown))
