"""Faults planted in what triggers do, each of which the checker of `drill enrollments` finds; beside each, the same without the
fault."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from activities.actions.base import Batch, Taken
from activities.delivery import Delivery
from drills.parts.enrollments.plan import TRIGGER_POINTS
from drills.parts.triggers.checker import Listener, TriggerVerdict, judge_triggers
from drills.parts.triggers.rows import Places, effects, firings
from models.clicks import recording
from models.database import Database
from models.organizations.organization import Organization
from models.triggers.results import done
from tests.drills.test_planted_turns import LosesAnswers, blind
from tests.rows import Rows
from tests.sending import Sending
from tests.triggered import Triggered
from tests.triggers import TAG, Machine, fire

ROOT = Path(__file__).parent.parent.parent
PLACES = Places(uuid4(), uuid4(), "hot", "move")


async def judged(database: Database, *kinds: str, clicks: int = 1, machines: int = 0) -> TriggerVerdict:
    """What the checker says of the one person of the test."""
    async with database.transaction() as session:
        fired, happened = await firings(session), await effects(session, PLACES)
    (place,) = {*fired, *happened} or {("hot", uuid4())}
    mine = {"firings": fired.get(place, ()), "effects": happened.get(place, {})}
    return judge_triggers([Listener("hot", 1, kinds, clicks, clicks, machines, **mine)])  # type: ignore[arg-type] # by name


@pytest.mark.parametrize("planted", [False, True])
async def test_a_message_of_a_trigger_that_is_sent_blindly_a_second_time_is_found(
    planted: bool, database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if planted:
        monkeypatch.setattr(Delivery, "resolve", blind)
    triggered = Triggered(Sending(database, organization[0], LosesAnswers(database)), LosesAnswers(database))
    (contact,) = await triggered.sending.contacts(1)
    await triggered.fire(await triggered.trigger(), contact)
    for _ in range(3):
        await triggered.send()
        await triggered.make_due()
        await triggered.sending.make_claims_old()
    verdict = await judged(database, "send")
    assert (verdict.doubled, verdict.missing, verdict.unfinished) == (int(planted), 0, 0)


class Forgets:
    """Records that the action was done, and is killed before it does it."""

    async def take(self, _session: AsyncSession, batch: Batch, _action: object) -> Taken:
        return Taken({each.id: done() for each in batch.firings})


@pytest.mark.parametrize("planted", [False, True])
async def test_an_action_that_is_recorded_and_was_not_done_is_found(
    planted: bool, database: Database, made: Rows, machine: Machine
) -> None:
    if planted:
        machine.actions["tag"] = Forgets()
    await fire(made, [TAG])
    await machine.run()
    verdict = await judged(database, "tag")
    assert (verdict.missing, verdict.doubled, verdict.contradicted) == (int(planted), 0, 0)


@pytest.mark.parametrize("planted", [False, True])
async def test_a_trigger_that_a_machines_click_fires_is_found(
    planted: bool, database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if planted:
        people_only = "SELECT id FROM new WHERE verdict = 'human' AND"
        assert people_only in recording.KEEP
        monkeypatch.setattr(recording, "KEEP", recording.KEEP.replace(people_only, "SELECT id FROM new WHERE"))
    campaign = await made.campaign()
    await made.trigger([campaign.content_id], [TAG], campaign_id=campaign.id)
    message = await made.message(campaign.content_id, await made.contact())
    await made.click(message, verdict="bot", reason="crawler")
    await machine.run()
    verdict = await judged(database, "tag", clicks=0, machines=1)
    assert (verdict.by_machine, verdict.fired) == (2 * planted, int(planted))


def test_every_crash_point_of_the_drill_is_in_the_way_of_a_trigger() -> None:
    """A point that nobody hits would only be noticed by a drill that waits for it in vain."""
    places = ("activities/record_clicks.py", "activities/run_triggers.py", "activities/send_triggered.py")
    files = [ROOT / place for place in (*places, "activities/actions/send.py", "services/notifications/notifier.py")]
    code = "".join(path.read_text() for path in files)
    assert {*TRIGGER_POINTS} == {*re.findall(r'crashpoint\("(\w+)"\)', code)}
