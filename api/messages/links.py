"""The links of a message as they stand in its text."""

import functools
import re
from collections.abc import Iterable, Iterator
from html import unescape
from uuid import UUID

from pydantic import BaseModel, Field

from models.messages.message import Message
from settings import Settings
from tracking.templates.merge import has_fields
from tracking.tokens.token import TokenCodec

# A token stands at the end of the path of an address in the text.
TRACKED_URL = re.compile(r"https?://[^\s\"'<>]+/([0-9A-Za-z]{14})(?![0-9A-Za-z])")


class MessageLink(BaseModel):
    """A link of this message. `url` is what stands in the text, for the contact to click.

    `id` is what `/v1/links/{id}/analytics` and `/v1/clicks?link_id=` take: everybody who got the text shares it.
    """

    id: UUID
    name: str | None = Field(examples=["offer"])
    position: int
    url: str = Field(examples=["http://127.0.0.1:8001/4jQ0ZbX81mKeuC"])
    destination: str = Field(examples=["https://www.example.com/offer"])


def codec_of(settings: Settings) -> TokenCodec:
    return _codec(tuple(settings.effective_token_keys))


@functools.lru_cache(maxsize=4)
def _codec(keys: tuple[bytes, ...]) -> TokenCodec:
    return TokenCodec(keys)


def sent_urls(message: Message, written: Iterable[tuple[int, str]], codec: TokenCodec) -> dict[int, str]:
    """Returns the addresses in the text of the message by the positions of their links, in order. `written` has the positions
    and what the author wrote there."""
    text = f"{message.body or ''}\n{unescape(message.html or '')}"
    return dict(sorted(_tracked_urls(message, text, codec) if message.tracked else _unchanged_urls(text, written)))


def _tracked_urls(message: Message, text: str, codec: TokenCodec) -> Iterator[tuple[int, str]]:
    """Reads the links from the text itself, because the link domain and the token keys may have changed since it was composed."""
    for match in TRACKED_URL.finditer(text):
        token = codec.decode(match[1])
        if token is not None and (token.content_id, token.recipient_number) == (message.content_id, message.recipient_number):
            yield token.position, match[0]


def _unchanged_urls(text: str, written: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Returns links without merge fields. An address that was made for one contact can only be read in the text."""
    for position, url in written:
        if not has_fields(url) and url in text:
            yield position, url
