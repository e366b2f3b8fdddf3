"""What a workflow is started with: the plan of a published version, however long its texts are."""

from typing import Any

from models.sequences.sequence import SequenceVersion
from models.sequences.steps.definition import SequenceDefinition
from services.published import PublishedVersions
from temporal_client import DATA_CONVERTER
from tests.sending import Sending

TEMPORAL_TAKES = 2_000_000  # bytes in one payload


def largest() -> SequenceDefinition:
    """As much as can be published: 100 steps, and nearly all the text that fits into a request (20 MB), also in triggers."""
    links = {f"link_{number}": "https://example.com/" + "p" * 1000 for number in range(31)}
    message = {"subject": "é" * 500, "body": "é" * 20_000, "html": "é" * 50_000, "links": links}
    send = {"kind": "send", "channel": "simulator-email", "message": message}
    triggers = [{"key": "hot", "actions": [send, {"kind": "notify", "target": "Sales", "text": "é" * 2_000}]}]
    steps: list[dict[str, Any]] = [
        {**send, "key": f"step_{number}".ljust(63, "x"), "triggers": triggers if number < 10 else []} for number in range(100)
    ]
    return SequenceDefinition.model_validate({"steps": steps, "triggers": triggers})


async def test_the_largest_sequence_that_can_be_published_can_start(simulated: Sending) -> None:
    enrollment = await simulated.enrollment((await simulated.contacts(1))[0])
    definition = largest()
    async with simulated.database.transaction() as session:
        version = await session.get_one(SequenceVersion, enrollment.sequence_version_id)
        version.definition = definition.model_dump(mode="json")
    published = await PublishedVersions(simulated.database).get(version.id)
    plan = published.plan
    assert "é" not in published.definition.model_dump_json()
    assert [step.key for step in plan.steps] == [step.key for step in definition.steps]
    (payload,) = await DATA_CONVERTER.encode([plan])
    assert len(payload.data) < TEMPORAL_TAKES / 100


async def test_a_version_is_read_once(simulated: Sending) -> None:
    enrollment = await simulated.enrollment((await simulated.contacts(1))[0])
    versions = PublishedVersions(simulated.database)
    first = await versions.get(enrollment.sequence_version_id)
    assert await versions.get(enrollment.sequence_version_id) is first
    assert first.plan.queue_of("hello") == "send-simulator"
    assert first.plan.queue_of("pause") is None
