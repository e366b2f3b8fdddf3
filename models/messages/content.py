"""A content: one immutable text with its links. A campaign's message is one content, and so is each send step of a published
version.

A link token is (content, recipient_number, position). `recipient_number` is the recipient's running number inside the content.
Numbers are handed out in blocks, and the rest of a block may be lost. `position` is the link's index in the content. See
`docs/tokens.md`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Identity, Index, Integer, Interval, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Column, Field, SQLModel, col

from models.base import Timestamp, new_id, now
from models.errors import Conflict, ConflictCode, NotFound, OutOfContents

MAX_CONTENT_ID = 2**26 - 1
MAX_RECIPIENT_NUMBER = 2**27 - 1
SEQUENCE_EXHAUSTED = "2200H"
"""PostgreSQL's error code when a sequence of numbers has come to its end."""


class Content(SQLModel, table=True):
    """`subject`, `body` and `html` are compiled templates: each trackable address is `{{ tracked_links[position] }}`.

    A content belongs to a campaign, to a step of a published version, to an action of a trigger, or it is that of a shared link.

    `wakes` holds the positions whose human clicks something waits for (an enrollment's wait_for_click, a campaign's trigger):
    the redirect writes a signal for those only.
    """

    __table_args__ = (
        Index(
            "uq_content_trigger_id_action_position",
            "trigger_id",
            "action_position",
            unique=True,
            postgresql_where=text("trigger_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(Integer, Identity(always=False, maxvalue=MAX_CONTENT_ID), primary_key=True)
    )
    org_id: UUID = Field(foreign_key="organization.id")
    channel_id: UUID | None = Field(default=None, foreign_key="channel.id", description="None: a shared link, no message.")
    campaign_id: UUID | None = Field(default=None, index=True)
    sequence_id: UUID | None = Field(default=None, index=True)
    sequence_version_id: UUID | None = Field(default=None, foreign_key="sequence_version.id", index=True)
    step_key: str | None = None
    trigger_id: UUID | None = Field(default=None, description="Set for the text of a trigger's action `send`.")
    action_position: int | None = None
    subject: str | None = None
    body: str
    html: str | None = None
    message_kind: str = Field(default="marketing", sa_column_kwargs={"server_default": "marketing"})
    valid_for: timedelta | None = Field(default=None, sa_type=Interval, description="After this time a message is too late.")
    wakes: list[int] = Field(default_factory=list, sa_column=Column(ARRAY(Integer), nullable=False))
    next_recipient_number: int = Field(default=0)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)

    def late_after(self, due_at: datetime) -> datetime | None:
        """Returns the time after which a message of this content that was due then is not worth sending; None when it always
        is."""
        return due_at + self.valid_for if self.valid_for is not None else None


class ContentLink(SQLModel, table=True):
    """A link of a content. `merge` says that `url` contains merge fields, so each recipient's address is a `personal_link` row.

    `url` is written as browsers write it, and `written` as the author wrote it, for links that go out unchanged. A `written` of
    null means that both are the same.
    """

    __tablename__ = "content_link"
    __table_args__ = (UniqueConstraint("content_id", "position"), Index("ix_content_link_org_id_id", "org_id", "id"))

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
    recipient_number: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    url: str


@dataclass(frozen=True)
class LoadedContent:
    """A content with its links in the order of their positions. It never changes, apart from `next_recipient_number`, so
    it may be kept."""

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


async def insert_content(session: AsyncSession, content: Content) -> int:
    """Returns the new content's id, which is part of every token of its links. Raises OutOfContents when all ids are used up."""
    session.add(content)
    try:
        await session.flush()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == SEQUENCE_EXHAUSTED:
            raise OutOfContents(
                f"All {MAX_CONTENT_ID:,} numbers of texts and shared links of this server are used up: tell whoever runs it."
            ) from None
        raise
    assert content.id is not None  # noqa: S101 - the database made it
    return content.id


async def add_content(session: AsyncSession, content: Content, links: Iterable[NewLink]) -> int:
    """Stores the content with its links and returns its id."""
    content_id = await insert_content(session, content)
    session.add_all([ContentLink(org_id=content.org_id, content_id=content_id, **vars(link)) for link in links])
    await session.flush()
    return content_id


async def contents_left(session: AsyncSession) -> int:
    """Returns how many contents the whole installation can still make."""
    last, used = (await session.execute(text("SELECT last_value, is_called FROM content_id_seq"))).one()
    return MAX_CONTENT_ID - int(last) + (0 if used else 1)


async def load_content(session: AsyncSession, content_id: int) -> LoadedContent:
    content = await session.get(Content, content_id)
    if content is None:
        raise NotFound("No such content.")
    links = await session.scalars(
        select(ContentLink).where(col(ContentLink.content_id) == content_id).order_by(col(ContentLink.position))
    )
    return LoadedContent(content, links.all())


# The row is locked first, so that the numbers begin where the last transaction ended. Messages of the content can be written
# meanwhile.
TAKE_NUMBERS = text("""
    UPDATE content SET next_recipient_number = least(before.next_recipient_number + :count, :limit)
      FROM (SELECT id, next_recipient_number FROM content WHERE id = :content_id FOR NO KEY UPDATE) AS before
     WHERE content.id = before.id AND before.next_recipient_number + :at_least <= :limit
    RETURNING before.next_recipient_number AS first, content.next_recipient_number AS next
""")


async def take_recipient_numbers(session: AsyncSession, content_id: int, at_least: int, count: int) -> range:
    """Takes `count` running numbers that nobody else gets. When the content does not have that many left, it takes fewer, but
    `at_least` this many. It waits for other transactions that take numbers of this content.

    Raises Conflict when the content has had 134,217,728 recipients, because no more fit into a link.
    """
    parameters = {"content_id": content_id, "at_least": at_least, "count": count, "limit": MAX_RECIPIENT_NUMBER + 1}
    taken = (await session.execute(TAKE_NUMBERS, parameters)).one_or_none()
    if taken is None:
        raise Conflict(
            ConflictCode.TOO_MANY_RECIPIENTS,
            f"This message cannot have more than {MAX_RECIPIENT_NUMBER + 1:,} recipients: publish or launch a new one.",
        )
    return range(taken.first, taken.next)


async def links_of_campaigns(session: AsyncSession, campaign_ids: Sequence[UUID]) -> dict[UUID, list[PlacedLink]]:
    """Returns the links of each campaign that has been launched, in the order of the text."""
    found: dict[UUID, list[PlacedLink]] = defaultdict(list)
    for placed in await _placed(session, col(Content.campaign_id).in_(campaign_ids)):
        if placed.campaign_id is not None:
            found[placed.campaign_id].append(placed)
    return found


async def links_of_version(session: AsyncSession, version_id: UUID) -> list[PlacedLink]:
    """Returns the links of all messages of a published version, message by message in the order of the steps."""
    return await _placed(session, col(Content.sequence_version_id) == version_id)


async def _placed(session: AsyncSession, condition: ColumnElement[bool]) -> list[PlacedLink]:
    rows = await session.execute(
        select(ContentLink, col(Content.campaign_id), col(Content.sequence_version_id), col(Content.step_key))
        .join(Content, col(Content.id) == col(ContentLink.content_id))
        .where(condition)
        .order_by(col(ContentLink.content_id), col(ContentLink.position))
    )
    return [PlacedLink(*row) for row in rows]


async def personal_urls(session: AsyncSession, content_id: int, recipient_number: int) -> dict[int, str]:
    """Returns one recipient's own destinations, by position."""
    rows = await session.execute(
        select(col(PersonalLink.position), col(PersonalLink.url)).where(
            col(PersonalLink.content_id) == content_id, col(PersonalLink.recipient_number) == recipient_number
        )
    )
    return {row.position: row.url for row in rows}


async def content_of_step(session: AsyncSession, version_id: UUID, step_key: str) -> Content | None:
    """Returns the text of a send step of a published version, or None for any other step."""
    found = select(Content).where(col(Content.sequence_version_id) == version_id, col(Content.step_key) == step_key)
    return await session.scalar(found.where(col(Content.trigger_id).is_(None)).limit(1))
