"""What a finding of the diagnostics is, and what it is about. `docs/troubleshooting.md` explains every code; a test keeps the
two equal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from models.base import now
from models.diagnostics import Facts
from models.organization import Organization

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
    "no_wait_for_click",
    "wait_link_missing",
    "wait_untracked",
    "draft_not_published",
    "no_enrollments",
    "campaign_not_started",
    "enrollments_not_started",
    "enrollments_failed",
    "signals_waiting",
    "metadata_off",
    "clicks_without_metadata",
    "geo_database_missing",
    "geo_database_broken",
    "geo_database_demo",
    "geo_database_old",
    "country_unknown",
    "hosting_clicks",
    "location_approximate",
    "contacts_skipped",
    "messages_failed",
    "messages_refused",
    "messages_unknown",
]

Question = Literal[
    "clicks_not_showing", "automation_not_triggered", "no_metadata", "location_wrong", "sequence_not_tracking", "delivery"
]
Severity = Literal["problem", "warning", "info"]
Level = Literal["organization", "campaign", "sequence"]

NOTHING = "Nothing has to be changed."


class Finding(BaseModel):
    """problem: it does not work. warning: it works, but not as well as it could. info: it is as it should be, and here is why."""

    code: Code = Field(examples=["link_tracking_off"])
    question: Question = Field(description="Which question of `docs/troubleshooting.md` this answers.")
    severity: Severity
    sentence: str = Field(examples=["Link tracking is off for this campaign, so its links go out unchanged."])
    what_to_change: str = Field(examples=["Set link_tracking of the campaign to null or true."])
    level: Level | None = Field(None, description="Where something is switched off.")
    count: int | None = Field(None, description="How many messages, clicks, contacts or enrollments it is about.")


@dataclass(frozen=True)
class Subject:
    """The campaign or sequence that is looked into. `live`: launched or published. `sends_more`: messages may still go out."""

    level: Literal["campaign", "sequence"]
    organization: Organization
    link_tracking: bool | None
    live: bool
    has_links: bool
    facts: Facts
    sends_more: bool = True

    @property
    def all_tracked(self) -> bool:
        """What is switched off now concerns no message: all have gone out, with tracked links, which stay tracked for ever."""
        return bool(self.facts.sent(True)) and not self.facts.sent(False) and not self.sends_more

    @property
    def off_at(self) -> list[Level]:
        """The levels at which link tracking is off."""
        levels: list[Level] = [] if self.organization.link_tracking else ["organization"]
        return levels if self.link_tracking is not False else [*levels, self.level]

    @property
    def tracking_question(self) -> Question:
        return "clicks_not_showing" if self.level == "campaign" else "sequence_not_tracking"


def since(moment: datetime | None) -> str:
    """`3 minutes`, for sentences."""
    seconds = max(int((now() - moment).total_seconds()), 0) if moment else 0
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return plural(seconds // size, word)
    return plural(seconds, "second")


def plural(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number:,} {word}s"
