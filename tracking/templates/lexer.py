"""Cuts a Liquid template into text, outputs, tags and parts that are not looked at, in one pass whose time grows linearly with
the length.

`python-liquid` has a lexer of its own, whose time grows with the square of some texts (`{{` thousands of times, long runs of
white space, an unclosed `raw`). This one replaces it in `tracking/templates/sandbox.py`, and everything that looks for links
reads the same pieces, so that both agree on what a text is. See `docs/decisions/0011-texts-in-a-process-of-their-own.md`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from liquid.exceptions import LiquidSyntaxError
from liquid.token import TOKEN_COMMENT, TOKEN_CONTENT, TOKEN_DOC, TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG, Token

MAX_TAGS = 2_000  # outputs and tags of one text; each line of a `liquid` tag is one
MAX_EXPRESSION = 4_000  # characters inside one output, one tag or one line of a `liquid` tag
MAX_SPACES = 100  # in a row, inside an output or a tag
MAX_BRACKETS = 50  # opening ones, inside an output or a tag

TEXT, RAW, DOC, BROKEN = "text", "raw", "doc", "broken"
"""Kinds of a lexeme besides Liquid's `output` and `tag`. A `broken` one opens an output or a tag that is never completed."""

_OPENING = re.compile(r"\{[{%]")
_TAG_HEAD = re.compile(r"\{%-?\s*(#|\w+)\s*")
_HIDDEN_HEAD = re.compile(r"\{%-?\s*(raw|doc)\s*-?%\}")
_HIDDEN_END = {name: re.compile(rf"\{{%-?\s*end{name}\s*(-?)%\}}") for name in (RAW, DOC)}
_MANY_SPACES = re.compile(rf"\s{{{MAX_SPACES + 1}}}")


class Lexeme(NamedTuple):
    """`source[start:end]`. `inner` is the expression of an output or a tag, or the content of `raw`, and begins at `inner_start`.

    `name` is that of a tag and stands at `name_start`. `trims` says that white space behind the lexeme is left out (`-}}`,
    `-%}`).
    """

    kind: str
    start: int
    end: int
    inner: str = ""
    inner_start: int = 0
    name: str = ""
    name_start: int = 0
    trims: bool = False


def lexemes(source: str) -> Iterator[Lexeme]:
    """Every character of the source is in exactly one lexeme, in order."""
    place = 0
    ends = _Ends(source)
    while opening := _OPENING.search(source, place):
        start = opening.start()
        if start > place:
            yield Lexeme(TEXT, place, start)
        found = _output(source, start, ends) if opening[0] == "{{" else _tag(source, start, ends)
        yield found
        place = found.end
    if place < len(source):
        yield Lexeme(TEXT, place, len(source))


def tokens(source: str) -> Iterator[Token]:
    """Yields what `python-liquid` parses. Raises LiquidSyntaxError for what is not closed, and beyond the limits above."""
    trims, depth, comment_start, count = False, 0, 0, 0
    for found in lexemes(source):
        if depth:
            depth += {"comment": 1, "endcomment": -1}.get(found.name, 0)
            if not depth:
                yield Token(TOKEN_COMMENT, source[comment_start : found.start], comment_start, source)
                yield Token(TOKEN_TAG, found.name, found.name_start, source)
                trims = found.trims
            continue
        if found.kind == TEXT:
            yield from _content(source, found, trims)
            continue
        if found.kind == BROKEN:
            raise _broken(source, found)
        count += found.inner.count("\n") + 1 if found.name == "liquid" else 1
        if count > MAX_TAGS:
            raise _refused(source, found.start, f"there are more than {MAX_TAGS:,} outputs and tags")
        yield from _tokens_of(source, found)
        trims = found.trims
        if found.name == "comment":
            depth, comment_start = 1, found.end


class _Ends:
    """Finds the next sign that closes something. Each sign is looked for once, however many are opened before it."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._signs: dict[str, int] = {}
        self._hidden: dict[str, re.Match[str] | None] = {}

    def sign(self, sign: str, place: int) -> int:
        """Returns -1 when no such sign follows. `place` must not be before an earlier one, and the same holds for `hidden`."""
        known = self._signs.get(sign, 0)
        if 0 <= known < place or sign not in self._signs:
            known = self._signs[sign] = self._source.find(sign, place)
        return known

    def hidden(self, name: str, place: int) -> re.Match[str] | None:
        known = self._hidden.get(name)
        if name not in self._hidden or (known and known.start() < place):
            known = self._hidden[name] = _HIDDEN_END[name].search(self._source, place)
        return known


def _output(source: str, start: int, ends: _Ends) -> Lexeme:
    inner_start = start + (3 if source.startswith("{{-", start) else 2)
    end = ends.sign("}}", inner_start)
    if end < 0:  # the second brace can open something by itself, as in `{{%`
        return Lexeme(TEXT if source.startswith(("{{", "{%"), start + 1) else BROKEN, start, start + 1)
    return _whole(TOKEN_OUTPUT, source, start, inner_start, end)


def _tag(source: str, start: int, ends: _Ends) -> Lexeme:
    hidden = _HIDDEN_HEAD.match(source, start)
    if hidden and (closing := ends.hidden(hidden[1], hidden.end())):
        inner = source[hidden.end() : closing.start()]
        return Lexeme(hidden[1], start, closing.end(), inner, hidden.end(), trims=bool(closing[1]))
    head = _TAG_HEAD.match(source, start)
    end = ends.sign("%}", head.end()) if head else -1
    if head is None or end < 0:
        return Lexeme(BROKEN, start, start + 1)
    found = _whole(TOKEN_TAG, source, start, head.end(), end)
    return found._replace(name=head[1], name_start=head.start(1))


def _whole(kind: str, source: str, start: int, inner_start: int, end: int) -> Lexeme:
    trims = end > inner_start and source[end - 1] == "-"
    written = source[inner_start : end - 1 if trims else end]
    inner = written.strip()
    place = inner_start + (len(written) - len(written.lstrip()) if inner else 0)
    return Lexeme(kind, start, end + 2, inner, place, trims=trims)


def _content(source: str, found: Lexeme, trims: bool) -> Iterator[Token]:
    text = source[found.start : found.end]
    text = text.lstrip() if trims else text
    text = text.rstrip() if source.startswith(("{{-", "{%-"), found.end) else text
    if text:
        yield Token(TOKEN_CONTENT, text, found.start, source)


def _tokens_of(source: str, found: Lexeme) -> Iterator[Token]:
    if found.kind in (RAW, DOC):
        yield Token(TOKEN_DOC if found.kind == DOC else TOKEN_CONTENT, found.inner, found.start, source)
        return
    if found.name != "#":
        _check_expression(source, found)
    if found.kind == TOKEN_OUTPUT:
        yield Token(TOKEN_OUTPUT, source[found.start : found.end], found.start, source)
    else:
        yield Token(TOKEN_TAG, found.name, found.name_start, source)
    if found.inner or found.kind == TOKEN_OUTPUT:
        yield Token(TOKEN_EXPRESSION, found.inner, found.inner_start, source)


def _check_expression(source: str, found: Lexeme) -> None:
    """The library reads expressions by patterns whose time grows with the square of what these limits bound."""
    for line in found.inner.split("\n") if found.name == "liquid" else [found.inner]:
        if len(line) > MAX_EXPRESSION:
            raise _refused(source, found.start, f"this is {len(line):,} characters long; at most {MAX_EXPRESSION:,} are possible")
        if line.count("(") + line.count("[") > MAX_BRACKETS:
            raise _refused(source, found.start, f"there are more than {MAX_BRACKETS} brackets in one output or tag")
    if _MANY_SPACES.search(found.inner):
        raise _refused(source, found.start, f"there are more than {MAX_SPACES} spaces or line ends in a row in an output or tag")


def _broken(source: str, found: Lexeme) -> LiquidSyntaxError:
    output = source.startswith("{{", found.start)
    message = "expected '}}', found end of file" if output else "missing tag name or closing delimiter"
    return _refused(source, found.start, message)


def _refused(source: str, place: int, message: str) -> LiquidSyntaxError:
    return LiquidSyntaxError(message, token=Token(TOKEN_EOF, source[place : place + 2], place, source))
