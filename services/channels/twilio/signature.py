"""The signature with which Twilio proves that a request comes from it: HMAC-SHA1 over the address that it called and the fields
of the form, with the account's auth token as the key."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

HEADER = "X-Twilio-Signature"
STANDARD_PORTS = {"https": 443, "http": 80}


def sign(auth_token: str, address: str, fields: Iterable[tuple[str, str]]) -> str:
    """`address` has the query, as it was called. Fields are sorted by name; of a name that occurs several times, each value
    counts once, sorted."""
    signed = address + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.digest(auth_token.encode(), signed.encode(), hashlib.sha1)).decode()


def is_signed(auth_token: str, address: str, fields: Sequence[tuple[str, str]], signature: str) -> bool:
    """Returns whether Twilio has signed the request. The address that it signs has sometimes a port and sometimes none."""
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(sign(auth_token, each, fields).encode(), given) for each in _spellings(address))


def _spellings(address: str) -> Iterable[str]:
    parts = urlsplit(address)
    host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    port = STANDARD_PORTS.get(parts.scheme) if parts.port is None else parts.port
    return dict.fromkeys((address, parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()))
