"""The schedule in Temporal that starts the daily upkeep (`workflows/upkeep.py`)."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from models.wire.names import PLATFORM_QUEUE

UPKEEP = "upkeep"
"""The schedule's id. The workflows that it starts have this before their time."""

HOUR, MINUTE = 3, 10
"""When it starts each day (UTC)."""


def upkeep_schedule() -> Schedule:
    """A run that would begin while another is at work is left out. One that was missed while Temporal was away is made up for,
    because the next one may come too late for a month that begins."""
    return Schedule(
        action=ScheduleActionStartWorkflow("Upkeep", id=UPKEEP, task_queue=PLATFORM_QUEUE),
        spec=ScheduleSpec(calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(HOUR)], minute=[ScheduleRange(MINUTE)])]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    )


async def keep_upkeep_schedule(client: Client) -> None:
    """Makes the schedule, which starts a first run at once, or gives one that is there already this version's content. Whether
    somebody has paused it stays as it is."""
    try:
        await client.create_schedule(UPKEEP, upkeep_schedule(), trigger_immediately=True)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(UPKEEP).update(_as_wanted)


def _as_wanted(found: ScheduleUpdateInput) -> ScheduleUpdate:
    wanted = upkeep_schedule()
    wanted.state = found.description.schedule.state
    return ScheduleUpdate(schedule=wanted)
