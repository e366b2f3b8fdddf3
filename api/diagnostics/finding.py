"""What a finding of the diagnostics is, and what it is about. `docs/troubleshooting.md` explains every code; a test keeps the
two equal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models.base import now
from models.organizations.cascade import Level, tracking_off_at
from models.organizations.organization import Organization
from models.reports.diagnostics import Facts

Code = Literal[
    "not_launched",
    "not_published",
    "nothing_sent",
    "no_links",
    "link_tracking_off",
    "sent_untracked",
    "no_clicks_yet",
    "only_machine_clicks",
    "clicks_waiting",
    "clicks_rejected",
    "no_trigger",
    "trigger_link_missing",
    "trigger_untracked",
    "trigger_sequence_missing",
    "trigger_sequence_not_published",
    "follow_up_untracked",
    "no_trigger_click",
    "trigger_nothing_sent",
    "trigger_other_link",
    "trigger_only_machines",
    "trigger_clicks_held",
    "trigger_deadline_ahead",
    "trigger_was_clicked",
    "trigger_too_late",
    "trigger_enrollment_over",
    "trigger_contact_erased",
    "trigger_not_in_segment",
    "trigger_segment_unanswered",
    "trigger_fired_already",
    "trigger_waits",
    "trigger_action_failed",
    "trigger_action_skipped",
    "trigger_target_missing",
    "trigger_target_fails",
    "trigger_fired",
    "step_not_done",
    "step_target_missing",
    "step_target_fails",
    "no_wait_for_click",
    "wait_link_missing",
    "wait_untracked",
    "draft_not_published",
    "no_enrollments",
    "campaign_not_started",
    "enrollments_not_started",
    "enrollments_overdue",
    "enrollments_failed",
    "workflows_gone",
    "campaign_gone",
    "workflow_tasks_fail",
    "campaigns_not_started",
    "imports_not_started",
    "temporal_away",
    "role_away",
    "platform_workflow_away",
    "partition_missing",
    "several_versions",
    "signals_waiting",
    "commands_waiting",
    "notification_target_failing",
    "metadata_off",
    "clicks_without_metadata",
    "geo_database_missing",
    "geo_database_broken",
    "geo_database_demo",
    "geo_database_old",
    "country_unknown",
    "location_approximate",
    "contacts_skipped",
    "channel_paused",
    "channel_test_failed",
    "callbacks_refused",
    "messages_too_late",
    "messages_of_archived_channel",
    "contacts_opted_out",
    "contacts_without_consent",
    "addresses_suppressed",
    "refusals_undecided",
    "messages_failed",
    "messages_refused",
    "messages_unknown",
]

Question = Literal[
    "clicks_not_showing", "automation_not_triggered", "no_metadata", "location_wrong", "sequence_not_tracking", "delivery"
]
Severity = Literal["problem", "warning", "info"]

NOTHING = "Nothing has to be changed."


class Finding(BaseModel):
    """A problem means that something does not work. A warning means that it works, but not as well as it could. An info explains
    why things are as they should be."""

    code: Code = Field(examples=["link_tracking_off"])
    question: Question = Field(description="Which question of `docs/troubleshooting.md` this answers.")
    severity: Severity
    sentence: str = Field(examples=["Link tracking is off for this campaign, so its links go out unchanged."])
    what_to_change: str = Field(examples=["Set link_tracking of the campaign to null or true."])
    level: Level | None = Field(None, description="Where something is switched off.")
    trigger_key: str | None = Field(None, description="Which trigger it is about.", examples=["hot"])
    step_key: str | None = Field(None, description="The step, or the send step on which this trigger stands.")
    channel_id: UUID | None = Field(None, description="Which channel it is about.")
    contact_ids: list[UUID] = Field(default_factory=list, description="Up to three examples.")
    enrollment_ids: list[UUID] = Field(default_factory=list, description="Up to three examples, the latest first.")
    firing_id: UUID | None = Field(None, description="A firing of which an action failed, as an example.")
    count: int | None = Field(None, description="How many messages, clicks, contacts or enrollments it is about.")


@dataclass(frozen=True)
class Subject:
    """The campaign or sequence that is looked into. `live` says that it is launched or published; `sends_more` that messages may
    still go out."""

    level: Level
    organization: Organization
    link_tracking: bool | None
    live: bool
    has_links: bool
    facts: Facts
    sends_more: bool = True

    @property
    def all_tracked(self) -> bool:
        """Whatever is switched off now concerns no message, because all of them have gone out with tracked links, which stay
        tracked for ever."""
        return bool(self.facts.sent(True)) and not self.facts.sent(False) and not self.sends_more

    @property
    def off_at(self) -> list[Level]:
        """Returns the levels at which link tracking is off."""
        return tracking_off_at(self.organization, self.level, self.link_tracking)

    @property
    def tracking_question(self) -> Question:
        return "sequence_not_tracking" if self.level == "sequence" else "clicks_not_showing"


def since(moment: datetime | None) -> str:
    """Returns a text such as `3 minutes`, for sentences."""
    seconds = max(int((now() - moment).total_seconds()), 0) if moment else 0
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return plural(seconds // size, word)
    return plural(seconds, "second")


def plural(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number:,} {word}s"
