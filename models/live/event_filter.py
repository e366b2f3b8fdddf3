"""What a stream of live events is filtered by."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from models.live.live_event import LiveKind


class Filtered(Protocol):
    """An event, as far as filters look at it."""

    @property
    def kind(self) -> str: ...
    @property
    def campaign_id(self) -> UUID | None: ...
    @property
    def sequence_id(self) -> UUID | None: ...
    @property
    def contact_id(self) -> UUID | None: ...


@dataclass(frozen=True)
class EventFilter:
    """Each condition that is None lets everything through."""

    kinds: frozenset[LiveKind] | None = None
    campaign_id: UUID | None = None
    sequence_id: UUID | None = None
    contact_id: UUID | None = None

    def lets(self, event: Filtered) -> bool:
        return (
            (self.kinds is None or event.kind in self.kinds)
            and self.campaign_id in (None, event.campaign_id)
            and self.sequence_id in (None, event.sequence_id)
            and self.contact_id in (None, event.contact_id)
        )

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        """Returns the same in SQL, and its parameters."""
        owners = {"campaign_id": self.campaign_id, "sequence_id": self.sequence_id, "contact_id": self.contact_id}
        given: dict[str, Any] = {name: value for name, value in owners.items() if value is not None}
        conditions = [f"{name} = :{name}" for name in given]
        if self.kinds is None:
            return conditions, given
        return [*conditions, "kind = ANY(CAST(:kinds AS text[]))"], {**given, "kinds": sorted(self.kinds)}
