"""A Liquid template as a row of pieces with their positions, which links, templates and errors all look at."""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from tracking.templates.lexer import BROKEN, TEXT, Lexeme, lexemes


class SourceError(ValueError):
    """Something in a template that its author has to change.

    `line` and `column` count from 1 in the source. Both are None when the cause is not in the text.
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
    """A piece is `source[start:end]`. `inner` is the expression of an output or the name of a tag, and otherwise empty."""

    kind: Kind
    start: int
    end: int
    inner: str = ""


def line_and_column(source: str, index: int) -> tuple[int, int]:
    """Line and column count from 1; lines end with a line feed."""
    before = source[: max(index, 0)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def pieces(source: str) -> Iterator[Piece]:
    """Every character of the source is in exactly one piece, in order."""
    depth = 0
    for lexeme in lexemes(source):
        depth = max(depth - 1, 0) if lexeme.name == "endcomment" else depth
        yield Piece(Kind.HIDDEN, lexeme.start, lexeme.end) if depth else _piece(lexeme)
        depth += lexeme.name == "comment"


def _piece(lexeme: Lexeme) -> Piece:
    if lexeme.kind == "output":
        return Piece(Kind.OUTPUT, lexeme.start, lexeme.end, lexeme.inner)
    if lexeme.kind == "tag":
        return Piece(Kind.TAG, lexeme.start, lexeme.end, lexeme.name)
    return Piece(Kind.TEXT if lexeme.kind in (TEXT, BROKEN) else Kind.HIDDEN, lexeme.start, lexeme.end)
