"""Checks whether a sequence can run, and names every fault of its step graph with the path of the field to change. It is pure.

Steps are numbered by their index in the list, because a faulty draft can use one key twice; a key then means its first step.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from heapq import heappop, heappush

from models.errors import FieldError
from models.sequences.steps.base import Wait, WakingLink, in_words
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.registry import Step
from models.sequences.steps.send import SendStep
from models.triggers.actions.go_to import GoToAction
from models.triggers.definition import TriggerDefinition

LinkNames = Mapping[int, Sequence[str | None] | None]
"""The names of the links in the text of each send step, by the step's index, in the order of their positions. A text that
could not be read is None, or missing."""


class StepGraph:
    """Which step can follow which. `after[index]` holds indexes; a step without followers ends the sequence.

    A `go_to` of a trigger is a way from every step at which somebody can be when the click comes. Such ways lead to steps that no
    other step names. They make no loops: each needs a person's click, and a trigger fires for one person `times` at most.
    """

    def __init__(self, steps: Sequence[Step], triggers: Sequence[TriggerDefinition] = ()) -> None:
        self.steps = steps
        self.indexes: dict[str, int] = {}
        for index, step in enumerate(steps):
            self.indexes.setdefault(step.key, index)
        self.after = [self._after(index) for index in range(len(steps))]
        self._jumps: list[set[int]] = [set() for _ in steps]
        self._add_jumps(triggers)
        self._before: list[set[int]] = [set() for _ in steps]
        for index, following in enumerate(self.after):
            for each in following:
                self._before[each].add(index)

    def _after(self, index: int) -> tuple[int, ...]:
        return tuple(follower for _, follower, _ in self.edges(index))

    def _add_jumps(self, triggers: Sequence[TriggerDefinition]) -> None:
        """A jump can follow a jump, so whoever has got a message can be at every step to which any jump leads. This counts some
        ways that nobody goes, which refuses nothing that works."""
        targets = {
            index: {self.indexes[key] for key in jump_targets([*step.triggers, *triggers]) if key in self.indexes}
            for index, step in enumerate(self.steps)
            if isinstance(step, SendStep)
        }
        with_jumps = [{*after, *targets.get(index, ())} for index, after in enumerate(self.after)]
        sources = {index for index in {0} | _walk(with_jumps[0], with_jumps) if targets.get(index)}
        landed = _walk({target for source in sources for target in targets[source]}, self.after)
        places = {source: {source} | _walk(self.after[source], self.after) | landed for source in sources}
        for source, reached in places.items():
            for each in reached:
                self._jumps[each] |= targets[source]
                self.after[each] = tuple({*self.after[each], *targets[source]})

    def edges(self, index: int) -> list[tuple[str, int, timedelta]]:
        """Returns the field that names each follower, the follower, and the least time that passes before it."""
        found = ((edge.field, self._index(index, edge.to), edge.least) for edge in self.steps[index].edges())
        return [(field, follower, least) for field, follower, least in found if follower is not None]

    def _index(self, index: int, key: str | None) -> int | None:
        """Returns the index of the step to which an edge leads, or None when there is no such step."""
        if key is not None:
            return self.indexes.get(key)
        return index + 1 if index + 1 < len(self.steps) else None

    def quickest(self, start: int, end: int) -> tuple[list[int], timedelta] | None:
        """Returns the way with the least waiting and the waiting on it, or None when there is no way."""
        best = {start: timedelta(0)}
        queue = [(timedelta(0), [start])]
        while queue:
            wait, way = heappop(queue)
            if way[-1] == end:
                return way, wait
            for _, follower, more in self.edges(way[-1]):
                if follower not in best or wait + more < best[follower]:
                    best[follower] = wait + more
                    heappush(queue, (wait + more, [*way, follower]))
        return None

    def soonest(self) -> dict[int, timedelta]:
        """Returns the least waiting from the first step to each step that can be reached. A `go_to` of a trigger takes no time,
        because a click can come at once."""
        best = {0: timedelta(0)}
        queue = [(timedelta(0), 0)]
        while queue:
            wait, index = heappop(queue)
            ways = [(follower, wait + more) for _, follower, more in self.edges(index)]
            for follower, sum_of_waits in [*ways, *((each, wait) for each in self._jumps[index])]:
                if follower not in best or sum_of_waits < best[follower]:
                    best[follower] = sum_of_waits
                    heappush(queue, (sum_of_waits, follower))
        return best

    def reachable(self) -> set[int]:
        """Returns the indexes that an enrollment can reach."""
        return {0} | _walk(self.after[0], self.after)

    def ahead_of(self, key: str) -> set[str]:
        """Returns the keys of the steps that can come after this one, and none for an unknown key."""
        index = self.indexes.get(key)
        return set() if index is None else {self.steps[each].key for each in _walk(self.after[index], self.after)}

    def can_last(self, index: int) -> bool:
        """Whether a wait can come behind this step, so that the enrollment does not end at once. A jump counts for nothing here,
        because it needs an enrollment that goes on. A step that names an unknown one counts as a wait, so that one fault is not
        reported as two."""
        own = [tuple(follower for _, follower, _ in self.edges(each)) for each in range(len(self.steps))]
        behind = _walk(own[index], own)
        unknown = any(key not in self.indexes for each in {index, *behind} for _, key in named_targets(self.steps[each]))
        return unknown or any(isinstance(self.steps[each], Wait) for each in behind)

    def sends(self) -> list[int]:
        """Returns the indexes of all send steps."""
        return [index for index, step in enumerate(self.steps) if isinstance(step, SendStep)]

    def sends_before(self, index: int) -> set[int]:
        """Returns send steps that can have run when this step runs."""
        found = _walk(self._before[index], self._before)
        return {each for each in found if isinstance(self.steps[each], SendStep)}

    def sends_before_unknown(self) -> set[int]:
        """Returns send steps from which a way leads to a step that names one which does not exist."""
        lost = {index for index, step in enumerate(self.steps) if any(key not in self.indexes for _, key in named_targets(step))}
        found = lost | _walk({each for index in lost for each in self._before[index]}, self._before)
        return {each for each in found if isinstance(self.steps[each], SendStep)}

    def last_sends_before(self, index: int) -> set[int]:
        """Returns send steps that can be the one that ran last when this step runs."""
        stop_at_sends = [set() if isinstance(step, SendStep) else before for step, before in self._pairs()]
        found = _walk(self._before[index], stop_at_sends)
        return {each for each in found if isinstance(self.steps[each], SendStep)}

    def _pairs(self) -> Iterable[tuple[Step, set[int]]]:
        return zip(self.steps, self._before, strict=True)


def _walk(start: Iterable[int], neighbours: Sequence[Iterable[int]]) -> set[int]:
    found: set[int] = set()
    open_steps = list(start)
    while open_steps:
        index = open_steps.pop()
        if index not in found:
            found.add(index)
            open_steps.extend(neighbours[index])
    return found


def named_targets(step: Step) -> list[tuple[str, str]]:
    """Returns the fields that name another step, and the keys in them."""
    return [(edge.field, edge.to) for edge in step.edges() if edge.to is not None]


def jump_targets(triggers: Iterable[TriggerDefinition]) -> set[str]:
    """Returns the keys of the steps to which the actions of these triggers go."""
    return {action.step for trigger in triggers for action in trigger.actions if isinstance(action, GoToAction)}


def check_sequence(definition: SequenceDefinition, links: LinkNames, shortest_loop: timedelta = timedelta(0)) -> list[FieldError]:
    """Returns all faults in the order of the steps; without faults the sequence can be published. A loop has to wait for
    `shortest_loop` in sum, and a loop of sends alone is refused in any case.

    A text that could not be read counts as containing every link, so that one fault is not reported as two. For the same reason
    nothing is said of the link of a wait that nothing leads to, and an unknown step counts as one that leads to every wait.
    """
    graph = StepGraph(definition.steps, definition.triggers)
    errors = [
        *_duplicates(graph),
        *_unknown_targets(graph),
        *_short_loops(graph, shortest_loop),
        *_unreachable(graph),
        *_deaf_waits(graph, links),
    ]
    return [error for _, error in sorted(errors, key=lambda each: each[0])]


Faults = Iterable[tuple[int, FieldError]]


def _fault(index: int, field: str, message: str) -> tuple[int, FieldError]:
    return index, FieldError(f"steps[{index}].{field}", message)


def _duplicates(graph: StepGraph) -> Faults:
    for index, step in enumerate(graph.steps):
        first = graph.indexes[step.key]
        if first != index:
            yield _fault(index, "key", f"The key '{step.key}' is used by steps[{first}] already: give each step its own key.")


def _unknown_targets(graph: StepGraph) -> Faults:
    for index, step in enumerate(graph.steps):
        for field, key in named_targets(step):
            if key not in graph.indexes:
                yield _fault(index, field, f"There is no step with the key '{key}'.")


def _short_loops(graph: StepGraph, shortest: timedelta) -> Faults:
    """Returns loops that can be passed with less waiting than `shortest`, and in any case those of sends alone. A loop has a step
    that leads to itself or to one before it in the list, and that step is named."""
    seen: set[frozenset[int]] = set()
    for index in range(len(graph.steps)):
        for field, follower, waiting in graph.edges(index):
            if follower > index or (found := graph.quickest(follower, index)) is None:
                continue
            ring, wait = found[0], found[1] + waiting
            endless = not any(isinstance(graph.steps[each], Wait) for each in ring)
            if (wait < shortest or endless) and frozenset(ring) not in seen:
                seen.add(frozenset(ring))
                keys = " → ".join(graph.steps[each].key for each in [*ring, follower])
                by_click = any(waking_links(graph.steps[each]) for each in ring)
                yield _fault(index, field, _loop_message(keys, wait, shortest, endless, by_click))


def _loop_message(keys: str, wait: timedelta, shortest: timedelta, endless: bool, by_click: bool) -> str:
    if endless:
        return f"These steps repeat for ever without a wait: {keys}. Put a wait between them."
    note = " A step that is left by on_click counts as no wait, because a click can come at once." if by_click else ""
    return (
        f"This loop can repeat after {in_words(wait)}: {keys}. It has to wait for at least {in_words(shortest)} in each round: "
        f"make its waits longer, or end the loop.{note}"
    )


def _unreachable(graph: StepGraph) -> Faults:
    for index in sorted(set(range(len(graph.steps))) - graph.reachable()):
        key = graph.steps[index].key
        if graph.indexes[key] == index:
            yield _fault(index, "key", f"No step leads to '{key}': name it in another step, or remove it.")


def waking_links(step: Step) -> tuple[WakingLink, ...]:
    return step.waking_links() if isinstance(step, Wait) else ()


def _deaf_waits(graph: StepGraph, links: LinkNames) -> Faults:
    astray = graph.sends_before_unknown()
    for index in sorted(graph.reachable()):
        for link, _, _ in waking_links(graph.steps[index]):
            before, last = graph.sends_before(index) | astray, graph.last_sends_before(index) | astray
            message = _unnamed_fault(before, last, links) if link is None else _named_fault(before, link, links)
            if message:
                yield _fault(index, "link", message)


def _named_fault(sends: set[int], link: str, links: LinkNames) -> str | None:
    before = [links.get(each) for each in sends]
    if any(names is None or link in names for names in before):
        return None
    return f"No message that is sent before this wait contains a link named '{link}'."


def _unnamed_fault(sends: set[int], last_sends: set[int], links: LinkNames) -> str | None:
    last = [links.get(each) for each in last_sends]
    if any(names is None or names for names in last):
        return None
    if any(links.get(each) for each in sends):
        return "The message sent last before this wait contains no link: name the link of an earlier message to wait for that."
    return "No message that is sent before this wait contains a link."
