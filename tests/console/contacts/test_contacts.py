"""The list of contacts, and adding and changing one."""

import pytest

from tests.builders import Caller
from tests.console.conftest import Browser, with_role

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "\u202eevil\u2066",
    "a" * 10_000,
    "O'Neil & Söhne",
]
ADA = {"external_id": "crm-1", "first_name": "Ada", "last_name": "Lovelace", "phone": "+4741200123", "tags": ["vip"]}


async def add(api: Caller, **fields: object) -> str:
    answer = await api.post("/contacts", json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_an_empty_list_says_what_to_do(browser: Browser) -> None:
    shown = await browser.open("/contacts")
    assert "Nobody is here yet" in shown.text
    assert {"/console/contacts/import", "/console/contacts/new"} <= set(shown.links(".empty a"))


async def test_a_viewer_sees_people_and_no_way_to_change_them(visitor: Browser, api: Caller) -> None:
    contact_id = await add(api, **ADA)
    browser = await with_role(visitor, api, "viewer")
    shown = await browser.open("/contacts")
    assert "Ada Lovelace" in shown.text
    assert not {"/console/contacts/new", "/console/contacts/import"} & set(shown.links(".head a"))
    assert shown.all("tbody input") == []
    for path in (
        "/contacts/new",
        f"/contacts/{contact_id}/edit",
        f"/contacts/{contact_id}/enroll",
        f"/contacts/{contact_id}/export",
    ):
        assert (await browser.open(path)).status == 403
    assert (await browser.send("/contacts/new", email="x@example.com")).status == 403
    assert (await browser.send(f"/contacts/{contact_id}/erase", confirm="erase")).status == 403


@pytest.mark.parametrize("q", ["ada", "Lovel", "crm-1", "+47 412", "vip"])
async def test_the_list_is_searched(browser: Browser, api: Caller, q: str) -> None:
    await add(api, **ADA)
    await add(api, email="other@example.com")
    shown = await browser.open("/contacts", q=q)
    assert shown.all("tbody th b") == ["Ada Lovelace"]
    assert shown.value("q") == q


async def test_a_search_that_finds_nobody_says_so(browser: Browser, api: Caller) -> None:
    await add(api, **ADA)
    shown = await browser.open("/contacts", q="zzz")
    assert ("Nobody fits" in shown.text, shown.value("q")) == (True, "zzz")


async def test_a_filter_by_tag_can_be_taken_off(browser: Browser, api: Caller) -> None:
    await add(api, **ADA)
    shown = await browser.open("/contacts", tag="vip")
    assert shown.all("tbody th b") == ["Ada Lovelace"]
    assert shown.links(".chip a") == ["/console/contacts"]
    assert (await browser.open("/contacts", tag="<b>")).status == 422


async def test_a_contact_is_added_once(browser: Browser, api: Caller) -> None:
    form = await browser.open("/contacts/new")
    fields = {
        "first_name": "Ada",
        "email": "ada@example.com",
        "once": form.value("once"),
        "tags": "vip, new",
        "properties": '{"a": 1}',
    }
    first, second = await browser.send("/contacts/new", **fields), await browser.send("/contacts/new", **fields)
    assert first.status == second.status == 303
    assert first.location == second.location
    (made,) = (await api.get("/contacts")).json()["items"]
    assert (made["first_name"], made["tags"], made["properties"], made["last_name"]) == ("Ada", ["vip", "new"], {"a": 1}, None)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": "nonsense"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"email": "ada@example.com", "properties": "{"}, "properties"),
        ({"email": "ada@example.com", "properties": "[1]"}, "properties"),
        ({"email": "ada@example.com", "properties": '{"0x": 1}'}, "properties"),
        ({"email": "ada@example.com", "tags": "a, <b>"}, "tags"),
        ({"email": "ada@example.com", "time_zone": "Moon"}, "time_zone"),
    ],
)
async def test_a_fault_stands_at_its_field_and_all_that_was_typed_stays(
    browser: Browser, typed: dict[str, str], field: str
) -> None:
    shown = await browser.send("/contacts/new", first_name="Ada", **typed)
    assert shown.status == 422
    assert shown.value("first_name") == "Ada"
    assert [each.get("id") for each in shown.body.cssselect(".fault")] == [f"{field}-fault"]
    for name, value in typed.items():
        if name != "time_zone":
            assert shown.value(name).strip() == value


async def test_without_any_key_the_form_says_so(browser: Browser) -> None:
    shown = await browser.send("/contacts/new", first_name="Ada")
    assert shown.status == 422
    assert "at least one of" in shown.text


async def test_a_taken_address_names_the_contact_that_has_it(browser: Browser, api: Caller) -> None:
    other = await add(api, email="ada@example.com")
    shown = await browser.send("/contacts/new", email="ada@example.com")
    assert (shown.status, shown.value("email")) == (409, "ada@example.com")
    assert f"/console/contacts/{other}" in shown.links()


async def test_only_what_was_changed_is_sent(browser: Browser, api: Caller) -> None:
    contact_id = await add(api, **ADA, properties={"plan": "gold", "size": 3})
    shown = await browser.open(f"/contacts/{contact_id}/edit")
    fields = {
        name: shown.value(name).strip("\n") for name in ("first_name", "last_name", "email", "phone", "external_id", "time_zone")
    }
    fields |= {"tags": shown.value("tags"), "properties": '{"plan": "silver"}', "last_name": ""}
    await api.patch(f"/contacts/{contact_id}", json={"tags_add": ["meanwhile"]})
    answer = await browser.send(f"/contacts/{contact_id}/edit", **fields)
    assert (answer.status, answer.location) == (303, f"/console/contacts/{contact_id}")
    after = (await api.get(f"/contacts/{contact_id}")).json()
    assert (after["last_name"], after["properties"], after["first_name"]) == (None, {"plan": "silver"}, "Ada")


async def test_those_who_are_chosen_get_a_tag(browser: Browser, api: Caller) -> None:
    people = [await add(api, email=f"p{number}@example.com") for number in range(3)]
    answer = await browser.send("/contacts/tag", contact=people[:2], tag="warm")
    assert answer.location == "/console/contacts?tag=warm"
    assert len((await api.get("/contacts", params={"tag": "warm"})).json()["items"]) == 2
    refused = await browser.send("/contacts/tag", contact=people[:2], tag="<b>")
    assert (refused.status, refused.value("tag")) == (422, "<b>")
    assert len(refused.body.cssselect("input[name=contact][checked]")) == 2
    assert (await browser.send("/contacts/tag", tag="warm")).location == "/console/contacts"


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_a_name(browser: Browser, api: Caller, name: str) -> None:
    contact_id = await add(api, external_id="x", first_name=name[:200], properties={"note": name[:3000]})
    for path in ("/contacts", f"/contacts/{contact_id}", f"/contacts/{contact_id}/edit", f"/contacts/{contact_id}/why"):
        shown = await browser.open(path)
        assert shown.status == 200
        assert shown.body.cssselect("main script, main img") == []


async def test_another_organizations_contact_is_not_found(browser: Browser) -> None:
    other = "01a22ad0-0000-7000-8000-000000000000"
    for path in ("", "/edit", "/consent", "/why", "/enroll", "/export"):
        assert (await browser.open(f"/contacts/{other}{path}")).status == 404
    assert (await browser.send(f"/contacts/{other}/consent", state="opted_in", reason="x")).status == 404
    assert (await browser.send(f"/contacts/{other}/erase", confirm="erase")).status == 404


async def test_all_faults_of_the_form_are_said_at_once_at_their_fields(browser: Browser) -> None:
    typed = {"phone": "12", "email": "nonsense", "property-0": "size", "value-0": "many", "kind-0": "number"}
    shown = await browser.send("/contacts/new", **typed)
    assert shown.status == 422
    assert {each.get("id") for each in shown.body.cssselect(".fault")} == {"phone-fault", "email-fault", "properties-fault"}
    assert "size is no number" in shown.text
    assert {name: shown.value(name) for name in typed} == typed


async def test_properties_are_rows_of_name_and_value(browser: Browser, api: Caller) -> None:
    before = {"plan": "gold", "size": 3, "vip": True, "sizes": [1, 2]}
    contact_id = await add(api, email="ada@example.com", properties=before)
    path = f"/contacts/{contact_id}/edit"
    shown = await browser.open(path)
    (form,) = shown.body.cssselect("main form.sheet")
    fields = {name: value.removeprefix("\n") for name, value in form.form_values()}
    assert (await browser.send(path, **fields)).status == 303
    assert (await api.get(f"/contacts/{contact_id}")).json()["properties"] == before
    names = {fields[f"property-{number}"]: number for number in range(3)}
    fields |= {f"value-{names['size']}": "4.5", f"property-{names['plan']}": "", f"value-{names['plan']}": ""}
    fields |= {"property-3": "zip", "value-3": "0150"}
    assert (await browser.send(path, **fields)).status == 303
    after = (await api.get(f"/contacts/{contact_id}")).json()["properties"]
    assert after == {"size": 4.5, "vip": True, "sizes": [1, 2], "zip": "0150"}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("", "x", "text"), "has no name"),
        (("size", "", "text"), "has no value"),
        (("vip", "perhaps", "boolean"), "neither yes nor no"),
        (("plan", "x", "text"), "stands here twice"),
    ],
)
async def test_a_row_that_cannot_be_read_says_why(browser: Browser, row: tuple[str, str, str], sentence: str) -> None:
    fields = dict(zip(("property-0", "value-0", "kind-0"), row, strict=True))
    shown = await browser.send("/contacts/new", email="a@example.com", properties='{"plan": "gold"}', **fields)
    assert (shown.status, sentence in " ".join(shown.all(".fault"))) == (422, True)


async def test_more_rows_come_without_saving(browser: Browser, api: Caller) -> None:
    shown = await browser.send("/contacts/new", email="a@example.com", do="rows", **{"property-0": "plan", "value-0": "gold"})
    assert (shown.status, shown.value("property-0"), shown.value("property-3")) == (200, "plan", "")
    assert (await api.get("/contacts")).json()["items"] == []


async def test_a_key_of_somebody_else_leads_to_them_by_their_name(browser: Browser, api: Caller) -> None:
    ada = (await api.post("/contacts", json={"email": "ada@example.com", "first_name": "Ada", "last_name": "<b>Moe"})).json()
    ben = (await api.post("/contacts", json={"email": "ben@example.com"})).json()
    for path in ("/contacts/new", f"/contacts/{ben['id']}/edit"):
        shown = await browser.send(path, email="ada@example.com")
        assert shown.status == 409
        assert f"/console/contacts/{ada['id']}" in shown.links("form .note a")
        assert shown.all("form .note") == ["It is Ada <b>Moe."]
        assert shown.all("#email-fault") == ["ada@example.com belongs to another contact."]
        assert not any(word in shown.text for word in ("PUT", f"contact {ada['id']}"))


async def test_a_wrong_address_is_said_with_the_label_of_its_field(browser: Browser) -> None:
    (said,) = (await browser.send("/contacts/new", email="nobody")).all(".consequence.bad")
    assert "E-mail: " in said
    assert "email:" not in said
