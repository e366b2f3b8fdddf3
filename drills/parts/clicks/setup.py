"""What the drill's contacts have been sent: a campaign's messages, and enrollments that wait for a click."""

from typing import Any

from demo.client import Consumer, Stage
from demo.people import contact_row

CHUNK = 1000
WAITS, THANKS = "clicked", "thanks"

# After its thanks an enrollment waits for the same link again, so that a click that came through twice would be thanked for
# twice.
HELLO = {"body": "Look: {{ links.offer }}", "links": {"offer": "https://example.com/offer"}}
STEPS: list[dict[str, Any]] = [
    {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": HELLO},
    {"kind": "wait_for_click", "key": WAITS, "link": "offer", "timeout": "PT1H", "on_click": THANKS, "on_timeout": "late"},
    {"kind": "send", "key": THANKS, "channel": "simulator-sms", "message": {"body": "Thank you."}, "next": WAITS},
    {"kind": "end", "key": "late", "outcome": "timed_out"},
]
CAMPAIGN = {"name": "Drill", "channel": "simulator-sms", "message": {"body": "Look: https://example.com/autumn"}}


async def set_up(consumer: Consumer, messages: int, enrollments: int) -> None:
    """Returns when all messages are sent and all enrollments wait."""
    contacts: list[str] = []
    for start in range(0, messages, CHUNK):
        rows = [_contact(number) for number in range(start, min(messages, start + CHUNK))]
        contacts += [row["contact_id"] for row in (await consumer.post("/contacts/bulk", {"contacts": rows}))["results"]]
    campaign = await consumer.post("/campaigns", {**CAMPAIGN, "audience": {"tags": ["demo"]}})
    await consumer.post(f"/campaigns/{campaign['id']}/launch")
    sequence = await consumer.post("/sequences", {"name": "Drill", "steps": STEPS})
    await consumer.post(f"/sequences/{sequence['id']}/publish")
    await consumer.post(f"/sequences/{sequence['id']}/enrollments", {"contact_ids": contacts[:enrollments]})

    async def sent() -> int:
        return int((await consumer.get(f"/campaigns/{campaign['id']}/analytics"))["totals"]["messages"].get("accepted", 0))

    async def waiting() -> int:
        found = [each async for each in consumer.every("/enrollments", sequence_id=sequence["id"])]
        return sum(each["step_key"] == WAITS for each in found)

    await consumer.until_done(Stage("Messages sent", messages), sent)
    await consumer.until_done(Stage("Enrollments that wait", enrollments), waiting)


def _contact(number: int) -> dict[str, object]:
    """Makes phone numbers that differ from the demo's, which are made of four digits."""
    return {**contact_row(number % 10_000), "external_id": f"drill-{number}", "email": None}
