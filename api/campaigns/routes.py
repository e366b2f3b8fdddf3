"""Campaigns: draft, preview, launch, and what became of each message."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.campaigns.filters import CampaignFilterDep
from api.campaigns.views import (
    NOBODY_IN_PARTICULAR,
    AudiencePreview,
    CampaignChange,
    CampaignCreate,
    CampaignDetail,
    CampaignSummary,
    LaunchCheck,
    LaunchFinding,
    LeftOut,
    Preview,
    PreviewRequest,
    UnsavedPreviewRequest,
    summary_fields,
)
from api.contacts.routes import ContactView
from api.handling.request import Heavy, Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, area
from api.handling.services import Services
from api.http.paging import Page, PageDep
from api.http.seen import SeenQuery
from api.links.views import link_views
from api.messages.routes import MessageSummary, message_page
from api.ops.workflow_links import workflow_ui_url
from api.triggers.counts import ALL, trigger_counts
from models.base import now
from models.campaigns.audience import count_recipients
from models.campaigns.campaign import Campaign, CampaignState, delete_campaign, get_campaign, list_campaigns, unknown_contacts
from models.channels.channel import Channel, channels_by_name
from models.errors import Conflict, ConflictCode, FieldError
from models.messages.content import links_of_campaigns
from models.messages.message import MessageFilter, MessageState
from models.messages.message_count import count_messages
from models.messages.report_count import count_reports
from models.organizations.limits import Limits
from models.reports.triggers import count_campaign_triggers
from models.texts.text import Text
from models.triggers.definition import TriggerDefinition
from models.triggers.placed import messages_of_triggers, notify_texts, placed, send_actions
from models.unchanged import require_unchanged
from models.wire.names import campaign_workflow_id
from services.audience_preview import audience_preview
from services.contents.compile_content import refuse
from services.contents.compile_sends import size_errors
from services.contents.named_channel import named_channel_errors
from services.contents.store_content import medium_errors
from services.contents.unsubscribe_errors import unsubscribe_errors
from services.judging.judged_texts import check_messages, check_utm
from services.launch import check_launch, launch
from services.launch_warnings import launch_warnings
from services.link_domains.server_hosts import named_addresses, own_address_errors
from services.link_domains.usable_link_domains import link_domain_errors
from services.notifications.check_text import notification_texts_errors
from services.preview import preview
from services.segments.check import unknown_segments
from services.triggers.check_saved import saved_trigger_errors
from settings import Settings

router = area("campaigns")


RecipientsQuery = Annotated[
    bool, Query(description="false: `recipients` of a draft is null. To find them takes time where there are many.")
]


@router.post("/campaigns", status_code=201, dependencies=[Idempotent], summary="Create a campaign")
async def create(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: CampaignCreate, recipients: RecipientsQuery = True
) -> CampaignDetail:
    """A new draft. Templates are checked now, links and audience at launch."""
    channel = await _checked(session, services, caller.id, body, [])
    row = Campaign(org_id=caller.id, channel_id=channel.id, **body.model_dump(mode="json", exclude={"channel"}))
    session.add(row)
    await session.flush()
    return await _detail(session, services.settings, row, recipients)


@router.get("/campaigns", summary="List campaigns")
async def list_all(
    session: SessionDep, caller: OrganizationDep, page: PageDep, wanted: CampaignFilterDep
) -> Page[CampaignSummary]:
    """Campaigns, newest first."""
    rows, after = await list_campaigns(session, caller.id, wanted, page)
    return Page(items=await _summaries(session, caller.id, rows), next_cursor=page.next_cursor(after))


@router.get("/campaigns/{campaign_id}", summary="Get a campaign")
async def get_one(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, campaign_id: UUID, recipients: RecipientsQuery = True
) -> CampaignDetail:
    """One campaign with its links and how far it got."""
    return await _detail(session, services.settings, await get_campaign(session, caller.id, campaign_id), recipients)


@router.patch("/campaigns/{campaign_id}", summary="Change a campaign")
async def change(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    campaign_id: UUID,
    body: CampaignChange,
    recipients: RecipientsQuery = True,
    seen: SeenQuery = None,
) -> CampaignDetail:
    """Change a draft. 409 once it is launched."""
    row = await _draft(session, caller.id, campaign_id, "changed")
    require_unchanged(row, seen)
    now_saved = await _as_request(session, row)
    merged = CampaignCreate.model_validate(now_saved.model_dump() | body.model_dump(exclude_unset=True))
    channel = await _checked(session, services, caller.id, merged, now_saved.triggers)
    for field, value in merged.model_dump(mode="json", exclude={"channel"}).items():
        setattr(row, field, value)
    row.channel_id, row.updated_at = channel.id, now()
    await session.flush()
    return await _detail(session, services.settings, row, recipients)


@router.delete("/campaigns/{campaign_id}", status_code=204, summary="Delete a campaign")
async def delete(session: SessionDep, caller: OrganizationDep, campaign_id: UUID) -> None:
    """Delete a draft. 409 once it is launched: what was sent stays on record."""
    await delete_campaign(session, await _draft(session, caller.id, campaign_id, "deleted"))


@router.post("/campaigns/{campaign_id}/launch", status_code=202, dependencies=[Idempotent], summary="Launch a campaign")
async def launch_one(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, campaign_id: UUID
) -> CampaignDetail:
    """Start sending. The text, the tags and the definitions of segments are fixed now, who fits is found page by page. 409 when
    launched before.

    Contacts that are made later are not in it. Whether a contact has a tag or is in a segment is found when its page is sent:
    while the campaign is `sending`, a contact that gets a tag may still be reached, and one that loses it may be left out.
    """
    row = await get_campaign(session, caller.id, campaign_id, lock=True)
    await launch(session, services.settings, services.judge, caller, row)
    await session.flush()
    after_commit(request, lambda: services.starter.start_campaign(caller.id, campaign_id))
    return await _detail(session, services.settings, row)


@router.post("/campaigns/{campaign_id}/preview", summary="Preview a campaign's message")
async def preview_one(
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    campaign_id: UUID,
    body: PreviewRequest = NOBODY_IN_PARTICULAR,
) -> Preview:
    """The message as one contact would get it. Sends nothing."""
    row = await get_campaign(session, caller.id, campaign_id)
    return Preview.model_validate(await preview(session, services.judge, services.settings, caller, row, body.contact_id))


@router.post("/campaigns/preview", summary="Preview a message that is not saved")
async def preview_unsaved(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: UnsavedPreviewRequest
) -> Preview:
    """The message as one contact would get it. Saves nothing and sends nothing."""
    channels = await channels_by_name(session, caller.id)
    errors = list(named_channel_errors(channels, body.channel, "channel"))
    channel = channels.get(body.channel)
    errors += medium_errors(body.message, channel, "message") if channel is not None else []
    refuse(errors, "There is nothing to preview")
    assert channel is not None  # noqa: S101 - without a channel there were errors
    shown = body.model_dump(mode="json", exclude={"channel", "contact_id"})
    row = Campaign(org_id=caller.id, channel_id=channel.id, name="", audience={}, **shown)
    return Preview.model_validate(await preview(session, services.judge, services.settings, caller, row, body.contact_id))


@router.post("/campaigns/{campaign_id}/check", summary="Check a campaign before its launch")
async def check(session: SessionDep, caller: OrganizationDep, services: ServicesDep, campaign_id: UUID) -> LaunchCheck:
    """What would refuse the launch of a draft, and what is worth knowing before. 409 once it is launched."""
    row = await _draft(session, caller.id, campaign_id, "checked", lock=False)
    checked = await check_launch(session, services.settings, services.judge, caller, row)
    return LaunchCheck(
        faults=[LaunchFinding.model_validate(each) for each in checked.errors],
        warnings=[LaunchFinding.model_validate(each) for each in launch_warnings(caller, row, checked)],
    )


@router.post("/campaigns/{campaign_id}/audience-preview", dependencies=[Heavy], summary="Preview a campaign's audience")
async def preview_audience(
    session: SessionDep, caller: OrganizationDep, services: ServicesDep, campaign_id: UUID
) -> AudiencePreview:
    """Who of a draft's audience would get it now, and why the others would not. Of a large audience, only the first people are
    looked at. 409 once it is launched."""
    row = await _draft(session, caller.id, campaign_id, "previewed", lock=False)
    found = await audience_preview(session, Limits.of(services.settings, caller.limits), caller, row)
    left_out = [LeftOut(reason=reason, people=people) for reason, people in found.left_out.most_common()]
    first = [ContactView.model_validate(each) for each in found.first]
    same = {name: getattr(found, name) for name in ("found", "looked_at", "complete", "gets")}
    return AudiencePreview(**same, left_out=left_out, first=first)


@router.get("/campaigns/{campaign_id}/messages", summary="List a campaign's messages")
async def list_messages(
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


async def _draft(session: AsyncSession, org_id: UUID, campaign_id: UUID, what: str, *, lock: bool = True) -> Campaign:
    row = await get_campaign(session, org_id, campaign_id, lock=lock)
    if row.state != CampaignState.DRAFT:
        raise Conflict(ConflictCode.CAMPAIGN_LAUNCHED, f"The campaign is {row.state}: only a draft can be {what}.")
    return row


async def _as_request(session: AsyncSession, row: Campaign) -> CampaignCreate:
    names = {channel.id: name for name, channel in (await channels_by_name(session, row.org_id)).items()}
    same = {name: getattr(row, name) for name in CampaignCreate.model_fields if name != "channel"}
    return CampaignCreate(channel=names[row.channel_id], **same)


async def _checked(
    session: AsyncSession, services: Services, org_id: UUID, body: CampaignCreate, saved: list[TriggerDefinition]
) -> Channel:
    """Returns the channel of a campaign that can be saved. Raises Invalid with everything that is wrong. `saved` are the triggers
    that the draft has had until now."""
    settings, judge = services.settings, services.judge
    triggers = placed(body.triggers)
    refuse(size_errors(send_actions(triggers), triggers, settings.sequence_text_limit), "The campaign cannot be saved")
    channels = await channels_by_name(session, org_id)
    messages = [(body.message, "message"), *messages_of_triggers(triggers)]
    errors = await check_messages(judge, org_id, messages)
    errors += await check_utm(judge, org_id, body.utm)
    errors += await link_domain_errors(session, settings, org_id, body.link_domain)
    addresses = [each for message, path in messages for each in named_addresses(message, path)]
    errors += await own_address_errors(session, settings, addresses)
    channel = channels.get(body.channel)
    errors += named_channel_errors(channels, body.channel, "channel")
    if channel is not None:
        errors += medium_errors(body.message, channel, "message")
    errors += await _audience_errors(session, org_id, body.audience.contact_ids)
    errors += await unknown_segments(session, org_id, body.audience.model_dump(mode="json"))
    errors += await notification_texts_errors(judge, org_id, notify_texts(triggers))
    wrong_triggers = await saved_trigger_errors(session, org_id, triggers, placed(saved))
    if wrong_triggers and channel is not None:  # a draft is saved without it, but all texts that lack it are named at once
        errors += unsubscribe_errors(body.message, channel, "message")
    errors += wrong_triggers
    refuse(errors, "The campaign cannot be saved")
    assert channel is not None  # noqa: S101 - without a channel there were errors
    return channel


async def _audience_errors(session: AsyncSession, org_id: UUID, contact_ids: list[UUID]) -> list[FieldError]:
    unknown = set(await unknown_contacts(session, org_id, contact_ids))
    places = [place for place, each in enumerate(contact_ids) if each in unknown]
    return [FieldError(f"audience.contact_ids[{place}]", f"There is no contact {contact_ids[place]}.") for place in places[:100]]


async def _summaries(session: AsyncSession, org_id: UUID, rows: list[Campaign]) -> list[CampaignSummary]:
    """Builds the views with one query for all links and one for each of the counts."""
    links = await links_of_campaigns(session, [row.id for row in rows])
    contents = [row.content_id for row in rows if row.content_id is not None]
    counts, reports = await count_messages(session, contents), await count_reports(session, contents)
    names = {channel.id: name for name, channel in (await channels_by_name(session, org_id)).items()}
    return [
        CampaignSummary(
            **summary_fields(
                row,
                names[row.channel_id],
                link_views(links[row.id]),
                counts.get(row.content_id or 0, {}),
                reports.get(row.content_id or 0, {}),
            )
        )
        for row in rows
    ]


async def _detail(session: AsyncSession, settings: Settings, row: Campaign, count: bool = True) -> CampaignDetail:
    """With `count`, the people in the audience of a draft are found and counted."""
    (summary,) = await _summaries(session, row.org_id, [row])
    workflow_id = campaign_workflow_id(row.id) if row.launched_at else None
    return CampaignDetail(
        **dict(summary),
        recipients=await count_recipients(session, row) if count and row.recipients is None else row.recipients,
        trigger_counts=trigger_counts((await count_campaign_triggers(session, row.id, ALL))[0]),
        workflow_id=workflow_id,
        temporal_ui_url=workflow_ui_url(settings, workflow_id),
    )
