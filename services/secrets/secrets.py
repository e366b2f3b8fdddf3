"""Encrypts what must not be readable in the database: addresses of notification targets, and later the secrets of channels.

A stored secret is the id of its key (8 bytes), a nonce (12 bytes) and AES-256-GCM's ciphertext. What it belongs to is
authenticated with it: a secret that is copied into another row, field or organization cannot be decrypted there.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from safe_errors import OwnWords

ID_BYTES, NONCE_BYTES = 8, 12


class Place(NamedTuple):
    """Where a secret is stored: `field` is the table and the column, such as `notification_target.address`."""

    field: str
    org_id: UUID
    row_id: UUID

    def associated_data(self) -> bytes:
        return b"\0".join((self.field.encode(), self.org_id.bytes, self.row_id.bytes))


class Undecipherable(OwnWords):
    """A stored secret cannot be decrypted: its key is missing in SECRET_KEYS, or the row was changed."""


class Secrets:
    """`keys` come newest first: the first one encrypts, all of them decrypt."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_key_id(key): AESGCM(key) for key in reversed(keys)}
        self.newest = _key_id(keys[0])
        """The id of the key that encrypts, with which each of its secrets begins."""

    def encrypt(self, text: str, place: Place) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self.newest + nonce + self._keys[self.newest].encrypt(nonce, text.encode(), place.associated_data())

    def decrypt(self, stored: bytes, place: Place) -> str:
        """Raises Undecipherable."""
        key = self._keys.get(stored[:ID_BYTES])
        if key is None:
            raise Undecipherable("The key of a stored secret is not among SECRET_KEYS: put it back behind the newer ones.")
        nonce, ciphertext = stored[ID_BYTES : ID_BYTES + NONCE_BYTES], stored[ID_BYTES + NONCE_BYTES :]
        try:
            return key.decrypt(nonce, ciphertext, place.associated_data()).decode()
        except (InvalidTag, ValueError):
            raise Undecipherable("A stored secret was changed or belongs to another row: enter it again.") from None


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"linkwake secret key" + key).digest()[:ID_BYTES]
