"""What the redirect keeps in memory: for each content its links, its organization, and which links wake something."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class LinkRow(NamedTuple):
    position: int
    url: str
    merge: bool


class ContentRow(NamedTuple):
    """One content, with `links` in the order of their positions."""

    id: int
    org_id: UUID
    wakes: tuple[int, ...]
    links: tuple[LinkRow, ...]


CONTENTS = """
SELECT content.id, content.org_id, content.wakes,
    array_remove(array_agg(link.position ORDER BY link.position), NULL) AS positions,
    array_remove(array_agg(link.url ORDER BY link.position), NULL) AS urls,
    array_remove(array_agg(link.merge ORDER BY link.position), NULL) AS merges
FROM content LEFT JOIN content_link link ON link.content_id = content.id
{where}
GROUP BY content.id
"""


async def contents_after(session: AsyncSession, newest: int, limit: int) -> list[ContentRow]:
    """Returns the next contents with a larger id, in the order of ids."""
    statement = text(CONTENTS.format(where="WHERE content.id > :newest") + "ORDER BY content.id LIMIT :limit")
    return [_content(*row) for row in await session.execute(statement, {"newest": newest, "limit": limit})]


async def contents_of(session: AsyncSession, ids: Sequence[int]) -> list[ContentRow]:
    """Returns those of the contents that exist."""
    statement = text(CONTENTS.format(where="WHERE content.id = ANY(CAST(:ids AS int[]))"))
    return [_content(*row) for row in await session.execute(statement, {"ids": ids})]


async def one_content(session: AsyncSession, content_id: int) -> ContentRow | None:
    row = (await session.execute(text(CONTENTS.format(where="WHERE content.id = :id")), {"id": content_id})).first()
    return _content(*row) if row else None


async def organizations_without_metadata(session: AsyncSession) -> frozenset[UUID]:
    """Returns the organizations that have switched link tracking metadata off."""
    return frozenset(await session.scalars(text("SELECT id FROM organization WHERE NOT link_tracking_metadata")))


PERSONAL_URL = """
SELECT url FROM personal_link
WHERE (content_id, recipient_number, position) = (:content_id, :recipient_number, :position)
"""


async def personal_url(session: AsyncSession, content_id: int, recipient_number: int, position: int) -> str | None:
    """Returns one recipient's destination of a link with merge fields."""
    key = {"content_id": content_id, "recipient_number": recipient_number, "position": position}
    url: str | None = await session.scalar(text(PERSONAL_URL), key)
    return url


def _content(
    content_id: int, org_id: UUID, wakes: list[int], positions: list[int], urls: list[str], merges: list[bool]
) -> ContentRow:
    links = tuple(LinkRow(*each) for each in zip(positions, urls, merges, strict=True))
    return ContentRow(content_id, org_id, tuple(wakes), links)
