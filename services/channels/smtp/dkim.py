"""Signs mails by DKIM (RFC 6376), with RSA, with Ed25519 (RFC 8463), or with both at once. Headers and body are canonicalized
`relaxed/relaxed`, which survives servers that fold headers again or cut spaces at the ends of lines."""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

SIGNED = (
    b"from",
    b"to",
    b"reply-to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"feedback-id",
)
SEALED = (b"from", b"to", b"reply-to", b"subject")
"""Headers that are named once more than they occur, so that nobody can add another one to a signed mail."""
LINE = 72
LEAST_BITS, MOST_BITS = 1024, 4096
"""RFC 8301: verifiers refuse smaller RSA keys, and need not know larger ones."""


class Key(Protocol):
    """Signs and tells what to publish. `algorithm` is the name that the signature has for it."""

    algorithm: str

    def sign(self, data: bytes) -> bytes: ...

    def record(self) -> str:
        """Returns the TXT record of the public key."""
        ...


class RsaKey:
    algorithm = "rsa-sha256"

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def record(self) -> str:
        public = self._key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


class Ed25519Key:
    algorithm = "ed25519-sha256"

    def __init__(self, key: ed25519.Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(hashlib.sha256(data).digest())

    def record(self) -> str:
        public = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"


def read_rsa_key(text: str) -> RsaKey:
    """Reads a private key in PEM. Raises ValueError, with a sentence that does not quote it."""
    problem = "This is not an RSA key: write a private key in PEM, without a passphrase, as `openssl genrsa 2048` makes it."
    key = _read_pem(text, problem)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(problem)
    if not LEAST_BITS <= key.key_size <= MOST_BITS:
        raise ValueError(f"An RSA key for DKIM has {LEAST_BITS} to {MOST_BITS} bits: make one with `openssl genrsa 2048`.")
    return RsaKey(key)


def read_ed25519_key(text: str) -> Ed25519Key:
    """Reads a private key in PEM, or its seed of 32 bytes in base64. Raises ValueError, with a sentence that does not quote
    it."""
    problem = "This is not an Ed25519 key: write PEM, as `openssl genpkey -algorithm ed25519` makes it, or its seed in base64."
    if "-----" in text:
        key = _read_pem(text, problem)
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise ValueError(problem)
        return Ed25519Key(key)
    try:
        return Ed25519Key(ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True)))
    except (binascii.Error, ValueError):
        raise ValueError(problem) from None


def _read_pem(text: str, problem: str) -> object:
    try:
        return serialization.load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(problem) from None


@dataclass(frozen=True)
class Selector:
    """A key and the name under which its public half is published: `{name}._domainkey.{domain}`."""

    name: str
    key: Key


class Signer:
    def __init__(self, domain: str, selectors: Sequence[Selector]) -> None:
        self.domain = domain
        self.selectors = tuple(selectors)

    def sign(self, headers: Sequence[bytes], body: bytes, time: int) -> list[bytes]:
        """Returns a header for each key, to stand before the others. `headers` are whole, each with its CRLF at the end. `time`
        is in seconds since 1970."""
        named = [(each.partition(b":")[0].strip().lower(), each) for each in headers]
        chosen = [name for name in SIGNED for found, _ in named if found == name]
        # The last of several headers of one name is signed first.
        data = b"".join(relaxed_header(each) for name in SIGNED for found, each in reversed(named) if found == name)
        names = b":".join([*chosen, *SEALED]).decode()
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        return [self._signature(selector, data, names, body_hash, time) for selector in self.selectors]

    def _signature(self, selector: Selector, data: bytes, names: str, body_hash: str, time: int) -> bytes:
        unsigned = (
            f"DKIM-Signature: v=1; a={selector.key.algorithm}; c=relaxed/relaxed; d={self.domain};\r\n"
            f" s={selector.name}; t={time};\r\n"
            f" h={_folded_names(names)};\r\n"
            f" bh={body_hash};\r\n"
            f" b="
        ).encode()
        signature = base64.b64encode(selector.key.sign(data + relaxed_header(unsigned).removesuffix(b"\r\n")))
        lines = [signature[start : start + LINE] for start in range(0, len(signature), LINE)]
        return unsigned + b"\r\n ".join(lines) + b"\r\n"


def _folded_names(names: str) -> str:
    """Breaks the list of headers behind colons, where a verifier takes the spaces out again."""
    lines = [""]
    for name in names.split(":"):
        if len(lines[-1]) + len(name) > LINE - 4:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n  ".join(lines).removesuffix(":")


_SPACES = re.compile(rb"[ \t]+")
_SPACES_AT_END = re.compile(rb"[ \t]+(?=\r\n|\Z)")


def relaxed_header(header: bytes) -> bytes:
    """Returns the header in one line, its name in lower case, and each run of spaces as one."""
    name, _, value = header.partition(b":")
    line = _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip().lower() + b":" + line + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """Returns the body without spaces at the ends of lines and empty lines at its end, and each run of spaces as one."""
    if b" " in body or b"\t" in body:
        body = _SPACES.sub(b" ", _SPACES_AT_END.sub(b"", body))
    body = body.rstrip(b"\r\n") if body.endswith(b"\r\n") else body
    return body + b"\r\n" if body else b""
