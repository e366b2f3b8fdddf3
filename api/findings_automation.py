"""What diagnostics say about automation: why a click started nothing, or a wait never heard one."""

from collections.abc import Iterator
from dataclasses import dataclass

from api.finding import Finding, Level, Question, Severity, Subject, plural, since
from models.campaign import Campaign
from models.errors import FieldError
from models.sequence import Sequence, SequenceState

QUESTION: Question = "automation_not_triggered"


@dataclass(frozen=True)
class TriggerFacts:
    """What a campaign's trigger meets. `links`: how many of the text's links it listens to; `clicks`: people's, on those.
    `sequence` None: deleted, or another organization's. Of no meaning without a trigger."""

    sequence: Sequence | None = None
    links: int = 0
    clicks: int = 0


@dataclass(frozen=True)
class WaitFacts:
    """Of the version that new enrollments get (or the draft, before the first): how many steps wait for a click, and those that
    wait for a link that no earlier message contains."""

    waits: int
    deaf: list[FieldError]
    version: int | None
    draft_differs: bool


def automation(code: str, severity: Severity, sentence: str, what_to_change: str, **more: object) -> Finding:
    return Finding.model_validate(
        {
            "code": code,
            "question": QUESTION,
            "severity": severity,
            "sentence": sentence,
            "what_to_change": what_to_change,
            **more,
        }
    )


def trigger(subject: Subject, campaign: Campaign, facts: TriggerFacts) -> Iterator[Finding]:
    if campaign.trigger is None:
        yield automation(
            "no_trigger",
            "info",
            "This campaign has no trigger, so a click starts nothing.",
            "Set trigger before the launch; after it, make a new campaign.",
        )
        return
    yield from _trigger_link(campaign.trigger["link"], facts.links)
    for level in [] if subject.all_tracked else subject.off_at:
        yield _cannot_fire(subject, "trigger_untracked", level, "the trigger cannot fire")
    yield from _trigger_sequence(facts.sequence)
    if subject.facts.sent(True) and facts.links and not facts.clicks:
        yield automation(
            "no_trigger_click",
            "info",
            "No person has clicked a link of the trigger yet. Clicks of machines start nothing.",
            "To try it, open the link of a message yourself.",
        )


def _trigger_link(name: str | None, links: int) -> Iterator[Finding]:
    if links == 0:
        which = "a link" if name is None else f"a link named '{name}'"
        yield automation(
            "trigger_link_missing",
            "problem",
            f"The trigger waits for a click on {which}, and the message contains none.",
            "Give a link of the message that name, or name another one in trigger.link.",
        )


def _cannot_fire(subject: Subject, code: str, level: Level, so: str) -> Finding:
    """`so`: what follows for a message that goes out with unchanged links."""
    for_whom = ", for messages that go out now; those that went out tracked still count" if subject.facts.sent(True) else ""
    return automation(
        code,
        "problem",
        f"Link tracking is off at the level of the {level}, so no click is seen and {so}{for_whom}.",
        f"Set link_tracking of the {level} to true.",
        level=level,
    )


def _trigger_sequence(sequence: Sequence | None) -> Iterator[Finding]:
    if sequence is None:
        yield automation(
            "trigger_sequence_missing",
            "problem",
            "The sequence that the trigger starts does not exist any more.",
            "Make a new campaign with a sequence that exists.",
        )
    elif sequence.state != SequenceState.PUBLISHED:
        yield automation(
            "trigger_sequence_not_published",
            "problem",
            f"The sequence '{sequence.name}' that the trigger starts has no published version.",
            f"Publish the sequence {sequence.id}.",
        )
    elif sequence.link_tracking is False:
        yield Finding(
            code="follow_up_untracked",
            question="sequence_not_tracking",
            severity="warning",
            level="sequence",
            sentence=f"Follow-ups run, but link tracking is off for their sequence '{sequence.name}': its clicks are not seen.",
            what_to_change=f"Set link_tracking of the sequence {sequence.id} to null or true.",
        )


def waits(subject: Subject, facts: WaitFacts) -> Iterator[Finding]:
    """Can this sequence hear a click?"""
    if facts.waits == 0:
        yield automation(
            "no_wait_for_click",
            "info",
            "No step of this sequence waits for a click, so clicks are counted and change nothing.",
            "Add a step of kind wait_for_click and publish.",
        )
    for fault in facts.deaf:
        yield automation("wait_link_missing", "problem", f"{fault.field}: {fault.message}", "Mend the step and publish.")
    for level in subject.off_at if facts.waits else []:
        yield _cannot_fire(subject, "wait_untracked", level, "every wait for a click runs into its timeout")
    if facts.draft_differs and facts.version is not None:
        yield automation(
            "draft_not_published",
            "info",
            f"The draft differs from version {facts.version}, which is what new enrollments get.",
            "Publish, if the draft is meant to be used.",
        )
    if subject.live and subject.facts.enrollments.total == 0:
        yield automation(
            "no_enrollments",
            "info",
            "Nobody is or was enrolled in this sequence.",
            "Enroll contacts, or name this sequence in a campaign's trigger.",
        )


def work(subject: Subject, temporal_problem: str | None, campaign_waits: bool = False) -> Iterator[Finding]:
    """Is anything waiting for Temporal? `temporal_problem`: it does not answer, and how it fails."""
    facts = subject.facts.enrollments
    because = f"Temporal does not answer ({temporal_problem})" if temporal_problem else "Temporal answers"
    change = (
        "Start Temporal, or check TEMPORAL_ADDRESS. Nothing is lost: the work starts by itself then."
        if temporal_problem
        else "Check that the worker runs: its sweeper starts what was left."
    )
    if campaign_waits:
        yield automation("campaign_not_started", "problem", f"The launch has no workflow yet. {because}.", change)
    if facts.not_started:
        waiting = (
            f"{plural(facts.not_started, 'enrollment')} without a workflow, the oldest since {since(facts.oldest_not_started)}"
        )
        yield automation("enrollments_not_started", "problem", f"{waiting}. {because}.", change, count=facts.not_started)
    if facts.failed:
        yield automation(
            "enrollments_failed",
            "problem",
            f"{plural(facts.failed, 'enrollment')} failed, for example: {facts.example_of_failure or 'no reason is known'}",
            "Look at their workflows in the Temporal UI, mend the cause and enroll these contacts again.",
            count=facts.failed,
        )
    signals = subject.facts.signals
    if signals.rows:
        error = f" Last error: {signals.last_error}." if signals.last_error else ""
        yield automation(
            "signals_waiting",
            "problem",
            f"{plural(signals.rows, 'click')} could not wake a workflow yet, the oldest since {since(signals.oldest)}.{error} "
            f"{because}.",
            change,
            count=signals.rows,
        )
