"""A channel of Twilio's from its making to its first message, over the API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from drills.providers.twilio_stand_in import ACCOUNT_SID, NUMBER, SERVICE_SID, TwilioSettings, TwilioStandIn
from settings import Settings
from tests.builders import Caller, is_problem
from tests.services.channels.twilio.library import AUTH_TOKEN

ADA = "+4915112345678"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Of a machine for development, because the stand-in is on it."""
    return settings.model_copy(update={"allow_local_addresses": True, "callback_url": "https://hooks.example.com"})


@pytest.fixture
async def stand_in() -> AsyncIterator[TwilioStandIn]:
    found = TwilioStandIn(TwilioSettings(auth_token=AUTH_TOKEN))
    await found.start()
    yield found
    await found.close()


def body(stand_in: TwilioStandIn, **changes: Any) -> dict[str, Any]:
    config = {
        "account_sid": ACCOUNT_SID,
        "auth_token": AUTH_TOKEN,
        "from_address": NUMBER,
        "api_url": f"http://127.0.0.1:{stand_in.settings.port}",
        **changes,
    }
    return {"name": "phones", "kind": "twilio", "config": {name: value for name, value in config.items() if value is not None}}


async def made(api: Caller, stand_in: TwilioStandIn, **changes: Any) -> str:
    answer = await api.post("/channels", json=body(stand_in, **changes))
    assert answer.status_code == 201, answer.text
    assert AUTH_TOKEN not in answer.text
    return str(answer.json()["id"])


async def steps(api: Caller, channel_id: str) -> list[tuple[str, bool]]:
    answer = await api.post(f"/channels/{channel_id}/test", json={"to_address": ADA})
    return [(step["name"], step["ok"]) for step in answer.json()["steps"]]


async def checks(api: Caller, channel_id: str) -> dict[str, dict[str, Any]]:
    answer = await api.post(f"/channels/{channel_id}/check")
    return {check["name"]: check for check in answer.json()["checks"]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account_sid": "AC1"}, "config.account_sid"),
        ({"auth_token": None}, "config.auth_token"),
        ({"from_address": "015112345678"}, "config.from_address"),
        ({"from_address": None}, "config"),
        ({"messaging_service_sid": SERVICE_SID}, "config"),
        ({"api_url": "https://evil.example"}, "config.api_url"),
    ],
)
async def test_a_wrong_setting_is_refused_with_its_field(
    api: Caller, stand_in: TwilioStandIn, changes: dict[str, Any], field: str
) -> None:
    answer = await api.post("/channels", json=body(stand_in, **changes))
    assert is_problem(answer, 422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert AUTH_TOKEN not in answer.text


async def test_a_test_sends_one_message(api: Caller, stand_in: TwilioStandIn) -> None:
    channel_id = await made(api, stand_in)
    assert await steps(api, channel_id) == [("connect", True), ("log_in", True), ("send", True)]
    assert [each.to for each in stand_in.taken.values()] == [ADA]


async def test_the_token_that_was_changed_logs_in(api: Caller, stand_in: TwilioStandIn) -> None:
    channel_id = await made(api, stand_in, auth_token="wrong")
    assert await steps(api, channel_id) == [("connect", True), ("log_in", False)]
    changed = await api.patch(f"/channels/{channel_id}", json={"config": {"auth_token": AUTH_TOKEN}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["config"]["from_address"] == NUMBER
    assert AUTH_TOKEN not in changed.text
    assert (await checks(api, channel_id))["sender"]["ok"]


async def test_a_check_shows_the_address_for_inbound_messages(api: Caller, stand_in: TwilioStandIn) -> None:
    channel_id = await made(api, stand_in)
    inbound = (await checks(api, channel_id))["inbound"]
    assert (inbound["ok"], inbound["publish"]) == (False, f"https://hooks.example.com/callbacks/{channel_id}/twilio/inbound")
