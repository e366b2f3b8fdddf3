"""Mail addresses that name one message (VERP), so that a bounce or an unsubscribe mail says which message it is about.

The address is `mailbox+token@domain`, such as `bounce+bq7…@mail.example.com`. A token is a letter for its use, then 16 bytes of
the message's id and 10 bytes of an HMAC in base32: 43 lower-case letters and digits, read in any case, because some servers
change it. Nobody without a key can make one, and so nobody can forge a bounce. Our Message-IDs begin with such a token too: a
report that quotes the headers of a message proves in this way that it is about one of ours.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

HMAC_BYTES = 10
TOKEN_LENGTH = 43
MAX_MAILBOX_LENGTH = 64 - TOKEN_LENGTH - 1
"""Characters that a mailbox may have before the plus sign: servers take at most 64 before the @."""


class TokenUse(StrEnum):
    """What a token is for, and its first letter. A token for one use is not valid for another."""

    BOUNCE = "b"
    UNSUBSCRIBE = "u"
    MESSAGE_ID = "m"


class NamedMessage(NamedTuple):
    use: TokenUse
    message_id: UUID


class MessageAddresses:
    """`keys` are the token keys, newest first: the first one signs, and all of them verify."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one token key is needed")
        self._keys = tuple(hashlib.sha256(b"linkwake address of a message" + key).digest() for key in keys)

    def token(self, use: TokenUse, message_id: UUID) -> str:
        signed = message_id.bytes + _sign(self._keys[0], use, message_id)
        return use.value + base64.b32encode(signed).decode().rstrip("=").lower()

    def address(self, use: TokenUse, message_id: UUID, mailbox: str) -> str:
        """Returns the address of this message at a mailbox such as `bounce@mail.example.com`."""
        local, _, domain = mailbox.rpartition("@")
        return f"{local}+{self.token(use, message_id)}@{domain}"

    def read(self, text: str) -> NamedMessage | None:
        """Returns what the token names in an address or a Message-ID, with or without angle brackets. Returns None for anything
        that these keys did not sign."""
        token = text.strip().strip("<>").partition("@")[0].rpartition("+")[2].lower()
        if len(token) != TOKEN_LENGTH or token[0] not in set(TokenUse) or not token.isascii():
            return None
        try:
            signed = base64.b32decode(token[1:].upper() + "======")
        except ValueError:
            return None
        use, message_id = TokenUse(token[0]), UUID(bytes=signed[:16])
        valid = [hmac.compare_digest(_sign(key, use, message_id), signed[16:]) for key in self._keys]
        return NamedMessage(use, message_id) if any(valid) else None


def _sign(key: bytes, use: TokenUse, message_id: UUID) -> bytes:
    return hmac.digest(key, use.value.encode() + message_id.bytes, "sha256")[:HMAC_BYTES]
