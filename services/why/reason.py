"""What an answer to "why?" is made of: a rule, the facts that it looked at, and the rows that prove them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from models.conversation.trigger_entries import FiringEntry, RefusalEntry


class RowRef(NamedTuple):
    """A row, by its table and its key."""

    table: str
    id: str


@dataclass(frozen=True)
class Reason:
    """`rule` is a word that `docs/why.md` explains. `facts` have the names of `api/why/views.py`, and those that are None are
    left out. `at` is when the rule counted, or None when it counts now. `entry` is what the conversation shows of a trigger."""

    rule: str
    at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[RowRef] = ()
    entry: FiringEntry | RefusalEntry | None = None


def reason(rule: str, at: datetime | None, rows: Mapping[str, object], **facts: Any) -> Reason:
    """`rows` are keys by the names of their tables; those that are None are left out."""
    known = {name: value for name, value in facts.items() if value is not None}
    return Reason(rule, at, known, [RowRef(table, str(key)) for table, key in rows.items() if key is not None])
