"""Writes into the YAML what was typed in the forms beside it. A form that shows what it showed before changes nothing, nor does
a field that holds what it held."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.areas.sequences import step_forms as forms
from console.areas.sequences.draft import Draft
from console.areas.sequences.yaml_definition import RULES, short_step
from console.areas.sequences.yaml_text import with_entry, with_items
from console.page import Page
from console.typed import duration_of

NAMES_A_STEP = ("next", "on_click", "on_timeout", "step")
"""The fields of steps and of their triggers' actions that name a step."""


async def with_forms(page: Page, draft: Draft) -> Draft:
    """Steps that others name by a key are named by their new one when a form gives it."""
    if not draft.root:
        return draft
    text = _with_sequence_form(page, draft)
    steps, renamed = list(draft.steps), list[tuple[str, str, str]]()
    for index, step in enumerate(draft.steps):
        place = _place_of_form(page, draft, index)
        fields = forms.of_kind(step)
        if place is None or not fields:
            continue
        sent = _sent(page, f"s{place}", fields)
        if forms.seal(sent) == page.field(f"s{place}.seal"):
            continue
        changed = forms.changed(fields, step, sent)
        if changed != step:
            steps[index] = short_step(changed)
        renamed.append((page.field(f"s{place}.was"), draft.key_of(index), str(changed.get("key") or "")))
    names = _new_names(renamed, steps)
    steps = [_renamed(step, names) for step in steps]
    if steps != draft.steps:
        kept = {index: index for index, step in enumerate(steps) if step == draft.steps[index]}
        text = with_items(text, "steps", steps, kept)
    changed_draft = draft if text == draft.text else await Draft.of(text)
    triggers = changed_draft.value.get("triggers")
    if names and _renamed(triggers, names) != triggers:
        return await Draft.of(with_entry(text, "triggers", _renamed(triggers, names)))
    return changed_draft


def _place_of_form(page: Page, draft: Draft, index: int) -> int | None:
    """The form of a step stands at the step's place in the text with which it was shown. When the text has changed since, a form
    is known by the key that its step had."""
    if page.field("yaml.seal") == draft.seal:
        return index if f"s{index}.was" in page.form else None
    key = draft.key_of(index)
    if page.field(f"s{index}.was", "\0") == key:
        return index
    return next((place for place in range(100) if key and page.field(f"s{place}.was") == key), None)


def _sent(page: Page, name: str, fields: Sequence[forms.Field]) -> dict[str, str]:
    return {each.path: _sent_field(page, f"{name}.{each.path}", each.kind) for each in fields}


def _sent_field(page: Page, name: str, kind: str) -> str:
    if kind == "duration":
        return duration_of({part: page.field(f"{name}.{part}") for part in ("number", "unit")}) or ""
    return page.field(name)


def _with_sequence_form(page: Page, draft: Draft) -> str:
    if not page.field("q.seal"):
        return draft.text
    sent = _sent(page, "q", forms.SEQUENCE)
    if forms.seal(sent) == page.field("q.seal"):
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
