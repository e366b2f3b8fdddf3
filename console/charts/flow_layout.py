"""Places for the steps of a sequence and ways for the arrows between them.

Rows are the order of the steps: a step stands below all that lead to it. Lanes are branches: what is clicked stays in the lane
and silence drifts right. An arrow to the next row goes straight there. A longer one goes down a lane that is free of steps, and
where there is none, outside on the right; loops go outside on the left. Between two rows lie, from above, the numbers of the
arrows, the arrows that go outside, and those that change the lane, so that nothing covers a number.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT, PITCH = 252, 64, 344
MARGIN, CLEAR, TRACK, RADIUS = 44, 36, 12, 10
NUMBER, ABOVE, CURVE, STRAIGHT = 30, 14, 62, 30
APART, ACROSS = 84, 180
DRIFTS = 4
"""Silence drifts into this many lanes; further ones begin only where there is no room."""


@dataclass(frozen=True)
class Arrow:
    """`drifts`: the lane of the step to which it leads is the next one on the right. `width` is how wide it is drawn."""

    source: str
    target: str
    drifts: bool = False
    width: float = 3


@dataclass(frozen=True)
class Way:
    """The corners of an arrow, from the source's lower edge to the target's upper edge. Between two corners that stand beside
    and below each other it bends, and along `outside` corners it has round edges. `number` is the middle of its number."""

    corners: Sequence[tuple[float, float]]
    number: tuple[float, float]
    width: float
    is_outside: bool


@dataclass(frozen=True)
class Layout:
    """The upper left corner of each step, the way of each arrow, and the size of all."""

    places: Mapping[str, tuple[float, float]]
    ways: Sequence[Way]
    width: float
    height: float


@dataclass
class _Gap:
    """What lies below a row: lines of numbers, arrows that go outside by what shares one, and whether an arrow changes lanes."""

    lines: int = 0
    outside: list[tuple[str, str]] = field(default_factory=list)
    bends: bool = False

    def track(self, side: str, target: str) -> int:
        if (side, target) not in self.outside:
            self.outside.append((side, target))
        return self.outside.index((side, target))

    @property
    def bend_at(self) -> float:
        """How far below the row the arrows begin to bend."""
        return (ABOVE if self.lines else 0) + NUMBER * self.lines + TRACK * len(self.outside)

    @property
    def height(self) -> float:
        return self.bend_at + (CURVE if self.bends else STRAIGHT)


def lay_out(keys: Sequence[str], arrows: Sequence[Arrow]) -> Layout:
    """`keys` are the steps in their order, the first one where everybody begins; arrows lead from one of them to one of them."""
    return _Drawing(keys, arrows).layout()


class _Drawing:
    def __init__(self, keys: Sequence[str], arrows: Sequence[Arrow]) -> None:
        self.keys, self.arrows = keys, arrows
        self.hidden = _leads(keys, arrows)
        every = [*arrows, *self.hidden]
        self.back = _loops(keys, every)
        self.forward = [each for place, each in enumerate(every) if place not in self.back]
        self.row = _rows(keys, self.forward)
        self.lane = self._lanes()
        self.taken = {(self.row[key], self.lane[key]) for key in keys}
        self.runs: dict[tuple[int, int], str] = {}
        # A row has two gaps that matter: the one below it, and, for the first row, the one above.
        self.gaps = [_Gap() for _ in range(max(self.row.values()) + 2)]
        self.via = [self._way_through(place, each) for place, each in enumerate(arrows)]
        self._reserve()

    def _lanes(self) -> dict[str, int]:
        into = defaultdict[str, list[Arrow]](list)
        for each in self.forward:
            into[each.target].append(each)
        lanes, used = dict[str, int](), set[tuple[int, int]]()
        for key in sorted(self.keys, key=lambda key: self.row[key]):
            wanted = [lanes[each.source] + (each.drifts and lanes[each.source] + 1 < DRIFTS) for each in into[key]]
            lane = min(wanted, default=0)
            while (self.row[key], lane) in used:
                lane += 1
            lanes[key] = lane
            used.add((self.row[key], lane))
        return lanes

    def _way_through(self, place: int, arrow: Arrow) -> int | str:
        """Returns the lane in which the arrow goes down, or the side on which it goes outside."""
        begin, end = self.row[arrow.source], self.row[arrow.target]
        if place in self.back:
            return "left"
        between = range(begin + 1, end)
        for lane in (self.lane[arrow.target], self.lane[arrow.source]):
            cells = [(row, lane) for row in between]
            if all(cell not in self.taken and self.runs.get(cell, arrow.target) == arrow.target for cell in cells):
                self.runs |= dict.fromkeys(cells, arrow.target)
                return lane
        return "right"

    def _gap(self, row: int) -> _Gap:
        """The gap below the row; -1 is above the first one."""
        return self.gaps[row + 1]

    def _reserve(self) -> None:
        """Finds out how much room is needed below each row, and outside."""
        leaving = defaultdict[str, int](int)
        for each in self.arrows:
            leaving[each.source] += 1
        for key, count in leaving.items():
            gap = self._gap(self.row[key])
            gap.lines = max(gap.lines, 1 if count <= 2 else count)
        spans = dict[tuple[str, str], tuple[int, int]]()
        for each, via in zip(self.arrows, self.via, strict=True):
            begin, end = self.row[each.source], self.row[each.target]
            if isinstance(via, str):
                self._gap(begin).track(via, each.target)
                self._gap(end - 1).track(via, each.target)
                low, high = spans.get((via, each.target), (begin, begin))
                spans[via, each.target] = min(low, begin, end - 1), max(high, begin, end)
            else:
                self._gap(begin).bends |= via != self.lane[each.source]
                self._gap(end - 1).bends |= via != self.lane[each.target]
        self.tracks = _columns(spans)

    def layout(self) -> Layout:
        left = max((column + 1 for (side, _), column in self.tracks.items() if side == "left"), default=0)
        right = max((column + 1 for (side, _), column in self.tracks.items() if side == "right"), default=0)
        lanes = max(self.lane.values()) + 1
        self.begin = MARGIN + (CLEAR + TRACK * left if left else 0)
        self.end = self.begin + PITCH * (lanes - 1) + WIDTH
        above = self._gap(-1)
        self.tops: list[float] = [max(24, TRACK * len(above.outside) + STRAIGHT if above.outside else 0)]
        for gap in self.gaps[1:]:
            self.tops.append(self.tops[-1] + HEIGHT + gap.height)
        last = self.gaps[-1]
        places = {key: (self.begin + PITCH * self.lane[key], self.tops[self.row[key]]) for key in self.keys}
        bottom = self.tops[-2] + HEIGHT + (last.bend_at if last.outside else 0) + MARGIN
        width = self.end + (CLEAR + TRACK * right if right else 0) + MARGIN
        return Layout(places, self._ways(places), width, bottom)

    def _ways(self, places: Mapping[str, tuple[float, float]]) -> list[Way]:
        outs, lines = self._outs(places)
        ins = self._ins(places)
        ways = []
        for place, (arrow, via) in enumerate(zip(self.arrows, self.via, strict=True)):
            begin, end = self.row[arrow.source], self.row[arrow.target]
            x1, y1 = outs[place], self.tops[begin] + HEIGHT
            x2, y2 = ins[place], self.tops[end]
            if isinstance(via, str):
                corners = self._outside(via, arrow.target, (x1, y1), (x2, y2), begin, end)
            else:
                corners = self._inside(via, arrow, (x1, y1), (x2, y2), begin, end)
            number = (x1, y1 + ABOVE + NUMBER * (lines[place] + 0.5))
            width = min(arrow.width, 8) if isinstance(via, str) else arrow.width
            ways.append(Way(corners, number, width, isinstance(via, str)))
        return ways

    def _inside(
        self, via: int, arrow: Arrow, first: tuple[float, float], last: tuple[float, float], begin: int, end: int
    ) -> list[tuple[float, float]]:
        bend = first[1] + self._gap(begin).bend_at
        if end == begin + 1:
            return [first, (first[0], bend), last]
        x = last[0] if via == self.lane[arrow.target] else first[0]
        again = self.tops[end - 1] + HEIGHT + self._gap(end - 1).bend_at
        return [first, (first[0], bend), (x, self.tops[begin + 1]), (x, again), last]

    def _outside(
        self, side: str, target: str, first: tuple[float, float], last: tuple[float, float], begin: int, end: int
    ) -> list[tuple[float, float]]:
        column = self.tracks[side, target]
        out = CLEAR + TRACK * (column + 0.5)
        x = self.begin - out if side == "left" else self.end + out
        return [
            first,
            (first[0], self._track_at(begin, side, target)),
            (x, self._track_at(begin, side, target)),
            (x, self._track_at(end - 1, side, target)),
            (last[0], self._track_at(end - 1, side, target)),
            last,
        ]

    def _track_at(self, row: int, side: str, target: str) -> float:
        gap = self._gap(row)
        top = self.tops[row] + HEIGHT if row >= 0 else 0
        return top + (ABOVE if gap.lines else 0) + NUMBER * gap.lines + TRACK * (gap.track(side, target) + 0.5)

    def _heading(self, place: int, other: str) -> float:
        """Where an arrow comes from or goes to, from left to right."""
        via = self.via[place]
        return {"left": -1.0, "right": 1e6}[via] if isinstance(via, str) else float(self.lane[other])

    def _outs(self, places: Mapping[str, tuple[float, float]]) -> tuple[dict[int, float], dict[int, int]]:
        """Where each arrow leaves its step, and on which line its number stands."""
        of_step = defaultdict[str, list[int]](list)
        for place, arrow in enumerate(self.arrows):
            of_step[arrow.source].append(place)
        at, lines = dict[int, float](), dict[int, int]()
        for key, leaving in of_step.items():
            leaving.sort(key=lambda place: self._heading(place, self.arrows[place].target))
            step = 2 * APART / max(1, len(leaving) - 1)
            for order, place in enumerate(leaving):
                offset = order * step - APART if len(leaving) > 1 else 0
                at[place] = places[key][0] + WIDTH / 2 + offset
                lines[place] = order if len(leaving) > 2 else 0
        return at, lines

    def _ins(self, places: Mapping[str, tuple[float, float]]) -> dict[int, float]:
        """Where each arrow arrives: side by side, as wide as they are."""
        of_step = defaultdict[str, list[int]](list)
        for place, arrow in enumerate(self.arrows):
            of_step[arrow.target].append(place)
        at = dict[int, float]()
        for key, coming in of_step.items():
            coming.sort(key=lambda place: self._heading(place, self.arrows[place].source))
            widths = [max(10.0, self.arrows[place].width) if len(coming) > 1 else 0 for place in coming]
            scale = min(1.0, ACROSS / (sum(widths) or 1))
            x = places[key][0] + WIDTH / 2 - sum(widths) * scale / 2
            for place, width in zip(coming, widths, strict=True):
                at[place] = x + width * scale / 2
                x += width * scale
        return at


def _leads(keys: Sequence[str], arrows: Sequence[Arrow]) -> list[Arrow]:
    """Returns an arrow that is not drawn to each step that no arrow leads to from the first one: from the step above it."""
    after = defaultdict[str, list[str]](list)
    for each in arrows:
        after[each.source].append(each.target)
    hidden, seen = list[Arrow](), set[str]()
    for above, key in zip(["", *keys], keys, strict=False):
        if key in seen:
            continue
        if above:
            hidden.append(Arrow(above, key, drifts=True))
        seen |= _reached(key, after)
    return hidden


def _loops(keys: Sequence[str], arrows: Sequence[Arrow]) -> set[int]:
    """Returns the places of the arrows that close a loop: those up the list of which the others lead back to their begin."""
    order = {key: place for place, key in enumerate(keys)}
    after = defaultdict[str, set[str]](set)
    upwards = list[int]()
    for place, each in enumerate(arrows):
        if order[each.target] > order[each.source]:
            after[each.source].add(each.target)
        else:
            upwards.append(place)
    loops = set[int]()
    for place in upwards:
        if arrows[place].source in _reached(arrows[place].target, after):
            loops.add(place)
        else:
            after[arrows[place].source].add(arrows[place].target)
    return loops


def _reached(key: str, after: Mapping[str, Iterable[str]]) -> set[str]:
    """Returns the step and all to which it leads."""
    seen, found = set[str](), [key]
    while found:
        at = found.pop()
        if at not in seen:
            seen.add(at)
            found.extend(after.get(at, ()))
    return seen


def _rows(keys: Sequence[str], forward: Sequence[Arrow]) -> dict[str, int]:
    """Returns the length of the longest way to each step."""
    after, before = defaultdict[str, list[str]](list), defaultdict[str, int](int)
    for each in forward:
        after[each.source].append(each.target)
        before[each.target] += 1
    rows = dict.fromkeys(keys, 0)
    ready = [key for key in keys if not before[key]]
    while ready:
        key = ready.pop()
        for target in after[key]:
            rows[target] = max(rows[target], rows[key] + 1)
            before[target] -= 1
            if not before[target]:
                ready.append(target)
    return rows


def _columns(spans: Mapping[tuple[str, str], tuple[int, int]]) -> dict[tuple[str, str], int]:
    """Returns a column outside for each way there, so that none lie on each other; the shortest are the innermost."""
    columns = dict[tuple[str, str], int]()
    for name, span in sorted(spans.items(), key=lambda each: (each[1][1] - each[1][0], each[0])):
        used = set(_beside(name, span, spans, columns))
        columns[name] = next(each for each in range(len(used) + 1) if each not in used)
    return columns


def _beside(
    name: tuple[str, str],
    span: tuple[int, int],
    spans: Mapping[tuple[str, str], tuple[int, int]],
    columns: Mapping[tuple[str, str], int],
) -> Iterator[int]:
    for other, column in columns.items():
        if other[0] == name[0] and spans[other][0] <= span[1] and span[0] <= spans[other][1]:
            yield column
