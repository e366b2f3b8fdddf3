"""A sequence as a river: its steps with the people in them, and on each arrow how many went that way.

A river is as wide as its people. What a click woke has the colour of clicks. Steps and numbers are links to the people behind
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from console.charts.drawing import f
from console.charts.flow_layout import HEIGHT, RADIUS, WIDTH, Arrow, Layout, Way, lay_out
from console.words.numbers import number, plural, share

WIDEST, THINNEST = 60, 3
LETTER = 6.15
KEY_LETTERS, DOES_LETTERS = 17, 25


@dataclass(frozen=True)
class FlowStep:
    """`kind` is one of `send`, `wait` and `ends`; `does` says in words what it is, and `unit` what its people do there."""

    key: str
    name: str
    kind: str
    icon: str
    does: str
    people: int
    unit: str
    href: str


@dataclass(frozen=True)
class FlowArrow:
    """`word` says how people came that way, and `of` how many left the step in all; 0 shows no share."""

    source: str
    target: str
    people: int
    word: str
    clicked: bool
    drifts: bool
    of: int
    href: str


def flow(steps: Sequence[FlowStep], arrows: Sequence[FlowArrow], entered: int, label: str, icons: str) -> Markup:
    """`entered` are all who have come in, and `icons` is the address of the icons. Nothing is drawn without steps."""
    if not steps:
        return Markup()
    drawn = lay_out([each.key for each in steps], [_arrow(each, entered) for each in arrows])
    pairs = list(zip(arrows, drawn.ways, strict=True))
    names = {each.key: each.name for each in steps}
    inside = sum(each.people for each in steps if each.kind != "ends")
    return Markup(
        '<svg width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="group" aria-label="{2}">'
        '<g aria-hidden="true">{3}{4}{5}</g>{6}<g>{7}</g></svg>'
    ).format(
        f(drawn.width),
        f(drawn.height),
        label,
        Markup().join(_river(arrow, way) for arrow, way in pairs if arrow.people),
        Markup().join(_stream(arrow, way) for arrow, way in pairs),
        Markup().join(_ripple(way) for arrow, way in pairs if arrow.clicked),
        Markup().join(_step(each, drawn, inside, icons) for each in steps),
        Markup().join(_pill(arrow, way, names[arrow.target]) for arrow, way in pairs),
    )


def _arrow(arrow: FlowArrow, entered: int) -> Arrow:
    width = max(THINNEST, min(WIDEST, WIDEST * arrow.people / entered)) if entered else THINNEST
    return Arrow(arrow.source, arrow.target, arrow.drifts, width)


def _clicked(arrow: FlowArrow) -> str:
    return " clicked" if arrow.clicked else ""


def _river(arrow: FlowArrow, way: Way) -> Markup:
    return Markup('<path class="river{}" stroke-width="{}" d="{}"/>').format(_clicked(arrow), f(way.width), _path(way))


def _stream(arrow: FlowArrow, way: Way) -> Markup:
    x, y = way.corners[-1]
    head = f"M{f(x - 4.5)} {f(y - 8)}h9l-4.5 7z"
    return Markup('<path class="stream{0}" d="{1}"/><path class="head{0}" d="{2}"/>').format(_clicked(arrow), _path(way, 7), head)


def _path(way: Way, short: float = 0) -> str:
    """`short` leaves room for the head of the arrow."""
    *corners, (x, y) = way.corners
    if way.is_outside:
        return _with_round_edges([*corners, (x, y - short)])
    path = f"M{f(corners[0][0])} {f(corners[0][1])}"
    for (x1, y1), (x2, y2) in pairwise(way.corners):
        bend, end = (y2 - y1) * 0.55, y2 - short if (x2, y2) == (x, y) else y2
        curve = f"C{f(x1)} {f(y1 + bend)} {f(x2)} {f(y2 - bend)} {f(x2)} {f(end)}"
        path += f"V{f(end)}" if abs(x1 - x2) < 0.01 else curve
    return path


def _with_round_edges(corners: Sequence[tuple[float, float]]) -> str:
    path = f"M{f(corners[0][0])} {f(corners[0][1])}"
    for before, at, after in zip(corners, corners[1:], corners[2:], strict=False):
        near, far = _towards(at, before), _towards(at, after)
        path += f"L{f(near[0])} {f(near[1])}Q{f(at[0])} {f(at[1])} {f(far[0])} {f(far[1])}"
    return f"{path}L{f(corners[-1][0])} {f(corners[-1][1])}"


def _towards(at: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """A point near a corner, on the way to the next one; ways outside are level or upright."""
    dx, dy = other[0] - at[0], other[1] - at[1]
    length = abs(dx) + abs(dy)
    part = min(RADIUS, length / 2) / length if length else 0
    return at[0] + dx * part, at[1] + dy * part


def _ripple(way: Way) -> Markup:
    x, y = way.corners[0]
    rings = (("a", 8, 3, 8.5), ("b", 13, 5, 14), ("c", 18, 7, 19.5))
    return Markup('<g class="ripple">{}</g>').format(
        Markup().join(
            Markup('<path class="{}" d="M{} {}a{} {} 0 0 0 {} 0"/>').format(name, f(x - out), f(y + down), r, r, 2 * out)
            for name, out, down, r in rings
        )
    )


def _step(step: FlowStep, drawn: Layout, inside: int, icons: str) -> Markup:
    x, y = drawn.places[step.key]
    return Markup(
        '<a class="node {kind}" href="{href}" aria-label="{label}">{title}'
        '<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>'
        '<circle class="seat" cx="{seat}" cy="{middle}" r="15"/>'
        '<svg class="i" x="{icon_x}" y="{icon_y}" width="16" height="16"><use href="{icon}"/></svg>'
        '<text class="key" x="{text}" y="{first}">{short_name}</text>'
        '<text class="does" x="{text}" y="{second}">{short_does}</text>'
        '<text class="in" x="{right}" y="{figure}" text-anchor="end">{people}</text>'
        '<text class="unit" x="{right}" y="{unit_y}" text-anchor="end">{unit}</text>{pool}</a>'
    ).format(
        kind=step.kind,
        href=step.href,
        label=f"Step {step.name}: {step.does}. {plural(step.people, 'person', 'people')} {step.unit}.",
        title=_title(step),
        x=f(x),
        y=f(y),
        width=WIDTH,
        height=HEIGHT,
        seat=f(x + 28),
        middle=f(y + 30),
        icon_x=f(x + 20),
        icon_y=f(y + 22),
        icon=f"{icons}#{step.icon}",
        text=f(x + 54),
        first=f(y + 28),
        second=f(y + 44),
        short_name=_short(step.name, KEY_LETTERS),
        short_does=_short(step.does, _does_letters(step)),
        right=f(x + WIDTH - 14),
        figure=f(y + 29),
        unit_y=f(y + 45),
        people=number(step.people),
        unit=step.unit,
        pool=_pool(step, x, y, inside) if step.kind == "wait" else "",
    )


def _pool(step: FlowStep, x: float, y: float, inside: int) -> Markup:
    """Its share of all who are inside."""
    whole = WIDTH - 28
    rect = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="3" rx="1.5"/>')
    level = f(whole * step.people / inside) if inside else "0"
    return rect.format("pool", f(x + 14), f(y + HEIGHT - 8), whole) + rect.format("level", f(x + 14), f(y + HEIGHT - 8), level)


def _title(step: FlowStep) -> Markup:
    """Shows the pointer what is too long to be drawn."""
    if len(step.name) <= KEY_LETTERS and len(step.does) <= _does_letters(step):
        return Markup()
    return Markup("<title>{}: {}</title>").format(step.name, step.does)


def _does_letters(step: FlowStep) -> int:
    return DOES_LETTERS - max(0, len(step.unit) - len("waiting"))


def _short(text: str, letters: int) -> str:
    """Isolated, so that a name that is written from right to left stays in its place."""
    cut = text if len(text) <= letters else f"{text[: letters - 1]}…"
    return f"\N{FIRST STRONG ISOLATE}{cut}\N{POP DIRECTIONAL ISOLATE}"


def _pill(arrow: FlowArrow, way: Way, target: str) -> Markup:
    """`target` is the name of the step to which the arrow leads: the end that no step stands for has a key of its own."""
    part = share(arrow.people, arrow.of) if arrow.of and arrow.people else ""
    people, word = number(arrow.people), arrow.word
    width = len(" ".join(filter(None, (word, people, part)))) * LETTER + 18
    x, y = way.number
    text = Markup(' <tspan class="w">{}</tspan> ').format(word) if word else Markup()
    return Markup(
        '<a class="pill{}" href="{}" aria-label="{} {} from {} to {}">'
        '<rect x="{}" y="{}" width="{}" height="22" rx="11"/>'
        '<text x="{}" y="{}" text-anchor="middle">{}<tspan class="now">{}</tspan>{}</text></a>'
    ).format(
        _clicked(arrow),
        arrow.href,
        plural(arrow.people, "person", "people"),
        word or "went",
        arrow.source,
        target,
        f(x - width / 2),
        f(y - 11),
        f(width),
        f(x),
        f(y + 4),
        text,
        people,
        Markup("<tspan> {}</tspan>").format(part) if part else "",
    )
