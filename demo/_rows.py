"""Counts straight from the rows, independently of every counter. Reports must equal these counts."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class CampaignRows:
    """Human clicks and the people behind them, bot clicks, and human clicks by country, city and device type."""

    sent: int
    clicks: int
    people: int
    bot_clicks: int
    countries: dict[str, int]
    cities: dict[str, int]
    devices: dict[str, int]
    follow_ups: int
    messages_delivered: int


TOTALS = text("""
    SELECT count(*) FILTER (WHERE verdict = 'human') AS clicks,
           count(DISTINCT contact_id) FILTER (WHERE verdict = 'human') AS people,
           count(*) FILTER (WHERE verdict = 'bot') AS bot_clicks
      FROM click WHERE campaign_id = :campaign_id
""")

BY_METADATA = """
    SELECT click_metadata.{column} AS value, count(*) AS clicks
      FROM click JOIN click_metadata ON click_metadata.click_id = click.id
     WHERE click.campaign_id = :campaign_id AND click.verdict = 'human' AND click_metadata.{column} IS NOT NULL
     GROUP BY 1 ORDER BY 2 DESC, 1
"""

SENT = text("SELECT count(*) FROM message WHERE campaign_id = :campaign_id AND state = 'accepted'")
FOLLOW_UPS = text("SELECT count(*) FROM enrollment WHERE campaign_id = :campaign_id")
DELIVERED = text("""
    SELECT count(*) FROM simulator_inbox JOIN message ON message.id = simulator_inbox.message_id
     WHERE message.campaign_id = :campaign_id
""")


async def campaign_rows(session: AsyncSession, campaign_id: UUID) -> CampaignRows:
    where = {"campaign_id": campaign_id}
    totals = (await session.execute(TOTALS, where)).one()

    async def by(column: str) -> dict[str, int]:
        rows = await session.execute(text(BY_METADATA.format(column=column)), where)
        return {row.value: row.clicks for row in rows}

    return CampaignRows(
        sent=await session.scalar(SENT, where) or 0,
        clicks=totals.clicks,
        people=totals.people,
        bot_clicks=totals.bot_clicks,
        countries=await by("country"),
        cities=await by("city"),
        devices=await by("device_type"),
        follow_ups=await session.scalar(FOLLOW_UPS, where) or 0,
        messages_delivered=await session.scalar(DELIVERED, where) or 0,
    )


BRANCHES = text("""
    SELECT detail ->> 'outcome' AS outcome, count(*) AS enrollments
      FROM event WHERE sequence_id = :sequence_id AND kind = 'step_left' AND step_key = :step_key
     GROUP BY 1
""")


async def branches(session: AsyncSession, sequence_id: UUID, step_key: str) -> dict[str, int]:
    """Returns how enrollments left a step: {"clicked": 25, "timed_out": 15}."""
    rows = await session.execute(BRANCHES, {"sequence_id": sequence_id, "step_key": step_key})
    return {row.outcome: row.enrollments for row in rows}


TRIGGERED = text("""
    WITH fired AS (SELECT firing.* FROM firing JOIN trigger ON trigger.id = trigger_id WHERE trigger.campaign_id = :campaign_id)
    SELECT (SELECT count(*) FROM fired) AS fired,
        (SELECT count(*) FROM contact_tag WHERE tag = 'engaged' AND contact_id IN (SELECT contact_id FROM fired)) AS tagged,
        (SELECT count(*) FROM simulator_inbox JOIN message ON message.id = simulator_inbox.message_id
            WHERE message.firing_id IN (SELECT id FROM fired)) AS messages,
        (SELECT count(*) FROM enrollment WHERE campaign_id = :campaign_id) AS enrolled,
        (SELECT count(*) FROM notification_item WHERE firing_id IN (SELECT id FROM fired)) AS notified,
        (SELECT count(*) FROM enrollment gone WHERE gone.sequence_id = :welcome_id AND gone.state = 'stopped' AND EXISTS (
            SELECT FROM firing JOIN enrollment entered ON entered.cause_id = firing.id WHERE firing.enrollment_id = gone.id
        )) AS moved
""")


async def trigger_rows(session: AsyncSession, campaign_id: UUID, welcome_id: UUID) -> dict[str, int]:
    """Returns what the campaign's trigger has done, and how many it has moved out of the sequence of the welcome."""
    row = (await session.execute(TRIGGERED, {"campaign_id": campaign_id, "welcome_id": welcome_id})).one()
    return dict(row._mapping)


CLICK_TO_STEP = text("""
    SELECT extract(epoch FROM event.at - min(click.clicked_at)) AS seconds
      FROM event JOIN click ON click.enrollment_id = event.enrollment_id AND click.verdict = 'human'
     WHERE event.sequence_id = :sequence_id AND event.kind = 'step_left' AND event.step_key = :step_key
       AND event.detail ->> 'outcome' = 'clicked'
     GROUP BY event.id, event.at
""")


async def click_to_step_seconds(session: AsyncSession, sequence_id: UUID, step_key: str) -> list[float]:
    """Returns, for each enrollment that a click took out of `step_key`, the seconds from the click's arrival to the next step's
    entry."""
    rows = await session.scalars(CLICK_TO_STEP, {"sequence_id": sequence_id, "step_key": step_key})
    return [float(seconds) for seconds in rows]
