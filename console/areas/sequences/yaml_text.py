"""Reads YAML as people type it: safely, with the line of everything, and small changes that leave the rest as it was typed.

It is built from the events of the parser, which never recurse and never follow an alias, so that a text which is small and means
something huge is refused before anything is made of it. Words are words: `no`, `on`, `1:30` and dates stay text; only numbers,
`true`, `false` and `null` are not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

LONGEST, DEEPEST, MOST = 600_000, 20, 40_000
"""Characters, levels and parts of a text that is read."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}([eE][-+]?[0-9]{1,2})?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_PLACE = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class Fault:
    """What has to change. `line` counts from 1; `field` is the path as the API writes it, and empty for what is no YAML."""

    line: int
    message: str
    field: str = ""


class Unreadable(Exception):
    """The text is no YAML that can be read here."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(max(1, line), message)


@dataclass
class Node:
    """A part of the text with its value. Lines count from 1: its first one, in `text_line` that of the text itself when it stands
    in several lines, and in `names` those of the names of its entries."""

    line: int
    value: Any = None
    is_flow: bool = False
    text_line: int = 0
    entries: dict[str, "Node"] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    items: list["Node"] = field(default_factory=list)

    def line_of(self, path: str) -> int:
        """Returns the line of a path such as `steps[2].message.links.guide`, or of the part of it that there is. Names may have
        dots."""
        node, line, rest = self, self.line, path
        while rest:
            found = node._next(rest)
            if found is None:
                return line
            node, line, rest = found
        return line

    def at(self, path: str) -> "Node | None":
        """Returns the part of this path, or None."""
        node, rest = self, path
        while rest:
            found = node._next(rest)
            if found is None:
                return None
            node, _, rest = found
        return node

    def _next(self, path: str) -> "tuple[Node, int, str] | None":
        place = _PLACE.match(path)
        if place and int(place[1]) < len(self.items):
            item = self.items[int(place[1])]
            return item, item.line, path[place.end() :].removeprefix(".")
        names = [name for name in self.entries if path == name or path.startswith((f"{name}.", f"{name}["))]
        if not names:
            return None
        name = max(names, key=len)
        return self.entries[name], self.names[name], path[len(name) :].removeprefix(".")


def read(text: str) -> Node:
    """Returns what the text means. Raises Unreadable with the line."""
    if len(text) > LONGEST:
        raise Unreadable(1, f"This is longer than {LONGEST:,} characters.")
    try:
        return _Builder().build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, f"This is no YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError:
        raise Unreadable(1, "This has characters that YAML does not know.") from None


class _Builder:
    """Makes nodes of the parser's events."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.open: list[tuple[Node, bool]] = []
        self.name: list[tuple[str, int] | None] = []
        self.parts = 0

    def build(self, events: Iterator[yaml.Event]) -> Node:
        documents = 0
        for event in events:
            line = event.start_mark.line + 1 if event.start_mark else 1
            self._refuse(event, line)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise Unreadable(line, "This is a second document: leave out the line ---.")
            elif isinstance(event, yaml.ScalarEvent):
                self._add(_scalar(event, line), event)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._begin(event, line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.open.pop()
                self.name.pop()
        if self.root is None:
            raise Unreadable(1, "There is nothing here: write name and steps.")
        return self.root

    def _refuse(self, event: yaml.Event, line: int) -> None:
        self.parts += 1
        if self.parts > MOST:
            raise Unreadable(line, f"This has more than {MOST:,} parts.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable(line, "Anchors (&) and aliases (*) are not read here: write it out, or put the text in quotes.")
        if getattr(event, "tag", None) not in (None, "!"):
            raise Unreadable(line, "Tags (!) are not read here: leave it out, or put the text in quotes.")

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> None:
        if len(self.open) >= DEEPEST:
            raise Unreadable(line, f"This has more than {DEEPEST} levels.")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node(line, {} if is_mapping else [], is_flow=bool(event.flow_style))
        self._add(node, event)
        self.open.append((node, is_mapping))
        self.name.append(None)

    def _add(self, node: Node, event: yaml.Event) -> None:
        if not self.open:
            self.root = node
            return
        parent, is_mapping = self.open[-1]
        if not is_mapping:
            parent.items.append(node)
            parent.value.append(node.value)
            return
        name = self.name[-1]
        if name is None:
            if not isinstance(event, yaml.ScalarEvent):
                raise Unreadable(node.line, "A name has to be a word. To write {{ … }}, put the text in quotes.")
            if event.value in parent.entries:
                raise Unreadable(node.line, f"'{event.value[:80]}' stands here twice.")
            self.name[-1] = (event.value, node.line)
            return
        parent.entries[name[0]], parent.names[name[0]] = node, name[1]
        parent.value[name[0]] = node.value
        self.name[-1] = None


def _scalar(event: yaml.ScalarEvent, line: int) -> Node:
    in_lines = event.style in ("|", ">")
    value = event.value if event.style else _plain(event.value)
    if isinstance(value, str) and _SURROGATE.search(value):
        raise Unreadable(line, "This has half a character.")
    return Node(line, value, text_line=line + 1 if in_lines else line)


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


class _Dumper(yaml.SafeDumper):
    """Lists stand deeper than their name, and texts in several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """Returns the value as YAML that `read` reads as the same value."""
    try:
        return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000))
    except RecursionError:
        raise Unreadable(1, "Lists and objects may not stand as deep as this in each other.") from None


def with_entry(text: str, name: str, value: Any) -> str:
    """Returns the text with another value of an entry of the outermost level; None takes it away. Everything else stays."""
    root, lines = read(text), text.split("\n")
    new = [] if value is None else dump({name: value}).rstrip("\n").split("\n")
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
    """A list on the outermost level stands two blanks deep as well."""
    lines = dump([item]).rstrip("\n").split("\n")
    deep = len(lines[0]) - len(lines[0].lstrip())
    return [f"{indent}{line[deep:]}" if line.strip() else "" for line in lines]
