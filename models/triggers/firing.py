"""A firing: one occurrence of a trigger for one person, and what became of each of its actions."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Timestamp, new_id, now


class Firing(SQLModel, table=True):
    """`next_action` is the position of the action that comes next; at -1 comes the question whether the contact is in the
    trigger's segment. The firing is open until `finished_at`, and due at `due_at`, which is also the end of the lease of whoever
    works on it. `click_id` is null for `not_clicked`.

    `sends` says that the next action is a `send`. Such a firing waits for the sweeper of messages and not for that of the other
    actions, so that a channel that is slow holds up no tag.
    """

    __table_args__ = (
        Index("uq_firing_trigger_id_contact_id_occurrence", "trigger_id", "contact_id", "occurrence", unique=True),
        Index("ix_firing_contact_id_fired_at_id", "contact_id", "fired_at", "id"),
        Index("ix_firing_trigger_id_id", "trigger_id", "id"),
        Index("ix_firing_open", "org_id", "due_at", postgresql_where=text("finished_at IS NULL AND NOT sends")),
        Index("ix_firing_sends", "org_id", "due_at", postgresql_where=text("finished_at IS NULL AND sends")),
        Index("ix_firing_click_id", "click_id", postgresql_where=text("click_id IS NOT NULL")),
        Index("ix_firing_enrollment_id", "enrollment_id", postgresql_where=text("enrollment_id IS NOT NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    trigger_id: UUID = Field(foreign_key="trigger.id")
    contact_id: UUID = Field(foreign_key="contact.id")
    occurrence: int = Field(description="1 for the first one of this person.")
    message_id: UUID
    enrollment_id: UUID | None = None
    click_id: UUID | None = None
    link_name: str | None = None
    fired_at: datetime = Field(sa_type=Timestamp, description="When the person clicked, or the deadline.")
    next_action: int = 0
    sends: bool = False
    due_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    attempts: int = 0
    last_error: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)


class ActionOutcome(StrEnum):
    """`done`; `failed`, with its reason, can be retried; `skipped`: an action before it failed and said stop, or there is nothing
    to do."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class FiringAction(SQLModel, table=True):
    """What became of one action of a firing. `detail` holds ids, such as that of the enrollment or the message."""

    __tablename__ = "firing_action"
    __table_args__ = (Index("ix_firing_action_failed", "trigger_id", "firing_id", postgresql_where=text("outcome = 'failed'")),)

    firing_id: UUID = Field(primary_key=True, foreign_key="firing.id")
    position: int = Field(primary_key=True)
    trigger_id: UUID
    kind: str
    outcome: ActionOutcome = Field(sa_type=String)
    reason: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    at: datetime = Field(default_factory=now, sa_type=Timestamp)


class TriggerPerson(SQLModel, table=True):
    """How often a trigger has fired for a person, which is also the number of the latest occurrence. `refused` of these times do
    not count, because the contact was not in the trigger's segment. This row is what two clicks of one person at the same time
    wait for."""

    __tablename__ = "trigger_person"

    trigger_id: UUID = Field(primary_key=True, foreign_key="trigger.id")
    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id")
    times: int
    refused: int = 0


class NotFiredReason(StrEnum):
    """Why a click on the link of a trigger started nothing. A click of somebody for whom it has fired already as often as it may
    is no such reason."""

    TOO_LATE = "too_late"
    ENROLLMENT_OVER = "enrollment_over"
    CONTACT_ERASED = "contact_erased"
    NOT_IN_SEGMENT = "not_in_segment"
    SEGMENT_UNANSWERED = "segment_unanswered"


class TriggerRefusal(SQLModel, table=True):
    """The first click of a person that did not fire the trigger for this reason. The conversation shows it, and `id` is only its
    place there."""

    __tablename__ = "trigger_refusal"
    __table_args__ = (Index("ix_trigger_refusal_contact_id_at_id", "contact_id", "at", "id"),)

    trigger_id: UUID = Field(primary_key=True, foreign_key="trigger.id")
    contact_id: UUID = Field(primary_key=True, foreign_key="contact.id")
    reason: NotFiredReason = Field(primary_key=True, sa_type=String)
    id: UUID = Field(default_factory=new_id, sa_column_kwargs={"server_default": text("uuidv7()")})
    org_id: UUID = Field(foreign_key="organization.id")
    click_id: UUID | None = None
    message_id: UUID
    at: datetime = Field(sa_type=Timestamp)


class TriggerCount(SQLModel, table=True):
    """How often a trigger fired and for how many people (`what` is `fired` and `people`, at position -1), and how often each of
    its actions came to which outcome. It is raised in the transaction that writes the rows which it counts."""

    __tablename__ = "trigger_count"

    trigger_id: UUID = Field(primary_key=True, foreign_key="trigger.id")
    position: int = Field(primary_key=True)
    what: str = Field(primary_key=True)
    count: int
