"""A content: one immutable text with its links. A campaign's message is one, each send step of a published version is one.

A link token is (content, ordinal, position): `ordinal` is the recipient's running number inside the content, handed out in
blocks, and `position` the link's place. See `docs/tokens.md`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Identity, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Column, Field, SQLModel

from models.base import Timestamp, new_id, now

MAX_CONTENT_ID = 2**26 - 1
MAX_ORDINAL = 2**27 - 1
MAX_POSITION = 2**5 - 1


class Content(SQLModel, table=True):
    """`subject` and `body` are compiled templates: each trackable address is `{{ tracked_links[position] }}`.

    `wakes` holds the positions whose human clicks something waits for (an enrollment's wait_for_click, a campaign's trigger):
    the redirect writes a signal for those only.
    """

    id: int | None = Field(
        default=None, sa_column=Column(Integer, Identity(always=False, maxvalue=MAX_CONTENT_ID), primary_key=True)
    )
    org_id: UUID = Field(foreign_key="organization.id")
    channel_id: UUID = Field(foreign_key="channel.id")
    campaign_id: UUID | None = Field(default=None, index=True)
    sequence_id: UUID | None = Field(default=None, index=True)
    sequence_version_id: UUID | None = Field(default=None, foreign_key="sequence_version.id", index=True)
    step_key: str | None = None
    subject: str | None = None
    body: str
    wakes: list[int] = Field(default_factory=list, sa_column=Column(ARRAY(Integer), nullable=False))
    next_ordinal: int = Field(default=0)
    created_at: datetime = Field(default_factory=now, sa_type=Timestamp)


class ContentLink(SQLModel, table=True):
    """A link of a content. `merge`: `url` contains merge fields, so each recipient's address is a `personal_link` row."""

    __tablename__ = "content_link"
    __table_args__ = (UniqueConstraint("content_id", "position"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    org_id: UUID = Field(foreign_key="organization.id")
    content_id: int = Field(foreign_key="content.id")
    position: int
    name: str | None = None
    url: str
    merge: bool = False


class PersonalLink(SQLModel, table=True):
    """One recipient's destination of a link with merge fields. The only link that has a row for each recipient."""

    __tablename__ = "personal_link"

    content_id: int = Field(primary_key=True, foreign_key="content.id")
    ordinal: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    url: str
