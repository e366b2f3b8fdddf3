"""The channel keeps connections, gives each mail a clean one, and says when its server is away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from models.base import now
from models.channels.channel import Medium
from models.database import Database
from services.channels.base import ChannelError, Configured, Fault, Outside
from services.channels.smtp import channel as module
from services.channels.smtp import pool
from services.channels.smtp.channel import TRY_AGAIN, SmtpChannel
from services.way_out.way_out import WayOut
from settings import Settings
from tests.mail_server import PostOffice, post_office
from tests.services.channels.smtp.configs import CHANNEL, config, message


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with post_office() as found:
        yield found


@pytest.fixture
def outside(database: Database, settings: Settings) -> Outside:
    return Outside(database, WayOut(local=True), settings)


def opened(outside: Outside, office: PostOffice, **changes: Any) -> SmtpChannel:
    configured = Configured(CHANNEL, CHANNEL, "mail", Medium.EMAIL, config(port=office.port, **changes))
    return SmtpChannel(configured, outside)


async def refusal(channel: SmtpChannel, **changes: Any) -> ChannelError:
    with pytest.raises(ChannelError) as refused:
        await channel.send(message(**changes))
    return refused.value


async def test_a_server_that_is_away_is_tried_again_in_a_while(outside: Outside, office: PostOffice) -> None:
    channel = opened(outside, office)
    await office.close()
    away = await refusal(channel)
    assert (away.unreachable, away.fault, away.permanent, away.retry_after) == (True, Fault.MESSAGE, False, TRY_AGAIN)
    await office.listen()
    await channel.send(message())
    await channel.close()


async def test_a_server_without_time_for_a_mail_refuses_it_for_now(
    outside: Outside, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEFORE_THE_DOT", 0.2)
    office.silent_at = "RCPT"
    error = await refusal(opened(outside, office))
    assert (error.permanent, error.fault) == (False, Fault.MESSAGE)


async def test_a_mail_that_is_too_late_is_not_begun(outside: Outside, office: PostOffice) -> None:
    error = await refusal(opened(outside, office), late_after=now() - timedelta(seconds=1))
    assert error.permanent
    assert "MAIL" not in office.commands


async def test_connections_are_kept_and_reset_between_mails(outside: Outside, office: PostOffice) -> None:
    channel = opened(outside, office, connections=2)
    for _ in range(3):
        await channel.send(message())
    assert office.connections == 1
    assert [each for each in office.commands if each != "EHLO"] == ["MAIL", "RCPT", "DATA"] + ["RSET", "MAIL", "RCPT", "DATA"] * 2
    await channel.close()


async def test_a_refused_mail_leaves_nothing_to_the_next_one(outside: Outside, office: PostOffice) -> None:
    channel = opened(outside, office)
    office.answers = {"DATA": "554 5.6.0 no"}
    await refusal(channel, to_address="first@example.com")
    office.answers = {}
    await channel.send(message(to_address="second@example.com"))
    assert office.one().recipients == ["second@example.com"]
    assert office.connections == 1
    await channel.close()


async def test_a_kept_connection_that_the_server_has_closed_is_replaced(outside: Outside, office: PostOffice) -> None:
    channel = opened(outside, office)
    await channel.send(message())
    await office.close()
    await office.listen()
    await channel.send(message())
    assert (len(office.mails), office.connections) == (2, 2)
    await channel.close()


async def test_no_more_connections_are_opened_than_allowed(outside: Outside, office: PostOffice) -> None:
    channel = opened(outside, office, connections=3)
    await asyncio.gather(*(channel.send(message()) for _ in range(20)))
    assert (len(office.mails), office.most_connections) == (20, 3)
    await channel.close()


async def test_a_connection_is_replaced_after_as_many_mails_as_servers_allow(
    outside: Outside, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST_MAILS", 2)
    channel = opened(outside, office)
    for _ in range(5):
        await channel.send(message())
    assert (len(office.mails), office.connections) == (5, 3)
    await channel.close()


async def test_an_address_that_needs_smtputf8_says_so_to_the_server(outside: Outside, office: PostOffice) -> None:
    channel = opened(outside, office)
    await channel.send(message(to_address="jürgen@example.com"))
    assert "SMTPUTF8" in office.one().options
    assert office.one().parsed["To"] == "jürgen@example.com"
    await channel.close()


@pytest.mark.parametrize(
    ("command", "steps"),
    [("MAIL", ["sender"]), ("RCPT", ["sender", "recipient"]), ("END", ["sender", "recipient", "send"])],
)
async def test_a_test_names_the_command_that_was_refused(
    outside: Outside, office: PostOffice, command: str, steps: list[str]
) -> None:
    office.answers = {command: "550 5.7.1 ada@example.com no"}
    found = await opened(outside, office).test("ada@example.com")
    assert [each.name for each in found] == ["resolve", "connect", "greeting", *steps]
    assert [each.ok for each in found] == [True] * (2 + len(steps)) + [False]
    assert "ada@example.com" not in str(found)
