"""How long enrollments stood in each step of a published version before they left it, without reading a step run.

Triggers of the table `step_run` raise this counter when a step is left, as others raise `step_count`
(`docs/decisions/0015-messages-and-step-runs-are-counted-by-triggers.md`).
"""

from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class StepTime(SQLModel, table=True):
    """`bucket` is one of the words of `DELAYS` (`models/clicks/counters.py`), and `milliseconds` what the step runs in it
    took together, each in whole milliseconds. The counter of a cell is the sum over its slots, as in `message_count`."""

    __tablename__ = "step_time"

    sequence_version_id: UUID = Field(primary_key=True)
    step_key: str = Field(primary_key=True)
    bucket: str = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    step_runs: int
    milliseconds: int = Field(sa_type=BigInteger)
