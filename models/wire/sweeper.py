"""What a sweeper is started with, asks its activity, and carries from run to run."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import Field

from models.wire.base import Wire
from models.wire.names import SweepPart


class Watch(Wire):
    """How far the search for workflows that are gone has come.

    `since` is when this Temporal server began to be watched: only what started later can be called deleted, so that a worker that
    is led to another server closes nothing. What closed before `closed_until` was looked at. `enrollment` is the last row that
    was compared with what runs.
    """

    since: datetime
    closed_until: datetime | None = None
    enrollment: UUID | None = None


class SweeperInput(Wire):
    """`part` is what this one of the sweepers looks after. `watch` belongs to `rows` alone."""

    part: SweepPart
    interval: timedelta
    watch: Watch | None = None


class SweepRequest(Wire):
    """`woken` says that somebody sent `wake`, so that rows which are only a moment old count too."""

    woken: bool
    watch: Watch | None = None


class SweepResult(Wire):
    """`done` counts by kind what was found undone and is done now. `more` says that there is work left, for which nobody has to
    wait. `interval` is the time until the next sweep by the worker's setting."""

    done: dict[str, int] = Field(default_factory=dict)
    more: bool = False
    interval: timedelta | None = None
    watch: Watch | None = None
