"""Who of a draft's audience would get its message now, and why the others would not: asked of the same rules as every message.

People are looked at in the order in which they would be sent to, page by page, until all are done or the time is over. So a small
audience is known exactly, and of a large one how far it was looked at.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import now
from models.campaigns.audience import count_recipients_within, next_recipients
from models.campaigns.campaign import Campaign
from models.channels.channel import Channel, Medium, get_channel
from models.consent import obstacles
from models.contacts.contact import Contact
from models.messages.budget import messages_of_day
from models.messages.message import MessageKind
from models.organizations.limits import Limits
from models.organizations.organization import Organization
from models.sequences.steps.message import MessageTemplate
from services.composing.compose import address_of
from services.gate import Facts, Skip, judge

SECONDS = 2.0
PAGE = 1_000
FIRST = 6
"""How long people are looked at, how many are read together, and how many of those who get it are named."""
UNDECIDED = "answer_undecided"


@dataclass
class Audience:
    """`found` counts the people of the audience, and is None when they could not be counted in time. `left_out` counts those of
    the `looked_at` who would not get the message by the first reason that holds, and `gets` those who would. With `complete`,
    all were looked at, so that the numbers add up to `found`."""

    found: int | None = None
    looked_at: int = 0
    complete: bool = False
    left_out: Counter[str] = field(default_factory=Counter)
    gets: int = 0
    first: list[Contact] = field(default_factory=list)


@dataclass(frozen=True)
class _Wanted:
    """What decides about a person, beside the person."""

    channel: Channel
    kind: MessageKind
    needs_consent: bool
    budget: int


async def audience_preview(session: AsyncSession, limits: Limits, organization: Organization, campaign: Campaign) -> Audience:
    channel = await get_channel(session, organization.id, campaign.channel_id)
    kind = MessageKind(MessageTemplate.model_validate(campaign.message).kind)
    needs_consent = kind == MessageKind.MARKETING and channel.medium in organization.consent_required
    wanted = _Wanted(channel, kind, needs_consent, limits.messages_per_contact_and_day)
    found, after, end = Audience(), None, time.monotonic() + SECONDS
    while not found.complete and (not found.looked_at or time.monotonic() < end):
        page = await next_recipients(session, campaign, after, PAGE)
        await _add(session, found, wanted, page)
        found.complete = len(page) < PAGE
        after = page[-1].id if page else after
        for person in page:
            session.expunge(person)
    found.found = found.looked_at if found.complete else await count_recipients_within(session, campaign)
    found.complete = found.found == found.looked_at
    return found


async def _add(session: AsyncSession, found: Audience, wanted: _Wanted, page: Sequence[Contact]) -> None:
    addresses = {person.id: address_of(person, wanted.channel.medium) for person in page}
    stand_in_the_way = await obstacles.read(session, wanted.channel, wanted.kind, addresses)
    of_day = await messages_of_day(session, list(addresses))
    for person in page:
        why = _why_not(wanted, addresses[person.id], stand_in_the_way[person.id], of_day.get(person.id, 0))
        found.looked_at += 1
        if why is not None:
            found.left_out[why] += 1
            continue
        found.gets += 1
        if len(found.first) < FIRST:
            found.first.append(person)


def _why_not(wanted: _Wanted, address: str | None, stands: obstacles.Obstacles, messages: int) -> str | None:
    """Returns the reason that the message would have, or None for whoever gets it. What keeps everybody waiting, such as a paused
    channel, leaves nobody out."""
    if address is None:
        return "no_phone" if wanted.channel.medium == Medium.SMS else "no_email"
    alone = stands._replace(paused_at=None, slow_until=None, archived=False)
    facts = Facts(now=now(), obstacles=alone, needs_consent=wanted.needs_consent, messages_of_day=messages, budget=wanted.budget)
    judged = judge(facts)
    if isinstance(judged.answer, Skip):
        return judged.answer.why
    return UNDECIDED if judged.rule == UNDECIDED else None
