"""Faults planted in a turn, each of which the checker of `drill enrollments` finds; beside each, the same without the fault."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.delivery import Delivery
from drills.parts import rows as drill_checks
from drills.parts.enrollments.checker import Facts, Journey, Verdict, judge
from drills.parts.enrollments.plan import POINTS
from models.base import new_id
from models.commands.command import CommandKind
from models.database import Database
from models.messages.ledger import SendResult
from models.messages.message import Message, MessageState
from models.organizations.organization import Organization
from models.sequences.enrollment import Enrollment
from models.sequences.standing import Recipient
from services import gate
from services.channels.base import Outgoing, Receipt
from services.channels.simulator import Simulator
from services.commands.issue import issue
from tests.sending import Sending

ROOT = Path(__file__).parent.parent.parent
LOST = ConnectionResetError("connection reset by peer")


class LosesAnswers(Simulator):
    """Takes each message, and the answer to the first is lost, as when the worker dies at `turn_accepted`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, new_id())
        self._lost = False

    async def send(self, message: Outgoing) -> Receipt:
        receipt = await super().send(message)
        if not self._lost:
            self._lost = True
            raise LOST
        return receipt


async def blind(_: Delivery, message: Message, *_more: object) -> SendResult:
    """Sends an interrupted message again without asking the provider about it."""
    return SendResult(message.id, MessageState.PLANNED, claimed_at=message.sending_at)


async def enrolled(sending: Sending) -> Enrollment:
    (contact,) = await sending.contacts()
    return await sending.enrollment(contact)


async def judged(sending: Sending, enrollment: Enrollment, **answered: Any) -> Verdict:
    """What the checker says of this one."""
    async with sending.database.transaction() as session:
        states = await drill_checks.states_of_enrollments(session)
        messages, unknown = await drill_checks.messages_of_enrollments(session)
        phones = await drill_checks.phones_of_enrollments(session)
    mine = {"messages": messages.get(enrollment.id, {}), "received": phones.get(enrollment.id, ())}
    found: dict[str, Any] = {**mine, **answered}
    return judge(Facts([Journey(enrollment.id, states[enrollment.id], **found)], unknown, unknown))


@pytest.mark.parametrize("planted", [False, True])
async def test_a_blind_second_send_is_found(
    planted: bool, database: Database, organization: tuple[Organization, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if planted:
        monkeypatch.setattr(Delivery, "resolve", blind)
    sending = Sending(database, organization[0], LosesAnswers(database))
    enrollment = await enrolled(sending)
    with pytest.raises(ConnectionResetError):
        await sending.send_step(enrollment)
    await sending.make_claims_old()
    assert (await sending.send_step(enrollment)).state == "accepted"
    assert (await judged(sending, enrollment)).doubled == int(planted)


@pytest.mark.parametrize("planted", [False, True])
async def test_a_gate_that_does_not_look_for_a_stop_is_found(
    planted: bool, simulated: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = gate.judge
    if planted:
        monkeypatch.setattr(gate, "judge", lambda facts: look(replace(facts, stopped=False)))
        monkeypatch.setattr(Recipient, "wants_message", True)
    enrollment = await enrolled(simulated)
    async with simulated.database.transaction() as session:
        await issue(session, simulated.org_id, enrollment.id, CommandKind.STOP)
    stopped_at = datetime.now(UTC)
    await simulated.send_step(enrollment)
    verdict = await judged(simulated, enrollment, stopped_at=stopped_at)
    assert (verdict.after_stop, verdict.received) == (int(planted), int(planted))


@pytest.mark.parametrize("planted", [False, True])
async def test_a_message_that_stays_in_the_sending_state_is_found(planted: bool, simulated: Sending) -> None:
    enrollment = await enrolled(simulated)
    await simulated.send_step(enrollment)
    await simulated.end(enrollment, "completed", "completed")
    if planted:
        await simulated.change(await simulated.message(), state=MessageState.SENDING)
    assert (await judged(simulated, enrollment)).stuck == int(planted)


def test_every_crash_point_of_the_drill_is_in_a_turn() -> None:
    """A point that nobody hits would only be noticed by a drill that waits for it in vain."""
    code = "".join(path.read_text() for path in (ROOT / "activities").rglob("*.py"))
    assert {*POINTS} == {point for point in re.findall(r'crashpoint\("(\w+)"\)', code) if point.startswith("turn_")}
