"""Commands to a running enrollment. A command is a committed row first, and the signal only says that it is there."""

from typing import Any
from uuid import UUID

from pydantic import Field

from models.wire.base import Wire


class Command(Wire):
    """The argument of the signal `command`. `command_id` is the row's id; a workflow obeys each id once, however often it is
    delivered.

    `kind` is the command's word, such as `stop`; one that this version does not know is remembered and does nothing. `detail`
    holds ids and times of the command, never what a person wrote: that stays in the row.
    """

    command_id: UUID
    kind: str = Field(min_length=1, max_length=32)
    detail: dict[str, Any] = Field(default_factory=dict, max_length=16)
