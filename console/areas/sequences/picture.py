"""What the flow of a sequence shows: its steps with the people in them, and on each arrow how many went that way.

The steps are those of one published version, and the arrows what it says and what people really did: a jump by a trigger, or a
way that only an earlier version has, is an arrow too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.addresses import url
from console.charts.flow import FlowArrow, FlowStep
from console.words import steps as words

END = "·end"
"""Stands for the end behind the last step, where no `end` step stands. No step has this key."""

Step = Mapping[str, Any]


@dataclass(frozen=True)
class Exit:
    """One way out of a step, for the table."""

    outcome: str
    to: str | None
    people: int


@dataclass(frozen=True)
class Line:
    """One step of the table."""

    key: str
    does: str
    entered: int | None
    active: int
    exits: Sequence[Exit]


@dataclass(frozen=True)
class Picture:
    steps: Sequence[FlowStep]
    arrows: Sequence[FlowArrow]
    lines: Sequence[Line]


class Painter:
    """`steps` are those of the version that is drawn, and `counted` the `steps` of the analytics. `version` is None when those
    count all versions."""

    def __init__(
        self,
        sequence_id: str,
        steps: Sequence[Step],
        counted: Sequence[Mapping[str, Any]],
        media: words.Media,
        version: int | None,
    ) -> None:
        self.sequence_id, self.media, self.version = sequence_id, media, version
        self.counts = {each["step_key"]: each for each in counted}
        known = {step["key"] for step in steps}
        self.only_before = [key for key in self.counts if key not in known]
        self.steps = {step["key"]: step for step in steps}
        self.keys = [*self.steps, *self.only_before]
        self.ways: dict[tuple[str, str, str], int] = {}
        for index, step in enumerate(steps):
            for field, to in _edges(step, [each["key"] for each in steps[index + 1 : index + 2]]):
                self.ways[step["key"], to, field] = 0
        for key, count in self.counts.items():
            for left in count["left"]:
                self._walked(key, left["outcome"] or "", left["branch"], left["step_runs"])

    def _walked(self, key: str, outcome: str, branch: str | None, people: int) -> None:
        """Adds the people to the arrow that they took. Whoever was stopped there, or failed, took none."""
        declared = [way for way in self.ways if way[0] == key]
        ends = [way for way in declared if way[1] == END or self.steps.get(way[1], {}).get("kind") == "end"]
        candidates = [way for way in declared if way[1] == branch] if branch else ends
        wanted = {"clicked": "on_click", "timed_out": "on_timeout"}.get(outcome, "next")
        found = next((way for way in candidates if way[2] == wanted), None)
        if found is None and branch is not None:
            found = (key, branch, outcome)
        if found is None or (branch is None and self._left_there(key, outcome)):
            return
        self.ways[found] = self.ways.get(found, 0) + people

    def _left_there(self, key: str, outcome: str) -> bool:
        """A message that failed is an outcome of its step, and its person goes on."""
        return outcome == "stopped" or (outcome == "failed" and self.steps.get(key, {}).get("kind") != "send")

    def paint(self) -> Picture:
        arrived = dict.fromkeys([*self.keys, END], 0)
        for (_, to, _), people in self.ways.items():
            arrived[to] = arrived.get(to, 0) + people
        missing = [key for key in arrived if key not in self.keys and key != END]
        steps = [self._step(key, arrived[key]) for key in [*self.keys, *missing]]
        if any(to == END for _, to, _ in self.ways):
            steps.append(self._end(arrived[END]))
        return Picture(steps, self._arrows(), [self._line(key, arrived[key]) for key in self.keys])

    def _step(self, key: str, arrived: int) -> FlowStep:
        step = self.steps.get(key, {})
        active = self.counts.get(key, {}).get("active", 0)
        kind = step.get("kind")
        does = words.does(step, self.media) if step else ELSEWHERE
        if not step:
            return FlowStep(key, key, "send", "info", does, active, "here", self._at(key))
        if kind == "end":
            return FlowStep(key, key, "ends", "flag", does, arrived, "through", self._people(state="completed"))
        if kind in ("wait", "wait_for_click"):
            return FlowStep(key, key, "wait", words.icon(step, self.media), does, active, "waiting", self._at(key))
        if kind == "send" or active:
            return FlowStep(key, key, "send", words.icon(step, self.media), does, active, "sending", self._at(key))
        entered = self.counts.get(key, {}).get("entered", 0)
        return FlowStep(key, key, "send", words.icon(step, self.media), does, entered, "through", self._people())

    def _end(self, arrived: int) -> FlowStep:
        return FlowStep(END, "end", "ends", "flag", "ends as “completed”", arrived, "through", self._people(state="completed"))

    def _arrows(self) -> list[FlowArrow]:
        of = dict.fromkeys(self.keys, 0)
        exits = dict.fromkeys(self.keys, 0)
        for (source, _, _), people in self.ways.items():
            of[source], exits[source] = of[source] + people, exits[source] + 1
        return [
            FlowArrow(
                source,
                to,
                people,
                WORDS.get(field, field.replace("_", " ")),
                field == "on_click",
                drifts=field != "next" and field != "on_click",
                of=of[source] if exits[source] > 1 else 0,
                href=self._people(state="completed") if self._is_end(to) else self._at(to),
            )
            for (source, to, field), people in self.ways.items()
        ]

    def _is_end(self, key: str) -> bool:
        return key == END or self.steps.get(key, {}).get("kind") == "end"

    def _line(self, key: str, arrived: int) -> Line:
        count = self.counts.get(key)
        does = words.does(self.steps[key], self.media) if key in self.steps else ELSEWHERE
        if count is None:
            return Line(key, does, arrived, 0, ())
        exits = [Exit(each["outcome"] or "", each["branch"], each["step_runs"]) for each in count["left"]]
        return Line(key, does, count["entered"], count["active"], exits)

    def _at(self, key: str) -> str:
        return self._people(step=key, state="running")

    def _people(self, **filters: str) -> str:
        return url(f"/sequences/{self.sequence_id}/people", **filters, version=self.version)


ELSEWHERE = "only in another version"
WORDS = {"next": "", "on_click": "clicked", "on_timeout": "timed out"}


def _edges(step: Step, below: Sequence[str]) -> list[tuple[str, str]]:
    """The ways out that the definition says: the field, and the key to which it leads."""
    match step["kind"]:
        case "end":
            return []
        case "wait_for_click":
            return [("on_click", step["on_click"]), ("on_timeout", step["on_timeout"])]
        case _:
            return [("next", step.get("next") or next(iter(below), END))]
