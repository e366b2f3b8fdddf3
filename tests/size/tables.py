"""A million contacts, a million messages, five million clicks of one organization, and a small organization beside it: made by
SQL, with most indexes made afterwards."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id
from models.campaigns.campaign import Campaign
from models.clicks.counters import COUNT
from models.clicks.partitions import make_partition
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.reconcile.message_count import MESSAGE_COUNT
from models.reconcile.reconcile import repair
from models.reconcile.report_count import REPORT_COUNT
from models.reconcile.step_count import STEP_COUNT
from models.sequences.sequence import Sequence
from tests.api.campaign_builders import enrolls
from tests.rows import Rows

NOT_DUE = datetime(2100, 1, 1, tzinfo=UTC)
MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13)]


@dataclass(frozen=True)
class Size:
    """Each of the `contacts` has a message: the first ones, `of_campaign`, from the campaign, and the others from an enrollment
    in the sequence. Each message has `clicks`. `before`: how many rows other organizations have that are older."""

    contacts: int
    of_campaign: int
    clicks: int
    before: int


SMALL = Size(contacts=70, of_campaign=40, clicks=5, before=0)
LARGE = Size(contacts=1_000_000, of_campaign=600_000, clicks=5, before=SMALL.contacts)


@dataclass(frozen=True)
class Owner:
    """An organization with its key, and what its rows belong to. `contact` is one of the contacts that have an enrollment, which
    has the same id, and so has the message."""

    organization: Organization
    key: str
    campaign: Campaign
    sequence: Sequence
    campaign_link: UUID
    sequence_link: UUID
    contact: UUID

    def named(self, path: str) -> str:
        """The path with ids in the place of names such as CAMPAIGN."""
        ids = {"CAMPAIGN": self.campaign.id, "SEQUENCE": self.sequence.id, "CONTACT": self.contact, "LINK": self.campaign_link}
        for name, id in ids.items():
            path = path.replace(name, str(id))
        return path


# 31 seconds from row to row: a million in a year. After the milliseconds comes the number of the row, so that no id is twice.
ID = "CAST(lpad(to_hex({ms}), 12, '0') || '70008' || lpad(to_hex({number}), 15, '0') AS uuid)"
ROW_ID = ID.format(ms="CAST(:first AS bigint) + 31000 * CAST(n + :before AS bigint)", number="CAST(n + :before AS bigint)")
# A click within three days of its message.
CLICK_ID = ID.format(
    ms="CAST(extract(epoch FROM uuid_extract_timestamp(message.id)) * 1000 + random() * 3 * 86400000 AS bigint)",
    number="CAST(message.recipient_number * 10 + k AS bigint)",
)

# The oldest 60 have what nobody else has, and every thousandth contact has a tag of its kind.
CONTACTS = f"""
INSERT INTO contact (id, org_id, email, phone, first_name, tags, properties, created_at, updated_at)
SELECT {ROW_ID}, :org_id, n || '@' || :before || '.example.com', CASE WHEN n % 2 = 0 THEN '+1' || :before || n END,
    CASE WHEN n % 100 = 0 THEN 'Ada' ELSE 'Grace' END,
    CASE WHEN n <= 60 THEN ARRAY['all', 'rare'] WHEN n % 1000 = 0 THEN ARRAY['all', 'spread'] ELSE ARRAY['all'] END,
    jsonb_build_object('plan', CASE WHEN n % 10 = 0 THEN 'gold' ELSE 'free' END, 'logins', n % 100),
    uuid_extract_timestamp({ROW_ID}), :at
FROM generate_series(1, :contacts) AS n
"""  # noqa: S608 - made of the constants above, as all of the following
TAGS = "INSERT INTO contact_tag SELECT org_id, unnest(tags), id FROM contact WHERE org_id = :org_id"
NUMBERED = "(SELECT id, row_number() OVER (ORDER BY id) AS n FROM contact WHERE org_id = :org_id) AS numbered"
ENROLLMENTS = f"""
INSERT INTO enrollment (id, org_id, sequence_id, sequence_version_id, contact_id,
    campaign_id, cause, variables, re_entry, state, step_key,
    step_run, due_at, outcome, workflow_started_at, start_due_at,
    start_attempts, created_at)
SELECT id, :org_id, :sequence_id, :version_id, id, CASE WHEN n % 2 = 0 THEN CAST(:campaign_id AS uuid) END,
    'request', '{{}}', 'after_finishing',
    CASE WHEN n - :of_campaign <= 20 THEN 'failed' WHEN n % 3 = 0 THEN 'running' ELSE 'completed' END,
    CASE WHEN n % 3 = 0 THEN 'wait' END, 2, CASE WHEN n % 3 = 0 THEN CAST(:due AS timestamptz) END,
    CASE WHEN n % 3 <> 0 THEN 'done' END, :at, :at, 0, :at
FROM {NUMBERED} WHERE n > :of_campaign
"""  # noqa: S608
MESSAGES = f"""
INSERT INTO message (id, org_id, contact_id, channel_id, content_id, recipient_number, campaign_id, sequence_id, enrollment_id,
    step_key, step_run, state, reason, tracked, body, created_at, accepted_at, report)
SELECT id, :org_id, id, :channel_id, CASE WHEN of_campaign THEN :campaign_content ELSE :sequence_content END, n,
    CASE WHEN of_campaign THEN CAST(:campaign_id AS uuid) END, CASE WHEN NOT of_campaign THEN CAST(:sequence_id AS uuid) END,
    CASE WHEN NOT of_campaign THEN id END, CASE WHEN NOT of_campaign THEN 'hello' END, CASE WHEN NOT of_campaign THEN 1 END,
    CASE WHEN n % :of_campaign <= 20 THEN 'failed' WHEN n % 50 = 0 THEN 'skipped' ELSE 'accepted' END,
    CASE WHEN n % :of_campaign <= 20 THEN 'lost' WHEN n % 50 = 0 THEN 'no_phone' END, true, repeat('text ', 40), :at, :at,
    CASE WHEN n % 1000 = 0 THEN 'complained' WHEN n % 70 = 0 THEN 'bounced' ELSE 'delivered' END
FROM (SELECT *, n <= :of_campaign AS of_campaign FROM {NUMBERED}) AS numbered
"""  # noqa: S608
# The clicks on the oldest messages are people's, nearly all others machines'.
CLICKS = f"""
INSERT INTO click (id, clicked_at, org_id, contact_id, message_id, content_id, position, link_id, campaign_id, sequence_id,
    enrollment_id, verdict, reason)
SELECT click_id, uuid_extract_timestamp(click_id), org_id, contact_id, id, content_id, 0,
    CASE WHEN campaign_id IS NULL THEN CAST(:sequence_link AS uuid) ELSE CAST(:campaign_link AS uuid) END, campaign_id,
    sequence_id, enrollment_id,
    CASE WHEN recipient_number <= 60 OR k = 1 AND recipient_number % 5 = 0 THEN 'human' ELSE 'bot' END, 'person'
FROM (SELECT {CLICK_ID} AS click_id, message.*, k FROM message CROSS JOIN generate_series(1, :clicks) AS k
    WHERE org_id = :org_id) AS made
"""  # noqa: S608
METADATA = """
INSERT INTO click_metadata (click_id, org_id, verdict, country, city, device_type)
SELECT click.id, click.org_id, verdict, CASE WHEN recipient_number <= 60 THEN 'IS' ELSE 'DE' END,
    'City ' || recipient_number % 50, CASE WHEN recipient_number <= 60 THEN 'tablet' ELSE 'desktop' END
FROM click JOIN message ON message.id = click.message_id WHERE click.org_id = :org_id
"""
EVENTS = """
INSERT INTO event (id, org_id, contact_id, enrollment_id, sequence_id, kind, step_run, detail, at)
SELECT id, org_id, contact_id, id, sequence_id, 'enrolled', 0, '{}', created_at FROM enrollment WHERE org_id = :org_id
"""
# As recorders raise the counters, for a month at once.
COUNT_MONTH = f"""
WITH given AS MATERIALIZED (
    SELECT click.id, clicked_at, country, region, city, device_type, browser, os
    FROM click JOIN click_metadata ON click_id = click.id
    WHERE click.id >= :since AND click.id < :until
), new AS MATERIALIZED (
    SELECT id, org_id, contact_id, message_id, campaign_id, sequence_id, link_id, verdict, sent_at FROM click
    WHERE id >= :since AND id < :until
), {COUNT} SELECT count(*) FROM new
"""  # noqa: S608
EACH = (CONTACTS, TAGS, ENROLLMENTS, MESSAGES, CLICKS, METADATA, EVENTS)

INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made FROM pg_index
WHERE indrelid = ANY(ARRAY['contact', 'enrollment', 'message', 'click', 'click_metadata', 'event']::regclass[])
    AND NOT indisprimary
"""
BELONGS_TO = """
SELECT campaign.id AS campaign_id, sequence.id AS sequence_id, campaign.channel_id, campaign.content_id AS campaign_content,
    version.id AS version_id, content.id AS sequence_content
FROM campaign JOIN sequence USING (org_id) JOIN sequence_version version ON version.sequence_id = sequence.id
JOIN content ON content.sequence_version_id = version.id AND content.step_key = 'hello'
WHERE campaign.org_id = :org_id
"""
CONTACT = "SELECT contact_id FROM enrollment WHERE org_id = :org_id ORDER BY id LIMIT 1 OFFSET 20"


async def make_tables(database: Database) -> tuple[Owner, Owner]:
    """The large organization and the small one, whose rows are older. Everything is as after a VACUUM ANALYZE."""
    large, small = await _owner(database, "Large"), await _owner(database, "Small")
    async with database.transaction() as session:
        for month in MONTHS:
            await make_partition(session, month)
        indexes = (await session.execute(text(INDEXES))).all()
        for index in indexes:
            await session.execute(text(f"DROP INDEX {index.name}"))
        await session.execute(text("SET LOCAL session_replication_role = replica"))  # without checks and triggers
        await _fill(session, small, SMALL)
        await _fill(session, large, LARGE)
        await session.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        for index in indexes:
            await session.execute(text(index.made.replace(" ON ONLY ", " ON ")))
    await _vacuum(database)
    for month, following in pairwise([*MONTHS, NOT_DUE]):
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL work_mem = '128MB'"))
            await session.execute(text(COUNT_MONTH), {"since": first_id(month), "until": first_id(following)})
    await repair(database, (MESSAGE_COUNT, REPORT_COUNT, STEP_COUNT))
    await _vacuum(database)
    return await _with_contact(database, large), await _with_contact(database, small)


async def _vacuum(database: Database) -> None:
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))


async def _owner(database: Database, name: str) -> Owner:
    async with database.transaction() as session:
        organization, key = await create_organization(session, name)
    rows = Rows(database, organization.id)
    sequence = await rows.sequence()
    audience = {"tags": ["all", "rare"], "contact_ids": []}
    triggers = [enrolls(sequence.id, "offer")]
    campaign = await rows.campaign(audience=audience, recipients=LARGE.of_campaign, triggers=triggers)
    contents = campaign.content_id, await rows.content_of_step(sequence, "hello")
    (campaign_link,), (sequence_link,) = [await rows.links(content) for content in contents]
    return Owner(organization, key, campaign, sequence, campaign_link.id, sequence_link.id, contact=UUID(int=0))


async def _with_contact(database: Database, owner: Owner) -> Owner:
    async with database.session() as session:
        contact = await session.scalar(text(CONTACT), {"org_id": owner.organization.id})
    return replace(owner, contact=contact)


async def _fill(session: AsyncSession, owner: Owner, size: Size) -> None:
    org_id = owner.organization.id
    belongs_to = (await session.execute(text(BELONGS_TO), {"org_id": org_id})).one()._asdict()
    values: dict[str, Any] = {**vars(size), **belongs_to, "first": first_id(MONTHS[0]).int >> 80, "org_id": org_id}
    values |= {"at": MONTHS[0], "due": NOT_DUE, "campaign_link": owner.campaign_link, "sequence_link": owner.sequence_link}
    for statement in EACH:
        await session.execute(text(statement), values)
