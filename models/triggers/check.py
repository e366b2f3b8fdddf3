"""Checks triggers by what their authors wrote, and names every fault with the path of the field to change. It is pure.

What needs the organization's rows is checked in `services/triggers/`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import ValidationError

from models.contacts.input import ContactFields, property_problem
from models.errors import FieldError
from models.field_errors import field_errors
from models.sequences.check import StepGraph
from models.triggers.actions.base import OwnEnrollmentAction
from models.triggers.actions.go_to import GoToAction
from models.triggers.actions.set_field import SETTABLE, SetFieldAction
from models.triggers.placed import PlacedAction, PlacedTrigger, actions_of, send_actions

MAX_TRIGGERS_IN_ALL = 200
"""The most triggers of one sequence, those of its steps included."""
MAX_SENDS = 100
"""The most actions `send` of all triggers of one campaign or one sequence."""
PROPERTIES = "properties."

LinkNames = Mapping[int, Sequence[str | None] | None]
"""The names of the links in each text, in the order of their positions, by the index of its send step; a campaign's message has
the index 0. None stands for a text that could not be read."""


def form_errors(triggers: Sequence[PlacedTrigger], steps: Collection[str] | None) -> list[FieldError]:
    """Returns the faults that a definition shows by itself, in the order of the triggers. `steps` are the keys of the sequence's
    steps, and None says that the triggers are a campaign's."""
    found = [*_too_many(triggers), *_repeated_keys(triggers)]
    for each in actions_of(triggers):
        if isinstance(each.action, OwnEnrollmentAction) and steps is None:
            found.append(FieldError(f"{each.path}.kind", _no_enrollment(each.action.kind)))
        elif isinstance(each.action, GoToAction) and each.action.step not in (steps or ()):
            found.append(FieldError(f"{each.path}.step", f"There is no step with the key '{each.action.step}'."))
        elif isinstance(each.action, SetFieldAction):
            found += _field_faults(each, each.action)
    return found


def _no_enrollment(kind: str) -> str:
    way_out = "to end other sequences, enroll in a sequence that begins with the step stop_other" if kind == "leave" else ""
    about = f"'{kind}' is about the enrollment whose message was clicked, and a campaign has no enrollment"
    return f"{about}: {way_out or 'use it in a sequence'}."


def _too_many(triggers: Sequence[PlacedTrigger]) -> Iterator[FieldError]:
    if len(triggers) > MAX_TRIGGERS_IN_ALL:
        many = f"{len(triggers)}; at most {MAX_TRIGGERS_IN_ALL} are possible"
        yield FieldError("triggers", f"The triggers of the sequence and of its steps are {many}.")
    if (sends := len(send_actions(triggers))) > MAX_SENDS:
        yield FieldError("triggers", f"All triggers together have {sends} actions 'send'; at most {MAX_SENDS} are possible.")


def _repeated_keys(triggers: Sequence[PlacedTrigger]) -> Iterator[FieldError]:
    first: dict[tuple[str, str], PlacedTrigger] = {}
    for each in triggers:
        other = first.setdefault((each.place, each.trigger.key), each)
        if other is not each:
            message = f"The key '{each.trigger.key}' is used by {other.path} already: give each trigger its own key."
            yield FieldError(f"{each.path}.key", message)


def _field_faults(placed: PlacedAction, action: SetFieldAction) -> list[FieldError]:
    """Asks what a contact may be: a value that the contact's own endpoint refuses is refused here, in the same words."""
    name = action.field.removeprefix(PROPERTIES)
    is_property = action.field.startswith(PROPERTIES)
    if is_property and (problem := property_problem(name)):
        return [FieldError(f"{placed.path}.field", problem)]
    if not is_property and name not in SETTABLE:
        known = ", ".join(SETTABLE)
        return [FieldError(f"{placed.path}.field", f"Write one of {known}, or a property as properties.NAME.")]
    try:
        ContactFields.model_validate({"properties": {name: action.value}} if is_property else {name: action.value})
    except ValidationError as error:
        return [FieldError(f"{placed.path}.value", fault.message) for fault in field_errors(error.errors())]
    return []


def link_errors(triggers: Sequence[PlacedTrigger], links: LinkNames) -> list[FieldError]:
    """Returns the triggers that no click can fire, because no message has their link. A text that could not be read counts as
    containing every link, so that one fault is not reported as two."""
    found = []
    for each in triggers:
        heard = [links[each.step]] if each.step is not None else list(links.values())
        names = [name for text in heard for name in text or ()]
        if None not in heard and (not names or each.trigger.link not in (None, *names)):
            found.append(FieldError(f"{each.path}.link", _missing_link(each.trigger.link, names)))
    return found


def _missing_link(name: str | None, names: Sequence[str | None]) -> str:
    if not names:
        return "A trigger needs a link in a message that it listens to, and there is no link."
    known = ", ".join(dict.fromkeys(each for each in names if each)) or "none"
    return f"No message that it listens to contains a link named '{name}'; the named links: {known}."


def ended_errors(triggers: Sequence[PlacedTrigger], links: LinkNames, graph: StepGraph) -> list[FieldError]:
    """Returns the triggers of a sequence that cannot fire, because the sequence ends right after each message with their link. A
    trigger without any such message is left to `link_errors`."""
    lasting = {index for index in graph.sends() if graph.can_last(index)}
    found = []
    for each in triggers:
        places = [each.step] if each.step is not None else list(links)
        heard = {place for place in places if _can_hear(each, links[place])}
        if heard and not heard & lasting:
            found.append(FieldError(each.path, _ended(len(heard))))
    return found


def _can_hear(placed: PlacedTrigger, names: Sequence[str | None] | None) -> bool:
    return names is None or (bool(names) and placed.trigger.link in (None, *names))


def _ended(messages: int) -> str:
    which = "this message" if messages == 1 else "each of these messages"
    return f"The sequence ends right after {which}, so the trigger cannot fire: put a wait behind it."
