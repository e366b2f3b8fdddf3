"""A campaign that was sent a month ago, and clicks on it that go through the recording code, as if they came over the month.

Everything is the same in each run: who clicks when, on which link, from where and with what. Half of all clicks come within the
first two days, places follow a power law, and a few people click very often.
"""

import asyncio
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, islice
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import RANDOM_BITS, first_id, now
from models.channels.channel import channels_by_name
from models.clicks.inbox import InboxClick
from models.clicks.partitions import make_partition, missing_partitions, month_of
from models.clicks.recording import DescribedClick, Metadata, keep_clicks
from models.clicks.verdict import Reason
from models.database import Database

MONTH = timedelta(days=30)
HALF_LIFE = timedelta(days=2)
MOST_PEOPLE, CLICKS_A_PERSON = 500_000, 10
BATCH = 2_000
RECORDERS = 2
SEED = 13

LINKS = ("offer", "shop", "stores", "terms", "unsubscribe")
LINK_WEIGHTS = (60, 20, 10, 6, 4)
REASONS = (Reason.BROWSER, Reason.APP, Reason.SCANNER)
REASON_WEIGHTS = (90, 5, 5)
COUNTRIES = (
    "DE",
    "US",
    "GB",
    "FR",
    "ES",
    "NL",
    "CA",
    "BR",
    "IN",
    "JP",
    "AU",
    "AT",
    "CH",
    "PL",
    "IT",
    "SE",
    "NO",
    "FI",
    "DK",
    "PT",
)
CITIES = 2_000
DEVICES = (("phone", "Mobile Safari", "iOS"), ("phone", "Chrome Mobile", "Android"), ("phone", "Samsung Internet", "Android"),
    ("tablet", "Mobile Safari", "iOS"), ("desktop", "Chrome", "Windows"), ("desktop", "Safari", "Mac OS X"),
    ("desktop", "Firefox", "Linux"), ("desktop", "Edge", "Windows"))  # fmt: skip
DEVICE_WEIGHTS = (30, 25, 8, 5, 18, 8, 3, 3)
WITHOUT_METADATA = 0.02
OFTEN, OFTEN_SHARE = 20, 0.005
"""So many people make this share of all clicks."""

CAMPAIGN = """
INSERT INTO content (org_id, channel_id, campaign_id, body, wakes, next_recipient_number, created_at)
VALUES (:org_id, :channel_id, :campaign_id, 'text', '{}', :people, :launched_at) RETURNING id
"""
LAUNCHED = """
UPDATE campaign SET state = 'tracking', content_id = :content_id, recipients = :people, launched_at = :launched_at WHERE id = :id
"""
LINK = """
INSERT INTO content_link (id, org_id, content_id, position, name, url, merge)
SELECT gen_random_uuid(), :org_id, :content_id, place - 1, name, 'https://shop.example/' || name, false
FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS link (name, place) RETURNING id
"""
PEOPLE = """
WITH person AS (
    INSERT INTO contact (id, org_id, external_id, email, first_name, tags, properties, created_at, updated_at)
    SELECT uuidv7(), :org_id, CAST(:prefix AS text) || n, CAST(:prefix AS text) || n || '@example.com', 'Person',
        '{}', '{}', :launched_at, :launched_at
    FROM generate_series(1, :people) AS n RETURNING id
)
INSERT INTO message (id, org_id, contact_id, channel_id, content_id, recipient_number, campaign_id, state, tracked, created_at,
    sending_at, accepted_at)
SELECT uuidv7(), :org_id, id, :channel_id, :content_id, row_number() OVER () - 1, :campaign_id, 'accepted', true, :launched_at,
    :launched_at, :launched_at FROM person
"""
COUNT_MESSAGES = """
INSERT INTO message_count (content_id, state, slot, messages) VALUES (:content_id, 'accepted', 0, :people)
"""
CONTACTS = """
SELECT contact_id FROM message WHERE content_id = :content_id AND recipient_number = ANY(CAST(:numbers AS int[]))
"""
COUNTER_ROWS = """
SELECT (SELECT count(*) FROM click_series) + (SELECT count(*) FROM click_by) AS counters,
    (SELECT count(*) FROM click_first) AS firsts
"""
# What a report asks for, without a counter: totals, every quarter of an hour, and each value of each dimension.
RAW_REPORT = """
SELECT grouping(verdict, bucket, link_id, country, city, device_type, browser, os), verdict, bucket, link_id, country, city,
    device_type, browser, os, count(*) AS clicks, count(DISTINCT contact_id) AS people
FROM (
    SELECT click.verdict, date_bin('15 minutes', clicked_at, 'epoch') AS bucket, link_id, contact_id, country, city, device_type,
        browser, os
    FROM click LEFT JOIN click_metadata ON click_id = click.id WHERE campaign_id = :campaign_id
) AS each
GROUP BY GROUPING SETS ((verdict), (bucket), (link_id), (country), (country, city), (device_type), (browser), (os))
"""


@dataclass(frozen=True)
class SentCampaign:
    org_id: UUID
    campaign_id: UUID
    content_id: int
    links: Sequence[UUID]
    people: int
    launched_at: datetime


async def send_campaign(session: AsyncSession, org_id: UUID, campaign_id: UUID, clicks: int, prefix: str = "p") -> SentCampaign:
    """Makes the rows of a campaign of this draft, sent to a tenth as many people as there will be clicks, whose external ids
    begin with `prefix`. It needs the rights of a superuser, to leave out triggers and the checks of foreign keys."""
    await session.execute(text("SELECT set_config('session_replication_role', 'replica', true)"))
    people, launched_at = max(1, min(MOST_PEOPLE, clicks // CLICKS_A_PERSON)), now() - MONTH
    channel_id = (await channels_by_name(session, org_id))["simulator-sms"].id
    values = {
        "org_id": org_id,
        "channel_id": channel_id,
        "campaign_id": campaign_id,
        "people": people,
        "prefix": prefix,
        "launched_at": launched_at,
    }
    content_id = (await session.execute(text(CAMPAIGN), values)).scalar_one()
    values |= {"content_id": content_id, "names": list(LINKS), "id": campaign_id}
    links = list(await session.scalars(text(LINK), values))
    for statement in (LAUNCHED, PEOPLE, COUNT_MESSAGES):
        await session.execute(text(statement), values)
    return SentCampaign(org_id, campaign_id, content_id, links, people, launched_at)


class Clicks:
    """The clicks of a campaign in the order of their times: `record(n)` records the next n. `total` are all that will come."""

    def __init__(self, database: Database, campaign: SentCampaign, total: int) -> None:
        self._database, self._total = database, total
        self._clicks = _clicks(campaign, total)

    async def record(self, number: int) -> int:
        """Returns how many were new, which is all of them. Two recorders record at a time, as in a worker."""
        left, kept = number, 0
        while left:
            batches = []
            for _ in range(RECORDERS):
                batches.append(list(islice(self._clicks, min(BATCH, left))))
                left -= len(batches[-1])
            kept += sum(await asyncio.gather(*(self._keep(batch) for batch in batches if batch)))
        return kept

    async def _keep(self, batch: Sequence[DescribedClick]) -> int:
        async with self._database.transaction() as session:
            for month in await missing_partitions(session, {month_of(each.click.id) for each in batch}):
                await make_partition(session, month)
        async with self._database.transaction() as session:
            return (await keep_clicks(session, batch)).recorded


def _clicks(campaign: SentCampaign, total: int) -> Iterator[DescribedClick]:
    chance = random.Random(SEED)
    links, reasons, devices = (list(accumulate(each)) for each in (LINK_WEIGHTS, REASON_WEIGHTS, DEVICE_WEIGHTS))
    cities = list(accumulate(1 / (rank + 1) for rank in range(CITIES)))
    for number in range(total):
        at = campaign.launched_at + _after((number + 0.5) / total)
        often = chance.random() < OFTEN_SHARE
        person = chance.randrange(min(OFTEN, campaign.people) if often else campaign.people)
        (reason,) = chance.choices(REASONS, cum_weights=reasons)
        (position,) = chance.choices(range(len(LINKS)), cum_weights=links)
        id = UUID(int=first_id(at).int + chance.getrandbits(RANDOM_BITS))
        click = InboxClick(id, campaign.org_id, campaign.content_id, person, position, at, reason.verdict, reason, None, None)
        known = None
        if chance.random() >= WITHOUT_METADATA:
            (city,), (device,) = chance.choices(range(CITIES), cum_weights=cities), chance.choices(DEVICES, cum_weights=devices)
            country = COUNTRIES[city % len(COUNTRIES)]
            known = Metadata(country=country, city=f"City {city}", device_type=device[0], browser=device[1], os=device[2])
        yield DescribedClick(click, known)


def _after(share: float) -> timedelta:
    """Returns after how long this share of all clicks has come: their number halves with each HALF_LIFE, and ends with MONTH."""
    whole = 1 - 0.5 ** (MONTH / HALF_LIFE)
    return HALF_LIFE * -math.log2(1 - share * whole)


async def people_to_look_at(session: AsyncSession, campaign: SentCampaign, number: int) -> list[UUID]:
    """Returns contacts of the campaign, those first who click most often."""
    numbers = [*range(min(OFTEN, campaign.people)), *range(OFTEN, campaign.people, max(1, campaign.people // number))]
    return list(await session.scalars(text(CONTACTS), {"content_id": campaign.content_id, "numbers": numbers[:number]}))


async def counter_rows(session: AsyncSession) -> tuple[int, int]:
    """Returns the rows of the counters of clicks, and those of people's first clicks."""
    row = (await session.execute(text(COUNTER_ROWS))).one()
    return int(row.counters), int(row.firsts)


async def report_from_rows(session: AsyncSession, campaign_id: UUID) -> int:
    """Reads what a report has from the clicks themselves. Returns the number of its rows."""
    return len((await session.execute(text(RAW_REPORT), {"campaign_id": campaign_id})).all())
