"""A draft while it is edited: its YAML, what the API has said of it, and what the buttons of its list of steps change.

All of it is work of the processor alone, and a text can make it long: `services/judging/judge.py` has it done in a process of its
own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.areas.sequences import step_forms as forms
from console.areas.sequences.yaml_changes import with_items
from console.areas.sequences.yaml_comments import Comment
from console.areas.sequences.yaml_definition import as_body, as_yaml
from console.areas.sequences.yaml_text import Fault, Node, Unreadable, read
from console.forms.triggers import Typed, field_of

MOST_STEPS = 100
"""The steps that a sequence may have, as the API says."""


SETTINGS = -1
"""In the place of a step's index: the part of a sequence that is no step."""


@dataclass
class Draft:
    """`root` is None as long as the text cannot be read. `faults` are in the order of their lines.

    `typed` are the triggers that were typed in forms, by the index of their step. `unfinished` are those of their faults, as
    (field, sentence), of which the text knows nothing: a draft with some is not saved. `comments` are those of a text that
    somebody has typed.
    """

    text: str
    root: Node | None = None
    faults: list[Fault] = field(default_factory=list)
    typed: dict[int, list[Typed]] = field(default_factory=dict)
    unfinished: list[tuple[str, str]] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "Draft":
        try:
            root = read(text)
        except Unreadable as unreadable:
            return cls(text, None, [unreadable.fault])
        if not isinstance(root.value, dict):
            return cls(text, None, [Fault(1, "This is no sequence: write name: and steps: with a colon each.")])
        steps = root.entries.get("steps")
        if steps is not None and len(steps.items) > MOST_STEPS:
            return cls(text, None, [Fault(steps.items[MOST_STEPS].line, f"A sequence has at most {MOST_STEPS} steps.", "steps")])
        return cls(text, root)

    @classmethod
    def of_sequence(cls, sequence: Mapping[str, Any]) -> "Draft":
        """The draft as it is saved, without an empty line at its end."""
        return cls.of(as_yaml(sequence).rstrip("\n"))

    @property
    def value(self) -> dict[str, Any]:
        return self.root.value if self.root else {}

    @property
    def steps(self) -> list[Any]:
        steps = self.value.get("steps")
        return steps if isinstance(steps, list) else []

    @property
    def seal(self) -> str:
        """Says what the text was when a page was shown, so that forms know whether they stand beside the same one."""
        return forms.seal({"yaml": self.text})

    def key_of(self, index: int) -> str:
        """The key of the step at this place; empty when it has no key."""
        step = self.steps[index]
        return str(step.get("key") or "") if isinstance(step, Mapping) else ""

    def links_of(self, index: int) -> list[str]:
        """The names of the links of the message that the step sends."""
        step = self.steps[index]
        message = step.get("message") if isinstance(step, Mapping) and step.get("kind") == "send" else None
        links = message.get("links") if isinstance(message, Mapping) else None
        return [str(name) for name in links] if isinstance(links, Mapping) else []

    @property
    def keys(self) -> list[str]:
        return [str(step.get("key")) for step in self.steps if isinstance(step, Mapping)]

    @property
    def bad_lines(self) -> set[int]:
        return {each.line for each in self.faults}

    def lines_of_step(self, index: int) -> range:
        """The lines that a step takes in the text."""
        if not self.root:
            return range(0)
        items = self.root.entries["steps"].items
        last = self.text.count("\n") + 1
        return range(items[index].line, items[index + 1].line if index + 1 < len(items) else last + 1)

    def blame(self, errors: Sequence[Mapping[str, Any]], detail: str) -> None:
        """Takes over what the API refused, at the lines where it stands."""
        found = [self._fault(error) for error in errors] or [Fault(1, detail)]
        self.faults = sorted([*found, *self.of_forms()], key=lambda each: each.line)

    def of_forms(self) -> list[Fault]:
        """The faults of forms that are not finished, at their lines."""
        return [self._fault({"field": name, "message": sentence}) for name, sentence in self.unfinished]

    def _fault(self, error: Mapping[str, Any]) -> Fault:
        path = str(error["field"])
        if not self.root:
            return Fault(1, error["message"], path)
        line, node = self.root.line_of(path), self.root.at(path)
        if error.get("line") and node is not None:
            line = node.text_line + error["line"] - 1
        return Fault(line, error["message"], path)

    def faults_of(self, prefix: str, fields: Sequence[forms.Field], name: str) -> dict[str, str]:
        """Returns a sentence for each field of a form whose fields are called `name.path`."""
        found = dict[str, str]()
        for each in fields:
            path = prefix + each.path
            sentence = next((fault.message for fault in self.faults if _is_within(fault.field, path)), None)
            if sentence:
                found[f"{name}.{each.path}"] = sentence
        return found

    def faults_of_triggers(self, prefix: str, name: str) -> dict[str, str]:
        """The same for a form of triggers."""
        found = dict[str, str]()
        for fault in self.faults:
            if fault.field.startswith(f"{prefix}triggers["):
                found.setdefault(f"{name}.{field_of(fault.field.removeprefix(prefix))}", fault.message)
        return found

    def body(self) -> dict[str, Any]:
        return as_body(self.value)


def _is_within(path: str, field_path: str) -> bool:
    return path == field_path or path.startswith((f"{field_path}.", f"{field_path}["))


def with_button(draft: Draft, do: str, kind: str) -> tuple[Draft, int | None]:
    """Does what a button of the list of steps says: `add`, `remove:2`, `up:2`, `down:2`, `open:2`. Returns the draft, and the
    step that is open then. While a form is not finished, nothing moves."""
    verb, _, number = do.partition(":")
    if not draft.root or draft.unfinished:
        return draft, None
    if verb == "add" and kind in forms.NEW:
        return _with_new_step(draft, kind)
    index = int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else -1
    if not 0 <= index < len(draft.steps):
        return draft, None
    order = list(range(len(draft.steps)))
    match verb:
        case "remove":
            order.remove(index)
        case "up" if index:
            order[index - 1], order[index] = index, index - 1
        case "down" if index + 1 < len(order):
            order[index], order[index + 1] = index + 1, index
        case _:
            return draft, index if verb in ("open", "up", "down") else None
    text = with_items(draft.text, "steps", [draft.steps[each] for each in order], dict(enumerate(order)))
    return Draft.of(text), order.index(index) if index in order else None


def _with_new_step(draft: Draft, kind: str) -> tuple[Draft, int]:
    """A new step stands before the ends at the end of the list, and behind the others. A new message goes by the channel of the
    last one."""
    steps = draft.steps
    place = len(steps)
    while kind != "end" and place and isinstance(steps[place - 1], Mapping) and steps[place - 1].get("kind") == "end":
        place -= 1
    new = forms.new_step(kind, draft.keys)
    channels = [
        each["channel"] for each in steps if isinstance(each, Mapping) and each.get("kind") == "send" and each.get("channel")
    ]
    if kind == "send" and channels:
        new["channel"] = channels[-1]
    wanted = [*steps[:place], new, *steps[place:]]
    kept = {index: index if index < place else index - 1 for index in range(len(wanted)) if index != place}
    return Draft.of(with_items(draft.text, "steps", wanted, kept)), place
