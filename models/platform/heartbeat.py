"""When each role was last alive, as PostgreSQL knows it, so that health can name a role that is away or hangs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from models.base import Timestamp

LATE = timedelta(seconds=30)
"""The one threshold of health, diagnostics and documentation: work that takes longer than this does not happen by itself, and a
role that was silent for longer is away or hangs."""


class Heartbeat(SQLModel, table=True):
    """The last sign of life of one process. `instance` is `pid@host`, and `about` what it says of itself: a redirect how fast it
    has answered in the last minutes."""

    role: str = Field(primary_key=True)
    instance: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Timestamp)
    about: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default="{}"))


# Processes that ended are forgotten after a day. The clock is PostgreSQL's alone, so clocks of machines may differ.
BEAT = """
WITH forgotten AS (DELETE FROM heartbeat WHERE at < now() - interval '1 day')
INSERT INTO heartbeat (role, instance, at, about) VALUES (:role, :instance, now(), CAST(:about AS jsonb))
ON CONFLICT (role, instance) DO UPDATE SET at = excluded.at, about = excluded.about
"""
HEARD = """
SELECT role, count(*) FILTER (WHERE at > now() - CAST(:late AS interval)) AS processes, max(at) AS at,
    extract(epoch FROM now() - max(at)) AS seconds
FROM heartbeat GROUP BY role ORDER BY role
"""
# Bounds are seconds, "" stands for longer ones.
ANSWERS = """
SELECT answers.key AS bound, sum(answers.value::int)::int AS count FROM heartbeat, jsonb_each_text(about -> 'answers') AS answers
WHERE role = 'redirect' AND at > now() - CAST(:late AS interval) GROUP BY answers.key
"""
LAST = "SELECT role, max(at) AS at, extract(epoch FROM now() - max(at)) AS seconds FROM heartbeat GROUP BY role"


@dataclass(frozen=True)
class LastBeat:
    """The process of the role that was heard last, `seconds` ago."""

    at: datetime
    seconds: float


@dataclass(frozen=True)
class HeardRole(LastBeat):
    """`processes` of the role were heard within `LATE`."""

    role: str
    processes: int


async def beat(session: AsyncSession, role: str, instance: str, about: Mapping[str, Any] | None = None) -> None:
    await session.execute(text(BEAT), {"role": role, "instance": instance, "about": json.dumps(about or {})})


async def last_beats(session: AsyncSession) -> dict[str, LastBeat]:
    """Returns the heartbeats by role. A role that was never heard is missing."""
    return {row.role: LastBeat(row.at, float(row.seconds)) for row in await session.execute(text(LAST))}


async def heard_roles(session: AsyncSession) -> list[HeardRole]:
    """Returns the roles that were heard within a day."""
    rows = await session.execute(text(HEARD), {"late": LATE})
    return [HeardRole(row.at, float(row.seconds), row.role, row.processes) for row in rows]


async def redirect_answers(session: AsyncSession) -> dict[float, int]:
    """Returns how many clicks the redirects have answered in the last minutes, by the seconds within which."""
    rows = await session.execute(text(ANSWERS), {"late": LATE})
    return dict(sorted((float(bound or "inf"), count) for bound, count in rows))
