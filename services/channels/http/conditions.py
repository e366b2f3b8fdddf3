"""What a mapping asks of an answer or of a callback: its status and the values in it."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from services.channels.base import Storable
from services.channels.http.json_path import JsonPath, as_text, find

_STATUSES = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


UNREADABLE = object()
"""The document of an answer that is no JSON, or that was too long to be read whole."""


class Part(Storable):
    """The base of everything that a mapping consists of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _is_range(text: str) -> str:
    match = _STATUSES.fullmatch(text)
    if not match or (match[2] and match[2] < match[1]):
        raise ValueError("Write a status such as 429, or a range such as 200-299.")
    return text


Statuses = Annotated[str, AfterValidator(_is_range)]


class Condition(Part):
    """A value of the document is one of these texts, or it is there at all. Numbers count as their text, and true and false as
    `true` and `false`; null counts as missing. A document that cannot be read, and one without fields, fulfils no condition that
    something is missing: nobody knows what it would have had."""

    path: JsonPath
    one_of: list[str | int | bool] | None = Field(None, min_length=1, max_length=200, examples=[["delivered"]])
    present: bool | None = None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.one_of is None) == (self.present is None):
            raise ValueError("Give either one_of, with the values that count, or present.")
        return self

    def holds(self, document: Any) -> bool:
        if document is UNREADABLE or (self.present is False and not isinstance(document, dict | list)):
            return False
        value = find(document, self.path)
        if self.one_of is None:
            return (value is not None) == self.present
        return as_text(value) in self._texts

    @cached_property
    def _texts(self) -> frozenset[str | None]:
        """A callback can have a thousand events, for each of which this is asked."""
        return frozenset(as_text(each) for each in self.one_of or ())


class Match(Part):
    """Holds when the status is in one of the ranges and all conditions hold. Without ranges, every status counts."""

    status: list[Statuses] = Field(default_factory=list, max_length=20, examples=[["200-299"]])
    when: list[Condition] = Field(default_factory=list, max_length=20)

    def holds(self, status: int, document: Any) -> bool:
        return self.counts_for(status) and all_hold(self.when, document)

    def counts_for(self, status: int) -> bool:
        return not self.status or any(_contains(each, status) for each in self.status)


def all_hold(conditions: Sequence[Condition], document: Any) -> bool:
    return all(condition.holds(document) for condition in conditions)


def _contains(statuses: str, status: int) -> bool:
    first, _, last = statuses.partition("-")
    return int(first) <= status <= int(last or first)
