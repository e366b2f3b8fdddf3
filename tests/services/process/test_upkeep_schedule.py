"""The schedule of the daily upkeep, at a real Temporal server: made once, brought up to date, and left paused."""

from temporalio.client import Client, ScheduleHandle, ScheduleUpdate, ScheduleUpdateInput

from models.wire.names import PLATFORM_QUEUE
from services.process.upkeep_schedule import HOUR, UPKEEP, keep_upkeep_schedule
from tests.loop import until


async def _has_begun(handle: ScheduleHandle) -> bool:
    """The server starts the run after it has answered that the schedule is made."""
    info = (await handle.describe()).info
    return info.num_actions + len(info.running_actions) >= 1


async def test_the_first_run_does_not_wait_for_the_night(temporal: Client) -> None:
    """It comes first in this file: a second schedule within a second would give its run the id of one that is there."""
    await keep_upkeep_schedule(temporal)
    handle = temporal.get_schedule_handle(UPKEEP)
    try:
        await until(lambda: _has_begun(handle))
    finally:
        await handle.delete()


async def test_every_worker_that_starts_leaves_one_schedule_with_its_own_content(temporal: Client) -> None:
    handle = temporal.get_schedule_handle(UPKEEP)
    await keep_upkeep_schedule(temporal)

    def changed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        found.description.schedule.spec.calendars = []
        found.description.schedule.state.paused = True
        return ScheduleUpdate(schedule=found.description.schedule)

    try:
        await handle.update(changed)
        await keep_upkeep_schedule(temporal)
        schedule = (await handle.describe()).schedule
        assert [each.hour[0].start for each in schedule.spec.calendars] == [HOUR]
        assert schedule.state.paused
        assert getattr(schedule.action, "task_queue", None) == PLATFORM_QUEUE
        assert getattr(schedule.action, "workflow", None) == "Upkeep"
    finally:
        await handle.delete()
