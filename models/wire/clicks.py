"""Clicks on their way: the signal to an enrollment, the question about a click, and the work of the recorders."""

from uuid import UUID

from pydantic import Field

from models.wire.base import Wire


class LinkKey(Wire):
    """One link of one message of an enrollment: the step_run that sent it and the link's position in the text."""

    step_run: int = Field(ge=1)
    position: int = Field(ge=0, le=31)
    step_key: str = Field(max_length=63)
    name: str | None = Field(None, max_length=63)


class ClickSignal(Wire):
    """A human click on a message of this enrollment. The click itself is in the database, and the signal only says that it is
    there."""

    click_id: UUID
    link: LinkKey


class FindClick(Wire):
    """Asks whether a person clicked any of these sends of the enrollment. With `link_name` None, any link counts."""

    org_id: UUID
    enrollment_id: UUID
    step_runs: tuple[int, ...]
    link_name: str | None = None
    used: tuple[LinkKey, ...] = ()


class FoundClick(Wire):
    signal: ClickSignal | None = None


class RecorderInput(Wire):
    shard: int
    shards: int


class RecordResult(Wire):
    """`shards` is the target number of recorders (`RECORDER_SHARDS`). None keeps the current number."""

    recorded: int
    remaining: bool
    shards: int | None = None
