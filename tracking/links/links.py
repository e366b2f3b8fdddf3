"""Compiles a message as its author writes it into a body whose links are numbered.

A content is compiled once, when it is saved: each trackable link becomes `{{ tracked_links[N] }}`, so that sending is one render
with a list of addresses, tracked or not. `docs/templates.md` says what is a link and what is never tracked.
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from liquid.static_analysis import Variable

from tracking.links.destination import DestinationError
from tracking.links.named_links import LinkError, Names
from tracking.links.spelling import spelling
from tracking.links.unsubscribe import is_for_unsubscribing
from tracking.links.urls import find_urls
from tracking.templates.captures import captures_of
from tracking.templates.masked import MaskedText
from tracking.templates.merge import Destination, encoding_template, judge
from tracking.templates.source import Piece, line_and_column
from tracking.templates.template import LINKS, TRACKED_LINKS, UNSUBSCRIBE, analysis, check_template, outer_variables
from tracking.tokens.unsubscribe import UNSUBSCRIBE_POSITION

MAX_LINKS = UNSUBSCRIBE_POSITION
MAX_USES = 1_000  # the most positions of links in one text, however few destinations they have
MAX_ERRORS = 100  # the most errors that are reported at once

_NAMED_OUTPUT = re.compile(r"links\.([^\s.\[|]+)")
_PART_OF_ADDRESS = re.compile(r"[0-9A-Za-z/?#&=%_-]|\{\{")
_WRITING_TAGS = frozenset({"cycle", "echo", "increment", "decrement"})
_OPENING_TAGS = frozenset({"if", "unless", "case", "for", "tablerow", "ifchanged", "untracked", "raw"})


class Link(NamedTuple):
    """One destination of a content.

    `url` is the address as browsers write it, to be stored and redirected to; with `merge` it is a template for
    `render_destination`. `written` is how the author wrote it first, for messages whose links go out unchanged.
    """

    position: int
    name: str | None
    url: str
    merge: bool
    written: str


class CompiledText(NamedTuple):
    template: str
    links: tuple[Link, ...]


def compile_text(
    source: str, named: Mapping[str, str] | None = None, extra: Collection[str] = (), *, every_name: bool = True
) -> CompiledText:
    """Finds and numbers the links of a plain text, in the order in which they appear. The same destination is one link.

    `named` are names for destinations, which the text uses as `{{ links.NAME }}` or by their address. Raises TemplateError when
    the template is not valid, and LinkError when a link or a name is not valid, or when there are more than 31 links. `extra` is
    as for `check_template`. With `every_name`, names that are not in the text are refused; leave it out when another part of the
    message can use them.
    """
    check_template(source, extra)
    text = MaskedText(source)
    compiler = Compiler(source, text, Names(named or {}, extra))
    for start, end in find_urls(text.masked):
        compiler.add_url(*text.span(start, end))
    return compiler.finish(every_name=every_name)


class _TooManyLinks(LinkError):
    """The rest of the text is not read any further."""


class _Uses:
    """Uses of variables in the order of the source, so that those of one link are found without looking at all of
    them."""

    def __init__(self, variables: Iterable[Variable]) -> None:
        self._variables = sorted(variables, key=lambda variable: variable.span.index)
        self._indexes = [variable.span.index for variable in self._variables]

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._variables)

    def between(self, start: int, end: int) -> Sequence[Variable]:
        return self._variables[bisect_left(self._indexes, start) : bisect_left(self._indexes, end)]


class _Use(NamedTuple):
    """`source[start:end]` is replaced by `output`, which writes a tracked link. With `destination` None, `output` is the whole
    replacement; when `output` is empty too, the link was refused."""

    start: int
    end: int
    destination: Destination | None
    output: str


class Compiler:
    """Collects the uses of links, refuses what cannot be tracked, and writes the compiled template."""

    def __init__(self, source: str, text: MaskedText, names: Names, known: Iterable[Link] = ()) -> None:
        """`known` are links that have their numbers already, from another part of the same message."""
        self._source = source
        self._text = text
        self._names = names
        self._links = {judge(link.written).key: link for link in known}
        self._uses: list[_Use] = []
        self._errors: list[LinkError] = []
        self._outer = _Uses(outer_variables(source))
        self._inner = _Uses(_inner_variables(source, self._outer))
        for piece in text.untracked_outputs:
            if _NAMED_OUTPUT.match(piece.inner):
                message = "a named link is always tracked; inside untracked, write its address itself."
                with self.refusing(piece.start, piece.end):
                    raise self.error(piece.start, message)

    def add_url(self, start: int, end: int, written: str | None = None) -> None:
        """`written` is the address as its author means it, where the source writes it differently (HTML)."""
        if len(self._uses) >= MAX_USES:
            message = f"there are more than {MAX_USES:,} links, counting every place where one stands."
            raise _TooManyLinks(message, *line_and_column(self._source, start))
        with self.refusing(start, end):
            self._add_url(start, end, self._source[start:end] if written is None else written)

    @contextmanager
    def refusing(self, start: int, end: int) -> Iterator[None]:
        """Notes what is wrong with the link at this position and goes on; `finish` raises everything at once.

        Raises LinkError as soon as there are more errors or links than anybody reads, which bounds the cost of a text.
        """
        try:
            yield
        except _TooManyLinks:
            raise
        except LinkError as error:
            self._errors.append(error)
            self._uses.append(_Use(start, end, None, ""))
        if len(self._errors) >= MAX_ERRORS:
            self._raise_errors()

    def _add_url(self, start: int, end: int, written: str) -> None:
        roots = {variable.segments[0] for variable in self._outer.between(start, end)}
        if UNSUBSCRIBE in roots:
            return
        if LINKS in roots:
            raise self.error(start, "a named link cannot be part of another address.")
        if is_for_unsubscribing(MaskedText(written).masked):
            self._uses.append(_Use(start, end, None, encoding_template(self._source[start:end])))
            return
        try:
            destination = judge(written)
        except DestinationError as error:
            raise self.error(start, str(error)) from error
        self._refuse_tag_inside(end)
        self._refuse_inner_variables(start, end)
        self._uses.append(_Use(start, end, destination, "{{{{ {} }}}}"))

    def _add_named_outputs(self) -> None:
        used = self._used()
        for piece in self._text.outputs:
            if piece.start not in used:
                with self.refusing(piece.start, piece.end):
                    self._add_named_output(piece)

    def _used(self) -> set[int]:
        """Returns every position in the source that belongs to a link."""
        return {index for use in self._uses for index in range(use.start, use.end)}

    def _add_named_output(self, piece: Piece) -> None:
        match = _NAMED_OUTPUT.fullmatch(piece.inner)
        if match is None:
            return
        name = match[1]
        if name in self._names.errors:
            raise self._names.errors[name]
        if name not in self._names.destinations:
            known = ", ".join(self._names.destinations) or "none"
            raise self.error(piece.start, f"there is no link named {name}; known names: {known}.")
        if _PART_OF_ADDRESS.match(self._source, piece.end):
            raise self.error(piece.end, "nothing can be added to a named link; put a space after it.")
        written = self._source[piece.start : piece.end]
        output = ("{{{{- {} " if written.startswith("{{-") else "{{{{ {} ") + ("-}}}}" if written.endswith("-}}") else "}}}}")
        self._uses.append(_Use(piece.start, piece.end, self._names.destinations[name], output))

    def finish(self, *, every_name: bool = True) -> CompiledText:
        """With `every_name`, names that no part of the message uses are refused."""
        self._add_named_outputs()
        self._refuse_other_uses_of_names()
        self._refuse_changed_captures()
        self._raise_errors()
        links = self._links
        parts: list[str] = []
        done = 0
        for use in sorted(self._uses, key=lambda use: use.start):
            parts.append(self._source[done : use.start])
            done = use.end
            if use.destination is None:
                parts.append(use.output)
                continue
            link = links.setdefault(use.destination.key, self._link(len(links), use.destination))
            if link.position >= MAX_LINKS:
                raise self.error(use.start, f"there are more than {MAX_LINKS} links.")
            again = "" if use.destination.merge or use.destination.written == link.written else spelling(use.destination.written)
            parts.append(use.output.format(f"{TRACKED_LINKS}[{link.position}]{again}"))
        if every_name:
            self._refuse_unused_names(links)
        return CompiledText("".join([*parts, self._source[done:]]), tuple(links.values()))

    def _link(self, position: int, destination: Destination) -> Link:
        name = self._names.by_key.get(destination.key)
        return Link(position, name, destination.url, destination.merge, destination.written)

    def _refuse_tag_inside(self, end: int) -> None:
        """Refuses links such as `https://x.test/{% if … %}a{% endif %}`, which would put the letter behind the tracked link."""
        tag = self._text.tags.get(end)
        if tag is None:
            return
        goes_on = tag.inner in _OPENING_TAGS and _PART_OF_ADDRESS.match(self._source, tag.end)
        if goes_on or tag.inner in _WRITING_TAGS:
            raise self.error(
                end, "a tag cannot be part of a link; write the whole address in each branch, or put a space before it."
            )

    def _refuse_inner_variables(self, start: int, end: int) -> None:
        """Refuses fields that the text itself assigns, because a destination is made outside of the text."""
        for variable in self._inner.between(start, end):
            message = f"{variable} is made by the text itself; an address can only use fields of contact and organization."
            raise self.error(variable.span.index, message)

    def _refuse_other_uses_of_names(self) -> None:
        used = self._used()
        for variable in self._outer:
            index = variable.span.index
            if variable.segments[0] == LINKS and index not in used:
                message = "a named link stands by itself, as {{ links.NAME }}, without filters and outside of tags."
                self._errors.append(self.error(index, message))

    def _refuse_changed_captures(self) -> None:
        captures = captures_of(self._source, [use.start for use in self._uses if use.destination])
        for variable in self._inner:
            name, index = variable.segments[0], variable.span.index
            if name in captures.names and index not in captures.shown:
                message = f"{name} has a link in it, which must not be changed; put it out by itself, as {{{{ {name} }}}}."
                self._errors.append(self.error(index, message))

    def _refuse_unused_names(self, links: Mapping[str, Link]) -> None:
        for name, destination in self._names.destinations.items():
            if destination.key not in links:
                message = f"the named link {name} is not in the text; write {{{{ links.{name} }}}} where it belongs."
                self._errors.append(LinkError(message, name=name))
        self._raise_errors()

    def _raise_errors(self) -> None:
        """Raises the first error, which carries the others. Names come first, then positions in the text."""
        found = dict.fromkeys([*self._names.errors.values(), *self._errors])
        errors = sorted(found, key=lambda error: (error.line or 0, error.column or 0))
        if errors:
            errors[0].more = errors[1:]
            raise errors[0]

    def error(self, index: int, message: str) -> LinkError:
        return LinkError(message, *line_and_column(self._source, index))


def _inner_variables(source: str, outer: Iterable[Variable]) -> list[Variable]:
    """Returns uses of names by the template's own tags."""
    known = {variable.span.index for variable in outer}
    uses = (variable for uses in analysis(source).variables.values() for variable in uses)
    return [variable for variable in uses if variable.span.index not in known]
