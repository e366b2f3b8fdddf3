"""Clicks over time: people above a line, machines below it in grey. Nothing is dropped and nothing is mixed.

Below the line has a scale of its own: it shows when, not how many.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from console.charts.drawing import Point, drawn, f, monotone, scale
from console.words.numbers import plural, short
from console.words.times import DAYS, MONTHS

HEIGHT, TOP, WATER, BELOW, FOOT = 250, 26, 190, 34, 20
WIDTH, GAP = 1000, 0.22
MOST_TICKS = 9
FEW = 4
"""Fewer intervals than these are bars: an area through one or two of them would say something of the time between."""


@dataclass(frozen=True)
class Interval:
    """What was clicked from `begin` (local time) on: first clicks of people, all clicks by people, and those of machines."""

    begin: datetime
    people: int
    clicks: int
    suspects: int
    bots: int

    @property
    def machines(self) -> int:
        return self.suspects + self.bots


@dataclass(frozen=True)
class _Frame:
    """Where things are: the intervals, the top of the scale, and the largest number below the line."""

    intervals: Sequence[Interval]
    top: float
    below: float

    @property
    def step(self) -> float:
        return WIDTH / len(self.intervals)

    def y(self, value: float) -> float:
        """Above the line, in the plot."""
        return (WATER - TOP) * (1 - value / self.top)

    def depth(self, value: float) -> float:
        return BELOW * value / self.below

    def percent(self, place: float) -> str:
        return f(100 * place / len(self.intervals))


def waterline(
    intervals: Sequence[Interval], length: timedelta, label: str, *, area: bool = False, live: bool = False, rest: str = ""
) -> Markup:
    """`length` is that of one interval. Bars for up to a hundred equal steps, with `area` a smooth area for the hours and days
    of one campaign. `live` marks the last interval as the present one; `rest` stands in the corner until the pointer is
    somewhere."""
    if not intervals:
        return Markup()
    area = area and len(intervals) >= FEW
    marks = scale(max(each.clicks for each in intervals))
    frame = _Frame(intervals, marks[-1], max(each.machines for each in intervals) or 1)
    return Markup('<div class="chart" role="img" aria-label="{}">{}<svg class="frame">{}{}{}{}{}{}{}</svg></div>').format(
        label,
        _scale(frame, marks),
        Markup().join(Markup('<line class="grid" x2="100%" y1="{0}" y2="{0}"/>').format(f(TOP + frame.y(m))) for m in marks[1:]),
        _above(frame, area, live),
        _under(frame, area),
        Markup('<line class="water" x2="100%" y1="{0}" y2="{0}"/>').format(WATER),
        _ticks(frame, length),
        _now(frame) if live else Markup(),
        _hits(frame, length, rest),
    )


def _scale(frame: _Frame, marks: Sequence[float]) -> Markup:
    texts = Markup().join(
        Markup('<text x="100%" dx="-8" y="{}" text-anchor="end">{}</text>').format(f(TOP + frame.y(mark) + 4), short(mark))
        for mark in marks
    )
    return Markup('<svg class="scale">{}</svg>').format(texts)


def _above(frame: _Frame, area: bool, live: bool) -> Markup:
    height = WATER - TOP
    series = {"clicks": [each.clicks for each in frame.intervals], "people": [each.people for each in frame.intervals]}
    if area:
        shapes = Markup()
        for name, values in series.items():
            line = _line(frame, [(i, frame.y(value)) for i, value in enumerate(values)], height, open_end=live)
            shapes += Markup('<path class="{}" d="{}V{}H0Z"/>').format(name, line, height)
            if name == "clicks":
                crest = Markup('<path class="crest" d="{}"/>').format(line)
        shapes += crest
    else:
        shapes = Markup().join(
            Markup('<path class="{}" d="{}"/>').format(name, _bars(frame, values, height, frame.y))
            for name, values in series.items()
        )
    return _plot(TOP, height, shapes)


def _under(frame: _Frame, area: bool) -> Markup:
    series = {"bots": [each.machines for each in frame.intervals], "suspects": [each.suspects for each in frame.intervals]}
    shapes = Markup()
    for name, values in series.items():
        if area:
            path = _line(frame, [(i, frame.depth(value)) for i, value in enumerate(values)], 0) + "V0H0Z"
        else:
            path = _bars(frame, values, 0, frame.depth)
        shapes += Markup('<path class="{}" d="{}"/>').format(name, path)
    return _plot(WATER, BELOW, shapes)


def _plot(y: int, height: int, shapes: Markup) -> Markup:
    return Markup(
        '<svg class="plot" y="{0}" width="100%" height="{1}" viewBox="0 0 {2} {1}" preserveAspectRatio="none">{3}</svg>'
    ).format(y, height, WIDTH, shapes)


def _line(frame: _Frame, values: Sequence[tuple[int, float]], level: float, *, open_end: bool = False) -> str:
    points: list[Point] = [(0, level), *(((i + 0.5) * frame.step, y) for i, y in values)]
    if not open_end:
        points.append((WIDTH, values[-1][1]))
    return monotone(points)


def _bars(frame: _Frame, values: Sequence[int], level: float, place: Callable[[float], float]) -> str:
    width, gap = frame.step * (1 - GAP), frame.step * GAP / 2
    return "".join(
        f"M{f(i * frame.step + gap)} {f(level)}V{f(place(value))}h{f(width)}V{f(level)}Z"
        for i, value in enumerate(values)
        if value
    )


def _now(frame: _Frame) -> Markup:
    x, y = frame.percent(len(frame.intervals) - 0.5), f(TOP + frame.y(frame.intervals[-1].clicks))
    circles = (("now", "3.5"), ("ring", "7"), ("ring", "11"))
    return Markup().join(Markup('<circle class="{}" cx="{}%" cy="{}" r="{}"/>').format(name, x, y, r) for name, r in circles)


def _ticks(frame: _Frame, length: timedelta) -> Markup:
    found = Markup()
    for place, text, minor in ticks([each.begin for each in frame.intervals], length):
        x, anchor = frame.percent(place), "start" if place == 0 else "middle"
        found += Markup(
            '<g{}><line class="tick" x1="{}%" x2="{}%" y1="{}" y2="{}"/><text x="{}%" y="{}" text-anchor="{}">{}</text></g>'
        ).format(
            Markup(' class="minor"') if minor else "", x, x, HEIGHT - FOOT - 6, HEIGHT - FOOT - 2, x, HEIGHT - 4, anchor, text
        )
    return found


def ticks(begins: Sequence[datetime], length: timedelta) -> list[tuple[int, str, bool]]:
    """Places, texts, and whether a mark may go when there is little room: local midnights with their date, hours between them."""
    midnights = [i for i, each in enumerate(begins) if each.hour == each.minute == 0]
    if length >= timedelta(days=1) or len(midnights) > MOST_TICKS:
        every = max(1, -(-len(midnights) // MOST_TICKS))
        return [(i, _date(begins[i]), number % (2 * every) != 0) for number, i in enumerate(midnights) if number % every == 0]
    hours = next((each for each in (1, 3, 6, 12, 24) if len(begins) * length / timedelta(hours=each) <= MOST_TICKS), 24)
    found = list[tuple[int, str, bool]]()
    for i, each in enumerate(begins):
        if each.minute == 0 and each.hour % hours == 0:
            found.append((i, _date(each) if each.hour == 0 else f"{each:%H:%M}", each.hour != 0 and len(found) % 2 == 1))
    return found


def interval_name(begin: datetime, length: timedelta) -> str:
    """`Thu 26 Nov, 09:00`, or the day alone."""
    return _date(begin) if length >= timedelta(days=1) else f"{_date(begin)}, {begin:%H:%M}"


def _date(moment: datetime) -> str:
    return f"{DAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]}"


def _hits(frame: _Frame, length: timedelta, rest: str) -> Markup:
    """What the pointer finds: one step each, and its numbers in the corner, where `rest` was."""
    left_over = Markup('<text class="rest" x="100%" y="11" text-anchor="end">{}</text>').format(rest)
    return left_over + drawn(_hit(frame, i, interval_name(each.begin, length), each) for i, each in enumerate(frame.intervals))


def _hit(frame: _Frame, place: int, name: str, each: Interval) -> str:
    numbers = plural(each.people, "person", "people")
    others = f", {plural(each.clicks, 'click')}, {each.machines:,} by machines"
    x = frame.percent(place + 0.5)
    return (
        f'<g class="hit"><title>{name}: {numbers}{others}</title>'
        f'<rect x="{frame.percent(place)}%" y="{TOP - 8}" width="{frame.percent(1)}%" height="{HEIGHT - FOOT - TOP}"/>'
        f'<line x1="{x}%" x2="{x}%" y1="{TOP - 8}" y2="{HEIGHT - FOOT - 6}"/>'
        '<text class="readout" x="100%" y="11" text-anchor="end">'
        f"<tspan>{name} </tspan> {numbers}<tspan>{others}</tspan></text></g>"
    )
