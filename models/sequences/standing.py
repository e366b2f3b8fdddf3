"""What a turn reads: where the enrollment stands, and on what a message to its contact depends."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.contacts.contact import Contact
from models.messages import budget
from models.messages.message import Message, MessageState
from models.organizations.cascade import is_tracked
from models.organizations.organization import Organization
from models.sequences.enrollment import Enrollment
from models.sequences.step_run import StepRun


class Locked(NamedTuple):
    """What stands in the enrollment's row, which nobody else changes until this transaction ends. `messages_of_day` counts the
    messages to its contact (`models/messages/budget.py`)."""

    id: UUID
    step_run: int
    step_key: str | None
    finished_at: datetime | None
    stop_requested_at: datetime | None
    has_message: bool
    messages_of_day: int


class Recipient(NamedTuple):
    """Whom a step writes to, with the settings that count now. `wants_message`: the enrollment goes on, and this passage has no
    message yet; with `wants_attempt`, it has one that is to be tried again. `entered_at` is when an earlier attempt entered the
    step; None means that this is the first one."""

    contact: Contact
    organization: Organization
    tracks_links: bool
    sequence_id: UUID
    variables: Mapping[str, Any]
    wants_message: bool
    wants_attempt: bool
    entered_at: datetime | None


async def lock(session: AsyncSession, enrollment_id: UUID, step_run: int) -> Locked:
    """The row is seen as it is once the lock is held. Messages are seen as they were when this statement began, so a message of
    the passage which another attempt has committed since then is found only when this attempt adds its own."""
    passage = {"enrollment_id": enrollment_id, "step_run": step_run, "since": budget.day_begin()}
    return Locked._make((await session.execute(LOCK, passage)).one())


async def lock_with_contact(session: AsyncSession, enrollment_id: UUID) -> Enrollment:
    """Locks the contact first and then its enrollment. So the instant effects on one contact, which can change the contact and
    its other enrollments, wait for each other."""
    await session.execute(text(LOCK_CONTACT), {"id": enrollment_id})
    return await session.get_one(Enrollment, enrollment_id, with_for_update={"key_share": True}, populate_existing=True)


LOCK_CONTACT = "SELECT FROM contact WHERE id = (SELECT contact_id FROM enrollment WHERE id = :id) FOR NO KEY UPDATE"

LOCK = text(f"""
WITH locked AS (
    SELECT id, contact_id, step_run, step_key, finished_at, stop_requested_at FROM enrollment WHERE id = :enrollment_id
    FOR NO KEY UPDATE
)
SELECT id, step_run, step_key, finished_at, stop_requested_at,
       EXISTS (SELECT FROM message
               WHERE message.enrollment_id = locked.id AND message.step_run = :step_run AND campaign_id IS NULL) AS has_message,
       (SELECT count(*) FROM message WHERE contact_id = locked.contact_id AND {budget.COUNTS}) AS messages_of_day
  FROM locked
""")  # noqa: S608 - a condition of ours

# The ORM takes twice the time for reading these two rows and the four values.
OF_CONTACT, OF_ORGANIZATION = tuple(Contact.model_fields), tuple(Organization.model_fields)
RECIPIENT = text(f"""
SELECT sequence.link_tracking, enrollment.sequence_id, enrollment.variables,
       enrollment.finished_at IS NULL AND enrollment.stop_requested_at IS NULL AND message.id IS NULL,
       coalesce(message.state = 'planned', false),
       (SELECT entered_at FROM step_run WHERE enrollment_id = enrollment.id AND number = :step_run),
       {", ".join(f"contact.{name}" for name in OF_CONTACT)},
       {", ".join(f"organization.{name}" for name in OF_ORGANIZATION)}
  FROM enrollment
  JOIN contact ON contact.id = enrollment.contact_id
  JOIN organization ON organization.id = enrollment.org_id
  JOIN sequence ON sequence.id = enrollment.sequence_id
  LEFT JOIN message
    ON message.enrollment_id = enrollment.id AND message.step_run = :step_run AND message.campaign_id IS NULL
 WHERE enrollment.id = :enrollment_id
""")  # noqa: S608 - names of ours


async def step_message(session: AsyncSession, enrollment_id: UUID, step_run: int) -> Message:
    """Returns the message of a passage that has one, as it is now."""
    found = select(Message).where(
        col(Message.enrollment_id) == enrollment_id, col(Message.step_run) == step_run, col(Message.campaign_id).is_(None)
    )
    return (await session.scalars(found)).one()


async def recipient(session: AsyncSession, enrollment_id: UUID, step_run: int) -> Recipient:
    """Without a lock: what is decided on it is looked at again when the message is claimed. Contact and organization belong to no
    session."""
    row = (await session.execute(RECIPIENT, {"enrollment_id": enrollment_id, "step_run": step_run})).one()
    of_sequence, sequence_id, variables, wants_message, wants_attempt, entered_at, *people = row
    contact = Contact(**dict(zip(OF_CONTACT, people, strict=False)))
    organization = Organization(**dict(zip(OF_ORGANIZATION, people[len(OF_CONTACT) :], strict=True)))
    tracks_links = is_tracked(organization, of_sequence)
    return Recipient(contact, organization, tracks_links, sequence_id, variables, wants_message, wants_attempt, entered_at)


async def sent_since(session: AsyncSession, enrollment_id: UUID, step_run: int) -> Sequence[tuple[str, int]]:
    """Returns step and passage of the messages of this passage and later ones that have gone out, or perhaps have."""
    rows = await session.execute(
        select(col(Message.step_key), col(Message.step_run))
        .where(
            col(Message.enrollment_id) == enrollment_id,
            col(Message.step_run) >= step_run,
            col(Message.campaign_id).is_(None),
            col(Message.state).in_([MessageState.ACCEPTED, MessageState.UNKNOWN]),
        )
        .order_by(col(Message.step_run))
    )
    return [(row.step_key, row.step_run) for row in rows]


async def left_by(session: AsyncSession, enrollment_id: UUID, number: int) -> str | None:
    """Returns how the enrollment left this passage, or None when it is still in it or never was."""
    return await session.scalar(
        select(col(StepRun.outcome)).where(col(StepRun.enrollment_id) == enrollment_id, col(StepRun.number) == number)
    )
