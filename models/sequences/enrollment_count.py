"""How many enrollments of each published version are in which state, without reading one.

Triggers of the table `enrollment` raise this counter, when rows are made and when a state changes.
"""

from uuid import UUID

from sqlalchemy import String
from sqlmodel import Field, SQLModel

from models.sequences.enrollment import EnrollmentState


class EnrollmentCount(SQLModel, table=True):
    """`outcome` is the word of the end step of completed enrollments, and empty for all others. The counter of a cell is the sum
    over its slots, as in `message_count`."""

    __tablename__ = "enrollment_count"

    sequence_version_id: UUID = Field(primary_key=True)
    state: EnrollmentState = Field(primary_key=True, sa_type=String)
    outcome: str = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    enrollments: int
