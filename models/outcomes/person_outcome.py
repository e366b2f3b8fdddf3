"""What became of the people of a campaign or a sequence: who was followed up, replied or opted out, each person once.

Triggers of the tables `firing_action`, `inbound_message` and `consent` write `person_outcome` in the transaction that writes the
cause, and a trigger of `person_outcome` raises `outcome_count`. So both equal the rows whoever writes them, and no caller has to
remember them (`migrations/versions/0004_people_by_outcome.py`,
`docs/decisions/0030-what-became-of-people-is-written-by-triggers.md`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import String, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp
from models.clicks.click import Scope


class Outcome(StrEnum):
    """What can become of a person, each once in a campaign or a sequence.

    `followed_up`: an action `enroll` or `send` of one of its triggers was done for the person. `replied`: the person wrote back
    after one of its messages, and that was no word such as STOP. `opted_out`: the person refused more messages after one of its
    messages, by its link for unsubscribing, by STOP as an answer, or by a complaint.
    """

    FOLLOWED_UP = "followed_up"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"


class PersonOutcome(SQLModel, table=True):
    """`scope` is a campaign or a sequence. `at` is the time of the first cause that was written. The row stays when the contact
    is erased, because it has nothing of the person but the id."""

    __tablename__ = "person_outcome"

    scope: Scope = Field(primary_key=True, sa_type=String)
    scope_id: UUID = Field(primary_key=True)
    outcome: Outcome = Field(primary_key=True, sa_type=String)
    contact_id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_type=Timestamp)


class OutcomeCount(SQLModel, table=True):
    """The counter of a scope and an outcome is the sum over its slots, as in `message_count`."""

    __tablename__ = "outcome_count"

    scope: Scope = Field(primary_key=True, sa_type=String)
    scope_id: UUID = Field(primary_key=True)
    outcome: Outcome = Field(primary_key=True, sa_type=String)
    slot: int = Field(primary_key=True)
    people: int


READ = """
SELECT scope_id, outcome, sum(people)::int AS people FROM outcome_count
WHERE scope = :scope AND scope_id = ANY(CAST(:scope_ids AS uuid[])) GROUP BY scope_id, outcome
"""


async def count_outcomes(session: AsyncSession, scope: Scope, scope_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[Outcome, int]]:
    """Returns the people of each campaign or sequence by outcome, with 0 for an outcome that nobody has."""
    counts: dict[UUID, dict[Outcome, int]] = defaultdict(lambda: dict.fromkeys(Outcome, 0))
    for row in await session.execute(text(READ), {"scope": scope.value, "scope_ids": list(scope_ids)}):
        counts[row.scope_id][Outcome(row.outcome)] = row.people
    return counts
