"""Analytics of a sequence. `docs/analytics.md` says what each number means."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.request import OrganizationDep, ServicesDep, SessionDep, area
from api.reports.counted import LinkCount, link_counts
from api.reports.totals import Analytics, read_common
from api.reports.window import LinksWindowDep, read_answer
from api.triggers.counts import ALL, TriggerCountView, trigger_counts
from models.clicks.click import Scope
from models.clicks.counters import DELAYS
from models.reports.answer import Answer
from models.reports.clicks import ClickQuestion, Count, count_first_clicks
from models.reports.steps import EnrollmentCounts, StepCounts, StepKinds, all_together, count_enrollments, kinds_of_steps
from models.reports.texts import contents_of, count_messages
from models.reports.triggers import count_sequence_triggers
from models.sequences.enrollment import EnrollmentState
from models.sequences.sequence import PublishedVersion, get_sequence, get_version, published_versions

router = area("analytics")

MOST_VERSIONS = 20
"""The most versions that stand side by side."""


class StepLeft(BaseModel):
    outcome: str | None = Field(description="sent, skipped, failed, waited, clicked, timed_out, stopped, …", examples=["clicked"])
    branch: str | None = Field(description="Key of the step that came next; null: the sequence ended.", examples=["thanks"])
    step_runs: int = Field(examples=[60])


class StepWait(BaseModel):
    """Step runs that were left, by how long they took."""

    average_seconds: float | None = Field(description="To the millisecond; null: nobody has left the step.", examples=[86400.25])
    buckets: dict[str, int] = Field(
        description=f"Step runs by time: {', '.join(DELAYS)}. Those without any are left out.",
        examples=[{"<1m": 3, "12-24h": 57}],
    )


class StepCount(BaseModel):
    """Step runs of one step: a step in a loop counts each time."""

    step_key: str = Field(examples=["wait_for_offer"])
    kind: str | None = Field(description="null: the version that is shown has no such step.", examples=["wait_for_click"])
    entered: int
    active: int = Field(description="Enrollments in this step now.")
    active_list: str = Field(
        description="Where those are listed.", examples=["/v1/enrollments?sequence_id=…&step=wait_for_offer"]
    )
    next_due_at: datetime | None = Field(description="When the first of those goes on; null: none of them has a time.")
    left: list[StepLeft]
    waited: StepWait


class SequenceVersionCount(BaseModel):
    """One published version beside the others. Clicks and people follow `verdict`, the time and all filters, as in `totals`;
    the other numbers follow none."""

    version: int
    published_at: datetime
    entered: int = Field(description="Enrollments that began in it.", examples=[200])
    completed: int = Field(examples=[150])
    enrollments: dict[str, int] = Field(description="By state.", examples=[{"running": 50, "completed": 150}])
    outcomes: dict[str, int] = Field(description="Completed enrollments by the end step's word.", examples=[{"completed": 150}])
    clicks: int = Field(examples=[90])
    people: int = Field(
        description="Contacts whose first click in the sequence was on a link of this version, so that versions add up.",
        examples=[80],
    )
    click_rate: float | None = Field(description="people / entered; null: nobody entered.", examples=[0.4])
    steps: list[StepCount] = Field(description="All steps of the version in its order, without `end` steps.")


class SequenceAnalytics(Analytics):
    sequence_id: UUID
    version: int | None = Field(description="The version that steps, enrollments, outcomes and links are of; null: all.")
    links: list[LinkCount]
    enrollments: dict[str, int] = Field(description="By state.", examples=[{"running": 3, "completed": 197}])
    outcomes: dict[str, int] = Field(description="Completed enrollments by the end step's word.", examples=[{"completed": 197}])
    steps: list[StepCount]
    versions: list[SequenceVersionCount] = Field(description=f"The newest {MOST_VERSIONS}, the newest first.")
    triggers: list[TriggerCountView] = Field(
        description="How often each fired and what its actions did: the first 200, of all versions together."
    )


VersionQuery = Annotated[
    int | None,
    Query(
        ge=1, le=2**31 - 1, description="Steps, enrollments, outcomes and links of this version alone, instead of all together."
    ),
]


@router.get("/sequences/{sequence_id}/analytics", summary="Read a sequence's numbers")
async def of_sequence(
    sequence_id: UUID,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    asked: LinksWindowDep,
    version: VersionQuery = None,
) -> SequenceAnalytics:
    """All published versions together and side by side. `version` shows the steps of one."""
    sequence = await get_sequence(session, caller.id, sequence_id)
    shown = version or sequence.version
    shown_ids = [(await get_version(session, caller.id, sequence_id, shown)).id] if shown else []
    published = await published_versions(session, sequence_id)
    kinds = await kinds_of_steps(session, {*shown_ids, *(each.id for each in published[:MOST_VERSIONS])})
    counts = await count_enrollments(session, [each.id for each in published])
    question = asked.question(Scope.SEQUENCE, sequence_id)
    found = await read_answer(services, session, caller.id, question)
    contents = await contents_of(session, Scope.SEQUENCE, sequence_id)
    links = await link_counts(session, question, found)
    total = all_together(counts[each.id] for each in published if version in (None, each.version))
    return SequenceAnalytics(
        **await read_common(session, found, asked, contents, await count_messages(session, contents, one_each=False)),
        sequence_id=sequence_id,
        version=version,
        links=[each for each in links if version in (None, each.version)],
        enrollments=total.by_state,
        outcomes=total.outcomes,
        steps=_steps(kinds[shown_ids[0]] if shown_ids else {}, total, sequence_id, version),
        versions=await _versions(session, question, found, published[:MOST_VERSIONS], counts, links, kinds),
        triggers=trigger_counts((await count_sequence_triggers(session, sequence_id, ALL))[0]),
    )


async def _versions(
    session: AsyncSession,
    question: ClickQuestion,
    found: Answer,
    published: Sequence[PublishedVersion],
    counts: Mapping[UUID, EnrollmentCounts],
    links: Iterable[LinkCount],
    kinds: Mapping[UUID, StepKinds],
) -> list[SequenceVersionCount]:
    of_link = {link.link_id: link.version for link in links}
    clicks: dict[int | None, Count] = {}
    first_links = await count_first_clicks(session, question) if found.first_links is None else found.first_links
    for link_id, count in first_links.items():
        before = clicks.get(of_link.get(link_id), Count(0, 0))
        clicks[of_link.get(link_id)] = Count(before.clicks + count.clicks, before.people + count.people)
    return [
        _version(each, counts[each.id], clicks.get(each.version, Count(0, 0)), kinds.get(each.id, {}), question.scope_id)
        for each in published
    ]


def _version(
    version: PublishedVersion, counts: EnrollmentCounts, clicked: Count, kinds: StepKinds, sequence_id: UUID
) -> SequenceVersionCount:
    entered = sum(counts.by_state.values())
    return SequenceVersionCount(
        version=version.version,
        published_at=version.published_at,
        entered=entered,
        completed=counts.by_state.get(EnrollmentState.COMPLETED, 0),
        enrollments=counts.by_state,
        outcomes=counts.outcomes,
        clicks=clicked.clicks,
        people=clicked.people,
        click_rate=round(clicked.people / entered, 4) if entered else None,
        steps=_steps(kinds, counts, sequence_id, version.version),
    )


def _steps(kinds: StepKinds, counts: EnrollmentCounts, sequence_id: UUID, version: int | None) -> list[StepCount]:
    """Steps come in the order of the version whose `kinds` these are, then those that only others have."""
    found: dict[str, str | None] = {**kinds, **{key: None for key in counts.steps if key not in kinds}}
    return [_step(key, kind, counts.steps.get(key, StepCounts()), sequence_id, version) for key, kind in found.items()]


def _step(key: str, kind: str | None, counts: StepCounts, sequence_id: UUID, version: int | None) -> StepCount:
    ways = sorted(counts.left.items(), key=lambda way: -way[1])
    left = [StepLeft(outcome=leaving.outcome, branch=leaving.branch, step_runs=number) for leaving, number in ways]
    runs = sum(counts.waited.values())
    buckets = {bucket: counts.waited[bucket] for bucket in DELAYS if counts.waited.get(bucket)}
    wanted = {"sequence_id": sequence_id, "step": key, "state": EnrollmentState.RUNNING.value}
    return StepCount(
        step_key=key,
        kind=kind,
        entered=counts.entered,
        active=counts.active,
        active_list=f"/v1/enrollments?{urlencode(wanted | ({} if version is None else {'version': version}))}",
        next_due_at=counts.next_due_at,
        left=left,
        waited=StepWait(average_seconds=round(counts.milliseconds / runs / 1000, 3) if runs else None, buckets=buckets),
    )
