"""The inbox of the simulator."""

from typing import Any

import pytest

from models.base import new_id
from models.channels.simulator_inbox import SimulatorInbox
from models.database import Database
from tests.builders import Caller


async def simulator(api: Caller, name: str = "simulator-sms") -> str:
    return str(next(item["id"] for item in (await api.get("/channels")).json()["items"] if item["name"] == name))


async def deliver(database: Database, channel_id: Any, to_address: str, *bodies: str) -> None:
    for body in bodies:
        async with database.transaction() as session:
            session.add(SimulatorInbox(channel_id=channel_id, message_id=new_id(), to_address=to_address, body=body))


async def test_an_unknown_channel_has_no_inbox(api: Caller) -> None:
    assert (await api.get(f"/channels/{new_id()}/inbox")).status_code == 404


async def test_the_inbox_shows_a_message_with_the_links_to_click(api: Caller, database: Database) -> None:
    channel = await simulator(api)
    await deliver(database, channel, "+12025550123", "Hi: https://go.example.com/0aB1cD2eF3gH4i. Not https:// alone")
    (item,) = (await api.get(f"/channels/{channel}/inbox")).json()["items"]
    assert (item["to_address"], item["links"]) == ("+12025550123", ["https://go.example.com/0aB1cD2eF3gH4i"])


@pytest.mark.parametrize("to", ["%2B12025550123", "+12025550123"])
async def test_the_inbox_of_one_phone_has_its_messages_only(api: Caller, database: Database, to: str) -> None:
    channel = await simulator(api)
    await deliver(database, channel, "+12025550123", "mine")
    await deliver(database, channel, "+12025550124", "another's")
    answer = await api.get(f"/channels/{channel}/inbox?to={to}")
    assert [item["body"] for item in answer.json()["items"]] == ["mine"]


async def test_the_inbox_of_a_mailbox_is_found_in_any_case(api: Caller, database: Database) -> None:
    channel = await simulator(api, "simulator-email")
    await deliver(database, channel, "ada@example.com", "hello")
    answer = await api.get(f"/channels/{channel}/inbox", params={"to": "Ada@Example.com"})
    assert [item["body"] for item in answer.json()["items"]] == ["hello"]


async def test_the_inbox_comes_in_pages_newest_first(api: Caller, database: Database) -> None:
    channel = await simulator(api)
    await deliver(database, channel, "+12025550123", "one", "two", "three")
    first = (await api.get(f"/channels/{channel}/inbox?limit=2")).json()
    second = (await api.get(f"/channels/{channel}/inbox", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["body"] for item in [*first["items"], *second["items"]]] == ["three", "two", "one"]
    assert second["next_cursor"] is None


async def test_the_inbox_of_another_channel_is_apart(api: Caller, database: Database) -> None:
    await deliver(database, await simulator(api), "+12025550123", "hello")
    assert (await api.get(f"/channels/{await simulator(api, 'simulator-email')}/inbox")).json()["items"] == []
