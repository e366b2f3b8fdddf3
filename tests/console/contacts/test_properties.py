"""The properties of a contact in its form: whatever it holds, saving the form unchanged changes nothing."""

from typing import Any

import pytest

from tests.builders import Caller
from tests.console.conftest import Browser

MANY = {f"p{number}": number for number in range(700)}


async def saved(browser: Browser, api: Caller, properties: dict[str, Any], **changed: str) -> dict[str, Any]:
    """The properties after the form was opened and saved, with these fields changed."""
    made = (await api.post("/contacts", json={"external_id": "a", "properties": properties})).json()
    path = f"/contacts/{made['id']}/edit"
    (form,) = (await browser.open(path)).body.cssselect("main form.sheet")
    fields = {name: _as_browsers_send(name, value) for name, value in form.form_values()}
    answer = await browser.send(path, **{**fields, **changed})
    assert answer.status == 303, answer.text
    after: dict[str, Any] = (await api.get(f"/contacts/{made['id']}")).json()["properties"]
    return after


def _as_browsers_send(name: str, value: str) -> str:
    """A field of one line has no line ends; the first one of a text area belongs to the markup."""
    return value.removeprefix("\n") if name == "properties" else value.replace("\n", "").replace("\r", "")


@pytest.mark.parametrize(
    "properties",
    [
        MANY,
        {**MANY, "lists": [1, [2]], "empty": "", "lines": "a\r\nb", "one": "a\rb", "blank": " a "},
        {"big": 2**62, "small": 1e-7, "exact": 0.1, "whole": 1.0, "no": False, "word": "false", "digits": "0150"},
    ],
)
async def test_an_unchanged_form_changes_nothing(browser: Browser, api: Caller, properties: dict[str, Any]) -> None:
    after = await saved(browser, api, properties)
    assert after == properties
    assert {name: type(value) for name, value in after.items()} == {name: type(value) for name, value in properties.items()}


@pytest.mark.parametrize(("before", "kind", "value", "after"), [(True, "number", "1", 1), (0, "boolean", "no", False)])
async def test_a_truth_that_becomes_a_number_is_changed(
    browser: Browser, api: Caller, before: Any, kind: str, value: str, after: Any
) -> None:
    found = await saved(browser, api, {"vip": before}, **{"kind-0": kind, "value-0": value})
    assert found["vip"] is after


async def test_rows_beyond_the_first_two_hundred_are_read_as_well(browser: Browser, api: Caller) -> None:
    rows = {f"property-{number}": f"p{number}" for number in range(250)}
    values = {f"value-{number}": "x" for number in range(250)}
    assert (await browser.send("/contacts/new", external_id="a", **rows, **values)).status == 303
    (made,) = (await api.get("/contacts")).json()["items"]
    assert len(made["properties"]) == 250
