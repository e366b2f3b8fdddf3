"""One column of a funnel: a current that is as wide as the share of people who are still there."""

from markupsafe import Markup

from console.charts.drawing import f

HEIGHT = 88


def current(level: float, next_level: float) -> Markup:
    """`level` and the next column's, 0 to 1. The last 40 % of the column ease from one to the other; on a phone it is a bar."""
    middle, a, b = HEIGHT / 2, HEIGHT / 2 * _within(level), HEIGHT / 2 * _within(next_level)
    up, down, up_next, down_next = f(middle - a), f(middle + a), f(middle - b), f(middle + b)
    path = f"M0 {up}H60C80 {up} 80 {up_next} 100 {up_next}V{down_next}C80 {down_next} 80 {down} 60 {down}H0Z"
    return Markup(
        '<svg class="current" viewBox="0 0 100 {}" preserveAspectRatio="none" aria-hidden="true"><path d="{}"/></svg>'
        '<svg class="meter" aria-hidden="true"><rect width="{}%" height="100%"/></svg>'
    ).format(HEIGHT, path, f(100 * _within(level)))


def _within(level: float) -> float:
    return max(0.0, min(1.0, level))
