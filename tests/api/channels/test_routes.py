"""Creating, testing, pausing and archiving channels."""

from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.channels import routes
from models.base import new_id, now
from models.channels import channel as channels
from models.channels.channel import Channel as ChannelRow
from models.database import Database
from models.errors import FieldError
from models.organizations.audit_log import AuditLog
from services.channels.base import TestStep
from services.channels.simulator import Simulator
from services.channels.try_out import TESTED_AGAIN_AFTER
from tests.builders import Caller, is_problem, with_key

SECOND = {"name": "second", "kind": "simulator", "medium": "sms"}


@pytest.fixture
async def channel(api: Caller) -> dict[str, Any]:
    made: dict[str, Any] = (await api.post("/channels", json=SECOND)).json()
    return made


async def archived(api: Caller, channel: dict[str, Any]) -> None:
    assert (await api.post(f"/channels/{channel['id']}/archive")).json()["archived_at"]


async def test_an_organization_has_a_hundred_channels_at_most_besides_those_that_are_archived(
    api: Caller, stranger: Caller, channel: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "MAX_CHANNELS", 3)  # two of the organization's beginning, and this one
    third = {**SECOND, "name": "third"}
    refused = await api.post("/channels", json=third)
    assert is_problem(refused, 409, "too_many_channels")
    assert refused.json()["detail"] == "An organization has at most 3 channels that are not archived: archive one first."
    assert (await stranger.post("/channels", json=third)).status_code == 201
    await archived(api, channel)
    assert (await api.post("/channels", json=third)).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "x\n"}, "name"),
        ({"name": None}, "name"),
        ({"kind": "pigeon"}, "kind"),
        ({"medium": "fax"}, "medium"),
        ({"medium": None}, "medium"),
        ({"config": {"colour": "blue"}}, "config.colour"),
        ({"config": None}, "config"),
        ({"password": "secret"}, "password"),
    ],
)
async def test_a_wrong_channel_is_refused_with_its_field(api: Caller, change: dict[str, Any], field: str) -> None:
    answer = await api.post("/channels", json={**SECOND, **change})
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_name_is_taken_once(api: Caller, channel: dict[str, Any]) -> None:
    answer = await api.post("/channels", json={**SECOND, "medium": "email"})
    assert is_problem(answer, 409, "channel_name_taken")
    await archived(api, channel)
    assert is_problem(await api.post("/channels", json=SECOND), 409, "channel_name_taken")


async def test_the_same_request_makes_one_channel(api: Caller) -> None:
    answers = [await api.post("/channels", json=SECOND, headers=with_key("once")) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def test_an_organization_begins_with_two_simulators_and_nothing_that_sends(api: Caller) -> None:
    listed = (await api.get("/channels")).json()["items"]
    assert {(item["name"], item["kind"], item["medium"]) for item in listed} == {
        ("simulator-sms", "simulator", "sms"),
        ("simulator-email", "simulator", "email"),
    }


async def test_a_new_channel_can_be_read(api: Caller, channel: dict[str, Any]) -> None:
    found = (await api.get(f"/channels/{channel['id']}")).json()
    assert {name: value for name, value in found.items() if name != "work"} == channel
    assert channel["name"] in {item["name"] for item in (await api.get("/channels")).json()["items"]}


@pytest.mark.parametrize("to_address", ["", "ada", "ada@example.com", "12", "+1202555012\u0000"])
async def test_a_test_to_no_phone_number_is_refused(api: Caller, channel: dict[str, Any], to_address: str) -> None:
    answer = await api.post(f"/channels/{channel['id']}/test", json={"to_address": to_address})
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["to_address"]


async def test_a_test_sends_one_message_and_is_remembered(api: Caller, channel: dict[str, Any]) -> None:
    path = f"/channels/{channel['id']}"
    answer = (await api.post(f"{path}/test", json={"to_address": "+1 202 555 0123"})).json()
    assert (answer["ok"], [step["name"] for step in answer["steps"]]) == (True, ["send"])
    assert [each["to_address"] for each in (await api.get(f"{path}/inbox")).json()["items"]] == ["+12025550123"]
    shown = (await api.get(path)).json()
    assert shown["tested_at"]
    assert shown["test_error"] is None


async def test_a_second_test_has_to_wait(api: Caller, channel: dict[str, Any], database: Database) -> None:
    path = f"/channels/{channel['id']}/test"
    assert (await api.post(path, json={"to_address": "+12025550123"})).status_code == 200
    assert is_problem(await api.post(path, json={"to_address": "+12025550123"}), 429, "too_many_requests")
    async with database.transaction() as session:
        (await session.get_one(ChannelRow, UUID(channel["id"]))).tested_at = now() - TESTED_AGAIN_AFTER
    assert (await api.post(path, json={"to_address": "+12025550123"})).status_code == 200


async def test_a_test_that_fails_names_the_step_and_what_to_change(
    api: Caller, channel: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: Simulator, _to: str) -> list[TestStep]:
        return [TestStep("connect", ok=True), TestStep("log_in", ok=False, error="The password is wrong: write it again.")]

    monkeypatch.setattr(Simulator, "test", refuse)
    path = f"/channels/{channel['id']}"
    answer = (await api.post(f"{path}/test", json={"to_address": "+12025550123"})).json()
    assert not answer["ok"]
    assert answer["steps"][-1]["error"] == "The password is wrong: write it again."
    assert (await api.get(path)).json()["test_error"] == "log_in: The password is wrong: write it again."


async def test_a_channel_that_breaks_has_an_answer_without_what_it_quotes(
    api: Caller, channel: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: Simulator, to_address: str) -> list[TestStep]:
        raise KeyError(to_address)

    monkeypatch.setattr(Simulator, "test", fail)
    answer = await api.post(f"/channels/{channel['id']}/test", json={"to_address": "+12025550123"})
    (step,) = answer.json()["steps"]
    assert (step["name"], step["ok"]) == ("settings", False)
    assert "KeyError" in step["error"]
    assert "2025550123" not in step["error"]


async def test_a_simulator_has_nothing_to_check(api: Caller, channel: dict[str, Any]) -> None:
    assert (await api.post(f"/channels/{channel['id']}/check")).json() == {"ok": True, "checks": []}


async def test_a_pause_keeps_its_first_reason_until_it_is_resumed(api: Caller, channel: dict[str, Any]) -> None:
    path = f"/channels/{channel['id']}"
    paused = (await api.post(f"{path}/pause", json={"reason": "We move."})).json()
    assert paused["pause_reason"] == "We move."
    assert (await api.post(f"{path}/pause", json={"reason": "Another."})).json() == paused
    resumed = (await api.post(f"{path}/resume")).json()
    assert (resumed["paused_at"], resumed["pause_reason"]) == (None, None)
    assert (await api.post(f"{path}/resume")).json() == resumed


async def test_a_pause_needs_no_reason(api: Caller, channel: dict[str, Any]) -> None:
    assert (await api.post(f"/channels/{channel['id']}/pause")).json()["pause_reason"] == "Somebody paused it."


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"config": {}}),
        ("POST", "/test", {"to_address": "+12025550123"}),
        ("POST", "/check", None),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
    ],
)
async def test_an_archived_channel_can_only_be_read(
    api: Caller, channel: dict[str, Any], method: str, path: str, body: dict[str, Any] | None
) -> None:
    await archived(api, channel)
    answer = await api.request(method, f"/channels/{channel['id']}{path}", json=body)
    assert is_problem(answer, 409, "channel_archived")
    assert (await api.get(f"/channels/{channel['id']}")).status_code == 200


async def test_archiving_twice_is_archiving_once(api: Caller, channel: dict[str, Any]) -> None:
    first = (await api.post(f"/channels/{channel['id']}/archive")).json()
    assert (await api.post(f"/channels/{channel['id']}/archive")).json() == first


async def test_an_unknown_channel_is_not_found(api: Caller) -> None:
    assert (await api.get(f"/channels/{new_id()}")).status_code == 404


async def test_each_change_is_in_the_audit_log(api: Caller, channel: dict[str, Any], database: Database) -> None:
    path = f"/channels/{channel['id']}"
    await api.patch(path, json={"config": {}})
    await api.post(f"{path}/pause")
    async with database.transaction() as session:
        rows = await session.scalars(select(AuditLog).where(col(AuditLog.target_id) == channel["id"]).order_by(col(AuditLog.id)))
    assert [row.action for row in rows] == ["channels.create", "channels.change", "channels.pause"]


async def test_a_refused_request_can_be_sent_again_with_its_idempotency_key(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was wrong may be right later, also when it was found outside of this server."""
    with monkeypatch.context() as patch:
        wrong = AsyncMock(return_value=[FieldError("config.host", "It may not be reached.")])
        patch.setattr(routes, "config_errors", wrong)
        assert is_problem(await api.post("/channels", json=SECOND, headers=with_key("again")), 422, "invalid")
    assert (await api.post("/channels", json=SECOND, headers=with_key("again"))).status_code == 201


async def test_nothing_new_can_name_an_archived_channel(api: Caller, channel: dict[str, Any]) -> None:
    text_ = {"body": "Hello", "links": {}}
    campaign = {"name": "Spring", "channel": "second", "message": text_, "audience": {"tags": ["all"]}}
    draft = (await api.post("/campaigns", json=campaign)).json()
    step = {"kind": "send", "key": "hello", "channel": "second", "message": text_}
    sequence = (await api.post("/sequences", json={"name": "Welcome", "steps": [step]})).json()
    await archived(api, channel)
    for path, body in (
        (f"/campaigns/{draft['id']}/launch", None),
        ("/campaigns", campaign),
        (f"/sequences/{sequence['id']}/publish", None),
    ):
        answer = await api.post(path, json=body)
        assert is_problem(answer, 422, "invalid")
        assert "archived" in answer.text


@pytest.mark.parametrize(
    ("medium", "pace", "field"),
    [
        ("email", {"per_second": 1, "unit": "segment"}, "config.pace.unit"),
        ("sms", {"domain_per_second": 1}, "config.pace.domain_per_second"),
    ],
)
async def test_a_pace_that_the_medium_cannot_have_is_refused(api: Caller, medium: str, pace: dict[str, Any], field: str) -> None:
    new = {"name": "paced", "kind": "simulator", "medium": medium, "config": {"pace": pace}}
    found = await api.post("/channels", json=new)
    assert (found.status_code, [each["field"] for each in found.json()["errors"]]) == (422, [field])
