"""Campaigns: draft, preview, launch, and what became of each message."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.campaign_models import (
    NOBODY_IN_PARTICULAR,
    CampaignChange,
    CampaignCreate,
    CampaignDetail,
    CampaignSummary,
    Preview,
    PreviewRequest,
    Trigger,
    summary_fields,
)
from api.compile_content import medium_errors, refuse, template_errors, utm_errors
from api.launch import launch
from api.link_domain import link_domain_errors
from api.links import link_views
from api.messages import MessageSummary, message_page
from api.paging import Page, PageDep
from api.preview import preview
from api.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.workflow_links import workflow_ui_url
from models.audience import count_recipients
from models.base import now
from models.campaign import Campaign, CampaignState, delete_campaign, get_campaign, list_campaigns, unknown_contacts
from models.channel import Channel, channels_by_name
from models.content import links_of_campaigns
from models.errors import Conflict, ConflictCode, FieldError, NotFound
from models.message import MessageFilter, MessageState, campaign_message_counts
from models.sequence import get_sequence
from models.text import Text
from models.wire import campaign_workflow_id
from settings import Settings

router = area("campaigns")


@router.post("/campaigns", status_code=201, dependencies=[Idempotent])
async def create(session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: CampaignCreate) -> CampaignDetail:
    """A new draft. Templates are checked now, links and audience at launch."""
    channel = await _checked(session, services.settings, caller.id, body)
    row = Campaign(org_id=caller.id, channel_id=channel.id, **body.model_dump(mode="json", exclude={"channel"}))
    session.add(row)
    await session.flush()
    return await _detail(session, services.settings, row)


@router.get("/campaigns")
async def list_all(
    session: SessionDep, caller: OrganizationDep, page: PageDep, state: CampaignState | None = None
) -> Page[CampaignSummary]:
    """Campaigns, newest first."""
    rows, after = await list_campaigns(session, caller.id, state, page)
    return Page(items=await _summaries(session, caller.id, rows), next_cursor=page.next_cursor(after))


@router.get("/campaigns/{campaign_id}")
async def get_one(session: SessionDep, caller: OrganizationDep, services: ServicesDep, campaign_id: UUID) -> CampaignDetail:
    """One campaign with its links and how far it got."""
    return await _detail(session, services.settings, await get_campaign(session, caller.id, campaign_id))


@router.patch("/campaigns/{campaign_id}")
async def change(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, campaign_id: UUID, body: CampaignChange
) -> CampaignDetail:
    """Change a draft. 409 once it is launched."""
    row = await _draft(session, caller.id, campaign_id, "changed")
    now_saved = await _as_request(session, row)
    merged = CampaignCreate.model_validate(now_saved.model_dump() | body.model_dump(exclude_unset=True))
    channel = await _checked(session, services.settings, caller.id, merged)
    for field, value in merged.model_dump(mode="json", exclude={"channel"}).items():
        setattr(row, field, value)
    row.channel_id, row.updated_at = channel.id, now()
    await session.flush()
    return await _detail(session, services.settings, row)


@router.delete("/campaigns/{campaign_id}", status_code=204)
async def delete(session: SessionDep, caller: OrganizationDep, campaign_id: UUID) -> None:
    """Delete a draft. 409 once it is launched: what was sent stays on record."""
    await delete_campaign(session, await _draft(session, caller.id, campaign_id, "deleted"))


@router.post("/campaigns/{campaign_id}/launch", status_code=202, dependencies=[Idempotent])
async def launch_one(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, campaign_id: UUID
) -> CampaignDetail:
    """Start sending. The text and the audience's tags are fixed now, who has them is read page by page. 409 when launched before.

    Contacts that are made later are not in it. Whether a contact has one of the tags is read when its page is sent: while the
    campaign is `sending`, a contact that gets a tag may still be reached, and one that loses it may be left out.
    """
    row = await get_campaign(session, caller.id, campaign_id, lock=True)
    await launch(session, services.settings, caller, row)
    await session.flush()
    after_commit(request, lambda: services.starter.start_campaign(caller.id, campaign_id))
    return await _detail(session, services.settings, row)


@router.post("/campaigns/{campaign_id}/preview")
async def preview_one(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    campaign_id: UUID,
    body: PreviewRequest = NOBODY_IN_PARTICULAR,
) -> Preview:
    """The message as one contact would get it. Sends nothing."""
    row = await get_campaign(session, caller.id, campaign_id)
    return await preview(session, services.settings, caller, row, body.contact_id)


@router.get("/campaigns/{campaign_id}/messages")
async def list_campaign_messages(
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    campaign_id: UUID,
    state: MessageState | None = None,
    reason: Annotated[Text | None, Query(description="Exactly this reason, such as `no_phone`.")] = None,
) -> Page[MessageSummary]:
    """Who got it, and who did not and why: `?state=skipped`."""
    await get_campaign(session, caller.id, campaign_id)
    return await message_page(session, caller.id, MessageFilter(campaign_id=campaign_id, state=state, reason=reason), page)


async def _draft(session: AsyncSession, org_id: UUID, campaign_id: UUID, what: str) -> Campaign:
    row = await get_campaign(session, org_id, campaign_id, lock=True)
    if row.state != CampaignState.DRAFT:
        raise Conflict(ConflictCode.CAMPAIGN_LAUNCHED, f"The campaign is {row.state}: only a draft can be {what}.")
    return row


async def _as_request(session: AsyncSession, row: Campaign) -> CampaignCreate:
    names = {channel.id: name for name, channel in (await channels_by_name(session, row.org_id)).items()}
    same = {name: getattr(row, name) for name in CampaignCreate.model_fields if name != "channel"}
    return CampaignCreate(channel=names[row.channel_id], **same)


async def _checked(session: AsyncSession, settings: Settings, org_id: UUID, body: CampaignCreate) -> Channel:
    """The channel of a campaign that can be saved; Invalid with all that is wrong."""
    channels = await channels_by_name(session, org_id)
    channel = channels.get(body.channel)
    errors = [*template_errors(body.message, "message"), *utm_errors(body.utm)]
    errors += await link_domain_errors(session, settings, org_id, body.link_domain)
    if channel is None:
        known = ", ".join(channels) or "none"
        errors.append(FieldError("channel", f"There is no channel named '{body.channel}'; known channels: {known}."))
    else:
        errors += medium_errors(body.message, channel, "message")
    errors += await _audience_errors(session, org_id, body.audience.contact_ids)
    errors += await _trigger_errors(session, org_id, body.trigger)
    refuse(errors, "The campaign cannot be saved")
    assert channel is not None  # noqa: S101 - without a channel there were errors
    return channel


async def _audience_errors(session: AsyncSession, org_id: UUID, contact_ids: list[UUID]) -> list[FieldError]:
    unknown = set(await unknown_contacts(session, org_id, contact_ids))
    places = [place for place, each in enumerate(contact_ids) if each in unknown]
    return [FieldError(f"audience.contact_ids[{place}]", f"There is no contact {contact_ids[place]}.") for place in places[:100]]


async def _trigger_errors(session: AsyncSession, org_id: UUID, trigger: Trigger | None) -> list[FieldError]:
    if trigger is None:
        return []
    try:
        await get_sequence(session, org_id, trigger.sequence_id)
    except NotFound:
        return [FieldError("trigger.sequence_id", f"There is no sequence {trigger.sequence_id}.")]
    return []


async def _summaries(session: AsyncSession, org_id: UUID, rows: list[Campaign]) -> list[CampaignSummary]:
    """With one query for all links and one for all counts."""
    ids = [row.id for row in rows]
    links, counts = await links_of_campaigns(session, ids), await campaign_message_counts(session, ids)
    names = {channel.id: name for name, channel in (await channels_by_name(session, org_id)).items()}
    return [
        CampaignSummary(**summary_fields(row, names[row.channel_id], link_views(links[row.id]), counts[row.id])) for row in rows
    ]


async def _detail(session: AsyncSession, settings: Settings, row: Campaign) -> CampaignDetail:
    (summary,) = await _summaries(session, row.org_id, [row])
    workflow_id = campaign_workflow_id(row.org_id, row.id) if row.launched_at else None
    return CampaignDetail(
        **dict(summary),
        recipients=await count_recipients(session, row) if row.recipients is None else row.recipients,
        workflow_id=workflow_id,
        temporal_ui_url=workflow_ui_url(settings, workflow_id),
    )
