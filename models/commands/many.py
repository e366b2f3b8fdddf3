"""Asks something of many enrollments at once, as `services/commands/issue.py` does of one: to stop, or to go on elsewhere."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import new_id, now
from models.commands.command import CommandKind


class Stopped(NamedTuple):
    """An enrollment whose stop was asked for now, and the command that tells its workflow."""

    contact_id: UUID
    enrollment_id: UUID
    command_id: UUID


# Enrollments are locked in the order of their ids. One that is excepted is locked as well, so that two enrollments of one contact
# that stop each other wait for each other instead of deadlocking.
FIND = """
SELECT enrollment.id, enrollment.contact_id,
    enrollment.stop_requested_at IS NULL AND enrollment.id IS DISTINCT FROM given.except_id AS stops
FROM unnest(CAST(:contact_ids AS uuid[]), CAST(:except_ids AS uuid[])) AS given (contact_id, except_id)
JOIN enrollment ON enrollment.contact_id = given.contact_id
WHERE enrollment.org_id = :org_id AND enrollment.state IN ('queued', 'running')
    AND (CAST(:sequence_id AS uuid) IS NULL OR enrollment.sequence_id = :sequence_id OR enrollment.id = given.except_id)
ORDER BY enrollment.id FOR NO KEY UPDATE OF enrollment
"""
FIND_BY_ID = """
SELECT id FROM enrollment WHERE id = ANY(CAST(:ids AS uuid[])) AND org_id = :org_id AND state IN ('queued', 'running')
    AND stop_requested_at IS NULL ORDER BY id FOR NO KEY UPDATE
"""
HOLD_STOP = """
UPDATE enrollment SET stop_requested_at = :now, stop_reason = :reason WHERE id = ANY(CAST(:ids AS uuid[]))
"""
COMMAND = """
INSERT INTO command (id, org_id, enrollment_id, kind, detail, created_at, due_at, attempts)
SELECT given.command_id, :org_id, given.id, :kind, CAST(:detail AS jsonb), :now, :now, 0
FROM unnest(CAST(:ids AS uuid[]), CAST(:command_ids AS uuid[])) AS given (id, command_id) ORDER BY given.id
"""


async def stop_enrollments(
    session: AsyncSession,
    org_id: UUID,
    contacts: Sequence[tuple[UUID, UUID | None]],
    sequence_id: UUID | None,
    reason: str,
) -> list[Stopped]:
    """Asks for the stop of the contacts' enrollments that are not over: those in the sequence, or, with None, in any. Each of
    `contacts` comes with an enrollment that goes on, or None. Those that somebody asked to stop before are left out."""
    where = {
        "org_id": org_id,
        "sequence_id": sequence_id,
        "contact_ids": [contact_id for contact_id, _ in contacts],
        "except_ids": [enrollment_id for _, enrollment_id in contacts],
    }
    found = await session.execute(text(FIND), where)
    stopped = [Stopped(row.contact_id, row.id, new_id()) for row in found if row.stops]
    await _stop(session, org_id, {each.enrollment_id: each.command_id for each in stopped}, reason)
    return stopped


async def stop_these(session: AsyncSession, org_id: UUID, enrollment_ids: Sequence[UUID], reason: str) -> dict[UUID, UUID]:
    """Asks for the stop of these enrollments. Returns the commands of those that were not over and not asked to stop before."""
    commands = await _commands(session, org_id, enrollment_ids)
    await _stop(session, org_id, commands, reason)
    return commands


async def move_these(session: AsyncSession, org_id: UUID, enrollment_ids: Sequence[UUID], step_key: str) -> dict[UUID, UUID]:
    """Asks these enrollments to go on from this step. Returns the commands of those that were not over and not asked to stop."""
    commands = await _commands(session, org_id, enrollment_ids)
    await _issue(session, org_id, commands, CommandKind.MOVE, {"step_key": step_key})
    return commands


async def look_again(session: AsyncSession, org_id: UUID, enrollment_ids: Sequence[UUID]) -> list[UUID]:
    """Asks these enrollments, which the caller has locked, to try now what they wait for. Returns the ids of the commands."""
    commands = {each: new_id() for each in enrollment_ids}
    await _issue(session, org_id, commands, CommandKind.LOOK_AGAIN, {})
    return list(commands.values())


async def _commands(session: AsyncSession, org_id: UUID, enrollment_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Locks the enrollments. Returns ids for commands to those that can be asked something."""
    found = await session.scalars(text(FIND_BY_ID), {"ids": list(enrollment_ids), "org_id": org_id})
    return {enrollment_id: new_id() for enrollment_id in found}


async def _stop(session: AsyncSession, org_id: UUID, commands: Mapping[UUID, UUID], reason: str) -> None:
    if commands:
        await session.execute(text(HOLD_STOP), {"ids": list(commands), "reason": reason, "now": now()})
    await _issue(session, org_id, commands, CommandKind.STOP, {})


async def _issue(
    session: AsyncSession, org_id: UUID, commands: Mapping[UUID, UUID], kind: CommandKind, detail: Mapping[str, str]
) -> None:
    if not commands:
        return
    ids = {"ids": list(commands), "command_ids": list(commands.values())}
    values = {**ids, "kind": kind.value, "detail": json.dumps(detail), "org_id": org_id, "now": now()}
    await session.execute(text(COMMAND), values)
