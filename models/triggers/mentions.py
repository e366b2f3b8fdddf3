"""What the triggers of a campaign or a sequence name of the organization: sequences, segments and notification targets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from models.triggers.actions.enroll import EnrollAction
from models.triggers.actions.notify import NotifyAction
from models.triggers.placed import PlacedTrigger, actions_of


@dataclass(frozen=True)
class Mentions:
    """Each by the path of the field that names it."""

    sequences: dict[str, UUID] = field(default_factory=dict)
    segments: dict[str, UUID] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)

    def beyond(self, saved: "Mentions") -> "Mentions":
        """Returns these without what `saved` names, wherever it does."""
        return Mentions(
            {path: each for path, each in self.sequences.items() if each not in saved.sequences.values()},
            {path: each for path, each in self.segments.items() if each not in saved.segments.values()},
            {path: each for path, each in self.targets.items() if each not in saved.targets.values()},
        )


def mentioned(triggers: Iterable[PlacedTrigger]) -> Mentions:
    found = Mentions()
    for each in triggers:
        if each.trigger.segment_id is not None:
            found.segments[f"{each.path}.segment_id"] = each.trigger.segment_id
        for path, _, action, _ in actions_of([each]):
            if isinstance(action, EnrollAction):
                found.sequences[f"{path}.sequence_id"] = action.sequence_id
            elif isinstance(action, NotifyAction):
                found.targets[f"{path}.target"] = action.target
    return found
