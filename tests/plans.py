"""Does every statement reach the big tables by an index? Asked of the planner itself, with sequential scans made dear."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from models.database import Database

BIG = (
    "audit_log",
    "click",
    "click_p",
    "click_metadata",
    "click_first",
    "click_series",
    "click_by",
    "contact_engagement",
    "step_run",
    "message",
    "event",
    "enrollment",
    "signal_outbox",
    "command",
    "firing",
    "firing_action",
    "trigger_person",
    "trigger_refusal",
    "notification_item",
    "consent",
    "suppression",
    "inbound_message",
)
# These hold only what waits (open signals, commands and firings, enrollments without a workflow), so reading all of one is
# reading little.
SMALL_INDEXES = {
    "ix_signal_outbox_open",
    "ix_command_open",
    "ix_enrollment_to_start",
    "ix_firing_open",
    "ix_firing_sends",
    "ix_inbound_message_pending",
}


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database inside the block, with parameters."""
    sent: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
    yield sent
    event.remove(database.engine.sync_engine, "before_cursor_execute", remember)


async def scans_without_index(database: Database, sent: list[tuple[str, Any]]) -> list[str]:
    """Big tables that are read whole, each with the statement that does it."""
    found = []
    async with database.session() as session:  # rolled back at its end
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        await _forget_statistics(session)
        connection = await session.connection()
        for statement, parameters in sent:
            if statement.lstrip().upper().startswith(("SELECT", "WITH", "(SELECT")):
                row = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)).scalar_one()
                plan = (orjson.loads(row) if isinstance(row, str) else row)[0]["Plan"]
                found += [f"{table}: {statement}" for table in _whole(plan)]
    return found


async def _forget_statistics(session: AsyncSession) -> None:
    """Bring back what the planner knows of new tables: nothing, so that it takes each for ten pages of rows.

    Autovacuum counts the few rows of a test whenever it likes, and then reading a whole index is as cheap as a look by key."""
    of_schema = "SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i')"
    ours = await session.scalars(text(of_schema))
    tables = {"ours": list(ours)}
    await session.execute(text("DELETE FROM pg_statistic WHERE starelid = ANY(CAST(:ours AS oid[]))"), tables)
    await session.execute(text("UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE oid = ANY(CAST(:ours AS oid[]))"), tables)


def _whole(node: dict[str, Any]) -> Iterator[str]:
    inserts = node.get("Operation") == "Insert"  # it names the table that it writes, and reads nothing of it
    table = "" if inserts else node.get("Relation Name", "")
    if table in BIG or table.startswith("click_p"):
        children = node.get("Plans", [])
        if not any("Index Cond" in each or each.get("Index Name") in SMALL_INDEXES for each in [node, *children]):
            yield table
    for child in node.get("Plans", []):
        yield from _whole(child)


async def buffers_read(database: Database, sent: list[tuple[str, Any]], without: Sequence[str] = ()) -> dict[str, int]:
    """Pages of 8 KB that each statement reads, in memory or not: what it costs, on a quick machine and on a slow one. `without`:
    as if there were no such indexes."""
    plans = await _measured(database, sent, without)
    return {statement: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for statement, plan in plans.items()}


async def _measured(database: Database, sent: list[tuple[str, Any]], without: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """The plan of each statement that only reads, with what running it cost. Settings of a transaction count until its end."""
    found = {}
    async with database.session() as session:  # rolled back at its end
        connection = await session.connection()
        for index in without:
            await session.execute(text(f"DROP INDEX {index}"))
        for statement, parameters in sent:
            if statement.lstrip().upper().startswith(("SELECT", "WITH", "(SELECT")):
                explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
                row = (await connection.exec_driver_sql(explained, parameters)).scalar_one()
                found[statement] = (orjson.loads(row) if isinstance(row, str) else row)[0]["Plan"]
    return found


async def relations_read(database: Database, sent: list[tuple[str, Any]]) -> set[str]:
    """The tables, and partitions of tables, that these statements really look into."""
    found: set[str] = set()
    for plan in (await _measured(database, sent)).values():
        found |= {node["Relation Name"] for node in _nodes(plan) if "Relation Name" in node and node["Actual Loops"]}
    return found


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
