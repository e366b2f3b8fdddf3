"""One contact's numbers: messages and clicks by campaign, sequence and link, places and devices. All are read by the indexes of
the contact, from the rows of its messages and clicks."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.base import first_id, made_at
from models.clicks.counters import BUCKET_OF, VALUES
from models.clicks.verdict import Verdict
from models.reports.clicks import Count, Moment
from models.reports.time_budget import TimeBudget
from models.reports.where import EVERYWHERE, Where, conditions

SECONDS = 2.0
"""The longest time of the statements. A contact with so many rows is many people's."""
MOST = 200
"""The most campaigns, sequences and links that are listed each: the newest ones."""


@dataclass(frozen=True)
class ContactQuestion:
    """Which clicks of the contact count. `verdict` None counts all. `since` is included and `until` is not."""

    contact_id: UUID
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    link_id: UUID | None = None
    verdict: Verdict | None = Verdict.HUMAN
    since: datetime | None = None
    until: datetime | None = None
    where: Where = EVERYWHERE


class Clicks(NamedTuple):
    """Clicks whose rows are kept, and the times of the oldest and the newest one."""

    clicks: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


NO_CLICKS = Clicks()


class Sender(NamedTuple):
    """A campaign or a sequence that has written to the contact. `first_click_at` is that of the click that was recorded first,
    whether its row is kept or not."""

    id: UUID
    name: str
    messages: int
    state: str
    report: str | None
    first_click_at: datetime | None
    clicks: Clicks


class ClickedLink(NamedTuple):
    id: UUID
    name: str | None
    url: str
    campaign_id: UUID | None
    sequence_id: UUID | None
    clicks: Clicks


@dataclass
class ContactNumbers:
    """`ever` are the clicks of people that were ever recorded, and when the last one was, from `contact_engagement`, whatever was
    asked for."""

    total: Clicks = NO_CLICKS
    by_verdict: dict[str, int] = field(default_factory=dict)
    ever: Clicks = NO_CLICKS
    messages: dict[str, int] = field(default_factory=dict)
    reports: dict[str, int] = field(default_factory=dict)
    campaigns: list[Sender] = field(default_factory=list)
    sequences: list[Sender] = field(default_factory=list)
    links: list[ClickedLink] = field(default_factory=list)
    values: dict[str, dict[str, Count]] = field(default_factory=lambda: defaultdict(dict))
    buckets: dict[datetime, Moment] = field(default_factory=dict)


async def read_contact(session: AsyncSession, question: ContactQuestion) -> ContactNumbers:
    """Five statements. The caller has made sure whose contact it is. Raises TooMuch."""
    budget = TimeBudget(session, SECONDS, dict.fromkeys(("since", "until"), "Ask about a shorter time."))
    found, clicks = ContactNumbers(), await _clicks(budget, question)
    found.total = clicks["total"].get(None, NO_CLICKS)
    found.by_verdict = {str(name): each.clicks for name, each in clicks["verdict"].items()}
    found.buckets = {bucket.astimezone(UTC): Moment(each.clicks, 0) for bucket, each in clicks["bucket"].items()}
    for part, each in clicks.items():
        if part.startswith("of "):
            found.values[part.removeprefix("of ")] = {value: Count(count.clicks, 0) for value, count in each.items()}
    for row in await budget.execute(EVER, {"contact_id": question.contact_id}):
        found.ever = Clicks(row.clicks, None, row.last_click_at)
    for row in await budget.execute(MESSAGES, {"contact_id": question.contact_id}):
        (found.messages if row.state else found.reports)[row.state or row.report] = row.messages
    found.campaigns = await _senders(budget, question, "campaign", clicks["campaign"])
    found.sequences = await _senders(budget, question, "sequence", clicks["sequence"])
    found.links = await _links(budget, clicks["link"])
    return found


CLICKS = f"""
WITH chosen AS MATERIALIZED (
    SELECT click.clicked_at, click.sent_at, click.link_id, click.campaign_id, click.sequence_id, click.verdict, country, region,
        city, device_type, browser, os
    FROM click LEFT JOIN click_metadata metadata ON metadata.click_id = click.id
    WHERE click.contact_id = :contact_id {{conditions}}
), shown AS (SELECT * FROM chosen WHERE verdict = ANY(CAST(:verdicts AS text[])))
SELECT 'verdict' AS part, verdict AS value, NULL::uuid AS id, NULL::timestamptz AS bucket, count(*) AS clicks,
    min(clicked_at) AS first_at, max(clicked_at) AS last_at FROM chosen GROUP BY verdict
UNION ALL SELECT 'total', NULL, NULL, NULL, count(*), min(clicked_at), max(clicked_at) FROM shown
UNION ALL SELECT 'bucket', NULL, NULL, {BUCKET_OF}, count(*), min(clicked_at), max(clicked_at) FROM shown GROUP BY 4
UNION ALL SELECT 'link', NULL, link_id, NULL, count(*), min(clicked_at), max(clicked_at) FROM shown GROUP BY link_id
UNION ALL SELECT 'campaign', NULL, campaign_id, NULL, count(*), min(clicked_at), max(clicked_at) FROM shown GROUP BY campaign_id
UNION ALL SELECT 'sequence', NULL, sequence_id, NULL, count(*), min(clicked_at), max(clicked_at) FROM shown GROUP BY sequence_id
UNION ALL SELECT 'of ' || dimension, value, NULL, NULL, count(*), min(clicked_at), max(clicked_at)
    FROM shown CROSS JOIN LATERAL {VALUES} GROUP BY dimension, value
ORDER BY part, bucket, clicks DESC, value
"""  # noqa: S608 - made of constants
CONDITIONS = {
    "campaign_id": "AND click.campaign_id = :campaign_id",
    "sequence_id": "AND click.sequence_id = :sequence_id",
    "link_id": "AND click.link_id = :link_id",
    "since": "AND click.id >= :since",
    "until": "AND click.id < :until",
}


async def _clicks(budget: TimeBudget, question: ContactQuestion) -> Mapping[str, dict[Any, Clicks]]:
    """By part and value."""
    asked = {
        "campaign_id": question.campaign_id,
        "sequence_id": question.sequence_id,
        "link_id": question.link_id,
        "since": first_id(question.since) if question.since else None,
        "until": first_id(question.until) if question.until else None,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    where = " ".join([*(CONDITIONS[name] for name in given), conditions(question.where)])
    verdicts = [question.verdict.value] if question.verdict else [each.value for each in Verdict]
    values = {"contact_id": question.contact_id, "verdicts": verdicts, "org_id": question.where.org_id}
    found: defaultdict[str, dict[Any, Clicks]] = defaultdict(dict)
    for row in await budget.execute(CLICKS.format(conditions=where), {**values, **given, **question.where.given()}):
        key = row.bucket if row.part == "bucket" else row.id if row.part in ("link", "campaign", "sequence") else row.value
        found[row.part][key] = Clicks(row.clicks, row.first_at, row.last_at)
    return found


EVER = """
SELECT clicks, last_click_at FROM contact
JOIN contact_engagement kept ON kept.org_id = contact.org_id AND kept.contact_id = contact.id WHERE contact.id = :contact_id
"""
MESSAGES = """
SELECT state, report, count(*) AS messages FROM message WHERE contact_id = :contact_id
GROUP BY GROUPING SETS ((state), (report)) HAVING state IS NOT NULL OR report IS NOT NULL ORDER BY state, report
"""

# The newest message of each says what became of it.
SENDERS = """
SELECT sent.owner_id AS id, {owner}.name, messages, newest.state, newest.report, first.click_id FROM (
    SELECT {owner}_id AS owner_id, count(*) AS messages, (max(id::text))::uuid AS newest_id FROM message
    WHERE contact_id = :contact_id AND {owner}_id IS NOT NULL {condition} GROUP BY {owner}_id
    ORDER BY max(id::text) DESC LIMIT {most}
) AS sent
JOIN {owner} ON {owner}.id = sent.owner_id JOIN message newest ON newest.id = sent.newest_id
LEFT JOIN LATERAL (
    SELECT click_id FROM click_first
    WHERE scope = '{owner}' AND scope_id = sent.owner_id AND verdict = ANY(CAST(:verdicts AS text[]))
        AND click_first.contact_id = :contact_id
    ORDER BY click_id LIMIT 1
) AS first ON true
ORDER BY sent.newest_id DESC
"""


async def _senders(budget: TimeBudget, question: ContactQuestion, owner: str, clicks: Mapping[Any, Clicks]) -> list[Sender]:
    asked = getattr(question, f"{owner}_id")
    statement = SENDERS.format(owner=owner, most=MOST, condition="" if asked is None else f"AND {owner}_id = :asked")
    verdicts = [question.verdict.value] if question.verdict else [each.value for each in Verdict]
    values = {"contact_id": question.contact_id, "verdicts": verdicts} | ({} if asked is None else {"asked": asked})
    return [
        Sender(
            row.id,
            row.name,
            row.messages,
            row.state,
            row.report,
            made_at(row.click_id) if row.click_id else None,
            clicks.get(row.id, NO_CLICKS),
        )
        for row in await budget.execute(statement, values)
    ]


LINKS = """
SELECT link.id, link.name, link.url, content.campaign_id, content.sequence_id FROM content_link link
JOIN content ON content.id = link.content_id WHERE link.id = ANY(CAST(:ids AS uuid[]))
"""


async def _links(budget: TimeBudget, clicks: Mapping[Any, Clicks]) -> list[ClickedLink]:
    """Those that were clicked, the last clicked ones first."""
    newest = sorted(clicks, key=lambda id: clicks[id].last_at or datetime.min.replace(tzinfo=UTC), reverse=True)[:MOST]
    rows = {row.id: row for row in await budget.execute(LINKS, {"ids": newest})} if newest else {}
    found = [rows[id] for id in newest if id in rows]
    return [ClickedLink(each.id, each.name, each.url, each.campaign_id, each.sequence_id, clicks[each.id]) for each in found]
