"""Channels: the configured senders."""

from functools import partial
from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers.access import needed_role
from api.callers.caller import find_caller
from api.channels.bodies import AnyChannelCreate, ChannelChange, ChannelPause, ChannelTest
from api.channels.views import (
    ChannelChecked,
    ChannelDetail,
    ChannelTested,
    ChannelView,
    CheckView,
    StepView,
    channel_detail,
    channel_view,
)
from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, apart, area
from api.handling.services import Services
from api.http.paging import Page, PageDep
from models.base import new_id, now
from models.channels.channel import Channel, add_channel, channel_page, get_channel
from models.channels.pause import pause
from models.channels.work import channel_work
from models.errors import Conflict, ConflictCode, TooManyRequests
from models.texts.text import cut
from services.channels.configure import changed_config, config_errors, write_config
from services.channels.pause import resume_channel, wake_campaigns
from services.channels.try_out import TESTED_AGAIN_AFTER, check_channel, test_channel, tested_address
from services.contents.compile_content import refuse

router = area("channels")

NO_PAUSE = ChannelPause()
BY_HAND = "Somebody paused it."


@router.post("/channels", status_code=201, dependencies=[Idempotent], summary="Create a channel")
async def create(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: AnyChannelCreate
) -> ChannelView:
    """A new channel. A host that is not public is refused, one without an address is not, and nothing is sent: test it
    afterwards. 409 when the name is taken."""
    channel = Channel(id=new_id(), org_id=caller.id, name=body.name, kind=body.kind, medium=body.medium)
    async with apart(request, session, "channels.create"):
        refuse(await config_errors(channel, body.config, services.outside, services.judge), "The channel cannot be created")
    write_config(channel, body.config, services.secrets)
    await add_channel(session, channel)
    return channel_view(channel, services.secrets)


@router.get("/channels", summary="List channels")
async def list_all(session: SessionDep, caller: OrganizationDep, services: ServicesDep, page: PageDep) -> Page[ChannelView]:
    """Channels, newest first, with those that are archived."""
    rows, after = await channel_page(session, caller.id, page)
    return Page(items=[channel_view(row, services.secrets) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/channels/{channel_id}", summary="Get a channel")
async def get_one(session: SessionDep, caller: OrganizationDep, services: ServicesDep, channel_id: UUID) -> ChannelDetail:
    """One channel, whether it is paused and why, what its last test has found, what waits for it and what failed lately."""
    channel = await get_channel(session, caller.id, channel_id)
    return channel_detail(channel, services.secrets, await channel_work(session, channel_id))


@router.patch("/channels/{channel_id}", summary="Change a channel")
async def change(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    channel_id: UUID,
    body: ChannelChange,
) -> ChannelView:
    """Change settings. Messages are sent with the new ones within two seconds. A channel that is paused stays so: test it, then
    resume it."""
    channel = await _not_archived(session, caller.id, channel_id)
    config = changed_config(channel, body.config, services.secrets)
    session.expunge(channel)
    async with apart(request, session, "channels.change"):
        refuse(await config_errors(channel, config, services.outside, services.judge), "The channel cannot be changed")
    channel = await _not_archived(session, caller.id, channel_id, lock=True)
    if changed_config(channel, body.config, services.secrets) != config:  # they fit together only if they were judged together
        raise Conflict(
            ConflictCode.CHANNEL_CHANGED, "Somebody else changed the channel at the same time: look at it, then send this again."
        )
    write_config(channel, config, services.secrets)
    await session.flush()
    return channel_view(channel, services.secrets)


@router.post("/channels/{channel_id}/test", summary="Test a channel")
async def test(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    channel_id: UUID,
    body: ChannelTest,
) -> ChannelTested:
    """Send one message to an address of yours now, and say what came of each step. A paused channel can be tested too. At most
    one every ten seconds, and one of an organization's channels at a time."""
    async with services.test_turns.turn(caller.id):  # however many channels hang, they take one of the organization's turns
        channel = await _not_archived(session, caller.id, channel_id, lock=True)
        to_address = tested_address(channel.medium, body.to_address)
        if channel.tested_at is not None and now() - channel.tested_at < TESTED_AGAIN_AFTER:
            raise TooManyRequests("This channel was tested within the last ten seconds: wait a moment, then test it again.")
        channel.tested_at = now()
        await session.commit()  # a slow provider must not hold a connection
        steps = await test_channel(channel, to_address, services.outside, services.secrets)
    await find_caller(request, session, needed_role("channels.test"))
    channel = await get_channel(session, caller.id, channel_id, lock=True)
    failed = next((step for step in steps if not step.ok), None)
    channel.test_error = cut(f"{failed.name}: {failed.error}") if failed else None
    await session.flush()
    return ChannelTested(ok=failed is None, steps=[StepView.model_validate(step) for step in steps])


@router.post("/channels/{channel_id}/check", summary="Check a channel")
async def check(session: SessionDep, caller: OrganizationDep, services: ServicesDep, channel_id: UUID) -> ChannelChecked:
    """Look at what others see of it, such as the DNS records of its sender, and say what to publish. Sends nothing."""
    channel = await _not_archived(session, caller.id, channel_id)
    await session.commit()  # slow name servers must not hold a connection
    async with services.test_turns.turn(caller.id):
        found = await check_channel(channel, services.outside, services.secrets)
    return ChannelChecked(ok=all(each.ok for each in found), checks=[CheckView.model_validate(each) for each in found])


@router.post("/channels/{channel_id}/pause", summary="Pause a channel")
async def pause_one(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, channel_id: UUID, body: ChannelPause = NO_PAUSE
) -> ChannelView:
    """Send nothing by it until it is resumed. Whatever would be sent waits and nothing is lost, except what becomes too late. A
    channel that is paused already keeps its reason."""
    channel = await _not_archived(session, caller.id, channel_id, lock=True)
    await pause(session, channel.id, body.reason or BY_HAND, now())
    await session.refresh(channel)
    return channel_view(channel, services.secrets)


@router.post("/channels/{channel_id}/resume", summary="Resume a channel")
async def resume(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, channel_id: UUID
) -> ChannelView:
    """Send by it again. Campaigns, enrollments and triggers that wait for it go on."""
    channel = await _not_archived(session, caller.id, channel_id, lock=True)
    await _free(request, session, services, channel)
    return channel_view(channel, services.secrets)


@router.post("/channels/{channel_id}/archive", summary="Archive a channel")
async def archive(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, channel_id: UUID
) -> ChannelView:
    """Send nothing by it any more, for ever. Its name stays taken. What would be sent by it from now on is skipped with the
    reason `channel_archived`, and what its provider still reports is taken."""
    channel = await get_channel(session, caller.id, channel_id, lock=True)
    if channel.archived_at is None:
        channel.archived_at = now()
        await session.flush()
        await _free(request, session, services, channel)
    return channel_view(channel, services.secrets)


async def _free(request: Request, session: AsyncSession, services: Services, channel: Channel) -> None:
    """Ends the pause, and tells those who wait for the channel once that is committed."""
    campaigns = await resume_channel(session, channel)
    await session.refresh(channel)
    after_commit(request, lambda: wake_campaigns(services.temporal, campaigns))
    for part in ("signals", "sends"):
        after_commit(request, partial(services.starter.ring_sweeper, part))


async def _not_archived(session: AsyncSession, org_id: UUID, channel_id: UUID, *, lock: bool = False) -> Channel:
    channel = await get_channel(session, org_id, channel_id, lock=lock)
    if channel.archived_at is not None:
        raise Conflict(ConflictCode.CHANNEL_ARCHIVED, f"The channel '{channel.name}' is archived: create another one.")
    return channel
