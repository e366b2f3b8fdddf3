"""Small changes to YAML that leave the rest as it was typed."""

from collections.abc import Mapping
from typing import Any

from console.areas.sequences.yaml_text import Node, read
from console.areas.sequences.yaml_writing import dump


def with_entry(text: str, name: str, value: Any) -> str:
    """Returns the text with another value of an entry of the outermost level; None takes it away. Everything else stays."""
    root, lines = read(text), text.split("\n")
    new = [] if value is None else dump({name: value}).removesuffix("\n").split("\n")
    if root.is_flow or not isinstance(root.value, dict):
        whole = {**(root.value if isinstance(root.value, dict) else {}), name: value}
        return dump({each: kept for each, kept in whole.items() if kept is not None})
    if name in root.names:
        begin, end = _lines_of_entry(root, name, len(lines))
        return "\n".join([*lines[:begin], *new, *lines[end:]])
    before = root.names.get("steps", len(lines) + 1) - 1
    return "\n".join([*lines[:before], *new, *lines[before:]])


def _lines_of_entry(root: Node, name: str, count: int) -> tuple[int, int]:
    begin = root.names[name] - 1
    return begin, min((line - 1 for line in root.names.values() if line - 1 > begin), default=count)


def with_items(text: str, name: str, items: list[Any], kept: Mapping[int, int]) -> str:
    """Returns the text with another list as the entry `name`. `kept` says which of the new items is which of the old ones; those
    stay as they were typed."""
    root, lines = read(text), text.split("\n")
    node = root.entries.get(name)
    if root.is_flow or node is None or node.is_flow or not node.items or not items:
        return with_entry(text, name, items)
    begins = [each.line - 1 for each in node.items]
    _, end = _lines_of_entry(root, name, len(lines))
    while end > begins[-1] + 1 and not lines[end - 1].strip():
        end -= 1
    indent = lines[begins[0]][: len(lines[begins[0]]) - len(lines[begins[0]].lstrip())]
    if not all(lines[each].startswith(f"{indent}- ") for each in begins):
        return with_entry(text, name, items)
    old = [lines[begin:stop] for begin, stop in zip(begins, [*begins[1:], end], strict=True)]
    new = [old[kept[place]] if place in kept else _item(item, indent) for place, item in enumerate(items)]
    return "\n".join([*lines[: begins[0]], *(line for item in new for line in item), *lines[end:]])


def _item(item: Any, indent: str) -> list[str]:
    return [f"{indent}{line}" if line.strip() else "" for line in dump([item]).removesuffix("\n").split("\n")]
