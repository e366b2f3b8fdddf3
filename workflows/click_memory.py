"""Remembers which links of an enrollment's messages were clicked, and which clicks have already led somewhere. These are pure
functions.

The memory holds links, not clicks: a link wakes once, so a repeated signal or a hammered link changes nothing, and the memory is
bounded by the number of send steps times the links of a message.
"""

from models.wire.clicks import LinkKey
from models.wire.enrollments import ClickMemory


def place(key: LinkKey) -> tuple[int, int]:
    return key.step_run, key.position


def message_sent(memory: ClickMemory, step_key: str, step_run: int) -> ClickMemory:
    """A step that sends again replaces its earlier message, and clicks on the old one no longer count."""

    def of_older(key: LinkKey) -> bool:
        return key.step_key == step_key and key.step_run != step_run

    return ClickMemory(
        sent={**memory.sent, step_key: step_run},
        last_sent=step_key,
        clicked=tuple(key for key in memory.clicked if not of_older(key)),
        used=tuple(key for key in memory.used if not of_older(key)),
    )


def click(memory: ClickMemory, key: LinkKey) -> ClickMemory:
    """A click may come before `message_sent`, because people are sometimes faster than the answer of the channel."""
    replaced = key.step_run < memory.sent.get(key.step_key, key.step_run)
    if replaced or place(key) in {place(known) for known in (*memory.used, *memory.clicked)}:
        return memory
    return memory.model_copy(update={"clicked": (*memory.clicked, key)})


def forget_after(memory: ClickMemory, step_run: int) -> ClickMemory:
    """Returns the memory without clicks on messages of later passages, which nobody can have."""
    if all(key.step_run <= step_run for key in memory.clicked):
        return memory
    return memory.model_copy(update={"clicked": tuple(key for key in memory.clicked if key.step_run <= step_run)})


def waited_step_runs(memory: ClickMemory, link: str | None) -> tuple[int, ...]:
    """Returns the messages that a wait looks at: the last one, or all of them when it names a link."""
    if link is not None:
        return tuple(sorted(memory.sent.values()))
    return (memory.sent[memory.last_sent],) if memory.last_sent is not None else ()


def match(memory: ClickMemory, link: str | None) -> LinkKey | None:
    """Returns a click that satisfies a wait, on the oldest message first, or None when there is no such click yet."""
    step_runs = waited_step_runs(memory, link)
    fitting = [key for key in memory.clicked if key.step_run in step_runs and (link is None or key.name == link)]
    return min(fitting, key=place) if fitting else None


def use(memory: ClickMemory, key: LinkKey) -> ClickMemory:
    """Marks the click as used: it has led to a branch and will not do so again."""
    rest = tuple(known for known in memory.clicked if place(known) != place(key))
    used = tuple(known for known in memory.used if place(known) != place(key))
    return memory.model_copy(update={"clicked": rest, "used": (*used, key)})
