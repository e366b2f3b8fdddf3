"""Small changes of YAML that leave the rest as it was typed. The comments of a part that is written again stand above it."""

from collections.abc import Mapping, Sequence
from typing import Any

from console.areas.sequences.yaml_comments import Comment, comments
from console.areas.sequences.yaml_text import Node, read
from console.areas.sequences.yaml_writing import dump


def with_entry(text: str, name: str, value: Any) -> str:
    """Returns the text with another value of an entry of the outermost level; None takes it away. Everything else stays."""
    root, lines, noted = read(text), text.split("\n"), comments(text)
    new = [] if value is None else dump({name: value}).removesuffix("\n").split("\n")
    if root.is_flow or not isinstance(root.value, dict):
        whole = {**(root.value if isinstance(root.value, dict) else {}), name: value}
        return "\n".join([*_above(noted), dump({each: kept for each, kept in whole.items() if kept is not None})])
    if name in root.names:
        begin, end = _lines_of_entry(root, name, len(lines))
        end = _without_rest(lines, begin, end, noted)
        return "\n".join([*lines[:begin], *_above(noted, begin, end), *new, *lines[end:]])
    before = root.names.get("steps", len(lines) + 1) - 1
    return "\n".join([*lines[:before], *new, *lines[before:]])


def _lines_of_entry(root: Node, name: str, count: int) -> tuple[int, int]:
    begin = root.names[name] - 1
    return begin, min((line - 1 for line in root.names.values() if line - 1 > begin), default=count)


def with_items(text: str, name: str, items: list[Any], kept: Mapping[int, int]) -> str:
    """Returns the text with another list as the entry `name`. `kept` says which of the new items is which of the old ones; those
    stay as they were typed. Of as many items as before, the others are the old ones of their places with other values."""
    root, lines = read(text), text.split("\n")
    node = root.entries.get(name)
    if root.is_flow or node is None or node.is_flow or not node.items or not items:
        return with_entry(text, name, items)
    begins = [each.line - 1 for each in node.items]
    _, end = _lines_of_entry(root, name, len(lines))
    noted = comments(text)
    while end > begins[-1] + 1 and not lines[end - 1].strip():
        end -= 1
    indent = lines[begins[0]][: len(lines[begins[0]]) - len(lines[begins[0]].lstrip())]
    if not all(lines[each].startswith(f"{indent}- ") for each in begins):
        return with_entry(text, name, items)
    old = list(zip(begins, [*begins[1:], end], strict=True))
    new = list[str]()
    for place, item in enumerate(items):
        if place in kept:
            begin, stop = old[kept[place]]
            new += lines[begin:stop]
        elif len(items) == len(old):
            begin, stop = old[place]
            rest = _without_rest(lines, begin, stop, noted)
            new += [*_above(noted, begin, rest, indent), *_item(item, indent), *lines[rest:stop]]
        else:
            new += _item(item, indent)
    return "\n".join([*lines[: begins[0]], *new, *lines[end:]])


def _above(noted: Sequence[Comment], begin: int = 0, end: int | None = None, indent: str = "") -> list[str]:
    """The comments of these lines, each in a line of its own."""
    return [f"{indent}{each.text}" for each in noted if begin < each.line and (end is None or each.line <= end)]


def _without_rest(lines: Sequence[str], begin: int, end: int, noted: Sequence[Comment]) -> int:
    """Returns where a part ends when empty lines and comments at its end belong to what follows."""
    alone = {each.line for each in noted if each.is_alone}
    while end > begin + 1 and (end in alone or not lines[end - 1].strip()):
        end -= 1
    return end


def _item(item: Any, indent: str) -> list[str]:
    return [f"{indent}{line}" if line.strip() else "" for line in dump([item]).removesuffix("\n").split("\n")]
