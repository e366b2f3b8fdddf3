"""A database or provider that is away is waited for without end; a bug ends after ten attempts, which take three minutes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from safe_errors import describe
from services.away import ATTEMPTS, is_away


@dataclass
class Place:
    """Where an activity is: the key of a step, or None at the end of a sequence."""

    step_key: str | None


@asynccontextmanager
async def bugs_end(step_key: str | None) -> AsyncIterator[Place]:
    """In an activity, the last attempt at a bug fails for good, with a text that says where and quotes nobody. Its caller says
    when it goes on from another step than `step_key`."""
    place = Place(step_key)
    try:
        yield place
    except ApplicationError:
        raise
    except Exception as error:
        if is_away(error) or activity.info().attempt < ATTEMPTS:
            raise
        at = f"at the step '{place.step_key}'" if place.step_key else "at the end"
        raise ApplicationError(f"gave up after {ATTEMPTS} attempts {at}: {describe(error)}", non_retryable=True) from error
