"""Verifies DKIM signatures by dkimpy, which is not ours. It takes Ed25519 from PyNaCl, which is not installed: `cryptography`
does that one operation."""

import base64
from types import SimpleNamespace
from typing import Any

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.channels.smtp.dkim import Signer


class _VerifyKey:
    def __init__(self, key: bytes, encoder: Any) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, digest: bytes, signature: bytes) -> bytes:
        self._key.verify(signature, digest)
        return digest


dkim.nacl = SimpleNamespace(
    signing=SimpleNamespace(VerifyKey=_VerifyKey),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
)


def verified(signer: Signer, mail: bytes) -> list[bool]:
    """Says of each signature whether it is valid, with the records that the signer would have published."""
    records = {f"{each.name}._domainkey.{signer.domain}.": each.key.record() for each in signer.selectors}

    def look(name: bytes, timeout: int = 5) -> bytes | None:
        return records[name.decode()].encode() if name.decode() in records else None

    return [_is_valid(mail, number, look) for number in range(len(signer.selectors))]


def _is_valid(mail: bytes, number: int, look: Any) -> bool:
    try:
        return bool(dkim.DKIM(mail).verify(number, dnsfunc=look))
    except dkim.ValidationError:
        return False
