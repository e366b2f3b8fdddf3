"""Findings about automation: why a click started nothing, or why a wait never got one."""

from collections.abc import Iterator
from dataclasses import dataclass

from api.diagnostics.finding import Finding, Question, Severity, Subject, plural, since
from models.campaigns.campaign import Campaign
from models.errors import FieldError
from models.organizations.cascade import Level

QUESTION: Question = "automation_not_triggered"


@dataclass(frozen=True)
class VersionFacts:
    """One version that counts. `waits` counts its steps that wait for a click, and `deaf` those of them that wait for a link
    which no earlier message contains. `triggers` says that it has some. `active` enrollments are in it now. `number` is None for
    the draft, which is there before the first version."""

    number: int | None
    active: int
    waits: int
    triggers: bool
    deaf: list[FieldError]


@dataclass(frozen=True)
class WaitFacts:
    """`versions` are the one that new enrollments get (or the draft), and each that active enrollments are in, newest first."""

    versions: list[VersionFacts]
    draft_differs: bool

    @property
    def current(self) -> VersionFacts:
        return self.versions[0]


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


def trigger(subject: Subject, campaign: Campaign) -> Iterator[Finding]:
    """Finds what concerns all triggers of a campaign. `api/diagnostics/triggers.py` looks at each trigger."""
    if not campaign.triggers:
        yield automation(
            "no_trigger",
            "info",
            "This campaign has no trigger, so a click starts nothing.",
            "Set triggers before the launch; after it, make a new campaign.",
        )
        return
    for level in [] if subject.all_tracked else subject.off_at:
        yield _cannot_fire(subject, "trigger_untracked", level, "the triggers cannot fire")


def _cannot_fire(subject: Subject, code: str, level: Level, so: str) -> Finding:
    """`so` is what follows for a message that goes out with unchanged links."""
    for_whom = ", for messages that go out now; those that went out tracked still count" if subject.facts.sent(True) else ""
    return automation(
        code,
        "problem",
        f"Link tracking is off at the level of the {level}, so no click is seen and {so}{for_whom}.",
        f"Set link_tracking of the {level} to true.",
        level=level,
    )


def waits(subject: Subject, facts: WaitFacts) -> Iterator[Finding]:
    """Finds whether this sequence can get a click, in each version that somebody is in."""
    several = len(facts.versions) > 1
    yield from _without_waits(facts)
    for version in facts.versions:
        for fault in version.deaf:
            where = f"{_named(version)}: {fault.field}" if several else fault.field
            yield automation("wait_link_missing", "problem", f"{where}: {fault.message}", "Correct the step and publish.")
    for level in subject.off_at if any(version.waits for version in facts.versions) else []:
        yield _cannot_fire(subject, "wait_untracked", level, "every wait for a click runs into its timeout")
    if several:
        yield automation(
            "several_versions",
            "info",
            f"Enrollments are in more than one version: {', '.join(_named(version) for version in facts.versions)}. "
            f"Version {facts.current.number} is what new enrollments get.",
            "Nothing has to be changed: enrollments stay in the version that they started with.",
        )
    if facts.draft_differs and facts.current.number is not None:
        yield automation(
            "draft_not_published",
            "info",
            f"The draft differs from version {facts.current.number}, which is what new enrollments get.",
            "Publish, if the draft is meant to be used.",
        )
    if subject.live and not subject.facts.enrollments.exist:
        yield automation(
            "no_enrollments",
            "info",
            "Nobody is or was enrolled in this sequence.",
            "Enroll contacts, or name this sequence in a campaign's trigger.",
        )


def _named(version: VersionFacts) -> str:
    return f"version {version.number} ({plural(version.active, 'enrollment')})"


def _without_waits(facts: WaitFacts) -> Iterator[Finding]:
    silent = [version for version in facts.versions if version.waits == 0 and not version.triggers]
    if not silent:
        return
    if len(silent) == len(facts.versions):
        sentence = "No step of this sequence waits for a click and it has no trigger, so clicks are counted and change nothing."
    else:
        hearing = [version for version in facts.versions if version not in silent]
        sentence = (
            f"No step waits for a click and no trigger listens in {_listed(silent)}, so clicks change nothing there. "
            f"Steps that wait for one, or triggers, are in {_listed(hearing)}."
        )
    yield automation("no_wait_for_click", "info", sentence, "Add a step of kind wait_for_click or a trigger, and publish.")


def _listed(versions: list[VersionFacts]) -> str:
    return " and ".join(_named(version) for version in versions)


def work(subject: Subject, temporal_problem: str | None, campaign_waits: bool = False) -> Iterator[Finding]:
    """Finds whether anything waits for Temporal. `temporal_problem` says how it fails when it does not answer."""
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
    if facts.overdue:
        yield automation(
            "enrollments_overdue",
            "problem",
            f"{plural(facts.overdue, 'enrollment')} due and not gone on, the oldest since {since(facts.oldest_due)}. {because}.",
            change
            if temporal_problem
            else "Check that the worker runs and keeps up: see /health. Nothing is lost: they go on then.",
            count=facts.overdue,
        )
    if facts.gone:
        yield automation(
            "workflows_gone",
            "warning",
            f"{plural(facts.gone, 'enrollment')} ended with the workflow, for example: {facts.example_of_gone}.",
            "Enroll these contacts again, if that was not meant. To end one enrollment, stop it in the API.",
            count=facts.gone,
            enrollment_ids=list(facts.last_gone or ()),
            contact_ids=list(facts.contacts_of_last_gone or ()),
        )
    if facts.failed:
        yield automation(
            "enrollments_failed",
            "problem",
            f"{plural(facts.failed, 'enrollment')} failed, for example: {facts.example_of_failure or 'no reason is known'}",
            "Look at their workflows in the Temporal UI, correct the cause and enroll these contacts again.",
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
