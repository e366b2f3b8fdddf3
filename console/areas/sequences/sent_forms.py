"""Writes into the YAML what was typed in the forms beside it. A form that shows what it showed before changes nothing, nor does
a field that holds what it held."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.areas.sequences import step_forms as forms
from console.areas.sequences import trigger_forms
from console.areas.sequences.draft import MOST_STEPS, SETTINGS, Draft, with_button
from console.areas.sequences.yaml_changes import with_entry, with_items
from console.areas.sequences.yaml_comments import comments
from console.areas.sequences.yaml_definition import RULES, short_step
from console.areas.sequences.yaml_text import Unreadable
from console.forms import triggers
from console.forms.triggers import Typed
from console.typed import duration_of

NAMES_A_STEP = ("next", "on_click", "on_timeout", "step")
"""The fields of steps and of their triggers' actions that name a step."""

Fields = Mapping[str, str]
"""What a form has sent, by the names of its fields."""


def edited(text: str, given: Fields, channels: Sequence[Mapping[str, Any]]) -> tuple[Draft, int | None]:
    """Returns the draft as the form says it, and the step that is open. While somebody types YAML, the forms beside it are those
    of an earlier text, and count for nothing. It is a pure function, which a judging process runs."""
    draft, opened = Draft.of(text), None
    try:
        if given.get("from") != "yaml":
            draft, opened = with_forms(given, draft, channels)
        draft, moved = with_button(draft, given.get("do", ""), given.get("kind", ""))
    except Unreadable as unreadable:  # what was typed into a form cannot be written as YAML
        return Draft(text, None, [unreadable.fault]), None
    draft.comments = comments(draft.text) if draft.root else []
    return draft, opened if moved is None else moved


def with_forms(given: Fields, draft: Draft, channels: Sequence[Mapping[str, Any]]) -> tuple[Draft, int | None]:
    """Returns the draft, and the step whose triggers a button has changed (`SETTINGS` for those of the sequence). When a form
    gives a step another key, those that name the step follow."""
    if not draft.root:
        return draft, None
    of_triggers = _Triggers(given, channels, is_as_shown=given.get("yaml.seal", "") == draft.seal)
    text = _with_sequence_form(given, draft)
    steps, renamed = list(draft.steps), list[tuple[str, str, str]]()
    for index, step in enumerate(draft.steps):
        place = _place_of_form(given, draft, index)
        fields = forms.of_kind(step)
        if place is None or not fields or given.get(f"s{place}.of", "") != step["kind"]:
            continue
        sent = _sent(given, f"s{place}", fields)
        changed = step if forms.seal(sent) == given.get(f"s{place}.seal", "") else forms.changed(fields, step, sent)
        changed = of_triggers.taken(f"s{place}", index, changed)
        if changed != step:
            steps[index] = short_step(changed)
            renamed.append((given.get(f"s{place}.was", ""), draft.key_of(index), str(changed.get("key") or "")))
    names = _new_names(renamed, steps)
    steps = [_renamed(step, names) for step in steps]
    if steps != draft.steps:
        kept = {index: index for index, step in enumerate(steps) if step == draft.steps[index]}
        text = with_items(text, "steps", steps, kept)
    result = draft if text == draft.text else Draft.of(text)
    whole = _renamed(of_triggers.taken("q", SETTINGS, result.value), names)
    if whole.get("triggers") != result.value.get("triggers"):
        result = Draft.of(with_entry(text, "triggers", whole.get("triggers")))
    of_triggers.rename(names)
    result.typed, result.unfinished = of_triggers.typed, of_triggers.unfinished
    return result, of_triggers.opened


class _Triggers:
    """Takes over the forms of triggers one by one. `typed` are those that were changed, by the index of their step, because rows
    that are not filled in yet are in no YAML. `unfinished` are faults that keep a form from being written."""

    def __init__(self, given: Fields, channels: Sequence[Mapping[str, Any]], *, is_as_shown: bool) -> None:
        self.given, self.is_as_shown, self.media = given, is_as_shown, {each["name"]: each["medium"] for each in channels}
        self.first = next((each["name"] for each in channels if not each["archived_at"]), "")
        self.typed = dict[int, list[Typed]]()
        self.unfinished = list[tuple[str, str]]()
        self.opened: int | None = None

    def taken(self, owner: str, index: int, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the step or the sequence with its triggers as they were sent."""
        sent = trigger_forms.sent(self.given, owner)
        if sent is None:
            return part
        is_pressed = bool(sent.pressed) and triggers.change(sent.typed, sent.pressed, str(part.get("channel") or self.first))
        is_changed = is_pressed or sent.is_changed
        if is_pressed:
            self.opened = index
        faults = triggers.faults_of_links(sent.typed)
        if is_changed or faults or self.is_as_shown:
            self.typed[index] = sent.typed
        if faults:
            where = "" if index == SETTINGS else f"steps[{index}]."
            self.unfinished += [(f"{where}{field}", sentence) for field, sentence in faults.items()]
        if faults or not is_changed:
            return part
        without = {name: value for name, value in part.items() if name != "triggers"}
        written = trigger_forms.written(sent.typed, self.media)
        return {**without, "triggers": written} if written else without

    def rename(self, names: Mapping[str, str]) -> None:
        """Steps that the forms name are named by their new keys."""
        for action in (action for form in self.typed.values() for trigger in form for action in trigger["actions"]):
            action["step"] = names.get(action["step"], action["step"])


def _place_of_form(given: Fields, draft: Draft, index: int) -> int | None:
    """The form of a step stands at the step's place in the text with which it was shown. When the text has changed since, a form
    is known by the key that its step had."""
    if given.get("yaml.seal", "") == draft.seal:
        return index if f"s{index}.was" in given else None
    key = draft.key_of(index)
    if given.get(f"s{index}.was") == key:
        return index
    return next((place for place in range(MOST_STEPS) if key and given.get(f"s{place}.was", "") == key), None)


def _sent(given: Fields, name: str, fields: Sequence[forms.Field]) -> dict[str, str]:
    return {each.path: _sent_field(given, f"{name}.{each.path}", each.kind) for each in fields}


def _sent_field(given: Fields, name: str, kind: str) -> str:
    if kind == "duration":
        return duration_of({part: given.get(f"{name}.{part}", "") for part in ("number", "unit")}) or ""
    return given.get(name, "")


def _with_sequence_form(given: Fields, draft: Draft) -> str:
    if not given.get("q.seal", ""):
        return draft.text
    sent = _sent(given, "q", forms.SEQUENCE)
    if forms.seal(sent) == given.get("q.seal", ""):
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
    """Returns a step, a sequence or triggers with the new names of the steps that they name."""
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
