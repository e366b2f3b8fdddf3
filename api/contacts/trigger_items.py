"""How the conversation shows what triggers did, and why they did not fire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.contacts.trigger_sentences import action_sentence, firing_sentence, refusal_sentence
from models.conversation.trigger_entries import FiringEntry, RefusalEntry, TriggerSource
from models.notifications.notification import NotificationState
from models.triggers.firing import NotFiredReason


class TriggerAbout(BaseModel):
    """Which trigger it is. A campaign's has no sequence, and a sequence's no campaign."""

    trigger_id: UUID
    trigger_key: str = Field(examples=["hot"])
    when: Literal["clicked", "not_clicked"]
    campaign_id: UUID | None
    campaign: str | None = Field(description="Name of the campaign.", examples=["Spring offer"])
    sequence_id: UUID | None
    sequence: str | None = Field(description="Name of the sequence.", examples=["Welcome"])
    sequence_version: int | None
    step_key: str | None = Field(description="Set when the trigger stands on a single send step.")


class TriggerActionItem(BaseModel):
    """One action of a firing. `waiting` has no outcome yet; the first of those that wait is tried next at `due_at`. An action
    `notify` waits until its target has been told."""

    position: int
    kind: str = Field(examples=["tag"])
    outcome: Literal["done", "failed", "skipped", "waiting"]
    summary: str = Field(examples=["tagged 'hot'"])
    at: datetime | None = Field(description="When it came to this outcome.")
    reason: str | None = Field(description="Why it failed, was skipped, or could not be done so far.")
    due_at: datetime | None
    message_id: UUID | None = Field(description="The message that it sent.")
    enrollment_id: UUID | None = Field(description="The enrollment that it began, ended or moved, or that stood in the way.")
    sequence_id: UUID | None = Field(description="The sequence in which it enrolled.")
    command_id: UUID | None
    target_id: UUID | None = Field(description="The notification target.")
    notification_id: UUID | None = Field(description="The notification that tells of it, until a day after it was sent.")


class TriggerItem(TriggerAbout):
    """A trigger that fired for the contact, with what became of each action. `at` is the time of the click, or the deadline."""

    kind: Literal["trigger"] = "trigger"
    id: UUID
    at: datetime
    summary: str = Field(examples=["clicked 'offer' → tagged 'hot', Sales notified, moved to 'Demo call'"])
    occurrence: int = Field(description="1 for the first time that it fired for this contact.")
    link: str | None = Field(description="Name of the clicked link.", examples=["offer"])
    click_id: UUID | None
    message_id: UUID = Field(description="The message that was clicked, or not clicked.")
    enrollment_id: UUID | None = Field(description="The enrollment of that message.")
    finished_at: datetime | None = Field(description="null: not all actions have an outcome.")
    actions: list[TriggerActionItem]


class TriggerRefusalItem(TriggerAbout):
    """The first time that a click of the contact did not fire the trigger for this reason."""

    kind: Literal["trigger_refusal"] = "trigger_refusal"
    id: UUID
    at: datetime
    summary: str = Field(
        examples=["clicked 'offer', but the trigger 'hot' did nothing: the click came after its window of 3 days"]
    )
    reason: NotFiredReason
    link: str | None = Field(description="Name of the clicked link.", examples=["offer"])
    click_id: UUID | None
    message_id: UUID


def trigger_item(entry: FiringEntry) -> TriggerItem:
    same = {name: getattr(entry.firing, name) for name in FIRING}
    actions = [_action(entry, position) for position in range(len(entry.source.trigger.definition["actions"]))]
    return TriggerItem(
        **_about(entry.source), **same, at=entry.at, summary=firing_sentence(entry), link=entry.firing.link_name, actions=actions
    )


FIRING = ("id", "occurrence", "click_id", "message_id", "enrollment_id", "finished_at")
MADE = ("message_id", "enrollment_id", "sequence_id", "command_id", "target_id")


UNTOLD: dict[NotificationState, Literal["waiting", "failed"]] = {
    NotificationState.OPEN: "waiting",
    NotificationState.FAILED: "failed",
}
"""How an action `notify` is shown until its target has been told."""


def _action(entry: FiringEntry, position: int) -> TriggerActionItem:
    taken, firing = entry.actions.get(position), entry.firing
    item = taken.item if taken else None
    untold = item if item and item.state != NotificationState.SENT else None
    is_next = taken is None and firing.finished_at is None and position == max(firing.next_action, 0)
    return TriggerActionItem(
        position=position,
        kind=str(entry.source.trigger.definition["actions"][position].get("kind")),
        outcome=UNTOLD[untold.state] if untold else taken.outcome.value if taken else "waiting",
        summary=action_sentence(entry, position),
        at=taken.at if taken else None,
        reason=untold.error if untold else taken.reason if taken else firing.last_error if is_next else None,
        due_at=untold.due_at if untold and untold.state == NotificationState.OPEN else firing.due_at if is_next else None,
        notification_id=item.notification_id if item else None,
        **{name: taken.detail.get(name) if taken else None for name in MADE},
    )


def refusal_item(entry: RefusalEntry) -> TriggerRefusalItem:
    same: dict[str, Any] = {name: getattr(entry.refusal, name) for name in ("id", "at", "reason", "click_id", "message_id")}
    return TriggerRefusalItem(**_about(entry.source), **same, summary=refusal_sentence(entry), link=entry.link)


def _about(source: TriggerSource) -> dict[str, Any]:
    trigger = source.trigger
    return {
        "trigger_id": trigger.id,
        "trigger_key": trigger.key,
        "when": trigger.event,
        "campaign_id": trigger.campaign_id,
        "campaign": source.campaign,
        "sequence_id": trigger.sequence_id,
        "sequence": source.sequence,
        "sequence_version": source.version,
        "step_key": trigger.step_key,
    }
