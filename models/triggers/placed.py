"""Triggers and their actions with the places where they stand, which are the paths in the errors that their authors read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from models.sequences.steps.message import MessageTemplate
from models.sequences.steps.registry import Step
from models.sequences.steps.send import SendStep
from models.triggers.actions.notify import NotifyAction
from models.triggers.actions.registry import AnyAction
from models.triggers.actions.send import SendAction
from models.triggers.definition import TriggerDefinition


@dataclass(frozen=True)
class PlacedTrigger:
    """`place` is the path of its list, such as `triggers` or `steps[2].triggers`. `step` is the index of the send step on which
    it stands, and None for a trigger of a campaign or of a whole sequence."""

    place: str
    index: int
    trigger: TriggerDefinition
    step: int | None

    @property
    def path(self) -> str:
        return f"{self.place}[{self.index}]"


class PlacedAction(NamedTuple):
    path: str
    position: int
    action: AnyAction
    of: PlacedTrigger


def placed(triggers: Iterable[TriggerDefinition], place: str = "triggers", step: int | None = None) -> list[PlacedTrigger]:
    return [PlacedTrigger(place, index, trigger, step) for index, trigger in enumerate(triggers)]


def placed_in_sequence(steps: Iterable[Step], triggers: Iterable[TriggerDefinition]) -> list[PlacedTrigger]:
    """Returns those of the send steps in their order, and then those of the sequence."""
    sends = [(index, step) for index, step in enumerate(steps) if isinstance(step, SendStep)]
    own = [each for index, step in sends for each in placed(step.triggers, f"steps[{index}].triggers", index)]
    return own + placed(triggers)


def actions_of(triggers: Iterable[PlacedTrigger]) -> Iterator[PlacedAction]:
    for each in triggers:
        for position, action in enumerate(each.trigger.actions):
            yield PlacedAction(f"{each.path}.actions[{position}]", position, action, each)


def send_actions(triggers: Iterable[PlacedTrigger]) -> dict[str, SendAction]:
    """Returns the actions that send a message, by their paths."""
    return {each.path: each.action for each in actions_of(triggers) if isinstance(each.action, SendAction)}


def messages_of_triggers(triggers: Iterable[PlacedTrigger]) -> list[tuple[MessageTemplate, str]]:
    """Returns the messages of the actions that send one, each with its path."""
    return [(action.message, f"{path}.message") for path, action in send_actions(triggers).items()]


def notify_texts(triggers: Iterable[PlacedTrigger]) -> dict[str, str]:
    """Returns the texts of notifications that are not those of their targets, by their paths."""
    return {
        f"{each.path}.text": each.action.text
        for each in actions_of(triggers)
        if isinstance(each.action, NotifyAction) and each.action.text is not None
    }
