"""A Liquid template as a row of pieces with their places: what links, templates and errors all look at."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from liquid.lex import compile_liquid_rules

# The rules that python-liquid itself tokenizes by, so that both see the same pieces.
_RULES = compile_liquid_rules()


class SourceError(ValueError):
    """Something in a template that its author has to change.

    `line` and `column` count from 1 in the source; both are None when the cause is not in the text.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class Kind(Enum):
    TEXT = "text"
    OUTPUT = "output"  # {{ … }}
    TAG = "tag"  # {% … %}
    HIDDEN = "hidden"  # what is inside raw, comment and doc: not looked at


class Piece(NamedTuple):
    """`source[start:end]`; `inner` is the expression of an output or the name of a tag, otherwise empty."""

    kind: Kind
    start: int
    end: int
    inner: str = ""


def line_and_column(source: str, index: int) -> tuple[int, int]:
    """Both from 1; lines end with a line feed."""
    before = source[: max(index, 0)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def pieces(source: str) -> Iterator[Piece]:
    """Every character of the source is in exactly one piece, in order."""
    depth = 0
    for match in _RULES.finditer(source):
        piece = _piece(match)
        if piece.kind is Kind.TAG and piece.inner == "endcomment":
            depth = max(depth - 1, 0)
        yield piece._replace(kind=Kind.HIDDEN, inner="") if depth else piece
        if piece.kind is Kind.TAG and piece.inner == "comment":
            depth += 1


def _piece(match: re.Match[str]) -> Piece:
    start, end = match.span()
    if match.lastgroup == "output":
        return Piece(Kind.OUTPUT, start, end, match["stmt"])
    if match.lastgroup == "TAG":
        return Piece(Kind.TAG, start, end, match["name"])
    if match.lastgroup == "content":
        return Piece(Kind.TEXT, start, end)
    return Piece(Kind.HIDDEN, start, end)
