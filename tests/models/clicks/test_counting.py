"""Counters of clicks against plain counting: whatever happens to clicks, in whatever order, no counter is off by one."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from models.base import first_id, new_id
from models.clicks.correction import correct_verdict
from models.clicks.partitions import make_partition
from models.clicks.recording import DescribedClick, Metadata, keep_clicks
from models.clicks.retention import retire_clicks
from models.clicks.verdict import Verdict
from models.database import Database
from models.organizations.organization import create_organization
from models.reconcile import reconcile
from tests.clicks import NOON, Sent, click, rows, send
from tests.models.clicks.plain_counts import PlainClick, PlainCounts

Result = TypeVar("Result")
METADATA = (
    Metadata("DE", "Berlin", "phone", "Mobile Safari", "iOS", "Land Berlin"),
    Metadata("FR", None, "desktop", "Firefox", "Linux"),
    Metadata(None, None, "other", None, None),
    None,
)
# Before and after edges of quarters of an hour and of the delays; the messages went out an hour before noon.
MINUTES = (-4000, -61, -45, -44, 0, 14, 15, 16, 700, 3000)
LAST = NOON + timedelta(minutes=max(MINUTES) + 1)
TABLES = "click, click_metadata, click_first, click_series, click_by, click_correction, contact_engagement"
DAMAGES = (
    "UPDATE click_series SET clicks = clicks + 3, people = people + 1",
    "UPDATE click_series SET link_people = link_people + 1 WHERE scope = 'sequence'",
    "UPDATE click_series SET first_at = last_at + interval '1 hour', last_at = NULL WHERE retired_clicks = 0",
    "UPDATE click_by SET clicks = clicks - 1 WHERE dimension IN ('delay', 'region')",
    "UPDATE click_by SET value = value || 'X' WHERE retired_clicks = 0",
    "DELETE FROM click_series WHERE retired_clicks = 0 AND scope IN ('organization', 'campaign')",
    "DELETE FROM click_by WHERE retired_clicks = 0",
    "DELETE FROM contact_engagement WHERE retired_clicks = 0",
    "UPDATE contact_engagement SET clicks = clicks + 2",
)
OF_CLICKS = [counter for counter in reconcile.COUNTERS if counter.table.startswith(("click", "contact"))]
EXAMPLES = 10
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a failure of twenty steps is read faster than it is made smaller

a_person, a_link, a_time = st.integers(0, 2), st.integers(0, 1), st.sampled_from(MINUTES)
a_verdict, what_is_known = st.sampled_from(list(Verdict)), st.sampled_from(METADATA)
some_clicks = st.lists(st.tuples(st.booleans(), a_person, a_link, a_time, a_verdict, what_is_known), min_size=1, max_size=4)


class AgainstPlainCounting(RuleBasedStateMachine):
    """Each step is one transaction. What was recorded is compared at the end, and now and then before it."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(self.url)
        self.plain = PlainCounts()
        self.ids = 0
        self.messages = self.run(self.prepare())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    async def prepare(self) -> list[Sent]:
        async with self.database.transaction() as session:
            for at in (NOON, NOON - timedelta(days=31)):
                await make_partition(session, at.replace(day=1, hour=0))
            await session.execute(text(f"TRUNCATE {TABLES}"))
            org_id = (await create_organization(session, "Counted"))[0].id
        both = await send(self.database, org_id, people=3, campaign_id=new_id(), sequence_id=new_id())
        async with self.database.transaction() as session:
            await session.execute(text("UPDATE message SET accepted_at = :at"), {"at": NOON - timedelta(hours=1)})
        return [both, await send(self.database, org_id, contacts=both.contacts)]  # those of a trigger

    @rule(given=some_clicks)
    def record(self, given: list[tuple[bool, int, int, int, Verdict, Metadata | None]]) -> None:
        made = []
        for of_trigger, person, position, minutes, verdict, metadata in given:
            at = NOON + timedelta(minutes=minutes)
            sent_at = None if of_trigger else NOON - timedelta(hours=1)
            made.append(PlainClick(self.next_id(at), self.messages[of_trigger], person, position, at, verdict, metadata, sent_at))
        self.keep(made)

    @precondition(lambda self: self.plain.clicks)
    @rule(data=st.data())
    def record_again(self, data: st.DataObject) -> None:
        """Temporal runs an activity once more when nobody told it of the commit."""
        self.keep([self.plain.clicks[self.known(data)] for _ in range(data.draw(st.integers(1, 3)))])

    def known(self, data: st.DataObject) -> UUID:
        return data.draw(st.sampled_from(list(self.plain.clicks)))

    def next_id(self, at: datetime) -> UUID:
        """Not a random one, or a failure could not be told again."""
        self.ids += 1
        return UUID(int=first_id(at).int | self.ids)

    def keep(self, clicks: list[PlainClick]) -> None:
        described = [
            DescribedClick(
                click(each.sent, each.person, each.position, id=each.id, clicked_at=each.at, verdict=each.verdict), each.metadata
            )
            for each in clicks
        ]

        async def work() -> None:
            async with self.database.transaction() as session:
                await keep_clicks(session, described)

        self.run(work())
        self.plain.record(clicks)

    @precondition(lambda self: self.plain.clicks)
    @rule(data=st.data(), verdict=a_verdict)
    def correct(self, data: st.DataObject, verdict: Verdict) -> None:
        id = self.known(data)

        async def work() -> None:
            async with self.database.transaction() as session:
                await correct_verdict(session, self.messages[0].org_id, id, verdict)

        self.run(work())
        self.plain.correct(id, verdict)

    @precondition(lambda self: self.plain.clicks)
    @rule(minutes=a_time, limit=st.integers(1, 5))
    def retire(self, minutes: int, limit: int) -> None:
        before = NOON + timedelta(minutes=minutes)

        async def work() -> None:
            async with self.database.transaction() as session:
                await retire_clicks(session, self.messages[0].org_id, before, limit)

        self.run(work())
        self.plain.retire(before, limit)

    @rule(damage=st.sampled_from(DAMAGES))
    def damage_and_repair(self, damage: str) -> None:
        self.run(self.execute(damage))
        self.run(reconcile.repair(self.database, OF_CLICKS))

    @rule()
    def lose_first_clicks_and_repair(self) -> None:
        self.run(self.execute("DELETE FROM click_first WHERE NOT retired"))
        self.run(reconcile.repair(self.database, OF_CLICKS))
        self.plain.forget_firsts()

    async def execute(self, statement: str) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(statement))

    @rule()
    def compare(self) -> None:
        self.run(self.assert_equal())

    async def assert_equal(self) -> None:
        series = "scope, scope_id, link_id, verdict, bucket, clicks, people, link_people, retired_clicks, first_at, last_at"
        by = "scope, scope_id, link_id, verdict, dimension, value, clicks, people, link_people, retired_clicks"
        assert {row[:5]: row[5:] for row in await self.rows(series, "click_series")} == self.plain.series()
        assert {row[:6]: row[6:] for row in await self.rows(by, "click_by")} == self.plain.by()
        engagement = await self.rows("contact_id, clicks, retired_clicks", "contact_engagement")
        assert {row[:1]: row[1:] for row in engagement} == self.plain.engagement()
        firsts = await self.rows("scope, scope_id, verdict, contact_id, click_id, retired", "click_first")
        assert {row[:4]: row[4] for row in firsts} == self.plain.firsts
        assert {row[4] for row in firsts if row[5]} == self.plain.firsts_gone()

    async def rows(self, columns: str, table: str) -> list[tuple[Any, ...]]:
        return await rows(self.database, f"SELECT {columns} FROM {table}")  # noqa: S608 - names of ours

    def teardown(self) -> None:
        self.run(self.assert_equal())
        assert self.run(reconcile.compare(self.database)).differences == []
        self.run(self.database.close())
        self.runner.close()


def test_counters_of_clicks_equal_plain_counting_whatever_happens(database_url: str) -> None:
    AgainstPlainCounting.url = database_url
    run_state_machine_as_test(
        AgainstPlainCounting,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES
        ),
    )
