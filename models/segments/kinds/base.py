"""What every kind of condition shares. Each kind is a file of this package and a name in `registry.py`.

A condition is a question about one contact whose answer is yes or no and never unknown, so `not` is always the other answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import Field

from models.segments.values import Values
from models.sequences.steps.base import Duration, Frozen
from models.texts.moment import Moment


class Reference(NamedTuple):
    """Something that a condition names: the `field` that has it, what it is, and the name of the link in it if one is given."""

    field: str
    kind: str
    id: UUID
    link: str | None = None


class Rows(NamedTuple):
    """Rows of a table with a `contact_id`: the `table`, and which of its rows."""

    table: str
    where: str

    def of_contact(self) -> str:
        """The condition that the contact has such a row."""
        return f"EXISTS (SELECT FROM {self.table} WHERE {self.where} AND {self.table}.contact_id = contact.id)"


def optional(**about: Any) -> Any:
    """A field that may be left out, and then is not shown either."""
    return Field(default=None, exclude_if=lambda value: value is None, **about)


class Leaf(Frozen, ABC):
    if TYPE_CHECKING:  # each kind declares it itself, with its words
        kind: str

    @abstractmethod
    def sql(self, values: Values) -> str:
        """The condition on a row of `contact`, in SQL. It is never null."""

    def has_index(self) -> bool:
        """Whether an index finds the people of this condition without looking at others."""
        return False

    def rows(self, _values: Values) -> Rows | None:
        """Rows that an index has in the order of contacts, one for each of the people of this condition and no others. None says
        that there are no such rows."""
        return None

    def references(self) -> Iterator[Reference]:
        """What has to exist in the organization."""
        return iter(())


class Comparison(Leaf):
    """A kind whose fields besides `kind` and `name` are comparisons: all that are given hold, and at least one is needed."""

    def model_post_init(self, _context: Any) -> None:
        if not self.comparisons():
            names = [name for name in type(self).model_fields if name not in ("kind", "name")]
            raise ValueError(f"give at least one of {', '.join(names[:-1])} and {names[-1]}")

    def comparisons(self) -> dict[str, Any]:
        """The comparisons that are given, by their words."""
        return {name: value for name, value in self if name not in ("kind", "name") and value is not None}


class TimeComparison(Comparison):
    """Compares a time. Of the four, those that are given hold together."""

    after: Moment | None = optional(description="This time or later.")
    before: Moment | None = optional(description="Earlier than this time.")
    within: Duration | None = optional(description="Not longer ago than this.")
    longer_ago: Duration | None = optional(description="Longer ago than this.")

    def sql_of(self, column: str, values: Values) -> str:
        parts = []
        if self.after is not None:
            parts.append(f"{column} >= {values.add(self.after, 'timestamptz')}")
        if self.before is not None:
            parts.append(f"{column} < {values.add(self.before, 'timestamptz')}")
        if self.within is not None:
            parts.append(f"{column} >= CAST(:at AS timestamptz) - {values.add(self.within, 'interval')}")
        if self.longer_ago is not None:
            parts.append(f"{column} < CAST(:at AS timestamptz) - {values.add(self.longer_ago, 'interval')}")
        return " AND ".join(parts)


Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
