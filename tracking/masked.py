"""A template's source as plain text to look for addresses in, with the way back to the source."""

from collections.abc import Iterator

from tracking.source import Kind, Piece, pieces
from tracking.urls import FIELD


class MaskedText:
    """`masked`: an output is one letter (`FIELD`), a tag and everything that is not to be touched is one line end.

    `outputs`: where merge fields stand in text that is looked at. `untracked_outputs`: those inside `untracked`.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.outputs: list[Piece] = []
        self.untracked_outputs: list[Piece] = []
        self.tags: dict[int, Piece] = {}  # by their start in the source
        self._spans: list[tuple[int, int]] = []  # masked index -> start and end in the source
        self.masked = "".join(self._mask(source, piece, untracked) for piece, untracked in _with_untracked(source))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `masked[start:end]` stands in the source."""
        return self._spans[start][0], self._spans[end - 1][1]

    def with_marks(self, mark: str) -> str:
        """`masked`, with `mark` instead of the line ends that the source does not have."""
        return "".join(
            mark if letter == "\n" and not (end - start == 1 and self._source[start] == "\n") else letter
            for letter, (start, end) in zip(self.masked, self._spans, strict=True)
        )

    def _mask(self, source: str, piece: Piece, untracked: bool) -> str:
        if piece.kind is Kind.TEXT and not untracked:
            self._spans.extend((index, index + 1) for index in range(piece.start, piece.end))
            return source[piece.start : piece.end]
        self._spans.append((piece.start, piece.end))
        if piece.kind is Kind.TAG:
            self.tags[piece.start] = piece
        if piece.kind is not Kind.OUTPUT:
            return "\n"
        (self.untracked_outputs if untracked else self.outputs).append(piece)
        return "\n" if untracked else FIELD


def _with_untracked(source: str) -> Iterator[tuple[Piece, bool]]:
    depth = 0
    for piece in pieces(source):
        if piece.kind is Kind.TAG and piece.inner == "enduntracked":
            depth -= 1
        yield piece, depth > 0
        if piece.kind is Kind.TAG and piece.inner == "untracked":
            depth += 1
