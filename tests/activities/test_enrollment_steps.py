"""What an enrollment's workflow loads."""

from typing import Any

from temporalio.contrib.pydantic import pydantic_data_converter

from activities.enrollment_steps import EnrollmentSteps
from models.sequence import SequenceVersion
from models.steps import SequenceDefinition
from models.wire import LoadSequence
from tests.sending import Sending

TEMPORAL_TAKES = 2_000_000  # bytes in one payload


def largest() -> SequenceDefinition:
    """As much as can be published: 100 steps, and nearly all the text that fits into a request (20 MB)."""
    links = {f"link_{number}": "https://example.com/" + "p" * 1000 for number in range(32)}
    message = {"subject": "é" * 500, "body": "é" * 20_000, "html": "é" * 50_000, "links": links}
    steps: list[dict[str, Any]] = [
        {"kind": "send", "key": f"step_{number}".ljust(63, "x"), "channel": "simulator-email", "message": message}
        for number in range(100)
    ]
    return SequenceDefinition.model_validate({"steps": steps})


async def test_the_largest_sequence_that_can_be_published_can_start(simulated: Sending) -> None:
    enrollment = await simulated.enrollment((await simulated.contacts(1))[0])
    definition = largest()
    async with simulated.database.transaction() as session:
        version = await session.get_one(SequenceVersion, enrollment.sequence_version_id)
        version.definition = definition.model_dump(mode="json")
    request = LoadSequence(org_id=simulated.org_id, sequence_version_id=version.id, enrollment_id=enrollment.id)
    loaded = await EnrollmentSteps(simulated.database).load_sequence(request)
    assert [step.key for step in loaded.definition.steps] == [step.key for step in definition.steps]
    (payload,) = await pydantic_data_converter.encode([loaded])
    assert len(payload.data) < TEMPORAL_TAKES / 10
