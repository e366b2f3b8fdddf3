"""The one file that raises the counters of clicks: in the recording transaction, by the clicks that it really inserted.

`click_series` counts over time and `click_by` by what is known of the clicks. Neither has the other's columns, so that a campaign
in two thousand cities has two thousand rows for them, and not two thousand for every quarter of an hour. `contact_engagement`
counts by person.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, text
from sqlmodel import Field, SQLModel

from models.base import Timestamp
from models.clicks.click import OF_NOTHING_ELSE, Scope

DIMENSIONS = ("browser", "city", "country", "delay", "device_type", "os", "region")
"""What `click_by` counts by. A city and a region have their country before them, `DE/Berlin`; other values are those of
`click_metadata`. The delay is one of DELAYS."""

DELAYS = {
    "<1m": timedelta(minutes=1),
    "1-5m": timedelta(minutes=5),
    "5-15m": timedelta(minutes=15),
    "15-60m": timedelta(hours=1),
    "1-3h": timedelta(hours=3),
    "3-12h": timedelta(hours=12),
    "12-24h": timedelta(days=1),
    "1-3d": timedelta(days=3),
    "3-7d": timedelta(days=7),
    ">7d": timedelta.max,
}
"""How long after the send a click came, in their order, each up to this time and without it. A click from before the send, as
clocks may have it, is in the first one. A click of a message of which nobody knows when it was sent is in none."""


NO_LINK = UUID(int=0)
"""Stands for the link in the scope `organization`, whose clicks are not counted by links."""


class ClickFirst(SQLModel, table=True):
    """The first recorded click of a person in a scope with a verdict, which makes people countable. The row stays when the
    click's own row is removed (`models/clicks/retention.py`), and is `retired` from then on."""

    __tablename__ = "click_first"

    scope: Scope = Field(primary_key=True, sa_type=String)
    scope_id: UUID = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    contact_id: UUID = Field(primary_key=True)
    click_id: UUID
    retired: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class ClickSeries(SQLModel, table=True):
    """Clicks of one link in one scope within 15 minutes from `bucket` on.

    `people` are the persons whose first click in the scope is among them, so people add up over links and time. `link_people` are
    the persons whose first click on this link is, so somebody who clicked two links is in both. `first_at` and `last_at` are the
    times of the oldest and the newest click. The scope `organization` has neither links
    (`link_id` is NO_LINK) nor people (0). What is `retired_…` is in the other counts too: the rows of these
    clicks were removed when the organization's `click_retention_days` had passed.
    """

    __tablename__ = "click_series"

    scope: Scope = Field(primary_key=True, sa_type=String)
    scope_id: UUID = Field(primary_key=True)
    link_id: UUID = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    bucket: datetime = Field(primary_key=True, sa_type=Timestamp)
    clicks: int
    people: int
    link_people: int
    first_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_at: datetime | None = Field(default=None, sa_type=Timestamp)
    retired_clicks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    retired_people: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    retired_link_people: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class ClickBy(SQLModel, table=True):
    """Clicks of one link in one scope that share a value of one of the DIMENSIONS. The value is empty where it is not known, for
    instance because no metadata was kept. The other columns are as in `click_series`.

    `retired_again_people` are those of the `retired_people` who have a first click with another verdict that was retired before,
    or is older and was retired together with this one. Who counts people of all verdicts counts them there."""

    __tablename__ = "click_by"

    scope: Scope = Field(primary_key=True, sa_type=String)
    scope_id: UUID = Field(primary_key=True)
    link_id: UUID = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    dimension: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    clicks: int
    people: int
    link_people: int
    retired_clicks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    retired_people: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    retired_link_people: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    retired_again_people: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    retired_again_link_people: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class ContactEngagement(SQLModel, table=True):
    """How often a person has clicked, links of all messages together, and when last. Only clicks with the verdict `human`
    count."""

    __tablename__ = "contact_engagement"

    org_id: UUID = Field(primary_key=True)
    contact_id: UUID = Field(primary_key=True)
    clicks: int
    last_click_at: datetime = Field(sa_type=Timestamp)
    retired_clicks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


# The scope in which a click counts: its campaign's or its sequence's, or the link's own when there is neither.
SCOPES = f"""(VALUES ('campaign', campaign_id), ('sequence', sequence_id),
    ('link', CASE WHEN {OF_NOTHING_ELSE} THEN link_id END)) AS scopes (scope, scope_id)"""

# The scopes in which a person is counted once: always the link's, and beside it the campaign's or the sequence's.
PERSON_SCOPES = """(VALUES ('campaign', campaign_id), ('sequence', sequence_id), ('link', link_id)) AS scopes (scope, scope_id)"""

BUCKET = timedelta(minutes=15)
"""Clicks are counted by quarters of an hour, because a local day may begin at any of them: Kathmandu is 5:45 ahead of UTC."""
BUCKET_OF = "date_bin('15 minutes', clicked_at, 'epoch')"

_DELAY_OF = " ".join(
    f"WHEN clicked_at - sent_at < interval '{limit.total_seconds():.0f} seconds' THEN '{name}'"
    for name, limit in DELAYS.items()
    if limit < timedelta.max
)
DELAY_OF = f"CASE WHEN sent_at IS NULL THEN '' {_DELAY_OF} ELSE '>7d' END"

_OF_METADATA = """('browser', coalesce(browser, '')), ('country', coalesce(country, '')), ('os', coalesce(os, '')),
    ('city', CASE WHEN coalesce(country, city) IS NULL THEN '' ELSE concat(country, '/', city) END),
    ('device_type', coalesce(device_type, '')),
    ('region', CASE WHEN coalesce(country, region) IS NULL THEN '' ELSE concat(country, '/', region) END)"""

# What is known of a click by its row in `click_metadata`, which an erasure forgets.
METADATA_VALUES = f"(VALUES {_OF_METADATA}) AS dimensions (dimension, value)"

# Everything that `click_by` counts: what the metadata say, and the delay, which the click's own row says.
VALUES = f"(VALUES {_OF_METADATA}, ('delay', {DELAY_OF})) AS dimensions (dimension, value)"

# What `click_series` counts of the clicks in the part `{clicks}` of a statement, of which `scoped` has a row for each of their
# SCOPES. Rows are in the order of the key.
IN_SERIES = f"""
    SELECT scope, scope_id, link_id, verdict, bucket, count(*)::int AS clicks, sum(person)::int AS people,
        sum(link_person)::int AS link_people, min(clicked_at) AS first_at, max(clicked_at) AS last_at
    FROM scoped GROUP BY scope, scope_id, link_id, verdict, bucket
    UNION ALL
    SELECT '{Scope.ORGANIZATION}', org_id, CAST('{NO_LINK}' AS uuid), verdict, {BUCKET_OF}, count(*)::int, 0, 0, min(clicked_at),
        max(clicked_at)
    FROM {{clicks}} GROUP BY org_id, verdict, {BUCKET_OF}
    ORDER BY scope, scope_id, link_id, verdict, bucket
"""  # noqa: S608 - made of the constants above

# What an insert does with a row that is there already, which it calls `kept`.
RAISE = """clicks = kept.clicks + excluded.clicks, people = kept.people + excluded.people,
        link_people = kept.link_people + excluded.link_people"""
RAISE_SERIES = f"""{RAISE}, first_at = least(kept.first_at, excluded.first_at),
        last_at = greatest(kept.last_at, excluded.last_at)"""

# Parts of the statement that records clicks, behind its parts `given` and `new`. Rows are written table by table and in the order
# of their keys, so that two recorders with the same people and places wait for each other instead of deadlocking: all first
# clicks are there before the first row of `click_series`, all of these before the first one of `click_by`, and so on for
# `contact_engagement`. A first click that is there already stays as it is and is locked (`WHERE false`), so that nobody
# corrects the verdict of it while another click of that person is being recorded.
COUNT = f"""
described AS MATERIALIZED (
    SELECT new.*, clicked_at, {BUCKET_OF} AS bucket, country, region, city, device_type, browser, os
    FROM new JOIN given USING (id)
), first AS (
    INSERT INTO click_first AS kept (scope, scope_id, verdict, contact_id, click_id)
    SELECT DISTINCT ON (scope, scope_id, verdict, contact_id) scope, scope_id, verdict, contact_id, id
    FROM new CROSS JOIN LATERAL {PERSON_SCOPES} WHERE scope_id IS NOT NULL AND contact_id IS NOT NULL
    ORDER BY scope, scope_id, verdict, contact_id, id
    ON CONFLICT (scope, scope_id, verdict, contact_id) DO UPDATE SET click_id = kept.click_id WHERE false
    RETURNING scope, click_id
), scoped AS MATERIALIZED (
    SELECT described.*, scopes.scope, scope_id, (person.click_id IS NOT NULL)::int AS person,
        (link_person.click_id IS NOT NULL)::int AS link_person
    FROM described CROSS JOIN LATERAL {SCOPES}
    LEFT JOIN first person ON person.click_id = described.id AND person.scope = scopes.scope
    LEFT JOIN first link_person ON link_person.click_id = described.id AND link_person.scope = 'link'
    WHERE scope_id IS NOT NULL
), series AS (
    INSERT INTO click_series AS kept (scope, scope_id, link_id, verdict, bucket, clicks, people, link_people, first_at, last_at)
    {IN_SERIES.format(clicks="described")}
    ON CONFLICT (scope, scope_id, link_id, verdict, bucket) DO UPDATE SET {RAISE_SERIES}
    RETURNING clicks
), by_value AS (
    INSERT INTO click_by AS kept (scope, scope_id, link_id, verdict, dimension, value, clicks, people, link_people)
    SELECT scope, scope_id, link_id, verdict, dimension, value, count(*), sum(person), sum(link_person)
    FROM scoped CROSS JOIN LATERAL {VALUES} WHERE (SELECT count(*) FROM series) > 0
    GROUP BY scope, scope_id, link_id, verdict, dimension, value ORDER BY scope, scope_id, link_id, verdict, dimension, value
    ON CONFLICT (scope, scope_id, link_id, verdict, dimension, value) DO UPDATE SET {RAISE}
    RETURNING clicks
), engagement AS (
    INSERT INTO contact_engagement AS kept (org_id, contact_id, clicks, last_click_at)
    SELECT org_id, contact_id, count(*), max(clicked_at)
    FROM described WHERE verdict = 'human' AND contact_id IS NOT NULL AND (SELECT count(*) FROM by_value) >= 0
    GROUP BY org_id, contact_id ORDER BY org_id, contact_id
    ON CONFLICT (org_id, contact_id) DO UPDATE SET clicks = kept.clicks + excluded.clicks,
        last_click_at = greatest(kept.last_click_at, excluded.last_click_at)
)
"""  # noqa: S608 - made of the constants above
