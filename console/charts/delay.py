"""Delays over time on a logarithmic scale: a band from the median, its lower edge, to the 99th percentile, and the promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log

from markupsafe import Markup

from console.charts.drawing import Point, drawn, f, monotone
from console.charts.waterline import interval_name, ticks
from console.words.times import latency

HEIGHT, TOP, FOOT, WIDTH = 250, 26, 26, 1000
PLOT = HEIGHT - TOP - FOOT
LOWEST, HIGHEST = 10.0, 10_000.0
MARKS = (10, 100, 1_000, 10_000)


@dataclass(frozen=True)
class Delay:
    """Milliseconds of what was woken from `begin` (local time) on; None when nothing was."""

    begin: datetime
    median: float | None
    p99: float | None


def delay(intervals: Sequence[Delay], length: timedelta, label: str, promise: float, rest: str) -> Markup:
    """`promise` is drawn as a dotted line, in milliseconds; `rest` stands in the corner until the pointer is somewhere. Intervals
    without delays are gaps."""
    return Markup(
        '<div class="chart" role="img" aria-label="{}"><svg class="scale">{}</svg><svg class="frame">{}</svg></div>'
    ).format(
        label,
        Markup().join(
            Markup('<text x="100%" dx="-8" y="{}" text-anchor="end">{:,}</text>').format(f(TOP + _y(mark) + 4), mark)
            for mark in MARKS
        ),
        Markup().join(
            (
                *(Markup('<line class="grid" x2="100%" y1="{0}" y2="{0}"/>').format(f(TOP + _y(mark))) for mark in MARKS[1:]),
                _band(intervals),
                Markup('<line class="water" x2="100%" y1="{0}" y2="{0}"/>').format(TOP + PLOT),
                Markup('<line class="mark" x2="100%" y1="{0}" y2="{0}"/><text x="4" y="{1}">{2}</text>').format(
                    f(TOP + _y(promise)), f(TOP + _y(promise) - 5), f"promise: 99 of 100 within {latency(promise)}"
                ),
                _ticks(intervals, length),
                Markup('<text class="rest" x="100%" y="11" text-anchor="end">{}</text>').format(rest),
                drawn(_hit(intervals, place, length) for place in range(len(intervals))),
            )
        ),
    )


def _y(milliseconds: float) -> float:
    value = max(LOWEST, min(HIGHEST, milliseconds))
    return PLOT - PLOT * log(value / LOWEST) / log(HIGHEST / LOWEST)


def _band(intervals: Sequence[Delay]) -> Markup:
    """One band for each run of intervals that have delays."""
    step, shapes, run = WIDTH / len(intervals), Markup(), list[tuple[float, float, float]]()
    for place, each in enumerate((*intervals, None)):
        if each is not None and each.median is not None and each.p99 is not None:
            run.append(((place + 0.5) * step, _y(each.median), _y(each.p99)))
        elif run:
            shapes, run = shapes + _run(run, step), []
    return Markup(
        '<svg class="plot" y="{0}" width="100%" height="{1}" viewBox="0 0 {2} {1}" preserveAspectRatio="none">{3}</svg>'
    ).format(TOP, PLOT, WIDTH, shapes)


def _run(run: Sequence[tuple[float, float, float]], step: float) -> Markup:
    if len(run) == 1:  # half an interval wide, so that it is seen
        ((x, low, high),) = run
        run = [(x - step / 4, low, high), (x + step / 4, low, high)]
    upper: list[Point] = [(x, high) for x, _, high in run]
    lower: list[Point] = [(x, low) for x, low, _ in run]
    back = " ".join(f"{f(x)} {f(y)}" for x, y in reversed(lower))
    return Markup('<path class="clicks" d="{}L{}Z"/><path class="crest" d="{}"/>').format(monotone(upper), back, monotone(lower))


def _ticks(intervals: Sequence[Delay], length: timedelta) -> Markup:
    found = Markup()
    for place, text, minor in ticks([each.begin for each in intervals], length):
        x = f(100 * place / len(intervals))
        found += Markup(
            '<g{}><line class="tick" x1="{}%" x2="{}%" y1="{}" y2="{}"/><text x="{}%" y="{}" text-anchor="middle">{}</text></g>'
        ).format(Markup(' class="minor"') if minor else "", x, x, TOP + PLOT, TOP + PLOT + 4, x, HEIGHT - 6, text)
    return found


def _hit(intervals: Sequence[Delay], place: int, length: timedelta) -> str:
    each, count = intervals[place], len(intervals)
    name = interval_name(each.begin, length)
    said = "nothing was woken" if each.median is None else latency(each.median)
    more = "" if each.p99 is None else f", 99 of 100 within {latency(each.p99)}"
    x = f(100 * (place + 0.5) / count)
    return (
        f'<g class="hit"><title>{name}: {said}{more}</title>'
        f'<rect x="{f(100 * place / count)}%" y="{TOP}" width="{f(100 / count)}%" height="{PLOT}"/>'
        f'<line x1="{x}%" x2="{x}%" y1="{TOP}" y2="{TOP + PLOT}"/>'
        '<text class="readout" x="100%" y="11" text-anchor="end">'
        f"<tspan>{name} </tspan> {said}<tspan>{more}</tspan></text></g>"
    )
