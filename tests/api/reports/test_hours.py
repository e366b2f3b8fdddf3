"""When people click, in the hours of a time zone."""

from datetime import timedelta
from typing import Any

from models.base import now
from tests.builders import Caller
from tests.rows import Rows


async def read(api: Caller, **params: str) -> dict[str, Any]:
    answer = await api.get("/analytics/hours", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_clicks_of_four_weeks_are_told_by_weekday_and_hour(api: Caller, stranger: Caller, made: Rows) -> None:
    row = await made.campaign()
    message = await made.message(row.content_id, await made.contact())
    at = (now() - timedelta(days=2)).replace(minute=5)
    for when, verdict in ((at, "human"), (at + timedelta(minutes=5), "human"), (at, "bot"), (at - timedelta(weeks=5), "human")):
        await made.click(message, at=when, verdict=verdict)
    found = (await read(api))["clicks"]
    assert [len(day) for day in found] == [24] * 7
    assert (found[at.weekday()][at.hour], sum(map(sum, found))) == (2, 2)
    there = at + timedelta(hours=5, minutes=45)
    kathmandu = (await read(api, time_zone="Asia/Kathmandu"))["clicks"]
    assert kathmandu[there.weekday()][there.hour] == 2
    assert sum(map(sum, (await read(stranger))["clicks"])) == 0
