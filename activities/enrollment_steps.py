"""What an enrollment's workflow reads and writes apart from sending."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.held_clicks import decide_for
from models import progress, signals
from models.channel import channels_by_name
from models.database import Database
from models.enrollment import over_before_start
from models.sequence import Sequence, SequenceVersion
from models.steps import MessageTemplate, SendStep, SequenceDefinition, Step
from models.wire import EnrollmentEnded, FindClick, FoundClick, LoadedSequence, LoadSequence, StepEntered, send_queue

NO_TEXT = MessageTemplate(body="(known to its sending)")


class EnrollmentSteps:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def load_sequence(self, request: LoadSequence) -> LoadedSequence:
        """The published version without its texts, which only sending needs: Temporal takes 2 MB at most."""
        async with self._database.transaction() as session:
            version = await session.get(SequenceVersion, request.sequence_version_id)
            if version is None or version.org_id != request.org_id:
                raise ApplicationError("this version of the sequence does not exist", type="NotFound", non_retryable=True)
            sequence = await session.get_one(Sequence, version.sequence_id)
            channels = await channels_by_name(session, request.org_id)
            over = await over_before_start(session, request.enrollment_id) if request.enrollment_id else None
        definition = SequenceDefinition.model_validate(version.definition)
        sends = [step for step in definition.steps if isinstance(step, SendStep)]
        queues = {step.key: send_queue(channels[step.channel].kind) for step in sends}
        plain = SequenceDefinition(steps=tuple(_without_text(step) for step in definition.steps))
        return LoadedSequence(name=sequence.name, version=version.version, definition=plain, send_queues=queues, over=over)

    @activity.defn
    async def enter_step(self, entered: StepEntered) -> None:
        async with self._database.transaction() as session:
            await progress.enter_step(session, entered)

    @activity.defn
    async def find_click(self, request: FindClick) -> FoundClick:
        """Asks the rows whether a person clicked, in case the signal is late or lost, or the click is held."""
        async with self._database.transaction() as session:
            await decide_for(session, request)
            return await signals.find_click(session, request)

    @activity.defn
    async def end_enrollment(self, ended: EnrollmentEnded) -> None:
        async with self._database.transaction() as session:
            await progress.end_enrollment(session, ended)


def _without_text(step: Step) -> Step:
    return step.model_copy(update={"message": NO_TEXT}) if isinstance(step, SendStep) else step
