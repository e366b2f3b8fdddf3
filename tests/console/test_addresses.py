"""The address of a page: what the page does not know is refused, and of two values none is lost."""

import re
from uuid import uuid4

import pytest

from console.pages import Declared
from console.registry import AREAS
from tests.builders import Caller
from tests.console.conftest import Browser

DECLARED = [each for area in AREAS for each in area.declared]
PAGES = [each for each in DECLARED if each.method == "GET"]
EXPORTS = [each for each in PAGES if each.reads is None]


def address(path: str) -> str:
    """With ids of nothing."""
    path = "" if path == "/" else path
    return re.sub(r"{\w+}", lambda _: str(uuid4()), path)


@pytest.mark.parametrize("declared", PAGES, ids=lambda each: each.path)
async def test_a_parameter_that_a_page_does_not_know_is_refused(browser: Browser, declared: Declared) -> None:
    shown = await browser.open(address(declared.path), stat="draft")
    assert shown.status == 422
    assert "stat: No such parameter." in shown.text


@pytest.mark.parametrize("declared", [each for each in PAGES if each.reads], ids=lambda each: each.path)
async def test_a_parameter_that_is_given_twice_is_refused_unless_it_is_a_list(browser: Browser, declared: Declared) -> None:
    for name, takes_several in (declared.reads or {}).items():
        shown = await browser.open(f"{address(declared.path)}?{name}=1&{name}=2")
        assert ("This is given more than once" in shown.text) != takes_several, name


@pytest.mark.parametrize("declared", [each for each in DECLARED if each.method == "POST"], ids=lambda each: each.path)
async def test_a_form_at_an_address_with_something_unknown_does_nothing(browser: Browser, declared: Declared) -> None:
    shown = await browser.send(f"{address(declared.path)}?at=2026-11-30T09:00:00Z")
    assert (shown.status, "at: No such parameter." in shown.text) == (422, True)


@pytest.mark.parametrize(
    "path",
    [
        "/campaigns?state=sendng",
        "/sequences?state=live",
        "/links?shared=some",
        "/health?period=1y",
        "?period=1y",
        "/replies?pending=perhaps",
    ],
)
async def test_a_choice_that_there_is_not_never_looks_like_all_of_them(browser: Browser, path: str) -> None:
    assert (await browser.open(path)).status == 422


async def test_the_same_of_one_sequence_and_one_contact(browser: Browser, api: Caller) -> None:
    contact = (await api.post("/contacts", json={"external_id": "a"})).json()["id"]
    steps = [{"kind": "end", "key": "done"}]
    sequence = (await api.post("/sequences", json={"name": "A", "steps": steps})).json()["id"]
    for path in (
        f"/contacts/{contact}?show=all",
        f"/sequences/{sequence}/people?state=gone",
        f"/sequences/{sequence}/people?due=1y",
    ):
        assert (await browser.open(path)).status == 422, path
    for path in (f"/sequences/{sequence}?version=new", f"/sequences/{sequence}/definition?version=new"):
        assert (await browser.open(path)).status == 404, path
    assert (await browser.open(f"/sequences/{sequence}/definition?version=draft")).status == 200


async def test_two_tags_are_both_asked_for(browser: Browser, api: Caller) -> None:
    for name, tags in {"both": ["a", "b"], "one": ["a"]}.items():
        await api.post("/contacts", json={"first_name": name, "external_id": name, "tags": tags})
    assert (await browser.open("/contacts?tag=a&tag=b")).all("tbody th b") == ["both"]


@pytest.mark.parametrize("query", ["kind=click&campaign=1", "campaign_id=1&campaign_id=2"])
async def test_a_stream_of_something_unknown_is_refused(browser: Browser, query: str) -> None:
    assert (await browser.client.get(f"/console/live?{query}")).status_code == 422
