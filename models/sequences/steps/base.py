"""What every kind of step shares, and the three families of kinds: effects, of which some take no time, waits and decisions.

Each kind is a file of this package and a line in `registry.py`. An effect has a second file of the same name in
`activities/steps/`, which does what the step says.
"""

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from models.texts.text import Form
from settings import CALENDAR_UNITS

_WORD = Form(r"^[a-z][a-z0-9_]{0,62}$", "Write small letters a-z, digits and _, beginning with a letter: 63 at most.")

StepKey = Annotated[str, Field(examples=["welcome"]), _WORD]
LinkName = Annotated[str, Field(examples=["offer"]), _WORD]


def iso_duration(duration: timedelta) -> str:
    """In days, hours, minutes and seconds. Pydantic would write 366 days as `P1Y1D`, which nobody may send."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    exact = f"{seconds}.{duration.microseconds:06}".rstrip("0").rstrip(".")
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (exact, "S")) if str(number) != "0")
    days = f"{duration.days}D" if duration.days else ""
    return f"P{days}T{time}" if time else f"P{days or 'T0S'}"


def in_words(duration: timedelta) -> str:
    """For a sentence: `1 hour 30 minutes`, in whole seconds."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((duration.days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second"))
    return " ".join(f"{number} {unit}{'s' if number > 1 else ''}" for number, unit in parts if number) or "0 seconds"


def _iso_or_seconds(value: Any) -> Any:
    """Refuses texts that Pydantic takes for a duration: `true`, `"1:00:00"`, `"1 day"`."""
    if isinstance(value, bool) or (isinstance(value, str) and not value.lstrip("+-").startswith("P")):
        raise ValueError("write an ISO 8601 duration such as PT30S or P3D, or a number of seconds")
    if isinstance(value, str) and CALENDAR_UNITS.match(value):
        raise ValueError("years and months are not always of one length: write days, such as P30D")
    return value


Duration = Annotated[
    timedelta,
    Field(ge=timedelta(seconds=1), le=timedelta(days=366)),  # beside the type: only there Pydantic says limits in words
    BeforeValidator(_iso_or_seconds),
    PlainSerializer(iso_duration, when_used="json"),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["P3D"]}),
]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Edge(NamedTuple):
    """A way out of a step: the field that names the step that follows, its key, and the least time that passes before it.

    A key of None means the step that stands below in the list; below the last one the sequence ends.
    """

    field: str
    to: str | None
    least: timedelta = timedelta(0)


class WakingLink(NamedTuple):
    """A click that ends a wait: the name of the link (None is any link of the message sent last), the step that follows, and the
    word for this outcome in reports."""

    link: str | None
    to: str
    outcome: str


class NamedSequence(NamedTuple):
    """A sequence that a step names in a field, and whether the step enrolls the contact in it."""

    field: str
    id: UUID
    enrolls: bool


class Decided(NamedTuple):
    """A decision's outcome in a word, and the key of the step that follows. None is the step below."""

    outcome: str
    to: str | None


class Ended(NamedTuple):
    """A decision that the sequence is over, with its outcome in a word."""

    outcome: str


class StepOfAnyKind(Frozen, ABC):
    if TYPE_CHECKING:  # each kind declares them itself, so that they stand in the order in which people write them
        kind: str
        key: str

    @abstractmethod
    def edges(self) -> tuple[Edge, ...]:
        """Every way out. A step without any ends the sequence."""

    def named_sequences(self) -> tuple[NamedSequence, ...]:
        """The sequences that it names."""
        return ()


class Effect(StepOfAnyKind):
    """Does something. `activities/steps/` does it, and what follows is known before."""

    if TYPE_CHECKING:
        next: str | None

    def edges(self) -> tuple[Edge, ...]:
        return (Edge("next", self.next),)


class InstantEffect(Effect):
    """Writes rows of our own database and nothing else, so it takes no time: it happens in the transaction in which the
    enrollment goes on, several of them in one."""


class Wait(StepOfAnyKind):
    """Waits for a time, or for something that happens before. It is pure data: nothing is done while it waits."""

    @abstractmethod
    def lasts(self) -> timedelta:
        """The longest time that it waits."""

    @abstractmethod
    def when_over(self) -> Decided:
        """What follows when the time is over."""

    def waking_links(self) -> tuple[WakingLink, ...]:
        """The clicks that end it before its time is over."""
        return ()

    def edges(self) -> tuple[Edge, ...]:
        return (Edge("next", self.when_over().to, self.lasts()),)


class Decision(StepOfAnyKind):
    """Takes no time, because what follows is a pure function of what is known."""

    @abstractmethod
    def decide(self) -> Decided | Ended: ...
