"""What every channel promises. Each kind of the registry is held to it with each of its media, over a local server of its own
(`kinds/`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from models.base import new_id
from models.channels.channel import Channel as ChannelRow
from models.channels.channel import Medium
from models.database import Database
from models.organizations.organization import Organization
from services.channels.base import CannotAsk, Channel, ChannelError, Fault, Outgoing, Outside
from services.channels.configure import write_config
from services.channels.open_channels import OpenChannels
from services.channels.registry import CHANNEL_TYPES
from services.secrets.secrets import Secrets
from services.way_out.way_out import WayOut
from settings import Settings
from tests.services.channels.kinds.base import Behaviour, StandIn

KINDS = [(kind, medium) for kind, each in CHANNEL_TYPES.items() for medium in Medium if medium in each.media]
REFUSALS = {
    Behaviour.REFUSES_FOR_GOOD: (True, Fault.MESSAGE),
    Behaviour.REFUSES_THE_ADDRESS: (True, Fault.ADDRESS),
    Behaviour.REFUSES_US: (False, Fault.CHANNEL),
}
"""Whether trying again is of no use, and whose fault it is."""
TEXT = "Hello Ada: https://l.test/abc \N{WAVING HAND SIGN}"


class Case(NamedTuple):
    """One channel, opened from its stored row, and the server that it sends to."""

    org_id: UUID
    channel_id: UUID
    channel: Channel
    server: StandIn

    def message(self) -> Outgoing:
        return Outgoing(
            new_id(),
            self.channel_id,
            self.server.to_address,
            None,
            TEXT,
            org_id=self.org_id,
            unsubscribe_url="https://l.test/unsubscribe/abc",
        )

    async def texts(self) -> list[str]:
        return [each.text.strip() for each in await self.server.received(self.channel_id)]

    async def behave(self, how: Behaviour) -> None:
        if how not in self.server.behaviours:
            pytest.skip("the provider of this kind cannot do that")
        await self.server.behave(how)


@pytest.fixture(params=KINDS, ids=lambda each: "-".join(each))
async def case(
    request: pytest.FixtureRequest, database: Database, organization: tuple[Organization, str], settings: Settings
) -> AsyncIterator[Case]:
    kind, medium = request.param
    running: Any = import_module(f"tests.services.channels.kinds.{kind}").running
    async with running(database, medium) as server:
        row = ChannelRow(org_id=organization[0].id, name="tested", kind=kind, medium=medium)
        secrets = Secrets(settings.effective_secret_keys)
        write_config(row, CHANNEL_TYPES[kind].config.model_validate(server.config), secrets)
        async with database.transaction() as session:
            session.add(row)
        local = settings.model_copy(update={"allow_local_addresses": True})
        channels = OpenChannels(Outside(database, WayOut(local=True, tls=server.tls), local), secrets)
        yield Case(row.org_id, row.id, await channels.get(row.id), server)
        await channels.close()


async def refusal(case: Case, message: Outgoing) -> ChannelError:
    with pytest.raises(ChannelError) as refused:
        await case.channel.send(message)
    return refused.value


@pytest.mark.parametrize("how", REFUSALS)
async def test_a_refusal_says_whether_to_try_again_and_whose_fault_it_is(case: Case, how: Behaviour) -> None:
    await case.behave(how)
    error = await refusal(case, case.message())
    assert (error.permanent, error.fault) == REFUSALS[how]
    assert await case.texts() == []


@pytest.mark.parametrize("how", [Behaviour.REFUSES_FOR_NOW, Behaviour.IS_AWAY])
async def test_a_message_that_was_refused_for_now_can_be_sent_later(case: Case, how: Behaviour) -> None:
    await case.behave(how)
    message = case.message()
    error = await refusal(case, message)
    assert (error.permanent, error.fault) == (False, Fault.MESSAGE)
    assert error.unreachable is (how == Behaviour.IS_AWAY)
    await case.behave(Behaviour.TAKES)
    await case.channel.send(message)
    assert await case.texts() == [TEXT]


@pytest.mark.parametrize("how", [each for each in Behaviour if each not in (Behaviour.TAKES, Behaviour.LOSES_THE_ANSWER)])
async def test_an_error_quotes_neither_address_nor_text_nor_secrets(case: Case, how: Behaviour) -> None:
    await case.behave(how)
    message = case.message()
    words = repr(await refusal(case, message)) + "".join(str(step) for step in await case.channel.test(message.to_address))
    for hidden in (message.to_address, "Hello Ada", *case.server.secrets):
        assert hidden not in words


async def test_an_answer_that_was_lost_is_no_refusal(case: Case) -> None:
    """So the message is not sent again blindly."""
    await case.behave(Behaviour.LOSES_THE_ANSWER)
    message = case.message()
    with pytest.raises(Exception) as lost:  # noqa: PT011 - any but a refusal
        await case.channel.send(message)
    assert not isinstance(lost.value, ChannelError)
    with suppress(CannotAsk):
        assert await case.channel.find(message) is not None
    assert await case.texts() == [TEXT]


async def test_a_message_that_was_never_sent_is_not_found(case: Case) -> None:
    try:
        assert await case.channel.find(case.message()) is None
    except CannotAsk:
        pytest.skip("this provider cannot be asked")


async def test_a_message_that_was_sent_is_found_by_the_same_name(case: Case) -> None:
    message = case.message()
    receipt = await case.channel.send(message)
    assert receipt.provider_id
    try:
        found = await case.channel.find(message)
    except CannotAsk:
        pytest.skip("this provider cannot be asked")
    assert found is not None
    assert found.provider_id == receipt.provider_id


async def test_the_text_arrives_as_it_is_at_its_address(case: Case) -> None:
    message = case.message()
    await case.channel.send(message)
    (received,) = await case.server.received(case.channel_id)
    assert (received.to_address, received.text.strip()) == (message.to_address, TEXT)
    assert received.message_id in {None, message.message_id}


async def test_messages_that_are_sent_at_once_arrive_once_each(case: Case) -> None:
    messages = [case.message() for _ in range(20)]
    receipts = await asyncio.gather(*(case.channel.send(each) for each in messages))
    assert len({each.provider_id for each in receipts}) == len(messages)
    assert len(await case.texts()) == len(messages)


async def test_a_test_sends_one_message_and_tells_its_steps(case: Case) -> None:
    steps = await case.channel.test(case.server.to_address)
    assert [step.error for step in steps if not step.ok] == []
    assert len({step.name for step in steps}) == len(steps) > 0
    assert len(await case.server.received(case.channel_id)) == 1


@pytest.mark.parametrize("how", [Behaviour.IS_AWAY, Behaviour.REFUSES_US])
async def test_a_test_ends_with_the_step_that_failed_and_what_to_change(case: Case, how: Behaviour) -> None:
    await case.behave(how)
    *before, last = await case.channel.test(case.server.to_address)
    assert all(step.ok for step in before)
    assert not last.ok
    assert last.error
    assert await case.server.received(case.channel_id) == []


async def test_findings_of_a_check_have_names_and_details(case: Case) -> None:
    for finding in await case.channel.check():
        assert finding.name
        assert finding.detail


async def test_a_channel_can_be_closed_twice(case: Case) -> None:
    await case.channel.send(case.message())
    await case.channel.close()
    await case.channel.close()


async def test_secrets_are_neither_in_the_row_nor_in_what_is_printed(case: Case, database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        row = await session.get_one(ChannelRow, case.channel_id)
    printed = f"{row!r}{vars(row)}{case.channel!r}{vars(case.channel)}"
    for secret in case.server.secrets:
        assert secret not in printed
        assert secret.encode() not in (row.secrets or b"")


def test_every_kind_of_the_registry_has_a_file_or_a_folder_of_its_own() -> None:
    folder = Path(__file__).parents[3] / "services" / "channels"
    assert all((folder / f"{kind}.py").exists() or (folder / kind).is_dir() for kind in CHANNEL_TYPES)


def test_every_kind_of_the_registry_has_a_stand_in() -> None:
    folder = Path(__file__).parent / "kinds"
    assert all((folder / f"{kind}.py").exists() for kind in CHANNEL_TYPES)
