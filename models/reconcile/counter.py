"""What it takes to prove a counter: the pieces that it is looked at in, what differs in a piece, and what sets it right.

A piece is bounded, or as large as what belongs to one campaign. What differs is found in one statement, so in one state of the
database: those who write rows raise their counters in the same transaction, so they may go on, and nothing half done is seen.
For the same reason a repair adds what is missing instead of writing the sum, whatever is added to the counter meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

NO_ID = UUID(int=0)
"""It is smaller than every other id."""


@dataclass(frozen=True)
class Difference:
    """A row of a counter that differs: what the rows say (`expected`) and what the counter says (`found`). None means that there
    is no such row."""

    table: str
    key: dict[str, Any]
    expected: dict[str, Any] | None
    found: dict[str, Any] | None


@dataclass(frozen=True)
class Counter:
    """`start`: the parameters of the first piece, whose names begin with `after`.

    `next_piece` selects where the piece ends that begins behind these, or nothing (or null) when there is no more. Its columns
    are the names of `start`; as parameters of the other statements they begin with `until` instead.

    `differences` selects the `key` and, for each of the `values`, `expected_…` from the rows and `found_…` in the counter; null
    means that there is no such row. `repairs` are run in their order when there are any.
    """

    table: str
    key: Sequence[str]
    values: Sequence[str]
    start: Mapping[str, Any]
    next_piece: str
    differences: str
    repairs: Sequence[str]

    @staticmethod
    def of(statement: str, limits: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the limits of a piece that are parameters of the statement."""
        parameters = text(statement).compile().params
        return {name: value for name, value in limits.items() if name in parameters}

    def difference(self, row: Mapping[str, Any]) -> Difference:
        """What a row of `differences` says."""
        key = {name: row[name] for name in self.key}
        return Difference(self.table, key, self._values(row, "expected"), self._values(row, "found"))

    def _values(self, row: Mapping[str, Any], which: str) -> dict[str, Any] | None:
        values = {name: row[f"{which}_{name}"] for name in self.values}
        return None if all(value is None for value in values.values()) else values
