"""A content: one immutable text with its links. A campaign's message is one, each send step of a published version is one.

A link token is (content, ordinal, position): `ordinal` is the recipient's running number inside the content, handed out in
blocks, and `position` the link's place. See `docs/tokens.md`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Identity, Integer, UniqueConstraint, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Column, Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import Conflict, ConflictCode, NotFound

MAX_CONTENT_ID = 2**26 - 1
MAX_ORDINAL = 2**27 - 1
MAX_POSITION = 2**5 - 1


class Content(SQLModel, table=True):
    """`subject`, `body` and `html` are compiled templates: each trackable address is `{{ tracked_links[position] }}`.

    `wakes` holds the positions whose human clicks something waits for (an enrollment's wait_for_click, a campaign's trigger):
    the redirect writes a signal for those only.
    """

    id: int | None = Field(
        default=None, sa_column=Column(Integer, Identity(always=False, maxvalue=MAX_CONTENT_ID), primary_key=True)
    )
    org_id: UUID = Field(foreign_key="organization.id")
    channel_id: UUID | None = Field(default=None, foreign_key="channel.id", description="None: a shared link, no message.")
    campaign_id: UUID | None = Field(default=None, index=True)
    sequence_id: UUID | None = Field(default=None, index=True)
    sequence_version_id: UUID | None = Field(default=None, foreign_key="sequence_version.id", index=True)
    step_key: str | None = None
    subject: str | None = None
    body: str
    html: str | None = None
    wakes: list[int] = Field(default_factory=list, sa_column=Column(ARRAY(Integer), nullable=False))
    next_ordinal: int = Field(default=0)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class ContentLink(SQLModel, table=True):
    """A link of a content. `merge`: `url` contains merge fields, so each recipient's address is a `personal_link` row.

    `url` is written as browsers write it; `written` as the author did, for links that go out unchanged (null: the same).
    """

    __tablename__ = "content_link"
    __table_args__ = (UniqueConstraint("content_id", "position"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    content_id: int = Field(foreign_key="content.id")
    position: int
    name: str | None = None
    url: str
    written: str | None = None
    merge: bool = False


class PersonalLink(SQLModel, table=True):
    """One recipient's destination of a link with merge fields. The only link that has a row for each recipient."""

    __tablename__ = "personal_link"

    content_id: int = Field(primary_key=True, foreign_key="content.id")
    ordinal: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    url: str


@dataclass(frozen=True)
class LoadedContent:
    """A content with its links in the order of their positions. It never changes (but for `next_ordinal`): it may be kept."""

    content: Content
    links: Sequence[ContentLink]


@dataclass(frozen=True)
class PlacedLink:
    """A link and where it stands: the campaign or the published version, and the step, of its content."""

    link: ContentLink
    campaign_id: UUID | None
    sequence_version_id: UUID | None
    step_key: str | None


@dataclass(frozen=True)
class NewLink:
    """A link of a content that is being made; the fields are those of `ContentLink`."""

    position: int
    name: str | None
    url: str
    written: str | None
    merge: bool


async def add_content(session: AsyncSession, content: Content, links: Iterable[NewLink]) -> int:
    """The new content's id, which is part of every token of its links."""
    session.add(content)
    await session.flush()
    assert content.id is not None  # noqa: S101 - the database made it
    session.add_all([ContentLink(org_id=content.org_id, content_id=content.id, **vars(link)) for link in links])
    await session.flush()
    return content.id


async def load_content(session: AsyncSession, content_id: int) -> LoadedContent:
    content = await session.get(Content, content_id)
    if content is None:
        raise NotFound("No such content.")
    links = await session.scalars(
        select(ContentLink).where(col(ContentLink.content_id) == content_id).order_by(col(ContentLink.position))
    )
    return LoadedContent(content, links.all())


async def take_ordinals(session: AsyncSession, content_id: int, count: int) -> int:
    """The first of `count` running numbers that nobody else gets. Waits for other transactions that take from this content.

    Conflict when the content has had 134,217,728 recipients: no more fit into a link.
    """
    taken = await session.scalar(
        update(Content)
        .where(col(Content.id) == content_id, col(Content.next_ordinal) + count <= MAX_ORDINAL + 1)
        .values(next_ordinal=col(Content.next_ordinal) + count)
        .returning(col(Content.next_ordinal))
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise Conflict(
            ConflictCode.TOO_MANY_RECIPIENTS,
            f"This message cannot have more than {MAX_ORDINAL + 1:,} recipients: publish or launch a new one.",
        )
    return taken - count


async def links_of_campaigns(session: AsyncSession, campaign_ids: Sequence[UUID]) -> dict[UUID, list[PlacedLink]]:
    """The links of each campaign that has been launched, in the order of the text."""
    found: dict[UUID, list[PlacedLink]] = defaultdict(list)
    for placed in await _placed(session, col(Content.campaign_id).in_(campaign_ids)):
        if placed.campaign_id is not None:
            found[placed.campaign_id].append(placed)
    return found


async def links_of_version(session: AsyncSession, version_id: UUID) -> list[PlacedLink]:
    """The links of all messages of a published version, message by message in the order of the steps."""
    return await _placed(session, col(Content.sequence_version_id) == version_id)


async def _placed(session: AsyncSession, condition: ColumnElement[bool]) -> list[PlacedLink]:
    rows = await session.execute(
        select(ContentLink, col(Content.campaign_id), col(Content.sequence_version_id), col(Content.step_key))
        .join(Content, col(Content.id) == col(ContentLink.content_id))
        .where(condition)
        .order_by(col(ContentLink.content_id), col(ContentLink.position))
    )
    return [PlacedLink(*row) for row in rows]


async def personal_urls(session: AsyncSession, content_id: int, ordinal: int) -> dict[int, str]:
    """One recipient's own destinations, by position."""
    rows = await session.execute(
        select(col(PersonalLink.position), col(PersonalLink.url)).where(
            col(PersonalLink.content_id) == content_id, col(PersonalLink.ordinal) == ordinal
        )
    )
    return {row.position: row.url for row in rows}
