"""Shares: the line under a row of a ranked list, and a bar that is split into parts."""

from collections.abc import Sequence

from markupsafe import Markup

from console.charts.drawing import f


def share(percent: float) -> Markup:
    """The line under a row: its length is the row's share, 0 to 100."""
    return Markup('<svg class="share" aria-hidden="true"><rect width="{}%" height="100%"/></svg>').format(f(percent))


def split(label: str, parts: Sequence[tuple[str, float]]) -> Markup:
    """One bar in parts: a class and a number each. `label` says the same in words."""
    whole, start, rects = sum(number for _, number in parts), 0.0, Markup()
    for name, number in parts:
        width = 100 * number / whole if whole else 0
        if width:
            rects += Markup('<rect class="{}" x="{}%" width="{}%" height="100%"/>').format(name, f(start), f(width))
        start += width
    return Markup('<svg class="split" role="img" aria-label="{}">{}</svg>').format(label, rects)
