"""Findings about published triggers: why one started nothing, for everybody or for one contact."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from api.contacts.trigger_sentences import duration
from api.diagnostics.advice import ADVICE
from api.diagnostics.automation import automation
from api.diagnostics.finding import Finding, Severity, plural, since
from models.base import now
from models.notifications.target import NotificationTarget
from models.reports.trigger_facts import SAMPLE, NotDone, TriggerFacts, Waiting
from models.sequences.sequence import Sequence, SequenceState
from models.triggers.firing import ActionOutcome, NotFiredReason

NOTHING = "Nothing has to be changed."
REFUSALS: dict[str, tuple[str, str, str]] = {
    NotFiredReason.TOO_LATE: ("trigger_too_late", "the click came after its window of {within}", "Make within longer."),
    NotFiredReason.ENROLLMENT_OVER: (
        "trigger_enrollment_over",
        "the enrollment was over by then",
        ADVICE["enrollment_over"],
    ),
    NotFiredReason.CONTACT_ERASED: ("trigger_contact_erased", "the contact was erased by then", NOTHING),
    NotFiredReason.NOT_IN_SEGMENT: (
        "trigger_not_in_segment",
        "the contact was not in its segment at that time",
        "Look at the segment, or leave segment_id out.",
    ),
    NotFiredReason.SEGMENT_UNANSWERED: (
        "trigger_segment_unanswered",
        "ten attempts to ask its segment failed, for example because each took too long",
        "Narrow the segment down with a tag that has to fit as well, or leave segment_id out.",
    ),
}
"""The code, the sentence and what to change."""


@dataclass(frozen=True)
class Asked:
    """`path` is that of the campaign or sequence. `contact` says that the question is about one contact, and
    `draft` that nothing is published. `temporal` says how
    Temporal fails, or is None."""

    path: str
    contact: bool = False
    draft: bool = False
    temporal: str | None = None


@dataclass(frozen=True)
class Named:
    """What the actions name, as it is now: sequences, and notification targets by their names."""

    sequences: Mapping[UUID, Sequence]
    targets: Mapping[str, NotificationTarget]


def of_triggers(facts: Iterable[TriggerFacts], named: Named, asked: Asked) -> Iterator[Finding]:
    for each in facts:
        yield from _of_trigger(each, asked)
        yield from _of_actions(each, named)


def _of_actions(facts: TriggerFacts, named: Named) -> Iterator[Finding]:
    for target in facts.targets:
        row = named.targets.get(target)
        if row is None:
            change = "Create a notification target with this name, or publish with another one."
            yield _finding(
                facts, "trigger_target_missing", "problem", f"notifies '{target}', which does not exist any more", change
            )
        elif row.failing_since is not None:
            error = f" Last error: {row.last_error.rstrip('.')}." if row.last_error else ""
            sentence = f"notifies '{target}', which has failed for {since(row.failing_since)}"
            yield _finding(facts, "trigger_target_fails", "problem", sentence, "Correct its address and test it.", error)
    for sequence_id in facts.sequences:
        yield from _of_sequence(facts, sequence_id, named.sequences.get(sequence_id))


def _of_sequence(facts: TriggerFacts, sequence_id: UUID, sequence: Sequence | None) -> Iterator[Finding]:
    if sequence is None:
        sentence = f"enrolls in the sequence {sequence_id}, which does not exist any more"
        yield _finding(facts, "trigger_sequence_missing", "problem", sentence, "Name a sequence that exists.")
    elif sequence.state != SequenceState.PUBLISHED:
        sentence = f"enrolls in the sequence '{sequence.name}', which has no published version"
        yield _finding(facts, "trigger_sequence_not_published", "problem", sentence, f"Publish the sequence {sequence.id}.")
    elif sequence.link_tracking is False:
        sentence = f"enrolls in the sequence '{sequence.name}', whose link tracking is off: its clicks are not seen"
        change = f"Set link_tracking of the sequence {sequence.id} to null or true."
        more = {"question": "sequence_not_tracking", "level": "sequence"}
        yield _finding(facts, "follow_up_untracked", "warning", sentence, change, **more)


def _of_trigger(facts: TriggerFacts, asked: Asked) -> Iterator[Finding]:
    if not facts.fired:
        yield from _never_fired(facts, asked)
    for reason, refused in sorted(facts.refused.items()):
        code, why, change = REFUSALS[reason]
        why = why.format(within=duration(facts.trigger.within))
        whom = "" if asked.contact else f" for {_at_least(refused.people, 'contact')}"
        yield _finding(
            facts, code, "info", f"did nothing{whom}: {why}", change, count=refused.people, contact_ids=list(refused.examples)
        )
    if _has_fired_already(facts, asked):
        times = plural(facts.trigger.times, "time")
        yield _finding(
            facts,
            "trigger_fired_already",
            "info",
            f"fires {times} at most for one contact, so further clicks start nothing",
            "Raise times, if it is meant to fire again.",
        )
    if facts.waiting:
        yield _waiting(facts, facts.waiting, asked)
    for each in facts.not_done:
        yield _failed(facts, each, asked) if each.outcome == ActionOutcome.FAILED else _skipped(facts, each)
    if asked.contact and facts.fired and not facts.waiting and not facts.not_done:
        sentence = f"fired {plural(facts.fired, 'time')}, and the conversation says what each action did"
        yield _finding(facts, "trigger_fired", "info", sentence, NOTHING)


def _never_fired(facts: TriggerFacts, asked: Asked) -> Iterator[Finding]:
    """The first thing that is missing is the reason."""
    listens = f"a link named '{facts.trigger.link}'" if facts.trigger.link else "a link"
    if not facts.links:
        again = "launch" if asked.draft else "publish again"
        change = f"Give a link of a message that name, or name another one in the trigger, and {again}."
        yield _finding(facts, "trigger_link_missing", "problem", f"waits for a click on {listens}, and no message has it", change)
    elif not facts.sent and facts.untracked:
        change = "Set link_tracking, and send again: links that went out unchanged are never seen."
        yield _finding(facts, "trigger_untracked", "problem", "cannot fire, because the message went out untracked", change)
    elif not facts.sent:
        if not asked.draft:
            sent = "was never sent to the contact" if asked.contact else "was not sent to anybody yet"
            change = "If it was left out, a finding of its own says why." if asked.contact else NOTHING
            yield _finding(facts, "trigger_nothing_sent", "info", f"listens to a message that {sent}", change)
    elif facts.trigger.event == "not_clicked":
        yield from _deadline(facts, asked)
    elif facts.held:
        clicks = f"{plural(facts.held, 'click')} on its link {'is' if facts.held == 1 else 'are'}"
        sentence = f"waits: {clicks} not decided to be a person's or a machine's"
        yield _finding(facts, "trigger_clicks_held", "info", sentence, "Look again in a minute.", count=facts.held)
    elif not facts.clicks:
        yield from _not_clicked(facts, listens, asked)


def _not_clicked(facts: TriggerFacts, listens: str, asked: Asked) -> Iterator[Finding]:
    if facts.machines:
        why = ", ".join(facts.reasons[:5]) or "unknown reasons"
        sentence = f"was not fired, because all {plural(facts.machines, 'click')} on its link were made by machines: {why}"
        change = "To try it, open the link of a message yourself, in a browser."
        yield _finding(facts, "trigger_only_machines", "info", sentence, change, count=facts.machines)
    if facts.elsewhere:
        yield _other_link(facts, asked)
    elif not facts.machines:
        nobody = "the contact has not" if asked.contact else "nobody has"
        change = "To try it, open the link of a message yourself."
        yield _finding(facts, "no_trigger_click", "info", f"waits for a click on {listens}, and {nobody} clicked yet", change)


def _deadline(facts: TriggerFacts, asked: Asked) -> Iterator[Finding]:
    """A `not_clicked` fires when its deadline has passed, for those who have not clicked."""
    if facts.refused:
        return
    if asked.contact and facts.clicks:
        yield _was_clicked(facts, "the contact clicked")
    elif not asked.contact and 0 < facts.sent <= facts.clickers:
        yield _was_clicked(facts, "everybody who got its message clicked")
    elif asked.contact and not facts.lasting:
        sentence = "will not fire for the contact, because the enrollment ended before the deadline"
        yield _finding(facts, "trigger_enrollment_over", "info", sentence, ADVICE["enrollment_over"])
    elif facts.trigger.examined_until is None or asked.contact:
        sentence = f"fires {duration(facts.trigger.within)} after the send for those who have not clicked by then"
        yield _finding(facts, "trigger_deadline_ahead", "info", sentence, "Wait for the deadline.")
    elif facts.clickers:
        yield _was_clicked(facts, "everybody whose deadline has passed clicked")


def _was_clicked(facts: TriggerFacts, who: str) -> Finding:
    return _finding(facts, "trigger_was_clicked", "info", f"fires for those who do not click, and {who}", NOTHING)


def _has_fired_already(facts: TriggerFacts, asked: Asked) -> bool:
    refused = sum(each.people for each in facts.refused.values())
    came_further = facts.trigger.event == "clicked" and facts.clicks > facts.fired + refused
    return came_further and (facts.exhausted if asked.contact else bool(facts.fired))


def _waiting(facts: TriggerFacts, waiting: Waiting, asked: Asked) -> Finding:
    """What waits for a later time of its own, such as a provider that asked to wait, is no problem."""
    is_due = waiting.due_at < now()
    error = f" Last error: {waiting.last_error.rstrip('.')}." if waiting.last_error else ""
    because = f" Temporal does not answer ({asked.temporal})." if asked.temporal else ""
    many = "1 firing waits" if waiting.firings == 1 else f"{_at_least(waiting.firings, 'firing')} wait"
    sentence = (
        f"has actions to do: {many}, the oldest for {since(waiting.oldest)}, the next one due at {waiting.due_at:%H:%M:%S} UTC"
    )
    change = (
        "Check that the worker runs: see /health." if is_due and not asked.temporal else "Nothing is lost: they are tried again."
    )
    severity: Severity = "problem" if is_due or asked.temporal else "warning"
    return _finding(facts, "trigger_waits", severity, sentence, change, f"{error}{because}", count=waiting.firings)


def _other_link(facts: TriggerFacts, asked: Asked) -> Finding:
    """People clicked, but none of the trigger's links."""
    named = [f"'{name}'" for name in facts.other_links if name] or ["a link without a name"]
    listens = f"'{facts.trigger.link}'" if facts.trigger.link else "another link"
    who = "the contact" if asked.contact else _at_least(facts.elsewhere, "person", "people")
    sentence = f"was not fired: {who} clicked {', '.join(named)}, and it waits for {listens}"
    change = "To react to that click too, set link to that name, or to null for any link, in a new trigger."
    return _finding(facts, "trigger_other_link", "info", sentence, change, count=facts.elsewhere)


def _skipped(facts: TriggerFacts, skipped: NotDone) -> Finding:
    """Nothing is to be retried, because there was nothing to do."""
    return _finding(
        facts,
        "trigger_action_skipped",
        "info",
        f"did not do its action {skipped.position} ({skipped.kind}) {_at_least(skipped.firings, 'time')}: {_reason(skipped)}",
        ADVICE.get(skipped.result or skipped.reason or "", "Nothing has to be changed, if that is what was meant."),
        count=skipped.firings,
        contact_ids=[skipped.contact_id],
        firing_id=skipped.firing_id,
    )


def _reason(action: NotDone) -> str:
    return (action.reason or "unknown reason").rstrip(".")


def _failed(facts: TriggerFacts, failed: NotDone, asked: Asked) -> Finding:
    advice = ADVICE.get(failed.result or failed.reason or "", "Correct the cause.").rstrip(".")
    retry = f"POST /v1/{asked.path}/triggers/{facts.trigger.key}/firings/{failed.firing_id}/retry"
    return _finding(
        facts,
        "trigger_action_failed",
        "problem",
        f"could not do its action {failed.position} ({failed.kind}) {_at_least(failed.firings, 'time')}: {_reason(failed)}",
        f"{advice}. Then retry each of `…/firings?outcome=failed`, such as {retry}.",
        count=failed.firings,
        contact_ids=[failed.contact_id],
        firing_id=failed.firing_id,
    )


def _at_least(number: int, word: str, words: str | None = None) -> str:
    """`words` are the plural, if it does not end in an s."""
    many = f"{number:,} {words}" if words and number != 1 else plural(number, word)
    return f"{'at least ' if number >= SAMPLE else ''}{many}"


def _finding(
    facts: TriggerFacts, code: str, severity: Severity, does: str, change: str, more: str = "", **fields: object
) -> Finding:
    trigger = facts.trigger
    where = f" on the step '{trigger.step_key}'" if trigger.step_key else ""
    sentence = f"The trigger '{trigger.key}'{where} {does}.{more}"
    return automation(code, severity, sentence, change, trigger_key=trigger.key, step_key=trigger.step_key, **fields)
