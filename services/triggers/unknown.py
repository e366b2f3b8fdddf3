"""Refuses triggers that name what the organization does not have. What another organization has looks just the same."""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import FieldError
from models.segments.segment import segments_by_id
from models.sequences.sequence import sequences_by_id
from models.triggers.mentions import Mentions
from services.effects.notify import target_problem


async def unknown_errors(session: AsyncSession, org_id: UUID, named: Mentions) -> list[FieldError]:
    sequences = await sequences_by_id(session, org_id, named.sequences.values())
    segments = await segments_by_id(session, org_id, named.segments.values())
    return [
        *_missing("sequence", named.sequences, sequences),
        *_missing("segment", named.segments, segments),
        *await _missing_targets(session, org_id, named.targets),
    ]


def _missing(what: str, named: Mapping[str, UUID], known: Collection[UUID]) -> Iterator[FieldError]:
    for path, each in named.items():
        if each not in known:
            yield FieldError(path, f"There is no {what} {each}.")


async def _missing_targets(session: AsyncSession, org_id: UUID, named: Mapping[str, str]) -> list[FieldError]:
    problems = {name: await target_problem(session, org_id, name) for name in set(named.values())}
    return [FieldError(path, problem) for path, name in named.items() if (problem := problems[name])]
