"""What the list of steps shows: each step with its form, and the form of what counts for the whole sequence."""

from collections.abc import Mapping, Sequence
from typing import Any

from console.areas.sequences import step_forms as forms
from console.areas.sequences import trigger_forms
from console.areas.sequences.choices import Choices
from console.areas.sequences.draft import SETTINGS, Draft
from console.words import steps as words

ALL_FORMS = 12
"""Up to so many steps and triggers, each step has its form on the page; of more, only the open one."""

ALL_ACTIONS = 60
"""Of the actions of triggers too."""


def steps(draft: Draft, known: Choices, opened: int | None) -> list[dict[str, Any]]:
    """With the first one that has a fault open, when no other one is."""
    found = [_step(draft, index, known, opened) for index in range(len(draft.steps))]
    if opened is None:
        for step in [each for each in found if each["faults"]][:1]:
            step["is_open"] = True
    return found


def _step(draft: Draft, index: int, known: Choices, opened: int | None) -> dict[str, Any]:
    """What the list of steps shows of one. A step of which nothing is known has no form."""
    step = draft.steps[index] if isinstance(draft.steps[index], Mapping) else {}
    fields = forms.of_kind(step) if _has_room(draft) or index == opened else ()
    held = forms.shown(fields, step)
    at = f"steps[{index}]."
    faults = draft.faults_of(at, fields, f"s{index}") | draft.faults_of_triggers(at, f"s{index}")
    return {
        "index": index,
        "key": draft.key_of(index) or "…",
        "was": draft.key_of(index),
        "kind": str(step.get("kind", "")),
        "icon": words.icon(step, known.media),
        "does": words.does(step, known.media),
        "fields": fields,
        "held": held,
        "seal": forms.seal(held),
        "choices": _choices(fields, held, known, index),
        "triggers": _triggers(draft, index, step, known) if fields and step["kind"] in trigger_forms.WITH_TRIGGERS else None,
        "faults": faults,
        "is_bad": any(each.field.startswith(f"steps[{index}]") for each in draft.faults),
        "is_open": index == opened,
    }


def _has_room(draft: Draft) -> bool:
    """Whether each step has its form on the page, with its triggers."""
    lists = [step.get("triggers") for step in draft.steps if isinstance(step, Mapping)]
    triggers = [trigger for each in lists if isinstance(each, list) for trigger in each]
    does = [trigger.get("actions") for trigger in triggers if isinstance(trigger, Mapping)]
    actions = sum(len(each) for each in does if isinstance(each, list))
    return len(draft.steps) <= ALL_FORMS and len(triggers) <= ALL_FORMS and actions <= ALL_ACTIONS


def _choices(
    fields: Sequence[forms.Field], held: Mapping[str, str], known: Choices, index: int | None = None
) -> dict[str, list[tuple[str, str]]]:
    return {each.path: known.of(each, held[each.path], index) for each in fields if each.kind in forms.CHOSEN}


def _triggers(draft: Draft, index: int, part: Mapping[str, Any], known: Choices) -> dict[str, Any]:
    """The form of the triggers of a step or of the sequence. `typed` is None when the YAML has something that no form shows."""
    typed = draft.typed[index] if index in draft.typed else trigger_forms.shown(part.get("triggers"))
    links = known.lists["links"] if index == SETTINGS else [(name, name) for name in draft.links_of(index)]
    path = "triggers" if index == SETTINGS else f"steps[{index}].triggers"
    line = draft.root.line_of(path) if draft.root else 1
    return {"typed": typed, "seal": trigger_forms.seal(typed or []), "links": links, "line": line}


def settings(draft: Draft, known: Choices, opened: int | None) -> dict[str, Any]:
    held = forms.shown(forms.SEQUENCE, draft.value)
    faults = draft.faults_of("", forms.SEQUENCE, "q") | draft.faults_of_triggers("", "q")
    return {
        "fields": forms.SEQUENCE,
        "held": held,
        "seal": forms.seal(held),
        "choices": _choices(forms.SEQUENCE, held, known),
        "triggers": _triggers(draft, SETTINGS, draft.value, known),
        "faults": faults,
        "is_open": bool(faults) or opened == SETTINGS,
    }
