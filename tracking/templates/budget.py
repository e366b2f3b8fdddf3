"""Limits what one rendering may cost, counted over the whole template, so that no text can hold up the process that renders it.

What is counted is work, which is the same for every contact and on every machine: rounds of loops, pieces of the template that
are carried out, characters that filters read and write, bytes of output. The clock is the last resort.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import StringIO
from typing import Any

from liquid import BoundTemplate, RenderContext
from liquid.exceptions import LocalNamespaceLimitError, LoopIterationLimitError, OutputStreamLimitError, ResourceLimitError
from liquid.output import LimitedStringIO
from liquid.token import Token
from liquid.undefined import UNDEFINED

MAX_LOOPS = 1_000  # rounds of all loops together; a loop counts its whole length when it begins
MAX_STEPS = 50_000  # outputs, tags, blocks and texts between them that are carried out
MAX_FILTERED = 5_000_000  # characters or entries that all filters together read and write
MAX_OUTPUT = 500_000  # bytes of the rendered text
MAX_CAPTURED = 2_000_000  # bytes of everything that is captured on the way
MAX_ASSIGNED = 500_000  # size of all values that are assigned and captured, as they stand at one time
MAX_SECONDS = 1.0  # seconds of the processor
MESSAGE_SECONDS = 0.5  # processor seconds for all texts and addresses of one message together

_STEPS_PER_LOOK = 32  # seconds on the clock
_LONG = 1_000  # characters of a value; a condition takes long with a longer one

_together: ContextVar[tuple[float, float] | None] = ContextVar("together", default=None)
"""When the time of renderings that share it is over, and how many seconds they have."""


class BudgetError(ResourceLimitError):
    """A rendering would cost more than any text may."""


@contextmanager
def together(seconds: float | None = None) -> Iterator[None]:
    """All renderings inside the block share this time of the processor, which is `MESSAGE_SECONDS` for those of one message."""
    most = MESSAGE_SECONDS if seconds is None else seconds
    token = _together.set((time.thread_time() + most, most))
    try:
        yield
    finally:
        _together.reset(token)


class Buffer(LimitedStringIO):
    """Works as the original, but line ends stay as they are written. `written` gets the size of every write."""

    def __init__(self, limit: int, written: Callable[[int], None] | None = None) -> None:
        super().__init__(limit, newline="")
        self._written = written

    def write(self, text: str) -> int:
        before = self.size
        try:
            count = super().write(text)
        except OutputStreamLimitError:
            message = f"output stream limit reached: the text would have more than {MAX_OUTPUT:,} bytes"
            raise OutputStreamLimitError(message, token=None) from None
        if self._written:
            self._written(self.size - before)
        return count


class Context(RenderContext):
    """Counts what the rendering does, wherever python-liquid asks its context for something."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._rounds = self._steps = self._filtered = self._captured = self._assigned = 0
        self._until, self._seconds = _together.get() or (time.thread_time() + MAX_SECONDS, MAX_SECONDS)
        super().__init__(*args, **kwargs)

    @property
    def disabled_tags(self) -> list[str]:
        """Every node looks here before it is rendered; nothing is disabled."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise BudgetError(f"the template does too much: more than {MAX_STEPS:,} steps", token=None)
        if self._steps % _STEPS_PER_LOOK == 0:
            self._look_at_the_clock()
        return []

    @disabled_tags.setter
    def disabled_tags(self, names: list[str]) -> None:
        pass

    def count_filtered(self, size: int) -> None:
        """One call of a filter, and how much it reads or writes."""
        self._filtered += size + 1
        if self._filtered > MAX_FILTERED:
            raise BudgetError(f"the filters work on too much: more than {MAX_FILTERED:,} characters", token=None)
        self._look_at_the_clock()

    def _look_at_the_clock(self) -> None:
        if time.thread_time() > self._until:
            raise BudgetError(f"the text takes too long: more than {self._seconds:g} s", token=None)

    @contextmanager
    def loop(self, namespace: Mapping[str, object], forloop: Any) -> Iterator[RenderContext]:
        self._rounds += forloop.length
        if self._rounds > MAX_LOOPS:
            raise LoopIterationLimitError(
                f"loop iteration limit reached: all loops together have more than {MAX_LOOPS:,} rounds", token=None
            )
        with super().loop(namespace, forloop) as context:
            yield context

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """The rounds are counted in `loop`, over the whole template."""

    def get_buffer(self, buf: Any = None) -> StringIO:
        """For what is captured."""
        return Buffer(MAX_OUTPUT - (buf.size if isinstance(buf, LimitedStringIO) else 0), self._count_captured)

    def _count_captured(self, size: int) -> None:
        self._captured += size
        if self._captured > MAX_CAPTURED:
            raise BudgetError(f"more than {MAX_CAPTURED:,} bytes are captured", token=None)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """A field that is null is a field that is missing, so that no filter writes `None`."""
        found = super().get(path, token=token, default=default)
        if isinstance(found, str) and len(found) > _LONG:
            self._look_at_the_clock()
        return self.env.undefined(str(path[0]), token=token) if found is None else found

    def assign(self, key: str, val: Any) -> None:
        self._assigned += _size(val) - (_size(self.locals[key]) if key in self.locals else 0)
        if self._assigned > MAX_ASSIGNED:
            raise LocalNamespaceLimitError(
                f"local namespace limit reached: what is assigned is larger than {MAX_ASSIGNED:,}", token=None
            )
        self.locals[key] = val


class Template(BoundTemplate):
    context_class = Context

    def _get_buffer(self) -> StringIO:
        return Buffer(MAX_OUTPUT)


def size_of(value: object) -> int:
    """Characters of a text, those of a list's texts and one for each other entry, bits of a whole number."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(len(item) if isinstance(item, str) else 1 for item in value)
    return value.bit_length() if isinstance(value, int) else 0


def _size(value: object) -> int:
    """With something for each entry, since a list of empty texts is not free."""
    return size_of(value) + (8 * len(value) if isinstance(value, list) else 0)
