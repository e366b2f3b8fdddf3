"""Shareable links: made by hand, with a slug of their own, for anybody to click.

Each has a content without a message and one `content_link` of the same id, so that its clicks are kept and counted like others.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import Conflict, ConflictCode
from models.messages.content import Content, ContentLink, insert_content
from models.organizations.owned import require_owned
from models.paging import PageRequest, newest_first

OVERLAP = timedelta(minutes=1)
"""How much earlier than the newest change a change may be that appears later, because it was committed later or comes from a
machine whose clock is behind."""


class SharedLink(SQLModel, table=True):
    """`domain` is the host of the link domain for which it was made, and empty for the server's own. It answers there as long as
    its organization holds that domain. `destination` is as its author wrote it; the address with UTM parameters is that of the
    `content_link`."""

    __tablename__ = "shared_link"
    __table_args__ = (
        Index("uq_shared_link_slug", "slug", unique=True, postgresql_where=text("domain = '' AND deleted_at IS NULL")),
        Index(
            "uq_shared_link_org_id_domain_slug",
            "org_id",
            "domain",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_shared_link_org_id_id", "org_id", "id"),
        Index("ix_shared_link_updated_at", "updated_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    content_id: int = Field(foreign_key="content.id")
    domain: str
    slug: str
    name: str | None = None
    destination: str
    utm: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    utm_overwrite: bool = False
    active: bool = True
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    updated_at: datetime = Field(default_factory=now, sa_type=Timestamp)
    deleted_at: datetime | None = Field(default=None, sa_type=Timestamp)


class SharedRow(NamedTuple):
    """What a redirect keeps of a shared link. `live` means neither switched off nor deleted."""

    id: UUID
    org_id: UUID
    content_id: int
    domain: str
    slug: str
    url: str
    live: bool
    updated_at: datetime


CHANGED = """
SELECT shared.id, shared.org_id, shared.content_id, shared.domain, shared.slug, link.url,
    shared.active AND shared.deleted_at IS NULL AS live, shared.updated_at
FROM shared_link shared JOIN content_link link ON link.id = shared.id
WHERE CAST(:since AS timestamptz) IS NULL OR shared.updated_at > :since
ORDER BY shared.updated_at
"""

# A slug is made by one transaction at a time on one domain. The second one waits here and then sees the first one's row.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(:domain || '/' || :slug, 0))"


async def add_shared_link(session: AsyncSession, shared: SharedLink, url: str) -> SharedLink:
    """`url` includes UTM parameters. Raises Conflict when the slug is taken: on the server's domain by anybody's link, on a
    domain of the organization's by one of its own, because other organizations' links do not answer there."""
    await session.execute(text(LOCK), {"domain": shared.domain, "slug": shared.slug})
    taken = select(col(SharedLink.id)).where(
        col(SharedLink.domain) == shared.domain, col(SharedLink.slug) == shared.slug, col(SharedLink.deleted_at).is_(None)
    )
    if shared.domain:
        taken = taken.where(col(SharedLink.org_id) == shared.org_id)
    if await session.scalar(taken) is not None:
        raise Conflict(ConflictCode.SLUG_TAKEN, f"The slug '{shared.slug}' is taken on this link domain: choose another one.")
    shared.content_id = await insert_content(session, Content(org_id=shared.org_id, body=""))
    session.add(
        ContentLink(
            id=shared.id, org_id=shared.org_id, content_id=shared.content_id, position=0, name=shared.name, url=url, written=url
        )
    )
    session.add(shared)
    await session.flush()
    return shared


async def get_shared_link(session: AsyncSession, org_id: UUID, shared_id: UUID, *, lock: bool = False) -> SharedLink:
    row = await session.get(SharedLink, shared_id, with_for_update=lock or None, populate_existing=lock)
    return require_owned(None if row is None or row.deleted_at is not None else row, org_id, "shared link")


async def shared_link_page(session: AsyncSession, org_id: UUID, page: PageRequest) -> tuple[list[SharedLink], UUID | None]:
    statement = select(SharedLink).where(col(SharedLink.org_id) == org_id, col(SharedLink.deleted_at).is_(None))
    return await newest_first(session, statement, col(SharedLink.id), page)


async def change_shared_link(session: AsyncSession, shared: SharedLink, url: str) -> None:
    """Stores the link after its fields have changed. `url` includes UTM parameters."""
    link = await session.get_one(ContentLink, shared.id)
    link.url = link.written = url
    link.name, shared.updated_at = shared.name, now()
    await session.flush()


async def delete_shared_link(session: AsyncSession, shared: SharedLink) -> None:
    """Deletes the link. Its clicks stay on record, and the slug is free again."""
    shared.deleted_at = shared.updated_at = now()
    await session.flush()


async def changed_shared_links(session: AsyncSession, since: datetime | None) -> Sequence[SharedRow]:
    """Returns shared links in the order of their changes, deleted ones included. With `since` None it returns all of them."""
    return [SharedRow(*row) for row in await session.execute(text(CHANGED), {"since": since})]
