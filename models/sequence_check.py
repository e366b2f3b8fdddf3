"""Can this sequence run? Every fault of its step graph, with the path of the field to mend. Pure.

Steps are numbered by their place in the list, because a faulty draft can use one key twice; a key then means its first step.
"""

from collections.abc import Iterable, Mapping, Sequence

from models.errors import FieldError
from models.steps import EndStep, SendStep, SequenceDefinition, Step, WaitForClickStep

LinkNames = Mapping[int, Sequence[str | None]]
"""The names of the links in the text of each send step, by the step's place, in the order of their positions."""


class StepGraph:
    """Which step can follow which. `after[place]` holds places; a step without any ends the sequence."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.places: dict[str, int] = {}
        for place, step in enumerate(steps):
            self.places.setdefault(step.key, place)
        self.after = [self._after(place) for place in range(len(steps))]
        self._before: list[set[int]] = [set() for _ in steps]
        for place, following in enumerate(self.after):
            for each in following:
                self._before[each].add(place)

    def _after(self, place: int) -> tuple[int, ...]:
        step = self.steps[place]
        if isinstance(step, EndStep):
            return ()
        named = [key for _, key in named_targets(step)]
        if not named:
            return (place + 1,) if place + 1 < len(self.steps) else ()
        return tuple(self.places[key] for key in named if key in self.places)

    def reachable(self) -> set[int]:
        """Places that an enrollment can come to."""
        return {0} | _walk(self.after[0], self.after)

    def sends_before(self, place: int) -> set[int]:
        """Send steps that can have run when this step runs."""
        found = _walk(self._before[place], self._before)
        return {each for each in found if isinstance(self.steps[each], SendStep)}

    def last_sends_before(self, place: int) -> set[int]:
        """Send steps that can be the one that ran last when this step runs."""
        stop_at_sends = [set() if isinstance(step, SendStep) else before for step, before in self._pairs()]
        found = _walk(self._before[place], stop_at_sends)
        return {each for each in found if isinstance(self.steps[each], SendStep)}

    def _pairs(self) -> Iterable[tuple[Step, set[int]]]:
        return zip(self.steps, self._before, strict=True)


def _walk(start: Iterable[int], neighbours: Sequence[Iterable[int]]) -> set[int]:
    found: set[int] = set()
    to_visit = list(start)
    while to_visit:
        place = to_visit.pop()
        if place not in found:
            found.add(place)
            to_visit.extend(neighbours[place])
    return found


def named_targets(step: Step) -> list[tuple[str, str]]:
    """The fields that name another step, and the keys in them."""
    if isinstance(step, WaitForClickStep):
        return [("on_click", step.on_click), ("on_timeout", step.on_timeout)]
    if isinstance(step, EndStep) or step.next is None:
        return []
    return [("next", step.next)]


def check_sequence(definition: SequenceDefinition, links: LinkNames) -> list[FieldError]:
    """All faults in the order of the steps; empty: it can be published.

    A send step that is missing in `links` (its text could not be read) counts as containing every link, so that one fault
    is not reported as two.
    """
    graph = StepGraph(definition.steps)
    errors = [*_duplicates(graph), *_unknown_targets(graph), *_endless(graph), *_unreachable(graph), *_deaf_waits(graph, links)]
    return [error for _, error in sorted(errors, key=lambda each: each[0])]


Faults = Iterable[tuple[int, FieldError]]


def _fault(place: int, field: str, message: str) -> tuple[int, FieldError]:
    return place, FieldError(f"steps[{place}].{field}", message)


def _duplicates(graph: StepGraph) -> Faults:
    for place, step in enumerate(graph.steps):
        first = graph.places[step.key]
        if first != place:
            yield _fault(place, "key", f"The key '{step.key}' is used by steps[{first}] already: give each step its own key.")


def _unknown_targets(graph: StepGraph) -> Faults:
    for place, step in enumerate(graph.steps):
        for field, key in named_targets(step):
            if key not in graph.places:
                yield _fault(place, field, f"There is no step with the key '{key}'.")


def _endless(graph: StepGraph) -> Faults:
    """Rings of send steps. A send has one follower at most, so each ring is found by following it."""
    settled: set[int] = set()
    for start in range(len(graph.steps)):
        path: list[int] = []
        place: int | None = start
        while place is not None and place not in settled and isinstance(graph.steps[place], SendStep):
            settled.add(place)
            path.append(place)
            place = next(iter(graph.after[place]), None)
        if place in path:
            ring = path[path.index(place) :]
            keys = " → ".join(graph.steps[each].key for each in [*ring, ring[0]])
            yield _fault(max(ring), "next", f"These steps repeat for ever without a wait: {keys}. Put a wait between them.")


def _unreachable(graph: StepGraph) -> Faults:
    for place in sorted(set(range(len(graph.steps))) - graph.reachable()):
        key = graph.steps[place].key
        if graph.places[key] == place:
            yield _fault(place, "key", f"No step leads to '{key}': name it in another step, or remove it.")


def _deaf_waits(graph: StepGraph, links: LinkNames) -> Faults:
    for place, step in enumerate(graph.steps):
        if isinstance(step, WaitForClickStep):
            message = _unnamed_fault(graph, place, links) if step.link is None else _named_fault(graph, place, step.link, links)
            if message:
                yield _fault(place, "link", message)


def _named_fault(graph: StepGraph, place: int, link: str, links: LinkNames) -> str | None:
    if any(each not in links or link in links[each] for each in graph.sends_before(place)):
        return None
    return f"No message that is sent before this wait contains a link named '{link}'."


def _unnamed_fault(graph: StepGraph, place: int, links: LinkNames) -> str | None:
    if any(each not in links or links[each] for each in graph.last_sends_before(place)):
        return None
    if any(links.get(each) for each in graph.sends_before(place)):
        return "The message sent last before this wait contains no link: name the link of an earlier message to wait for that."
    return "No message that is sent before this wait contains a link."


def waking_positions(definition: SequenceDefinition, links: LinkNames) -> dict[int, list[int]]:
    """For each send step of a checked sequence: the positions of its links that some wait can be waiting for.

    A wait without a link name looks at the message sent last; when that one could not be sent (no address), it is an earlier
    one, so the links of all earlier messages count.
    """
    graph = StepGraph(definition.steps)
    positions: dict[int, set[int]] = {place: set() for place in links}
    for place, step in enumerate(graph.steps):
        if isinstance(step, WaitForClickStep):
            for send in graph.sends_before(place):
                positions[send].update(n for n, name in enumerate(links[send]) if step.link in (None, name))
    return {place: sorted(found) for place, found in positions.items()}
