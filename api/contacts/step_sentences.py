"""One line of plain English for each step of an enrollment, ready to be shown."""

from datetime import datetime
from typing import assert_never

from api.contacts.told_sentences import told_sentence
from models.notifications.notification import ItemState
from models.sequences.event import EventKind

OUTCOMES = {
    "sent": "the message was sent",
    "waited": "the wait was over",
    "clicked": "the contact clicked",
    "timed_out": "the contact did not click in time",
    "updated": "the contact was changed",
    "unchanged": "the contact was like that already",
    "moved": "moved by a request or a trigger",
}
NOTHING_DONE = {
    "not_updated": "the contact was not changed",
    "not_notified": "the team was not notified",
}
REASONS = {
    "already_enrolled": "the contact is in it already",
    "entered_before": "the contact was in it before, and may not enter it again",
    "too_often": "the contact has entered it as often as it may in this period",
    "too_many_enrollments": "the organization has as many enrollments as it may have",
    "sequence_not_published": "it is not published",
    "unknown_contact": "there is no such contact any more",
    "too_many_tags": "the contact would have too many tags",
    "properties_too_large": "the contact's properties would be too large",
    "no_target": "there is no such notification target any more",
}
"""The words with which steps say why they did nothing, as `docs/steps.md` lists them."""


def outcome_sentence(outcome: str, other_sequence: str | None = None, item: ItemState | None = None) -> str:
    """Returns for example `2 other enrollments were stopped`. `other_sequence` is the name of the one in which the step enrolls,
    and `item` is what the team of a step `notify` has been told. An outcome that is not known, such as that of a skipped message,
    stays as it is."""
    if outcome == "notified":
        return told_sentence("the team", item)
    what, _, reason = outcome.partition(": ")
    if what in ("enrolled", "not_enrolled"):
        name = f"'{other_sequence}'" if other_sequence else "the other sequence"
        enrolled = f"{what.replace('_', ' ')} in {name}"
        return f"{enrolled}: {REASONS.get(reason, reason)}" if reason else enrolled
    if what in NOTHING_DONE:
        return f"{NOTHING_DONE[what]}: {REASONS.get(reason, reason)}"
    stopped, _, number = outcome.partition(" ")
    if stopped == "stopped" and number.isdigit():
        return f"{number} other enrollment{' was' if number == '1' else 's were'} stopped"
    return OUTCOMES.get(outcome, outcome)


def step_sentence(  # noqa: PLR0913, RUF100 - what the sentence is made of
    kind: EventKind,
    sequence: str,
    step: str | None,
    outcome: str | None,
    due_at: datetime | None,
    other_sequence: str | None = None,
    item: ItemState | None = None,
) -> str:
    """Returns for example `'Welcome', step 'alone': 2 other enrollments were stopped`."""
    match kind:
        case EventKind.ENROLLED:
            return f"enrolled in '{sequence}'"
        case EventKind.ENDED:
            return f"'{sequence}' ended: {outcome}"
        case EventKind.STEP_ENTERED:
            until = f" until {due_at:%Y-%m-%d %H:%M} UTC" if due_at else ""
            return f"'{sequence}', step '{step}' reached{', waits' if until else ''}{until}"
        case EventKind.STEP_LEFT:
            return f"'{sequence}', step '{step}': {outcome_sentence(outcome or 'left', other_sequence, item)}"
        case _:
            assert_never(kind)
