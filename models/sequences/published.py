"""Reads a published version whole: its steps, and the text and channel of each send step."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channels.channel import Channel
from models.messages.content import Content, ContentLink, LoadedContent
from models.sequences.sequence import Sequence, SequenceVersion


async def version_with_texts(
    session: AsyncSession, version_id: UUID
) -> tuple[SequenceVersion, str, list[tuple[str, LoadedContent, Channel]]]:
    """Returns the version, its sequence's name, and the texts with the keys of their steps, in three statements."""
    version = await session.get_one(SequenceVersion, version_id)
    name = await session.scalar(select(col(Sequence.name)).where(col(Sequence.id) == version.sequence_id))
    of_version = col(Content.sequence_version_id) == version_id
    links: defaultdict[int, list[ContentLink]] = defaultdict(list)
    in_order = select(ContentLink).join(Content, col(Content.id) == col(ContentLink.content_id)).where(of_version)
    for link in await session.scalars(in_order.order_by(col(ContentLink.position))):
        links[link.content_id].append(link)
    contents = await session.execute(
        select(Content, Channel).join(Channel, col(Channel.id) == col(Content.channel_id)).where(of_version)
    )
    texts = [(content.step_key or "", LoadedContent(content, links[content.id or 0]), channel) for content, channel in contents]
    return version, name or "", texts
