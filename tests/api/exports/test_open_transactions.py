"""Rows get their ids before their transaction ends: an export never goes past one that may still bring rows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.base import first_id, now
from models.database import Database
from models.exports import horizon
from models.organizations.organization import Organization
from tests.builders import Caller
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


@pytest.fixture(autouse=True)
def no_difference_of_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizon, "CLOCKS", timedelta(0))


async def export(api: Caller, query: str = "") -> tuple[list[str], dict[str, Any]]:
    answer = await api.get(f"/exports/enrollments?format=jsonl&columns=id{query}")
    assert answer.status_code == 200, answer.text
    *found, trailer = [json.loads(line) for line in answer.text.splitlines()]
    return [each["id"] for each in found], trailer


async def test_a_loop_over_cursors_loses_no_row_of_a_transaction_that_ends_later(
    api: Caller, rows: Rows, database: Database
) -> None:
    sequence = await rows.sequence()
    first = await rows.enrollment(sequence, await rows.contact())
    late = await rows.enrollment(sequence, await rows.contact())
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM enrollment WHERE id = :id"), {"id": late.id})
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
        bulk = type(late)(**late.model_dump(exclude={"id"}))
        session.add(bulk)
        await session.flush()
        after = await rows.enrollment(sequence, await rows.contact())
        found, trailer = await export(api)
        assert (found, trailer["complete"]) == ([str(first.id)], True)
    rest, trailer = await export(api, f"&cursor={trailer['cursor']}")
    assert rest == [str(bulk.id), str(after.id)]
    assert trailer["complete"]


async def test_an_export_waits_for_no_transaction_for_ever_and_says_so(
    api: Caller, rows: Rows, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence = await rows.sequence()
    early = await rows.enrollment(sequence, await rows.contact())
    begun = now()
    monkeypatch.setattr(horizon, "LONGEST_WAIT", timedelta(0))
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_current_xact_id()"))
        made = await rows.enrollment(sequence, await rows.contact())
        found, trailer = await export(api)
        assert (found, trailer["complete"]) == ([str(early.id), str(made.id)], False)
        found, trailer = await export(api, f"&until={begun.isoformat().replace('+00:00', 'Z')}")
        assert (found, trailer["complete"]) == ([str(early.id)], True), "the transaction brings nothing from before it"
    assert (await export(api))[1]["complete"]


async def test_ids_that_were_made_shortly_before_their_transaction_are_waited_for(
    api: Caller, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "CLOCKS", timedelta(minutes=1))
    made = await rows.enrollment(await rows.sequence(), await rows.contact())
    assert made.id > first_id(now() - timedelta(minutes=1))
    assert (await export(api))[0] == []
