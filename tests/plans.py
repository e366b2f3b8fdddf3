"""Does every statement reach the big tables by an index? Asked of the planner itself, with sequential scans made dear."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import event, text

from models.database import Database

BIG = ("click", "click_p", "click_metadata", "click_first", "click_rollup", "message", "event", "enrollment", "signal_outbox")
# Holds open signals only, so reading all of it is reading little.
SMALL_INDEX = "ix_signal_outbox_open"


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
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        connection = await session.connection()
        for statement, parameters in sent:
            if statement.lstrip().upper().startswith(("SELECT", "WITH", "(SELECT")):
                row = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)).scalar_one()
                plan = (orjson.loads(row) if isinstance(row, str) else row)[0]["Plan"]
                found += [f"{table}: {statement}" for table in _whole(plan)]
    return found


def _whole(node: dict[str, Any]) -> Iterator[str]:
    table = node.get("Relation Name", "")
    if table in BIG or table.startswith("click_p"):
        children = node.get("Plans", [])
        if not any("Index Cond" in each or each.get("Index Name") == SMALL_INDEX for each in [node, *children]):
            yield table
    for child in node.get("Plans", []):
        yield from _whole(child)
