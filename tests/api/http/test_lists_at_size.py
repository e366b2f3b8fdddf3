"""A page of a list costs the same for what everybody has and for what hardly anybody has, and beside a large organization."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import first_id
from models.campaigns.audience import count_recipients, next_recipients
from models.campaigns.campaign import Campaign
from models.channels.channel import channels_by_name
from models.clicks.partitions import make_partition
from models.contacts.contact import Contact
from models.database import Database
from models.notifications.target import NotificationTarget
from models.organizations.organization import Organization, create_organization
from models.triggers.trigger import Trigger
from tests.api.campaign_builders import enrolls
from tests.builders import Caller
from tests.plans import buffers_read, statements
from tests.rows import NOON, Rows

LARGE = 40_000
"""Of contacts, messages and clicks each: enough that whoever reads all of one of the tables reads more than is allowed. A million
shows the same and takes a minute to make."""

MOST_BUFFERS = 300
"""For a page of 50 rows of one table."""

MOST_BUFFERS_JOINED = 900
"""Of clicks, each with its link, message, place, device, person and sender; of contacts, each with consent, suppressed addresses
and last click; and of an audience, with a page for each tag."""

# Ids grow with the number of the row, by a millisecond. The oldest 60 have what nobody else has.
CONTACTS = """
INSERT INTO contact (id, org_id, email, tags, properties, created_at, updated_at)
SELECT CAST(rpad(lpad(to_hex(CAST(:first AS bigint) + :base + n), 12, '0'), 32, '0') AS uuid), :org_id,
    :base || 'p' || n || '@example.com',
    CASE WHEN n <= 60 THEN ARRAY['all', 'rare'] ELSE ARRAY['all'] END, '{}', :at, :at
FROM generate_series(1, :rows) AS n
"""
TAGS = "INSERT INTO contact_tag SELECT org_id, unnest(tags), id FROM contact WHERE org_id = :org_id"
MESSAGES = """
INSERT INTO message (id, org_id, contact_id, channel_id, content_id, recipient_number, campaign_id, state, reason, tracked,
created_at)
SELECT contact.id, org_id, contact.id, :channel_id, :content_id, row_number() OVER (), :campaign_id,
    CASE WHEN 'rare' = ANY(tags) THEN 'failed' ELSE 'skipped' END, CASE WHEN 'rare' = ANY(tags) THEN 'lost' ELSE 'no_phone' END,
    true, :at
FROM contact WHERE org_id = :org_id ORDER BY contact.id
"""
ENROLLMENTS = """
INSERT INTO enrollment (id, org_id, sequence_id, sequence_version_id, contact_id,
    campaign_id, cause, variables, re_entry, state, step_run,
    start_due_at, start_attempts, created_at)
SELECT id, org_id, :sequence_id, (SELECT id FROM sequence_version WHERE sequence_id = :sequence_id), id, :campaign_id,
    'request', '{}', 'after_finishing',
    CASE WHEN 'rare' = ANY(tags) THEN 'failed' ELSE 'completed' END, 1, :at, 0, :at
FROM contact WHERE org_id = :org_id ORDER BY contact.id
"""
CLICKS = """
INSERT INTO click (id, clicked_at, org_id, contact_id, message_id, content_id, position, link_id, campaign_id, verdict, reason)
SELECT message.id, :at, org_id, contact_id, message.id, content_id, 0, :link_id, campaign_id,
    CASE WHEN state = 'failed' THEN 'human' ELSE 'bot' END, 'person'
FROM message WHERE org_id = :org_id
"""
METADATA = """
INSERT INTO click_metadata (click_id, org_id, verdict, country, device_type)
SELECT id, org_id, verdict, CASE WHEN verdict = 'human' THEN 'IS' ELSE 'DE' END,
    CASE WHEN verdict = 'human' THEN 'tablet' ELSE 'desktop' END
FROM click WHERE org_id = :org_id
"""

# Only the rare ones still hold.
SUPPRESSIONS = """
INSERT INTO suppression (id, org_id, medium, address_hash, reason, created_at, lifted_at)
SELECT id, org_id, CASE WHEN 'rare' = ANY(tags) THEN 'sms' ELSE 'email' END, sha256(CAST(CAST(id AS text) AS bytea)),
    CASE WHEN 'rare' = ANY(tags) THEN 'complaint' ELSE 'bounce' END, :at, CASE WHEN 'rare' = ANY(tags) THEN NULL ELSE :at END
FROM contact WHERE org_id = :org_id
"""
INBOUND = """
INSERT INTO inbound_message (id, org_id, channel_id, contact_id, provider_id, meaning, received_at, body)
SELECT id, org_id, CASE WHEN 'rare' = ANY(tags) THEN :other_channel_id ELSE :channel_id END, id, CAST(id AS text),
    CASE WHEN 'rare' = ANY(tags) THEN 'perhaps_refusal' ELSE 'reply' END, :at, 'Hello'
FROM contact WHERE org_id = :org_id
"""
CONSENTS = """
INSERT INTO consent (id, org_id, contact_id, state, source, proof, given_at, created_at)
SELECT id, org_id, id, 'opted_in', 'api', '{}', :at, :at FROM contact WHERE org_id = :org_id
"""
RECEIVED = """
INSERT INTO simulator_inbox (id, channel_id, message_id, to_address, body, received_at)
SELECT id, CASE WHEN 'rare' = ANY(tags) THEN :other_channel_id ELSE :channel_id END, id,
    CASE WHEN 'rare' = ANY(tags) THEN 'rare@example.com' ELSE 'all@example.com' END, 'Hello', :at
FROM contact WHERE org_id = :org_id
"""
FIRINGS = """
INSERT INTO firing (id, org_id, trigger_id, contact_id, occurrence, message_id, fired_at, next_action, sends, due_at, attempts,
    created_at, finished_at)
SELECT id, org_id, :trigger_id, id, 1, id, :at, 1, false, :at, 1, :at, :at FROM contact WHERE org_id = :org_id
"""
FIRING_ACTIONS = """
INSERT INTO firing_action (firing_id, position, trigger_id, kind, outcome, detail, at)
SELECT id, 0, :trigger_id, 'enroll', CASE WHEN 'rare' = ANY(tags) THEN 'failed' ELSE 'done' END, '{}', :at
FROM contact WHERE org_id = :org_id
"""
NOTIFICATIONS = """
INSERT INTO notification (id, org_id, target_id, state, count, attempts, created_at, due_at, items_kept)
SELECT id, org_id, :target_id, 'sent', 1, 1, :at, :at, false FROM contact WHERE org_id = :org_id
"""
TABLES = [CONTACTS, TAGS, ENROLLMENTS, MESSAGES, CLICKS, METADATA, SUPPRESSIONS, INBOUND, CONSENTS, RECEIVED, FIRINGS]
TABLES += [FIRING_ACTIONS, NOTIFICATIONS]

LISTS = [
    *(f"/links{each}" for each in ("", "?of=messages", "?of=shared")),
    "/contacts",
    "/contacts?tag=all",
    "/contacts?tag=rare",
    "/contacts?tag=nobody",
    "/contacts?standing=true",
    "/contacts?tag=all&email=nobody@example.com",
    *(f"/contacts?q={each}" for each in ("0p", "0p40", "all", "rare", "nobody", "+4915110000001", "ada lovelace", "p&tag=all")),
    "/messages",
    *(f"/messages?{each}" for each in ("state=skipped", "state=failed", "state=accepted", "reason=lost", "reason=no_phone")),
    *(f"/messages?campaign_id=CAMPAIGN{each}" for each in ("", "&state=failed", "&state=skipped", "&state=accepted")),
    *(f"/enrollments?state={each}" for each in ("completed", "failed", "running")),
    *(f"/enrollments?{each}" for each in ("", "campaign_id=CAMPAIGN", "campaign_id=CAMPAIGN&state=failed")),
    *(f"/enrollments?sequence_id=SEQUENCE{each}" for each in ("", "&state=failed", "&state=completed")),
    *(f"/clicks?{each}" for each in ("", "verdict=all", "verdict=bot", "verdict=suspect")),
    *(f"/clicks?campaign_id=CAMPAIGN&verdict={each}" for each in ("human", "bot", "suspect", "all")),
    *(f"/clicks?{each}" for each in ("country=IS", "country=DE", "country=FR", "verdict=all&country=DE")),
    *(f"/clicks?{each}" for each in ("device_type=tablet", "device_type=phone", "verdict=all&device_type=desktop")),
    *(f"/contacts?{each}" for each in ("phone=%2B4915110000001", "external_id=nobody")),
    *(f"/messages?{each}" for each in ("report=bounced", "sequence_id=SEQUENCE")),
    "/enrollments?sequence_id=SEQUENCE&step=wait",
    "/clicks?verdict=all&sequence_id=SEQUENCE",
    *(f"/clicks?verdict=all&{each}" for each in ("link_id=LINK", "since=2026-01-01T00:00:00Z", "until=2026-01-01T00:00:00Z")),
    *(f"/campaigns/CAMPAIGN/messages{each}" for each in ("", "?state=failed", "?reason=lost")),
    *(f"/suppressions{each}" for each in ("", "?lifted=true", "?address=nobody@example.com")),
    *(f"/suppressions?medium={each}" for each in ("sms", "email", "sms&lifted=true", "sms&reason=bounce&lifted=true")),
    *(f"/suppressions?reason={each}" for each in ("complaint", "bounce", "manual")),
    *(f"/suppressions?lifted=true&reason={each}" for each in ("complaint", "bounce")),
    *(f"/inbound-messages{each}" for each in ("", "?pending=true", "?contact_id=CONTACT", "?channel_id=CHANNEL")),
    *(f"/inbound-messages?channel_id=OTHER{each}" for each in ("", "&meaning=reply", "&pending=true")),
    *(f"/inbound-messages?meaning={each}" for each in ("perhaps_refusal", "reply", "stop")),
    *(f"/channels/{channel}/inbox{to}" for channel in ("CHANNEL", "OTHER") for to in ("", "?to=rare@example.com", "?to=nobody")),
    "/channels/CHANNEL/inbox?to=all@example.com",
    "/campaigns/CAMPAIGN/triggers/KEY/firings",
    *(f"/campaigns/CAMPAIGN/triggers/KEY/firings?{each}" for each in ("contact_id=CONTACT", "outcome=failed", "outcome=open")),
    "/notification-targets/TARGET/notifications",
]
WITH_STATISTICS = [
    *(f"/messages?{each}" for each in ("contact_id=CONTACT", "enrollment_id=CONTACT", "firing_id=CONTACT")),
    *(f"/enrollments?{each}" for each in ("contact_id=CONTACT", "due_before=2100-01-01T00:00:00Z")),
    "/enrollments?sequence_id=SEQUENCE&version=1",
    *(f"/clicks?verdict=all&{each}" for each in ("contact_id=CONTACT", "enrollment_id=CONTACT")),
    "/contacts/CONTACT/consent",
]
"""Lists of one person and the like, of which the planner has to know that they are short."""
TWO_TABLES = ("/clicks", "/campaigns/CAMPAIGN/triggers", "/contacts?standing=true")

FEW = {"api-keys", "channels", "notification-targets", "organization/link-domains"}
FEW |= {"campaigns/{}/triggers", "sequences/{}/triggers"}
"""Lists of few rows, whatever an organization does."""
ELSEWHERE = {
    "audit-log": "tests/api/organization/test_audit_log.py",
    "campaigns/{}/people": "tests/api/reports/test_people.py and tests/size",
    "sequences/{}/people": "tests/api/reports/test_people.py and tests/size",
    "exports/clicks": "all rows of its period are read, page by page: bench exports",
    "exports/enrollments": "the same",
    "exports/messages": "the same",
    "contacts/{}/conversation": "tests/size",
    "segments/{}/contacts": "tests/models/segments/test_plans.py and tests/size",
    "sequences/{}/triggers/{}/firings": "the same statement as for a campaign",
}
NO_FILTERS = {"cursor", "limit", "default_country", "time_zone"}
BOUNDED = {"clicks": {"region", "city", "browser", "os", "tag"}}
"""Filters without an index of their own, whose pages are read for two seconds at most: tests/api/reports/test_filters.py."""
NEVER_MANY = {
    "campaigns",
    "analytics/campaigns/list",
    "sequences",
    "sequences/{}/versions",
    "segments",
    "shared-links",
    "contact-imports",
}
"""What people make one by one: a filter that reads all of an organization's reads little."""


@dataclass(frozen=True)
class Names:
    """What stands in LISTS in capitals."""

    CAMPAIGN: UUID
    SEQUENCE: UUID
    LINK: UUID
    CHANNEL: UUID  # of nearly all
    OTHER: UUID
    TARGET: UUID
    CONTACT: UUID  # has an enrollment of the same id
    KEY: str

    def in_place(self, path: str) -> str:
        for name, value in vars(self).items():
            path = path.replace(name, str(value))
        return path


async def fill(
    session: AsyncSession, org_id: UUID, campaign: Campaign, trigger: Trigger, link: Any, base: int, rows: int
) -> Names:
    target = NotificationTarget(org_id=org_id, name="Sales", service="json", shown="json://")
    session.add(target)
    await session.flush()
    channels = await channels_by_name(session, org_id)
    (other,) = {each.id for each in channels.values()} - {campaign.channel_id}
    values = {
        "org_id": org_id,
        "base": base,
        "rows": rows,
        "at": NOON,
        "first": first_id(NOON).int >> 80,
        "link_id": link.id,
        "campaign_id": campaign.id,
        "sequence_id": _entered(campaign),
    }
    values |= {"channel_id": campaign.channel_id, "other_channel_id": other, "content_id": campaign.content_id}
    values |= {"trigger_id": trigger.id, "target_id": target.id}
    await session.execute(text("SET LOCAL session_replication_role = replica"))  # without checks and triggers
    for statement in TABLES:
        await session.execute(text(statement), values)
    oldest = select(col(Contact.id)).where(col(Contact.org_id) == org_id).order_by(col(Contact.id)).limit(1)
    ids = (campaign.id, _entered(campaign), link.id, campaign.channel_id, other, target.id)
    return Names(*ids, (await session.scalars(oldest)).one(), trigger.key)


def test_every_list_and_every_filter_is_here(api_app: FastAPI) -> None:
    asked = defaultdict[str, set[str]](set)
    for path in (*LISTS, *WITH_STATISTICS):
        where, _, query = path.partition("?")
        asked[re.sub("[A-Z]+", "{}", where).strip("/")] |= {each.partition("=")[0] for each in query.split("&") if each}
    missing = dict[str, set[str]]()
    for path, operations in api_app.openapi()["paths"].items():
        taken = {each["name"] for each in operations.get("get", {}).get("parameters", []) if each["in"] == "query"}
        name = re.sub(r"\{\w+\}", "{}", path).removeprefix("/v1/")
        if "cursor" in taken and name not in {*FEW, *ELSEWHERE, *NEVER_MANY}:
            assert name in asked
            missing[name] = taken - NO_FILTERS - BOUNDED.get(name, set()) - asked[name]
    assert {name: filters for name, filters in missing.items() if filters} == {}


@pytest.mark.counts_pages
async def test_a_page_costs_the_same_for_what_is_common_and_for_what_is_rare(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    large = Rows(database, organization[0].id)
    async with database.transaction() as session:
        other, key = await create_organization(session, "Small")
        await make_partition(session, NOON.replace(day=1, hour=0))
    small = Rows(database, other.id)
    names = {}
    for rows, base, number in ((large, 0, LARGE), (small, LARGE * 2, 70)):
        sequence = await rows.sequence()
        triggers = [enrolls(sequence.id, "offer")]
        campaign = await rows.campaign(audience={"tags": ["all", "rare"], "contact_ids": []}, triggers=triggers)
        trigger = await rows.trigger([campaign.content_id], campaign_id=campaign.id)
        (link,) = await rows.links(campaign.content_id)
        async with database.transaction() as session:
            names[rows.org_id] = campaign, await fill(session, rows.org_id, campaign, trigger, link, base, number)
    await _all_lists_are_cheap(api, database, *names[large.org_id], LISTS)  # statistics are old during a large import
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
    for caller, rows in ((api, large), (api.with_key(key), small)):
        await _all_lists_are_cheap(caller, database, *names[rows.org_id])


def _entered(campaign: Campaign) -> UUID:
    return UUID(campaign.triggers[0]["actions"][0]["sequence_id"])


async def _all_lists_are_cheap(
    api: Caller, database: Database, campaign: Campaign, names: Names, lists: Sequence[str] = (*LISTS, *WITH_STATISTICS)
) -> None:
    for path in lists:
        with statements(database) as sent:
            answer = await api.get(names.in_place(path))
        assert answer.status_code == 200, answer.text
        read = await buffers_read(database, sent)
        assert max(read.values()) <= (MOST_BUFFERS_JOINED if path.startswith(TWO_TABLES) else MOST_BUFFERS), (path, read)
    for after in (None, first_id(NOON + timedelta(milliseconds=50))):
        with statements(database) as sent:
            async with database.transaction() as session:
                await next_recipients(session, campaign, after, 50)
        assert max((await buffers_read(database, sent)).values()) <= MOST_BUFFERS_JOINED
    async with database.transaction() as session:
        campaign.launched_at = NOON
        assert await count_recipients(session, campaign) in (LARGE, 70)
