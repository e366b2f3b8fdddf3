"""Signals that do no harm, whatever somebody sends.

Temporal's library gives a handler whatever came, so a signal with too many or too few arguments fails the workflow's task again
and again, and the workflow does nothing any more. Here such a signal is ignored, and logged with the workflow's id and without
its input. It counts like every other one, because Temporal counts it in the history of the run.
"""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, Protocol, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow

Handler = TypeVar("Handler", bound=Callable[..., None])


class CountsSignals(Protocol):
    """A workflow whose run ends before it has more signals than Temporal takes."""

    _signals: int


def signal(handler: Handler) -> Handler:
    """Use it instead of `@workflow.signal`, for a synchronous handler of that name whose parameters have types. The
    workflow's `_signals` counts what came."""
    hints = get_type_hints(handler)
    kinds = [TypeAdapter(hints[name]) for name in list(signature(handler).parameters)[1:]]

    def receive(self: object, *given: Any) -> None:
        cast(CountsSignals, self)._signals += 1
        arguments = _read(kinds, given)
        if arguments is None:
            workflow.logger.warning(f"signal {handler.__name__} ignored: its input does not fit")
        else:
            handler(self, *arguments)

    receive.__doc__ = handler.__doc__
    return cast(Handler, workflow.signal(name=handler.__name__)(receive))


def _read(kinds: Sequence[TypeAdapter[Any]], given: Sequence[Any]) -> list[Any] | None:
    """Returns the arguments, or None when they do not fit."""
    if len(given) != len(kinds):
        return None
    try:
        return [kind.validate_python(value) for kind, value in zip(kinds, given, strict=True)]
    except ValidationError:
        return None
