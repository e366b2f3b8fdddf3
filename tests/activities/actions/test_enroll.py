"""The action `enroll`: once for each firing, as the sequence's re-entry rule allows, and started after the commit."""

from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from activities import run_triggers
from models.database import Database
from models.wire.names import enrollment_workflow_id
from tests.clicks import rows
from tests.rows import Rows
from tests.triggers import TAG, Machine, fire

RESULTS = "SELECT outcome, reason, detail ->> 'enrollment_id' FROM firing_action WHERE kind = 'enroll' ORDER BY firing_id"


def enroll(sequence_id: object, **fields: Any) -> dict[str, Any]:
    return {"kind": "enroll", "sequence_id": str(sequence_id), **fields}


async def test_the_person_is_enrolled_with_its_variables_and_its_workflow_runs(
    database: Database, temporal: Client, made: Rows, machine: Machine
) -> None:
    sequence = await made.sequence()
    (contact,) = await fire(made, [enroll(sequence.id, variables={"offer": "spring"})])
    await machine.run()
    (enrollment,) = await rows(
        database, "SELECT id, contact_id, cause, cause_number, variables, workflow_started_at IS NULL FROM enrollment"
    )
    assert enrollment[1:] == (contact.id, "trigger", 0, {"offer": "spring"}, False)
    assert await rows(database, "SELECT cause_id FROM enrollment") == await rows(database, "SELECT id FROM firing")
    assert await rows(database, RESULTS) == [("done", None, str(enrollment[0]))]
    handle = temporal.get_workflow_handle(enrollment_workflow_id(enrollment[0]))
    described = await handle.describe()
    by = "by the trigger hot, link offer, campaign Spring"
    assert await described.static_details() == by
    assert await described.static_summary() == f"Welcome version 1: contact {contact.id}, {by}"
    shown = described.typed_search_attributes
    assert {name: shown.get(SearchAttributeKey.for_keyword(name)) for name in ("Sequence", "Campaign", "TriggerKey")} == {
        "Sequence": "Welcome",
        "Campaign": "Spring",
        "TriggerKey": "hot",
    }
    await handle.terminate()


async def test_the_workflow_says_which_sequence_has_the_trigger(
    database: Database, temporal: Client, made: Rows, machine: Machine
) -> None:
    origin, demo = await made.sequence(name="Origin"), await made.sequence(name="Demo call")
    contact = await made.contact()
    enrollment = await made.enrollment(origin, contact)
    content_id = await made.content_of_step(origin, "hello")
    owner: dict[str, Any] = {"sequence_id": origin.id, "sequence_version_id": enrollment.sequence_version_id}
    await made.trigger([content_id], [enroll(demo.id)], **owner)
    await made.click(await made.message(content_id, contact, enrollment=enrollment))
    await machine.run()
    (new,) = await rows(database, f"SELECT id FROM enrollment WHERE id <> '{enrollment.id}'")  # noqa: S608
    described = await temporal.get_workflow_handle(enrollment_workflow_id(new)).describe()
    assert await described.static_details() == "by the trigger hot, link offer, sequence Origin"
    assert described.typed_search_attributes.get(SearchAttributeKey.for_keyword("TriggerKey")) == "hot"


async def test_a_process_that_dies_after_the_commit_leaves_one_enrollment_to_the_sweeper(
    database: Database, made: Rows, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dies(BaseException):
        pass

    def die(name: str) -> None:
        if name == "action_recorded":
            raise Dies

    sequence = await made.sequence()
    await fire(made, [enroll(sequence.id), TAG])
    monkeypatch.setattr(run_triggers, "crashpoint", die)
    with pytest.raises(Dies):
        await machine.run()
    monkeypatch.undo()
    await machine.make_due()
    await machine.run()
    assert await rows(database, "SELECT state, workflow_started_at FROM enrollment") == [("queued", None)]
    assert await rows(database, "SELECT outcome FROM firing_action") == ["done", "done"]


async def test_somebody_who_is_in_the_sequence_already_has_nothing_to_do_there(
    database: Database, made: Rows, machine: Machine
) -> None:
    sequence = await made.sequence()
    (contact,) = await fire(made, [enroll(sequence.id), TAG])
    by_hand = await made.enrollment(sequence, contact)
    await machine.run()
    assert await rows(database, RESULTS) == [("skipped", "the contact is in the sequence already", str(by_hand.id))]
    assert await rows(database, "SELECT tags FROM contact") == [["hot"]]


@pytest.mark.parametrize("published", [True, False])
async def test_a_sequence_that_is_gone_or_a_draft_fails_and_does_not_stop_what_comes_next(
    database: Database, made: Rows, machine: Machine, published: bool
) -> None:
    sequence_id = uuid4() if published else (await made.sequence(publish=False)).id
    await fire(made, [enroll(sequence_id), TAG])
    await machine.run()
    assert await rows(database, RESULTS) == [("failed", "the sequence is not published", None)]
    assert await rows(database, "SELECT tags FROM contact") == [["hot"]]
