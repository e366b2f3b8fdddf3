"""A template's source as plain text to look for addresses in, with the way back to the source."""

from collections.abc import Iterator

from tracking.links.urls import FIELD
from tracking.templates.source import Kind, Piece, pieces


class MaskedText:
    """In `masked`, an output is one letter (`FIELD`), and a tag and everything that must stay as it is are one line end.

    `outputs` are the positions of merge fields in text that is looked at, and `untracked_outputs` of those inside `untracked`.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.outputs: list[Piece] = []
        self.untracked_outputs: list[Piece] = []
        self.tags: dict[int, Piece] = {}  # keyed by their start in the source
        self._spans: list[tuple[int, int]] = []  # maps an index in `masked` to start and end in the source
        self.masked = "".join(self._mask(source, piece, untracked) for piece, untracked in _with_untracked(source))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Returns the position of `masked[start:end]` in the source."""
        return self._spans[start][0], self._spans[end - 1][1]

    def with_marks(self, mark: str) -> str:
        """Returns `masked`, with `mark` in place of the line ends that the source does not have."""
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
