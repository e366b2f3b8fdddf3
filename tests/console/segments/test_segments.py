"""Segments in the console: the builder without JavaScript, what it finds, and what uses a segment."""

from typing import Any
from uuid import uuid4

import pytest

from api.segments import routes
from models.database import Database
from models.errors import Unavailable
from models.organizations.organization import create_organization
from tests.builders import Caller
from tests.console.conftest import Browser, Shown, with_role

VIP = {"kind": "tags", "tags": ["vip"]}
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
async def people(api: Caller) -> None:
    for number, tags in enumerate((["vip"], ["vip", "staff"], ["news"])):
        made = await api.post("/contacts", json={"external_id": str(number), "first_name": f"P{number}", "tags": tags})
        assert made.status_code == 201, made.text


def fields(shown: Shown) -> dict[str, list[str]]:
    """All fields of the builder, as a browser would send them."""
    found: dict[str, list[str]] = {}
    for each in shown.body.cssselect("form#rules input, form#rules select"):
        found.setdefault(each.get("name"), []).append(each.value or "")
    return found


async def press(browser: Browser, path: str, shown: Shown, button: str, **typed: Any) -> Shown:
    return await browser.send(path, **{**fields(shown), **typed, "do": button})


async def test_the_first_segment_is_asked_for(browser: Browser) -> None:
    shown = await browser.open("/segments")
    assert "No segments yet" in shown.text
    assert "/console/segments/new" in shown.links(".empty a")


@pytest.mark.usefixtures("people")
async def test_a_segment_is_built_button_by_button(browser: Browser, api: Caller) -> None:
    path = "/segments/new"
    shown = await browser.open(path)
    shown = await press(browser, path, shown, "count", **{"tags:0": "vip"})
    assert shown.all("dd.figure") == ["2"]
    shown = await press(browser, path, shown, "but-not:")
    assert shown.all(".rules > li > .op") == ["all", "but not", ""]
    shown = await press(browser, path, shown, "count", **{"tags:1": "staff"})
    assert shown.all("dd.figure") == ["1"]
    assert shown.all("tbody th") == ["P0"]
    shown = await press(browser, path, shown, "each")
    assert shown.all(".rules > li > .n") == ["2", "2"]
    saved = await press(browser, path, shown, "save", name="Guests")
    (made,) = (await api.get("/segments")).json()["items"]
    assert saved.location == f"/console/segments/{made['id']}"
    assert made["definition"]["all"][1] == {"not": {"kind": "tags", "has": "any", "tags": ["staff"]}}
    assert "Guests" in (await browser.open("/segments")).text


@pytest.mark.usefixtures("people")
async def test_groups_kinds_and_comparisons_change_without_javascript(browser: Browser) -> None:
    path = "/segments/new"
    shown = await press(browser, path, await browser.open(path), "group:", **{"tags:0": "vip"})
    shown = await press(browser, path, shown, "count", **{"kind:1.0": "field", "join:1": "all"})
    assert shown.value("compare:1.0") == "equals"
    shown = await press(browser, path, shown, "compare:1.0", **{"name:1.0": "first_name", "value:1.0": "P1"})
    assert fields(shown)["compare:1.0"] == ["equals", "not_equals"]
    shown = await press(browser, path, shown, "count")
    assert shown.all("dd.figure") == ["1"]
    shown = await press(browser, path, shown, "remove:1")
    assert shown.all("dd.figure") == ["2"]


async def test_what_is_not_finished_says_what_it_lacks_and_stays(browser: Browser) -> None:
    path = "/segments/new"
    shown = await browser.open(path)
    refused = await press(browser, path, shown, "save", name="", **{"kind:0": "clicked", "link:0": "boots"})
    assert refused.status == 422
    assert "link's name needs the campaign_id" in refused.all(".fault-line")[0]
    assert refused.value("link:0") == "boots"
    assert refused.all(".field .fault") != []


async def test_the_same_form_twice_makes_one_segment(browser: Browser, api: Caller) -> None:
    shown = await browser.open("/segments/new")
    first = await press(browser, "/segments/new", shown, "save", name="Once", **{"tags:0": "vip"})
    again = await press(browser, "/segments/new", shown, "save", name="Once", **{"tags:0": "vip"})
    assert first.location == again.location
    assert len((await api.get("/segments")).json()["items"]) == 1


async def test_another_organizations_segment_is_not_there(browser: Browser, database: Database, visitor: Browser) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for path in (f"/segments/{uuid4()}", f"/segments/{uuid4()}/people"):
        assert (await browser.open(path)).status == 404
    assert (await browser.send(f"/segments/{uuid4()}", do="save")).status == 404
    assert key


@pytest.mark.usefixtures("people")
async def test_a_viewer_sees_the_rules_and_who_is_in_it_and_changes_nothing(visitor: Browser, api: Caller) -> None:
    made = (await api.post("/segments", json={"name": HOSTILE, "definition": VIP})).json()
    viewer = await with_role(visitor, api, "viewer")
    shown = await viewer.open(f"/segments/{made['id']}", count="1")
    assert (shown.status, shown.all("dd.figure")) == (200, ["2"])
    assert all(each.get("disabled") is not None for each in shown.body.cssselect("fieldset"))
    assert shown.body.cssselect("main script") == []
    assert (await viewer.open("/segments/new")).status == 403
    assert (await viewer.send(f"/segments/{made['id']}", do="save", name="x")).status == 403
    inside = await viewer.open(f"/segments/{made['id']}/people", count="1")
    assert sorted(inside.all("tbody th")) == ["P0", "P1"]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("more", ["", "/people"])
async def test_the_page_is_there_before_anybody_is_looked_for(
    browser: Browser, api: Caller, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    made = (await api.post("/segments", json={"name": "Guests", "definition": VIP})).json()

    async def never(*_: object) -> None:
        raise AssertionError("People were looked for.")

    with monkeypatch.context() as patched:
        patched.setattr(routes, "count_people", never)
        patched.setattr(routes, "newest_people", never)
        shown = await browser.open(f"/segments/{made['id']}{more}")
    assert (shown.status, shown.all("tbody th")) == (200, [])
    (counted,) = {each for each in shown.links("main a") if each.endswith("?count=1")}
    assert [each.get("data-count-from") for each in shown.body.cssselect("[data-count-from]")] == [counted]
    with_people = await browser.open(counted)
    assert sorted(with_people.all("tbody th")) == ["P0", "P1"]
    assert with_people.body.cssselect("[data-count-from]") == []
    for part in shown.body.cssselect("[data-counted]"):
        assert with_people.body.cssselect(f'[data-counted="{part.get("data-counted")}"]')


async def test_a_later_page_of_people_is_there_at_once(browser: Browser, api: Caller) -> None:
    rows = [{"external_id": str(number), "tags": ["vip"]} for number in range(60)]
    assert (await api.post("/contacts/bulk", json={"contacts": rows})).json()["created"] == 60
    made = (await api.post("/segments", json={"name": "Guests", "definition": VIP})).json()
    first = await browser.open(f"/segments/{made['id']}/people", count="1")
    assert "50 of 60" in first.text
    (older,) = first.links('a[rel="next"]')
    second = await browser.open(older)
    assert len(second.all("tbody th")) == 10
    assert second.body.cssselect("[data-count-from]") == []


@pytest.mark.parametrize("more", ["", "/people"])
async def test_people_who_cannot_be_found_in_time_keep_nobody_from_the_page(
    browser: Browser, api: Caller, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    made = (await api.post("/segments", json={"name": "Guests", "definition": VIP})).json()

    async def late(*_: object) -> None:
        raise Unavailable("The people of this segment could not be found within 5 seconds.")

    monkeypatch.setattr(routes, "count_people", late)
    shown = await browser.open(f"/segments/{made['id']}{more}", count="1")
    assert (shown.status, shown.body.cssselect("[data-count-from]")) == (503, [])
    assert "within 5 seconds" in shown.all("[data-counted] .consequence.bad")[0]
    assert "Guests" in shown.all("h1")[0]


async def test_what_is_used_cannot_be_deleted_and_says_by_what(browser: Browser, api: Caller) -> None:
    made = (await api.post("/segments", json={"name": "Used", "definition": VIP})).json()
    message = {"body": "x", "links": {}}
    body = {"name": "Spring", "channel": "simulator-sms", "message": message, "audience": {"segment_ids": [made["id"]]}}
    assert (await api.post("/campaigns", json=body)).status_code == 201
    shown = await browser.open(f"/segments/{made['id']}")
    assert "Spring" in shown.all(".todo a")
    assert shown.body.cssselect("dialog button[aria-disabled]")
    refused = await browser.send(f"/segments/{made['id']}/delete")
    assert refused.status == 409
    assert "Spring" in refused.text


async def test_a_segment_is_deleted(browser: Browser, api: Caller) -> None:
    made = (await api.post("/segments", json={"name": "Gone", "definition": VIP})).json()
    assert (await browser.send(f"/segments/{made['id']}/delete")).location == "/console/segments"
    assert (await api.get(f"/segments/{made['id']}")).status_code == 404


async def test_nonsense_in_the_form_breaks_nothing(browser: Browser) -> None:
    nonsense = {"rule": ["9.9.9", "0", "0.1", ".", "x"], "kind:0": "nothing", "do": "remove:7", "join:": "maybe"}
    assert (await browser.send("/segments/new", **nonsense)).status == 200
    assert (await browser.send("/segments/new", do="compare:0", rule=["0"], **{"kind:0": "group"})).status == 200


async def test_a_condition_that_compares_twice_in_one_way_is_refused(browser: Browser, api: Caller) -> None:
    """Its definition would keep the second value alone, and find other people."""
    twice = {
        "rule": ["0"],
        "kind:0": "property",
        "name:0": "plan",
        "compare:0": ["equals", "equals"],
        "value:0": ["gold", "silver"],
    }
    for do, status in (("count", 200), ("each", 200), ("save", 422)):
        shown = await browser.send("/segments/new", name="Both", do=do, **twice)
        assert (shown.status, shown.all("dd.figure")) == (status, ["–"])
        assert shown.all(".fault-line") == ["This compares twice with “is”: write each into a condition of its own."]
        assert fields(shown)["value:0"] == ["gold", "silver"]
    assert (await api.get("/segments")).json()["items"] == []


@pytest.mark.parametrize("count", [51, 101])
async def test_a_condition_too_many_is_refused_and_not_left_out(browser: Browser, api: Caller, count: int) -> None:
    places = [str(number) for number in range(count)]
    rules = {f"{name}:{place}": value for place in places for name, value in (("kind", "has_email"), ("not", "1"))}
    shown = await browser.send("/segments/new", name="Many", do="save", rule=places, **rules)
    assert shown.status == 422
    assert "50 conditions" in shown.text
    assert (await api.get("/segments")).json()["items"] == []
