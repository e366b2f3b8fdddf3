"""Writes into the YAML what was typed in the forms beside it. A form that shows what it showed before changes nothing, nor does
a field that holds what it held."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.areas.sequences import step_forms as forms
from console.areas.sequences.draft import MOST_STEPS, Draft, with_button
from console.areas.sequences.yaml_changes import with_entry, with_items
from console.areas.sequences.yaml_definition import RULES, short_step
from console.areas.sequences.yaml_text import Unreadable
from console.typed import duration_of

NAMES_A_STEP = ("next", "on_click", "on_timeout", "step")
"""The fields of steps and of their triggers' actions that name a step."""

Typed = Mapping[str, str]
"""What a form has sent, by the names of its fields."""


def edited(text: str, typed: Typed, do: str, kind: str) -> tuple[Draft, int | None]:
    """Returns the draft as the form says it, and the step that is open. While somebody types YAML, the forms beside it are those
    of an earlier text, and count for nothing. It is a pure function, which a judging process runs."""
    draft = Draft.of(text)
    try:
        return with_button(with_forms(typed, draft) if typed.get("from") != "yaml" else draft, do, kind)
    except Unreadable as unreadable:  # what was typed into a form cannot be written as YAML
        return Draft(text, None, [unreadable.fault]), None


def with_forms(typed: Typed, draft: Draft) -> Draft:
    """Steps that others name by a key are named by their new one when a form gives it."""
    if not draft.root:
        return draft
    text = _with_sequence_form(typed, draft)
    steps, renamed = list(draft.steps), list[tuple[str, str, str]]()
    for index, step in enumerate(draft.steps):
        place = _place_of_form(typed, draft, index)
        fields = forms.of_kind(step)
        if place is None or not fields:
            continue
        sent = _sent(typed, f"s{place}", fields)
        if forms.seal(sent) == typed.get(f"s{place}.seal", ""):
            continue
        changed = forms.changed(fields, step, sent)
        if changed != step:
            steps[index] = short_step(changed)
        renamed.append((typed.get(f"s{place}.was", ""), draft.key_of(index), str(changed.get("key") or "")))
    names = _new_names(renamed, steps)
    steps = [_renamed(step, names) for step in steps]
    if steps != draft.steps:
        kept = {index: index for index, step in enumerate(steps) if step == draft.steps[index]}
        text = with_items(text, "steps", steps, kept)
    changed_draft = draft if text == draft.text else Draft.of(text)
    triggers = changed_draft.value.get("triggers")
    if names and _renamed(triggers, names) != triggers:
        return Draft.of(with_entry(text, "triggers", _renamed(triggers, names)))
    return changed_draft


def _place_of_form(typed: Typed, draft: Draft, index: int) -> int | None:
    """The form of a step stands at the step's place in the text with which it was shown. When the text has changed since, a form
    is known by the key that its step had."""
    if typed.get("yaml.seal", "") == draft.seal:
        return index if f"s{index}.was" in typed else None
    key = draft.key_of(index)
    if typed.get(f"s{index}.was") == key:
        return index
    return next((place for place in range(MOST_STEPS) if key and typed.get(f"s{place}.was", "") == key), None)


def _sent(typed: Typed, name: str, fields: Sequence[forms.Field]) -> dict[str, str]:
    return {each.path: _sent_field(typed, f"{name}.{each.path}", each.kind) for each in fields}


def _sent_field(typed: Typed, name: str, kind: str) -> str:
    if kind == "duration":
        return duration_of({part: typed.get(f"{name}.{part}", "") for part in ("number", "unit")}) or ""
    return typed.get(name, "")


def _with_sequence_form(typed: Typed, draft: Draft) -> str:
    if not typed.get("q.seal"):
        return draft.text
    sent = _sent(typed, "q", forms.SEQUENCE)
    if forms.seal(sent) == typed.get("q.seal"):
        return draft.text
    text, wanted = draft.text, forms.changed(forms.SEQUENCE, draft.value, sent)
    for name in dict.fromkeys(each.path.partition(".")[0] for each in forms.SEQUENCE):
        value = wanted.get(name)
        if value != draft.value.get(name, RULES[name]):
            text = with_entry(text, name, None if value == RULES[name] else value)
    return text


def _new_names(renamed: Iterable[tuple[str, str, str]], steps: Sequence[Any]) -> dict[str, str]:
    """Returns the names that change. Each step has the key with which the page was opened, the one in the text, and the one that
    it gets now. While that is empty or another step's, those that name the step name it by its first key."""
    keys = [str(step.get("key") or "") for step in steps if isinstance(step, Mapping)]
    found = dict[str, str]()
    for first, before, now in renamed:
        name = now if now and keys.count(now) == 1 else first
        found |= {old: name for old in (first, before) if old and name and old not in keys}
    return found


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    """Returns a step or its triggers with the new names of the steps that it names."""
    if not names:
        return part
    if isinstance(part, list):
        return [_renamed(each, names) for each in part]
    if not isinstance(part, Mapping):
        return part
    return {
        name: names.get(value, value)
        if name in NAMES_A_STEP and isinstance(value, str)
        else _renamed(value, names)
        if name in ("triggers", "actions")
        else value
        for name, value in part.items()
    }
