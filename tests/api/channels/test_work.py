"""What waits for a channel and what has failed by it lately, on a real PostgreSQL."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from models.base import first_id, now
from models.channels import work
from models.channels.work import LATELY, MOST_COUNTED, MOST_FAILURES, channel_work
from models.database import Database
from models.messages.message import MessageState
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import Rows


async def sms(api: Caller) -> str:
    return str(next(each["id"] for each in (await api.get("/channels")).json()["items"] if each["name"] == "simulator-sms"))


async def shown(api: Caller) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/channels/{await sms(api)}")).json()["work"]
    return found


async def test_a_new_channel_has_no_work(api: Caller) -> None:
    assert await shown(api) == {"waiting_enrollments": 0, "waiting_messages": 0, "failed": 0, "failures": []}


async def test_what_waits_and_what_failed_lately_is_counted_and_the_newest_failures_are_named(api: Caller, made: Rows) -> None:
    campaign, sequence = await made.campaign(), await made.sequence()
    for state in (MessageState.PLANNED, MessageState.PLANNED, MessageState.ACCEPTED, MessageState.SKIPPED):
        await made.message(campaign.content_id, await made.contact(), state)
    old = first_id(now() - LATELY - timedelta(minutes=1))
    await made.message(campaign.content_id, await made.contact(), MessageState.FAILED, id=old, reason="long ago")
    reasons = [f"refused {number}" for number in range(MOST_FAILURES + 1)]
    for reason in reasons:
        await made.message(campaign.content_id, await made.contact(), MessageState.FAILED, reason=reason)
    await made.enrollment(sequence, await made.contact(), waits_for=await sms(api))
    await made.enrollment(sequence, await made.contact())
    found = await shown(api)
    assert (found["waiting_enrollments"], found["waiting_messages"], found["failed"]) == (1, 2, MOST_FAILURES + 1)
    assert [each["reason"] for each in found["failures"]] == reasons[:0:-1]


async def test_the_counts_stop_where_they_would_become_slow(
    api: Caller, made: Rows, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_COUNTED == 100_000
    campaign = await made.campaign()
    for state in (MessageState.PLANNED, MessageState.FAILED) * 3:
        await made.message(campaign.content_id, await made.contact(), state)
    monkeypatch.setattr(work, "COUNTS", text(str(work.COUNTS).replace(str(MOST_COUNTED), "2")))
    found = await shown(api)
    assert (found["waiting_messages"], found["failed"]) == (2, 2)


async def test_every_statement_reaches_the_big_tables_by_an_index(api: Caller, database: Database) -> None:
    channel_id = UUID(await sms(api))
    with statements(database) as sent:
        async with database.session() as session:
            await channel_work(session, channel_id)
    assert len(sent) == 2
    assert await scans_without_index(database, sent) == []
