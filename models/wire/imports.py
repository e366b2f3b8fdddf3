"""What the workflow of a contact import is started with and asks its activities."""

from typing import Literal
from uuid import UUID

from models.wire.base import Wire


class ImportInput(Wire):
    org_id: UUID
    import_id: UUID


class ImportResult(Wire):
    """How far an import is. When `over` is False, there are rows left, and the slot was handed back for others."""

    total: int
    processed: int
    created: int
    updated: int
    failed: int
    over: bool = True


class ImportFailed(Wire):
    """The import's workflow ended before its rows did. `state` is what its row says from now on."""

    org_id: UUID
    import_id: UUID
    state: Literal["cancelled", "failed"]
    reason: str
