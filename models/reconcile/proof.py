"""Recounts the figures of one campaign, sequence or link from their rows, in one state of the database.

What is recorded meanwhile is in neither side: rows and counters are written by the same transactions, and a snapshot has all of
such a transaction or nothing. The recount is that of `./linkwake reconcile`: its statements say which counters differ.
"""

from collections import Counter as Sums
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks.click import OWNERS, Scope
from models.clicks.counters import DIMENSIONS
from models.clicks.verdict import Verdict
from models.reconcile.click_by import CLICK_BY
from models.reconcile.click_series import CLICK_SERIES
from models.reconcile.counter import Counter, Difference
from models.reconcile.message_count import MESSAGE_COUNT
from models.reconcile.report_count import REPORT_COUNT
from models.reconcile.step_count import STEP_COUNT
from models.reports.time_budget import TimeBudget

LISTED = 100
"""The most counters that are listed; all that differ are counted."""


@dataclass(frozen=True)
class Proven:
    """What is proven: all of a scope, or with `link_id` one link in it. `content_ids` are the texts whose messages count, and
    `version_ids` the versions whose step runs count."""

    scope: Scope
    scope_id: UUID
    link_id: UUID | None = None
    content_ids: Sequence[int] = ()
    version_ids: Sequence[UUID] = ()


@dataclass(frozen=True)
class Figure:
    """`expected` is what the rows say, `found` what the report says. `different` counts the rows of counters that differ, which
    can be several although their sum is right. `of` says what is counted, such as the verdict."""

    name: str
    of: Mapping[str, str]
    expected: int
    found: int
    different: int

    @property
    def equal(self) -> bool:
        return self.expected == self.found and self.different == 0


@dataclass(frozen=True)
class RowsRead:
    """The rows that were counted. `retired` were removed when the organization's retention had passed, and are in the counters
    alone."""

    table: str
    rows: int
    oldest_id: UUID | None
    newest_id: UUID | None
    retired: int = 0


@dataclass
class Proof:
    proven_at: datetime
    rows: list[RowsRead] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    different: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return self.different == 0 and all(figure.equal for figure in self.figures)


SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


async def begin_snapshot(session: AsyncSession) -> datetime:
    """Returns the time of the state that everything in this transaction reads from now on. It has to be the transaction's first
    statement."""
    await session.execute(text(SNAPSHOT))
    at: datetime | None = await session.scalar(text("SELECT clock_timestamp()"))
    assert at is not None  # noqa: S101 - PostgreSQL always knows the time
    return at


async def prove(budget: TimeBudget, proven: Proven, proven_at: datetime) -> Proof:
    """The transaction has begun with `begin_snapshot`. Raises TooMuch when the time is over."""
    proof = Proof(proven_at)
    await _clicks(budget, proven, proof)
    await _people(budget, proven, proof)
    await _values(budget, proven, proof)
    await _messages(budget, proven, proof)
    await _step_runs(budget, proven, proof)
    return proof


CLICK_ROWS = """
SELECT count(*) AS rows, min(id::text)::uuid AS oldest_id, max(id::text)::uuid AS newest_id FROM click
WHERE {also}{owner} = :scope_id {link}
"""
SERIES = """
SELECT verdict, sum(clicks)::int AS clicks, sum({people})::int AS people, sum(retired_clicks)::int AS retired FROM click_series
WHERE scope = :scope AND scope_id = :scope_id {link} GROUP BY verdict
"""


async def _clicks(budget: TimeBudget, proven: Proven, proof: Proof) -> None:
    values, parts = _asked(proven), _parts(proven)
    found = {row.verdict: row for row in await budget.execute(SERIES.format(**parts), values)}
    rows = (await budget.execute(CLICK_ROWS.format(**parts), values)).one()
    retired = sum(row.retired for row in found.values())
    proof.rows.append(RowsRead("click", rows.rows, rows.oldest_id, rows.newest_id, retired))
    wrong = await _different(budget, CLICK_SERIES[proven.scope], {"until": proven.scope_id}, proven)
    _list(proof, wrong)
    for verdict in Verdict:
        of_verdict = [each for each in wrong if each.key["verdict"] == verdict]
        clicks = found[verdict].clicks if verdict in found else 0
        _add(proof, "clicks", {"verdict": verdict.value}, clicks, of_verdict, "clicks")
    total = sum(row.clicks for row in found.values())
    _add(proof, "series", {"interval": "quarter_hour"}, total, wrong, "clicks")


# Everybody who has a click among the rows, and everybody whose first click is known, because retention does not remove that.
PEOPLE = """
SELECT verdict, count(*)::int AS people, (count(*) FILTER (WHERE NOT known))::int AS unknown FROM (
    SELECT verdict, contact_id, bool_or(known) AS known FROM (
        SELECT verdict, contact_id, false AS known FROM click WHERE {also}{owner} = :scope_id {link} AND contact_id IS NOT NULL
        UNION ALL
        SELECT verdict, contact_id, true FROM click_first WHERE scope = :person_scope AND scope_id = :person_scope_id
    ) AS seen GROUP BY verdict, contact_id
) AS person GROUP BY verdict
"""


async def _people(budget: TimeBudget, proven: Proven, proof: Proof) -> None:
    values, parts = _asked(proven), _parts(proven)
    found = {row.verdict: row.people for row in await budget.execute(SERIES.format(**parts), values)}
    people = {row.verdict: row for row in await budget.execute(PEOPLE.format(**parts), values)}
    for verdict in Verdict:
        expected, unknown = (people[verdict].people, people[verdict].unknown) if verdict in people else (0, 0)
        figure = Figure("people", {"verdict": verdict.value}, expected, found.get(verdict, 0), unknown)
        proof.figures.append(figure)
        proof.different += unknown


BY_VALUE = """
SELECT dimension, sum(clicks)::int AS clicks FROM click_by WHERE scope = :scope AND scope_id = :scope_id {link} GROUP BY dimension
"""


async def _values(budget: TimeBudget, proven: Proven, proof: Proof) -> None:
    statement = BY_VALUE.format(**_parts(proven))
    found = {row.dimension: row.clicks for row in await budget.execute(statement, _asked(proven))}
    wrong = await _different(budget, CLICK_BY[proven.scope], {"until": proven.scope_id}, proven)
    _list(proof, wrong)
    for dimension in DIMENSIONS:
        of_dimension = [each for each in wrong if each.key["dimension"] == dimension]
        _add(proof, "values", {"dimension": dimension}, found.get(dimension, 0), of_dimension, "clicks")


MESSAGE_ROWS = """
SELECT count(*) AS rows, min(id::text)::uuid AS oldest_id, max(id::text)::uuid AS newest_id FROM message
WHERE content_id = ANY(CAST(:content_ids AS int[]))
"""
MESSAGES = """
SELECT {value} AS value, sum(messages)::int AS messages FROM {table} WHERE content_id = ANY(CAST(:content_ids AS int[]))
GROUP BY {value}
"""


async def _messages(budget: TimeBudget, proven: Proven, proof: Proof) -> None:
    values = {"content_ids": list(proven.content_ids)}
    rows = (await budget.execute(MESSAGE_ROWS, values)).one()
    proof.rows.append(RowsRead("message", rows.rows, rows.oldest_id, rows.newest_id))
    for counter, name, value in ((MESSAGE_COUNT, "messages", "state"), (REPORT_COUNT, "reports", "report")):
        statement = MESSAGES.format(table=counter.table, value=value)
        found = {row.value: row.messages for row in await budget.execute(statement, values)}
        wrong: list[Difference] = []
        for content_id in proven.content_ids:
            wrong += await _different(budget, counter, {"after": content_id - 1, "until": content_id})
        _list(proof, wrong)
        for each in sorted(found.keys() | {different.key[value] for different in wrong}):
            of_value = [different for different in wrong if different.key[value] == each]
            _add(proof, name, {value: each}, found.get(each, 0), of_value, "messages")


STEP_RUNS = """
SELECT coalesce(sum(step_runs), 0)::int FROM step_count WHERE sequence_version_id = ANY(CAST(:version_ids AS uuid[]))
"""
STEP_RUN_ROWS = "SELECT count(*) FROM step_run WHERE sequence_version_id = ANY(CAST(:version_ids AS uuid[]))"


async def _step_runs(budget: TimeBudget, proven: Proven, proof: Proof) -> None:
    if not proven.version_ids:
        return
    values = {"version_ids": list(proven.version_ids)}
    proof.rows.append(RowsRead("step_run", (await budget.execute(STEP_RUN_ROWS, values)).scalar_one(), None, None))
    found = (await budget.execute(STEP_RUNS, values)).scalar_one()
    wrong: list[Difference] = []
    for version_id in proven.version_ids:
        wrong += await _different(budget, STEP_COUNT, {"until": version_id})
    _list(proof, wrong)
    _add(proof, "step_runs", {}, found, wrong, "step_runs")


async def _different(
    budget: TimeBudget, counter: Counter, limits: Mapping[str, Any], proven: Proven | None = None
) -> list[Difference]:
    """The rows of this counter that differ in the piece; with a link, those of the link."""
    rows = (await budget.execute(counter.differences, counter.of(counter.differences, limits))).mappings()
    link_id = proven.link_id if proven else None
    return [counter.difference(dict(row)) for row in rows if link_id is None or row["link_id"] == link_id]


def _add(proof: Proof, name: str, of: Mapping[str, str], found: int, wrong: Sequence[Difference], value: str) -> None:
    """A row of a counter counts what it counts, and those that differ say by how much."""
    missing = Sums({value: 0})
    for each in wrong:
        missing[value] += (each.expected or {}).get(value, 0) - (each.found or {}).get(value, 0)
    proof.figures.append(Figure(name, of, found + missing[value], found, len(wrong)))


def _list(proof: Proof, wrong: Iterable[Difference]) -> None:
    for each in wrong:
        proof.different += 1
        if len(proof.differences) < LISTED:
            proof.differences.append(each)


def _asked(proven: Proven) -> dict[str, Any]:
    of_link = proven.link_id is not None
    values: dict[str, Any] = {"scope": proven.scope.value, "scope_id": proven.scope_id}
    values |= {"link_id": proven.link_id} if of_link else {}
    return values | {
        "person_scope": (Scope.LINK if of_link else proven.scope).value,
        "person_scope_id": proven.link_id or proven.scope_id,
    }


def _parts(proven: Proven) -> dict[str, str]:
    owner, also = OWNERS[proven.scope]
    of_link = proven.link_id is not None
    return {
        "owner": owner,
        "also": also,
        "people": "link_people" if of_link else "people",
        "link": "AND link_id = :link_id" if of_link else "",
    }
