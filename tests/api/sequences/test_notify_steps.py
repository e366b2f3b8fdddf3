"""A sequence that notifies a team: what is wrong with it is said when it is saved or published, with its path."""

from typing import Any

import pytest

from tests.builders import Caller, is_problem

STEP: dict[str, Any] = {"kind": "notify", "key": "tell", "target": "Sales"}
SEND: dict[str, Any] = {
    "kind": "send",
    "key": "welcome",
    "channel": "simulator-sms",
    "message": {"body": "{{ links.offer }}", "links": {"offer": "https://www.example.com/offer"}},
}
TRIGGER: dict[str, Any] = {"key": "hot", "link": "offer", "actions": [{"kind": "notify", "target": "Sales"}]}
SLACK = {"name": "Sales", "address": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"}


async def save(api: Caller, *steps: dict[str, Any], **more: Any) -> Any:
    return await api.post("/sequences", json={"name": "Welcome", "steps": [*steps], **more})


@pytest.mark.parametrize("text", ["{{ whom }}", "{{ who", "{{ links.offer }}"])
async def test_a_text_that_cannot_be_filled_in_is_refused_when_it_is_saved(api: Caller, text: str) -> None:
    await api.post("/notification-targets", json=SLACK)
    action = {**TRIGGER, "actions": [{**TRIGGER["actions"][0], "text": text}]}
    answer = await save(api, SEND, {**STEP, "text": text}, triggers=[action])
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["steps[1].text", "triggers[0].actions[0].text"]


async def test_a_target_that_is_not_there_is_refused_when_it_is_published(api: Caller, stranger: Caller) -> None:
    await stranger.post("/notification-targets", json=SLACK)
    sequence = (await save(api, SEND, STEP)).json()
    answer = await api.post(f"/sequences/{sequence['id']}/publish")
    assert is_problem(answer, 422, "invalid")
    (error,) = answer.json()["errors"]
    assert (error["field"], "no notification target 'Sales'" in error["message"]) == ("steps[1].target", True)
    await api.post("/notification-targets", json=SLACK)
    assert (await api.post(f"/sequences/{sequence['id']}/publish")).status_code == 201


async def test_a_trigger_on_a_target_that_is_not_there_is_refused_when_it_is_saved(api: Caller) -> None:
    answer = await save(api, SEND, triggers=[TRIGGER])
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["triggers[0].actions[0].target"]
    await api.post("/notification-targets", json=SLACK)
    assert (await save(api, SEND, triggers=[TRIGGER])).status_code == 201
