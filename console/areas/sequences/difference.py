"""What publishing would change: the lines of the YAML, and for each changed step what it is and how many people stand on it.

Comparing two long texts can take minutes: `services/judging/judge.py` has it done in a process of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from console.areas.sequences.yaml_definition import as_yaml, short_step
from console.words.steps import lasts

Step = Mapping[str, Any]
AROUND = 2
"""Lines that are shown around a changed one."""
MOST_LINES = 2_000
"""Changed lines that are shown, with those around them."""
NAMES = {"message.body": "text", "message.html": "HTML", "message.subject": "subject", "message.links": "links"}
DURATIONS = ("timeout", "duration")


@dataclass(frozen=True)
class Change:
    """`people` are those who stand on the step now, in any version; they stay on the version with which they began."""

    key: str
    what: str
    people: int


@dataclass(frozen=True)
class Difference:
    """`lines` are (tag, line): `del`, `ins`, `span` for what stays, `gap` for what is left out."""

    lines: Sequence[tuple[str, str]] = ()
    steps: Sequence[Change] = ()


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any], standing: Mapping[str, int]) -> Difference:
    """`before` is the published version, if there is one, and `standing` how many people stand on each step."""
    steps = changed_steps(before["steps"] if before else [], after["steps"] or [], standing)
    lines = changed_lines(before, after)
    shown = lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        shown.append(("gap", f"… and {len(lines) - MOST_LINES:,} lines more"))
    return Difference(shown, steps)


def changed_lines(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Both are definitions as the API has them."""
    old = as_yaml(before, only_version=True).splitlines() if before else []
    new = as_yaml(after, only_version=True).splitlines()
    tags = {"-": "del", "+": "ins", " ": "span", "@": "gap"}
    lines = list(unified_diff(old, new, n=AROUND, lineterm=""))[2:]
    return [(tags[line[0]], "…" if line[0] == "@" else line[1:]) for line in lines][1:]


def changed_steps(before: Sequence[Step], after: Sequence[Step], standing: Mapping[str, int]) -> list[Change]:
    """New, changed and removed steps, in their order."""
    old = {str(step.get("key")): short_step(step) for step in before}
    new = {str(step.get("key")): short_step(step) for step in after}
    found = [Change(key, _what(old.get(key), step), standing.get(key, 0)) for key, step in new.items() if step != old.get(key)]
    return found + [Change(key, "removed", standing.get(key, 0)) for key in old if key not in new]


def _what(old: Step | None, new: Step) -> str:
    if old is None:
        return "new"
    if old.get("kind") != new.get("kind"):
        return f"is a {str(new.get('kind')).replace('_', ' ')} now"
    parts = []
    for name in {**old, **new}:
        if old.get(name) == new.get(name):
            continue
        if name in DURATIONS:
            parts.append(f"{lasts(new.get(name))} instead of {lasts(old.get(name))}")
        elif name == "message":
            parts += _message(old.get(name), new.get(name))
        else:
            parts.append(name.replace("_", " "))
    return ", ".join(parts)


def _message(old: Any, new: Any) -> list[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return ["message"]
    names = [f"message.{name}" for name in {**old, **new} if old.get(name) != new.get(name)]
    return [NAMES.get(each, each.removeprefix("message.").replace("_", " ")) for each in names]
