"""The step `notify`: its outcomes, and that the team hears of each passage once."""

from typing import Any

import pytest

from models.base import new_id
from models.notifications.target import NotificationTarget
from tests.clicks import rows
from tests.sending import Sending

STEP: dict[str, Any] = {"kind": "notify", "key": "tell", "target": "Sales", "text": "{{ who }}"}


async def add_target(simulated: Sending, name: str = "Sales") -> None:
    async with simulated.database.transaction() as session:
        org_id = simulated.organization.id
        session.add(NotificationTarget(id=new_id(), org_id=org_id, name=name, service="Slack", shown="slack://…"))


@pytest.mark.parametrize(("name", "outcome", "items"), [("Sales", "notified", 1), ("Support", "not_notified: no_target", 0)])
async def test_the_enrollment_goes_on_whether_there_is_a_target_or_not(
    simulated: Sending, name: str, outcome: str, items: int
) -> None:
    await add_target(simulated, name)
    (contact,) = await simulated.contacts()
    enrollment = await simulated.enrollment(contact, more=({"next": "tell"}, STEP))
    assert (await simulated.turn(enrollment, step_key="tell", queue=None)).step_key == "pause"
    assert await rows(simulated.database, "SELECT outcome FROM step_run WHERE number = 1") == [outcome]
    assert len(await rows(simulated.database, "SELECT id FROM notification_item")) == items


async def test_a_repeat_of_the_turn_tells_nothing_more(simulated: Sending) -> None:
    await add_target(simulated)
    (contact,) = await simulated.contacts()
    enrollment = await simulated.enrollment(contact, more=({"next": "tell"}, STEP))
    for _ in range(2):
        await simulated.turn(enrollment, step_key="tell", queue=None)
    found = await rows(simulated.database, "SELECT concat_ws(' ', happened, source, text, step_run) FROM notification_item")
    assert found == ["reached Sequence {{ who }} 1"]
