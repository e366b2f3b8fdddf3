"""Analytics of a sequence. `docs/analytics.md` says what each number means."""

from collections.abc import Iterable
from uuid import UUID

from pydantic import BaseModel, Field

from api.handling.request import OrganizationDep, SessionDep, area
from api.reports.counted import LinkCount, link_counts
from api.reports.totals import Analytics, read_common
from api.reports.window import WindowDep
from api.triggers.counts import ALL, TriggerCountView, trigger_counts
from models.clicks.click import Scope
from models.reports.steps import EnrollmentCounts, StepCounts, count_enrollments
from models.reports.texts import contents_of
from models.reports.triggers import count_sequence_triggers
from models.sequences.sequence import current_version, get_sequence
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.registry import Step

router = area("analytics")


class StepLeft(BaseModel):
    outcome: str | None = Field(description="sent, skipped, failed, waited, clicked, timed_out, stopped, …", examples=["clicked"])
    branch: str | None = Field(description="Key of the step that came next; null: the sequence ended.", examples=["thanks"])
    step_runs: int = Field(examples=[60])


class StepCount(BaseModel):
    """Step runs of one step, over all versions: a step in a loop counts each time."""

    step_key: str = Field(examples=["wait_for_offer"])
    kind: str | None = Field(description="null: the current version has no such step.", examples=["wait_for_click"])
    entered: int
    active: int = Field(description="Enrollments in this step now.")
    left: list[StepLeft]


class SequenceAnalytics(Analytics):
    sequence_id: UUID
    links: list[LinkCount]
    enrollments: dict[str, int] = Field(description="By state.", examples=[{"running": 3, "completed": 197}])
    outcomes: dict[str, int] = Field(description="Completed enrollments by the end step's word.", examples=[{"completed": 197}])
    steps: list[StepCount]
    triggers: list[TriggerCountView] = Field(
        description="How often each fired and what its actions did: the first 200, of all versions together."
    )


@router.get("/sequences/{sequence_id}/analytics", summary="Read a sequence's numbers")
async def of_sequence(sequence_id: UUID, session: SessionDep, caller: OrganizationDep, asked: WindowDep) -> SequenceAnalytics:
    """All published versions together; links are listed for each version."""
    sequence = await get_sequence(session, caller.id, sequence_id)
    version = await current_version(session, sequence)
    counts = await count_enrollments(session, sequence_id)
    question, contents = asked.question(Scope.SEQUENCE, sequence_id), await contents_of(session, Scope.SEQUENCE, sequence_id)
    return SequenceAnalytics(
        **await read_common(session, question, asked, contents),
        sequence_id=sequence_id,
        links=await link_counts(session, question),
        enrollments=counts.by_state,
        outcomes=counts.outcomes,
        steps=_steps(SequenceDefinition.model_validate(version.definition).steps if version else (), counts),
        triggers=trigger_counts((await count_sequence_triggers(session, sequence_id, ALL))[0]),
    )


def _steps(steps: Iterable[Step], counts: EnrollmentCounts) -> list[StepCount]:
    """Steps come in the order of the current version, then those that only older versions have. End steps are never entered."""
    kinds: dict[str, str | None] = {step.key: step.kind for step in steps if step.edges()}
    kinds.update({key: None for key in counts.steps if key not in kinds})
    return [_step(key, kind, counts.steps.get(key, StepCounts())) for key, kind in kinds.items()]


def _step(key: str, kind: str | None, counts: StepCounts) -> StepCount:
    left = [StepLeft(outcome=leaving.outcome, branch=leaving.branch, step_runs=n) for leaving, n in counts.left.items()]
    return StepCount(step_key=key, kind=kind, entered=counts.entered, active=counts.active, left=left)
