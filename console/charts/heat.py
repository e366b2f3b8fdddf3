"""When people click: a week by hours, in five steps of one colour. Zero has a colour of its own."""

from collections.abc import Sequence

from markupsafe import Markup

from console.charts.drawing import drawn, f
from console.words.numbers import plural
from console.words.times import DAYS

ROW, SQUARE, STEPS = 24, 22, 5
WIDE = f(100 / 24 - 0.3)


def heat(rows: Sequence[Sequence[int]], label: str) -> Markup:
    """Seven rows from Monday on, each with 24 hours. `label` says in words when it is most."""
    top = max((max(row) for row in rows), default=0) or 1
    names = Markup().join(Markup('<text x="0" y="{}">{}</text>').format(day * ROW + 15, name) for day, name in enumerate(DAYS))
    squares = drawn(
        f'<rect class="h{_step(value, top)}" x="{f(hour * 100 / 24)}%" y="{day * ROW}" width="{WIDE}%" height="{SQUARE}" rx="2">'
        f"<title>{DAYS[day]} {hour:02}:00–{(hour + 1) % 24:02}:00: {plural(value, 'click')}</title></rect>"
        for day, row in enumerate(rows)
        for hour, value in enumerate(row)
    )
    hours = Markup().join(
        Markup('<text x="{}%" y="182">{:02}:00</text>').format(f(hour * 100 / 24), hour) for hour in (0, 6, 12, 18)
    )
    return Markup(
        '<div class="heat" role="img" aria-label="{}"><svg class="scale">{}</svg>'
        '<svg class="frame"><g>{}</g><g>{}</g></svg></div>'
    ).format(label, names, squares, hours)


def _step(value: int, top: int) -> int:
    return min(STEPS, 1 + int(STEPS * value / top * 0.999)) if value else 0
