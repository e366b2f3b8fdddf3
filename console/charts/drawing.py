"""What all charts draw with: short numbers, smooth lines, and round steps of a scale."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

Point = tuple[float, float]


def f(value: float) -> str:
    """A number for an attribute, with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def drawn(parts: Iterable[str]) -> Markup:
    """SVG that is made of numbers, dates and words of ours alone. Nothing in it is escaped, because that takes most of the time
    of a large drawing, so no text of anybody goes through it."""
    return Markup("".join(parts))  # noqa: S704 - see above


def monotone(points: Sequence[Point]) -> str:
    """A path through the points, smooth and never higher than the higher of two neighbours (Fritsch and Carlson, 1980). Their x
    grow. One point is a start without a line."""
    if not points:
        return ""
    start = f"M{f(points[0][0])} {f(points[0][1])}"
    if len(points) == 1:
        return start
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    inner = [0.0 if a * b <= 0 else 2 * a * b / (a + b) for a, b in pairwise(slopes)]
    tangents = [slopes[0], *inner, slopes[-1]]
    parts = [start]
    for i, (a, b) in enumerate(pairwise(points)):
        third = (b[0] - a[0]) / 3
        ends = (a[0] + third, a[1] + tangents[i] * third, b[0] - third, b[1] - tangents[i + 1] * third, b[0], b[1])
        parts.append("C" + " ".join(map(f, ends)))
    return "".join(parts)


def scale(top: float, lines: int = 3) -> list[float]:
    """Round values from 0 to at least `top`, in steps of 1, 2, 2.5 or 5 times a power of ten. An empty chart reaches to 1."""
    raw = max(top, 1) / lines
    power = 10 ** math.floor(math.log10(raw))
    step = max(next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= raw * 0.999), 1)
    step = math.ceil(step) if step < 5 else step  # clicks are whole
    return [step * number for number in range(math.ceil(max(top, 1) / step) + 1)]
