"""Findings about the platform's own work: roles that are away, work that nobody takes up, workflows that fail."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from api.diagnostics.automation import automation
from api.diagnostics.finding import NOTHING, Finding, plural, since
from models.campaigns.campaign import Campaign, CampaignState
from models.notifications.target import NotificationTarget
from models.platform.heartbeat import LATE, LastBeat
from models.reports.diagnostics import Backlog, Facts

ROLES = {"worker": "nobody polls `workflows`", "redirect": "no redirect is alive"}
"""The consequence when all processes of a role are silent."""


def silent(role: str, last: LastBeat | None) -> str | None:
    """Returns a sentence without its end, which health uses too, or None when a process of the role was heard within `LATE`."""
    if last is None:
        return f"{ROLES[role]}, and nobody has since the tables were made"
    if last.seconds < LATE.total_seconds():
        return None
    return f"{ROLES[role]} since {last.at:%Y-%m-%d %H:%M:%S} UTC ({last.seconds:.0f} s)"


def temporal(problem: str | None) -> Iterator[Finding]:
    if problem:
        yield automation(
            "temporal_away",
            "problem",
            f"Temporal does not answer ({problem}), so no workflow goes on, and what is asked for waits.",
            "Start Temporal, or check TEMPORAL_ADDRESS. Nothing is lost: the work goes on by itself then.",
        )


def roles(beats: Mapping[str, LastBeat], temporal_problem: str | None) -> Iterator[Finding]:
    """A worker that does not reach Temporal gives no sign of life, so it is not blamed while Temporal does not answer."""
    for role in ROLES:
        if sentence := silent(role, beats.get(role)):
            waits = temporal_problem and role == "worker"
            yield automation(
                "role_away",
                "problem",
                f"{sentence[0].upper()}{sentence[1:]}.",
                "Start Temporal first: a worker that does not reach it gives no sign of life."
                if waits
                else f"Start the {role}, or look into its log: it may hang. ./linkwake up starts it again by itself.",
            )


def missing_workflows(ids: Sequence[str]) -> str | None:
    """Returns a sentence without its end, which health uses too, or None when each of the platform's own workflows runs."""
    if not ids:
        return None
    named = ", ".join(f"`{each}`" for each in ids)
    return (
        f"the platform's own {'workflow' if len(ids) == 1 else 'workflows'} {named} {'does' if len(ids) == 1 else 'do'} not run"
    )


def missing(ids: Sequence[str]) -> Iterator[Finding]:
    if sentence := missing_workflows(ids):
        yield automation(
            "platform_workflow_away",
            "problem",
            f"{sentence[0].upper()}{sentence[1:]}, so clicks are recorded late, or what was left behind is not found.",
            "A worker starts them again within 15 seconds. If they stay away, look into its log.",
            count=len(ids),
        )


def partition(month: datetime | None) -> Iterator[Finding]:
    if month is not None:
        yield automation(
            "partition_missing",
            "warning",
            f"The clicks of {month:%B %Y} have no partition yet, so the daily upkeep has not run for weeks.",
            "Look at the schedule `upkeep` in the Temporal UI: it may be paused. No click waits: the recorder makes the month.",
        )


def not_started(campaigns: Backlog, imports: Backlog) -> Iterator[Finding]:
    """The facts about a whole organization."""
    for code, found, word in (
        ("campaigns_not_started", campaigns, "launched campaign"),
        ("imports_not_started", imports, "contact import"),
    ):
        if found.rows:
            yield automation(
                code,
                "problem",
                f"{plural(found.rows, word)} without a workflow, the oldest since {since(found.oldest)}.",
                "Check that Temporal answers and the worker runs: see /health. Nothing is lost: the work starts by itself then.",
                count=found.rows,
            )


def commands(waiting: Backlog, temporal_problem: str | None) -> Iterator[Finding]:
    if waiting.rows:
        error = f" Last error: {waiting.last_error}." if waiting.last_error else ""
        cure = "Start Temporal." if temporal_problem else "Check that the worker runs: see /health."
        yield automation(
            "commands_waiting",
            "problem",
            f"{plural(waiting.rows, 'command')} of which the workflow has not heard, the oldest since {since(waiting.oldest)}."
            f"{error}",
            f"{cure} Nothing is lost: a stop holds from its answer on, so nothing more is sent meanwhile.",
            count=waiting.rows,
        )


def notified(targets: Sequence[NotificationTarget]) -> Iterator[Finding]:
    for target in targets:
        if target.failing_since is not None:
            yield automation(
                "notification_target_failing",
                "problem",
                f"The notification target '{target.name}' has failed for {since(target.failing_since)}. "
                f"Last error: {target.last_error}",
                "Correct its address, or wait until its service answers: what waits is tried again for a day.",
            )


def failing(workflows: int) -> Iterator[Finding]:
    if workflows:
        yield automation(
            "workflow_tasks_fail",
            "problem",
            f"{plural(workflows, 'workflow')} cannot go on, because a task fails again and again.",
            "Look at Failures in the Temporal UI: docs/ops.md says what to do. They go on by themselves when the cause is gone.",
            count=workflows,
        )


def gone(campaign: Campaign, facts: Facts) -> Iterator[Finding]:
    if campaign.state not in {CampaignState.STOPPED, CampaignState.FAILED}:
        return
    left = _without_message(campaign, facts)
    clicks = "Clicks on links that were sent still count" + (" and still fire its triggers." if campaign.triggers else ".")
    yield automation(
        "campaign_gone",
        "problem" if left else "info",
        f"The campaign's workflow was {campaign.reason}, so nothing more is sent: {_left(left, campaign.recipients)}. {clicks}",
        "Make a new campaign for the contacts who got no message." if left else NOTHING,
        count=left,
    )


def _without_message(campaign: Campaign, facts: Facts) -> int:
    """Counts recipients at the launch. Those who were left out, or whose message failed, have findings of their own."""
    finished = sum(group.messages for group in facts.messages if group.state != "planned")
    return max((campaign.recipients or 0) - finished, 0)


def _left(left: int, recipients: int | None) -> str:
    return f"{left:,} of {plural(recipients or 0, 'recipient')} got no message" if left else "no message was left to send"
