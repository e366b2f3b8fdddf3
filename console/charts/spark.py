"""A line as small as a word."""

from collections.abc import Sequence

from markupsafe import Markup

from console.charts.drawing import f, monotone

WIDTH, HEIGHT = 80, 24


def spark(values: Sequence[float], label: str = "", classes: str = "") -> Markup:
    """`label` says what it shows; without one it is decoration. Fewer than two values are a flat line."""
    shown = list(values) if len(values) > 1 else [*values, *([0] * (2 - len(values)))]
    top = max(shown) or 1
    step = (WIDTH - 4) / (len(shown) - 1)
    points = [(i * step, HEIGHT - 2 - (HEIGHT - 6) * value / top) for i, value in enumerate(shown)]
    line = monotone(points)
    name = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(
        '<svg class="spark {}" viewBox="0 0 {} {}" {}><path class="fill" d="{}V{}H0Z"/><path d="{}"/>'
        '<circle class="end" cx="{}" cy="{}" r="2"/></svg>'
    ).format(classes, WIDTH, HEIGHT, name, line, HEIGHT, line, f(points[-1][0]), f(points[-1][1]))
