"""Reads YAML as people type it: safely, and with the line of everything.

It is built from the events of the parser, which never recurse and never follow an alias, so that a text which is small and means
something huge is refused before anything is made of it. Words are words: `no`, `on`, `1:30` and dates stay text; only numbers,
`true`, `false` and `null` are not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

LONGEST, DEEPEST, MOST = 600_000, 20, 40_000
"""Characters, levels and parts of a text that is read."""
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}([eE][-+]?[0-9]{1,2})?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_OTHER_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_PLACE = re.compile(r"\[(\d+)\]")
_NAME_END = re.compile(r"[.\[]")


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


_NONE: Any = ({}, {}, [])
"""The entries, names and items of what has none. All share these, so that many parts are quickly handed to another process."""


@dataclass(slots=True)
class Node:
    """A part of the text with its value. Lines count from 1: its first one, in `text_line` that of the text itself when it stands
    in several lines, and in `names` those of the names of its entries."""

    line: int
    value: Any = None
    is_flow: bool = False
    text_line: int = 0
    entries: dict[str, "Node"] = field(default_factory=lambda: _NONE[0])
    names: dict[str, int] = field(default_factory=lambda: _NONE[1])
    items: list["Node"] = field(default_factory=lambda: _NONE[2])

    def line_of(self, path: str) -> int:
        """Returns the line of a path such as `steps[2].message.links.guide`, or of the part of it that there is. Names may have
        some dots."""
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
        ends = [each.start() for each in islice(_NAME_END.finditer(path), DEEPEST)]
        for end in reversed([*ends, len(path)]):
            if (name := path[:end]) in self.entries:
                return self.entries[name], self.names[name], path[end:].removeprefix(".")
        return None


def read(text: str) -> Node:
    """Returns what the text means. Raises Unreadable with the line."""
    if len(text) > LONGEST:
        raise Unreadable(1, f"This is longer than {LONGEST:,} characters.")
    if found := _OTHER_BREAK.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable(line, f"This has a line break of another kind (U+{ord(found[0]):04X}): take it away.")
    try:
        return _Builder().build(yaml.parse(text, Loader=LOADER))
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
        if is_mapping:
            node.entries, node.names = {}, {}
        else:
            node.items = []
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
