"""Two people change the same thing: whoever saves second is told, loses nothing that was typed, and may put it in its place."""

from typing import Any

import pytest

from console.page import CHANGED_TITLE
from tests.builders import Caller
from tests.console.conftest import Browser

MESSAGE = {"body": "Hi"}


async def a_contact(api: Caller) -> tuple[str, str, dict[str, Any]]:
    made = (await api.post("/contacts", json={"external_id": "a", "first_name": "Anna"})).json()
    return f"/contacts/{made['id']}", "/edit", {"last_name": "New"}


async def a_campaign(api: Caller) -> tuple[str, str, dict[str, Any]]:
    made = (await api.post("/campaigns", json={"name": "A", "channel": "simulator-sms", "message": MESSAGE})).json()
    return f"/campaigns/{made['id']}", "/edit", {"message": {"body": "Theirs"}}


async def a_sequence(api: Caller) -> tuple[str, str, dict[str, Any]]:
    made = (await api.post("/sequences", json={"name": "A", "steps": [{"kind": "end", "key": "done"}]})).json()
    return f"/sequences/{made['id']}", "/edit", {"name": "Theirs"}


THINGS = {"a contact": a_contact, "a campaign": a_campaign, "a sequence": a_sequence}


def typed(shown: Any, **changed: str) -> dict[str, Any]:
    """What the form of a page would send."""
    form = next(each for each in shown.body.forms if "seen" in each.fields)
    return {**dict(form.form_values()), "do": "save", "from": "yaml", **changed}


@pytest.mark.parametrize("what", THINGS)
async def test_the_second_one_is_told_and_may_save_once_more(browser: Browser, api: Caller, what: str) -> None:
    path, edit, theirs = await THINGS[what](api)
    opened = await browser.open(path + edit)
    assert (await api.patch(path, json=theirs)).status_code == 200
    fields = typed(opened)
    name = "yaml" if what == "a sequence" else "first_name" if what == "a contact" else "name"
    fields[name] = fields[name].replace("A", "Mine", 1)
    refused = await browser.send(path + edit, **fields)
    assert refused.status == 409
    assert CHANGED_TITLE in refused.text
    assert "Mine" in refused.value(name)
    stored = (await api.get(path)).json()
    assert {each: stored[each] for each in theirs if each != "message"} == {k: v for k, v in theirs.items() if k != "message"}
    saved = await browser.send(path + edit, **typed(refused))
    assert saved.status == 303
    assert "Mine" in str((await api.get(path)).json())


@pytest.mark.parametrize("what", THINGS)
async def test_one_alone_is_not_told_anything(browser: Browser, api: Caller, what: str) -> None:
    path, edit, _ = await THINGS[what](api)
    assert (await browser.send(path + edit, **typed(await browser.open(path + edit)))).status == 303
