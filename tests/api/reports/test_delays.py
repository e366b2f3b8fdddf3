"""How fast clicks wake what waits for them, against rows whose times are known."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.base import now
from models.database import Database
from models.messages.message import Message
from models.reports import delays
from models.sequences.enrollment import Enrollment
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import Rows

LEFT = "UPDATE step_run SET entered_at = :entered, left_at = :left WHERE enrollment_id = :enrollment_id AND number = :number"
FIRED = "UPDATE firing SET created_at = fired_at + interval '50 milliseconds' WHERE click_id = :click_id"


async def read(api: Caller, period: str = "24h") -> dict[str, Any]:
    answer = await api.get("/analytics/delays", params={"period": period})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class Waiting:
    """An enrollment that waits for a click since an hour ago."""

    def __init__(self, made: Rows, database: Database) -> None:
        self._made, self._database = made, database

    async def begin(self) -> tuple[Enrollment, Message]:
        sequence = await self._made.sequence()
        contact = await self._made.contact()
        enrollment = await self._made.enrollment(sequence, contact)
        message = await self._made.message(await self._made.content_of_step(sequence, "hello"), contact, enrollment=enrollment)
        return enrollment, message

    async def woken(self, enrollment: Enrollment, after: timedelta, at: Any, number: int = 2) -> None:
        await self._made.step_run(enrollment, number, "wait", "clicked", "thanks")
        async with self._database.transaction() as session:
            values = {"entered": at - timedelta(hours=1), "left": at + after, "enrollment_id": enrollment.id, "number": number}
            await session.execute(text(LEFT), values)


@pytest.fixture
def waiting(made: Rows, database: Database) -> Waiting:
    return Waiting(made, database)


async def test_a_delay_is_from_the_click_until_the_step_is_left(api: Caller, made: Rows, waiting: Waiting) -> None:
    at = now() - timedelta(minutes=40)
    for milliseconds in (80, 100, 900):
        enrollment, message = await waiting.begin()
        await made.click(message, at=at)
        await waiting.woken(enrollment, timedelta(milliseconds=milliseconds), at)
    body = await read(api)
    assert {name: body[name] for name in ("clicks", "woken", "median_ms", "p99_ms", "slowest_ms")} == {
        "clicks": 3,
        "woken": 3,
        "median_ms": 100.0,
        "p99_ms": 900.0,
        "slowest_ms": 900.0,
    }
    assert [each["woken"] for each in body["series"] if each["clicks"]] == [3]
    assert (len(body["series"]), body["interval_seconds"]) == (48, 1800)


async def test_only_the_click_that_ended_the_wait_counts(api: Caller, made: Rows, waiting: Waiting) -> None:
    enrollment, message = await waiting.begin()
    at = now() - timedelta(minutes=5)
    for back in (1_200, 600, 2, 0):  # some of them in earlier intervals
        await made.click(message, at=at - timedelta(seconds=back))
    await made.click(message, at=at + timedelta(seconds=3))
    await waiting.woken(enrollment, timedelta(milliseconds=70), at)
    body = await read(api, "1h")
    assert (body["clicks"], body["woken"], body["median_ms"]) == (5, 1, 70.0)


async def test_a_click_before_the_wait_began_and_one_of_a_machine_are_no_delay(api: Caller, made: Rows, waiting: Waiting) -> None:
    enrollment, message = await waiting.begin()
    at = now() - timedelta(minutes=5)
    await made.click(message, at=at - timedelta(hours=2))
    await made.click(message, at=at, verdict="bot")
    await waiting.woken(enrollment, timedelta(milliseconds=70), at)
    body = await read(api)
    assert (body["clicks"], body["woken"], body["median_ms"]) == (1, 0, None)


async def test_a_trigger_that_fires_is_woken(api: Caller, made: Rows, database: Database) -> None:
    row = await made.campaign()
    contact = await made.contact()
    message = await made.message(row.content_id, contact)
    await made.trigger([row.content_id])
    click_id = await made.click(message, at=now() - timedelta(minutes=5))
    async with database.transaction() as session:
        await session.execute(text(FIRED), {"click_id": click_id})
    body = await read(api, "1h")
    assert (body["woken"], body["median_ms"]) == (1, 50.0)


async def test_of_each_interval_the_newest_clicks_are_looked_at(
    api: Caller, stranger: Caller, made: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delays, "MOST_CLICKS", 2)
    row = await made.campaign()
    message = await made.message(row.content_id, await made.contact())
    for minutes in (1, 1, 1, 120, 120, 120):
        await made.click(message, at=now() - timedelta(minutes=minutes))
    assert (await read(api))["clicks"] == 4
    assert (await read(stranger))["clicks"] == 0


async def test_the_delays_are_one_statement_by_indexes(api: Caller, made: Rows, waiting: Waiting, database: Database) -> None:
    enrollment, message = await waiting.begin()
    await made.click(message, at=now())
    await waiting.woken(enrollment, timedelta(milliseconds=70), now())
    with statements(database) as sent:
        await read(api, "30d")
    assert len(sent) <= 3
    assert await scans_without_index(database, sent) == []


async def test_another_period_is_refused(api: Caller) -> None:
    assert (await api.get("/analytics/delays", params={"period": "2y"})).status_code == 422
