"""One line of plain English for each thing that triggers did or did not do, ready to be shown."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.contacts.told_sentences import clause, told_sentence
from models.conversation.trigger_entries import FiringEntry, RefusalEntry
from models.triggers.firing import ActionOutcome, NotFiredReason
from models.triggers.trigger import Trigger

Action = Mapping[str, Any]
Names = Mapping[UUID, str]
"""The names of sequences."""


def _sequence(action: Action, names: Names) -> str:
    name = names.get(UUID(action["sequence_id"]))
    return f"'{name}'" if name else "a sequence that is gone"


def _tags(action: Action) -> str:
    return ", ".join(f"'{tag}'" for tag in action["tags"])


# What was done, and what is or was to be done, by kind.
WORDS: dict[str, tuple[Callable[[Action, Names], str], Callable[[Action, Names], str]]] = {
    "send": (lambda _, __: "a message sent", lambda _, __: "send a message"),
    "enroll": (lambda it, names: f"enrolled in {_sequence(it, names)}", lambda it, names: f"enroll in {_sequence(it, names)}"),
    "leave": (lambda _, __: "left the sequence", lambda _, __: "leave the sequence"),
    "go_to": (lambda it, _: f"sent to the step '{it['step']}'", lambda it, _: f"go to the step '{it['step']}'"),
    "tag": (lambda it, _: f"tagged {_tags(it)}", lambda it, _: f"tag {_tags(it)}"),
    "untag": (lambda it, _: f"no longer tagged {_tags(it)}", lambda it, _: f"remove the tag {_tags(it)}"),
    "set_field": (lambda it, _: f"{it['field']} set", lambda it, _: f"set {it['field']}"),
    "notify": (lambda it, _: f"{it['target']} notified", lambda it, _: f"notify {it['target']}"),
}


def action_sentence(entry: FiringEntry, position: int) -> str:
    """Returns for example `tagged 'hot'`, or `could not send a message (no_phone)`."""
    action = entry.source.trigger.definition["actions"][position]
    was_done, to_do = WORDS.get(action.get("kind", ""), (_unknown, _unknown))
    taken = entry.actions.get(position)
    if taken is None:
        return f"still to {to_do(action, entry.sequences)}"
    if taken.outcome == ActionOutcome.DONE and action.get("kind") == "notify":
        return told_sentence(action["target"], taken.item)
    if taken.outcome == ActionOutcome.DONE:
        return was_done(action, entry.sequences)
    because = f" ({clause(taken.reason)})" if taken.reason else ""
    cannot = "could not" if taken.outcome == ActionOutcome.FAILED else "did not"
    return f"{cannot} {to_do(action, entry.sequences)}{because}"


def _unknown(action: Action, _: Names) -> str:
    return f"do an action of the kind '{action.get('kind')}'"


def firing_sentence(entry: FiringEntry) -> str:
    """Returns for example `clicked 'offer' → tagged 'hot', Sales notified, moved to 'Demo call'`. Somebody who has left one
    sequence and was enrolled in another by the same firing has moved."""
    actions = entry.source.trigger.definition["actions"]
    by_kind = {action.get("kind"): position for position, action in enumerate(actions) if _is_done(entry, position)}
    has_moved = {"leave", "enroll"} <= by_kind.keys()
    told = []
    for position, action in enumerate(actions):
        if has_moved and position == by_kind["leave"]:
            continue
        if has_moved and position == by_kind["enroll"]:
            told.append(f"moved to {_sequence(action, entry.sequences)}")
        else:
            told.append(action_sentence(entry, position))
    return f"{_what_happened(entry.source.trigger, entry.firing.link_name)} → {', '.join(told)}"


def _is_done(entry: FiringEntry, position: int) -> bool:
    taken = entry.actions.get(position)
    return taken is not None and taken.outcome == ActionOutcome.DONE


def _what_happened(trigger: Trigger, link: str | None) -> str:
    if trigger.event == "not_clicked":
        return f"did not click {_link(link)} by the deadline"
    return f"clicked {_link(link)}"


def _link(name: str | None) -> str:
    return f"'{name}'" if name else "a link"


def refusal_sentence(entry: RefusalEntry) -> str:
    """Returns for example `clicked 'offer', but the trigger 'hot' did nothing: the click came after its window of 3 days`."""
    trigger = entry.source.trigger
    link = trigger.link if trigger.event == "not_clicked" else entry.link
    return f"{_what_happened(trigger, link)}, but the trigger '{trigger.key}' did nothing: {_why(entry)}"


def _why(entry: RefusalEntry) -> str:
    reason = NotFiredReason(entry.refusal.reason)
    if reason == NotFiredReason.TOO_LATE:
        return f"the click came after its window of {duration(entry.source.trigger.within)}"
    if reason == NotFiredReason.NOT_IN_SEGMENT:
        segment = entry.source.segment
        return f"the contact was not in the segment '{segment}'" if segment else "the contact was not in its segment"
    return {
        NotFiredReason.ENROLLMENT_OVER: "the enrollment was over by then",
        NotFiredReason.CONTACT_ERASED: "the contact was erased by then",
        NotFiredReason.SEGMENT_UNANSWERED: "ten attempts to ask its segment failed, for example because each took too long",
    }[reason]


def duration(length: timedelta | None) -> str:
    """Returns for example `3 days`, or `1 day 12 hours`."""
    left, parts = int(length.total_seconds()) if length else 0, []
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {word}{'' if number == 1 else 's'}")
    return " ".join(parts) or "0 seconds"
