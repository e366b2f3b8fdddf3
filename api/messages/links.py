"""The links of a message as they stand in its text."""

import functools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from html import unescape
from uuid import UUID

from pydantic import BaseModel, Field

from models.messages.message import Message
from settings import Settings
from tracking.templates.merge import has_fields
from tracking.tokens.token import TokenCodec

_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
_TOKEN = re.compile(r"/([0-9A-Za-z]{14})(?![0-9A-Za-z])")


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
    for url, written in addresses_with_token(text):
        token = codec.decode(written)
        if token is not None and (token.content_id, token.recipient_number) == (message.content_id, message.recipient_number):
            yield token.position, url


def addresses_with_token(text: str) -> Iterator[tuple[str, str]]:
    """Returns each address up to its last token, and the token. Each sign is looked at once: with one expression for both, the
    time would grow with the square of a text of many addresses without a token."""
    for address in _ADDRESS.finditer(text):
        host = address[0].index("://") + len("://")
        for token in deque(_TOKEN.finditer(address[0], host + 1), maxlen=1):
            yield address[0][: token.end()], token[1]


def _unchanged_urls(text: str, written: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Returns links without merge fields. An address that was made for one contact can only be read in the text."""
    for position, url in written:
        if not has_fields(url) and url in text:
            yield position, url
