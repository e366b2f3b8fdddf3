"""How a callback proves that it comes from the provider: one kind for each way that providers use."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import AfterValidator, Field, model_validator
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.channels.http.conditions import Part

TOLERANCE = 300
"""Seconds by which a signed time may differ from ours, so that a recorded callback cannot be sent again much later."""


class Callback(Protocol):
    """A request as it came: header names are in lower case, and of several equal ones the first counts."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class TokenCheck(Part):
    """The secret stands in a header, or in the address behind `?`."""

    kind: Literal["token"]
    header: str | None = Field(None, min_length=1, max_length=100, examples=["X-Callback-Token"])
    parameter: str | None = Field(None, min_length=1, max_length=100)
    prefix: str = Field("", max_length=50, examples=["Bearer "])

    @model_validator(mode="after")
    def _stands_in_one_place(self) -> Self:
        if (self.header is None) == (self.parameter is None):
            raise ValueError("Give either header or parameter: where the secret stands.")
        return self

    def holds(self, callback: Callback, secret: str) -> bool:
        if self.header is not None:
            found = callback.headers.get(self.header.lower(), "")
        else:
            found = callback.query.get(self.parameter or "", "")
        return _equal(found, self.prefix + secret)


class BasicCheck(Part):
    """User and password, as HTTP's basic authentication sends them. The secret is the password."""

    kind: Literal["basic"]
    user: str = Field(min_length=1, max_length=200)

    def holds(self, callback: Callback, secret: str) -> bool:
        expected = base64.b64encode(f"{self.user}:{secret}".encode()).decode()
        scheme, _, found = callback.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "basic" and _equal(found.strip(), expected)


def _has_body(signed: str) -> str:
    if "{body}" not in signed or re.search(r"[{}]", signed.replace("{body}", "").replace("{timestamp}", "")):
        raise ValueError("Write what is signed with {body} and perhaps {timestamp}, such as {timestamp}.{body}.")
    return signed


class HmacCheck(Part):
    """A header has the HMAC of the body, perhaps with the time of another header in front of it."""

    kind: Literal["hmac"]
    header: str = Field(min_length=1, max_length=100, examples=["X-Signature"])
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field("", max_length=50, examples=["sha256="])
    signed: Annotated[str, Field(max_length=100), AfterValidator(_has_body)] = "{body}"
    timestamp_header: str | None = Field(None, min_length=1, max_length=100, description="Seconds since 1970.")

    @model_validator(mode="after")
    def _knows_the_time(self) -> Self:
        if ("{timestamp}" in self.signed) != (self.timestamp_header is not None):
            raise ValueError("timestamp_header and {timestamp} in signed belong together.")
        return self

    def holds(self, callback: Callback, secret: str) -> bool:
        timestamp = callback.headers.get(self.timestamp_header.lower(), "") if self.timestamp_header else ""
        if self.timestamp_header and not _is_now(timestamp):
            return False
        before, _, after = self.signed.replace("{timestamp}", timestamp).partition("{body}")
        digest = hmac.digest(secret.encode(), before.encode() + callback.body + after.encode(), self.algorithm)
        written = digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()
        return _equal(callback.headers.get(self.header.lower(), ""), self.prefix + written)


class StandardWebhooksCheck(Part):
    """The headers of Standard Webhooks. The secret is `whsec_` and the key in base64."""

    kind: Literal["standard_webhooks"]

    def holds(self, callback: Callback, secret: str) -> bool:
        try:
            Webhook(secret).verify(callback.body, dict(callback.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            return False
        return True


class JwtCheck(Part):
    """A JSON Web Token (RFC 7519) that is signed with HS256 and has a claim with the SHA-256 of the body, which binds it to the
    body. A time at which it expires is respected."""

    kind: Literal["jwt"]
    header: str = Field("Authorization", min_length=1, max_length=100)
    prefix: str = Field("Bearer ", max_length=50)
    body_hash_claim: str = Field("payload_hash", min_length=1, max_length=100)

    def holds(self, callback: Callback, secret: str) -> bool:
        found = callback.headers.get(self.header.lower(), "")
        claims = _claims(found.removeprefix(self.prefix), secret) if found.startswith(self.prefix) else {}
        expires = claims.get("exp", time.time())
        if not isinstance(expires, int | float) or expires < time.time() - TOLERANCE:
            return False
        return _equal(str(claims.get(self.body_hash_claim, "")), hashlib.sha256(callback.body).hexdigest())


CallbackCheck = Annotated[TokenCheck | BasicCheck | HmacCheck | StandardWebhooksCheck | JwtCheck, Field(discriminator="kind")]


def _claims(token: str, secret: str) -> dict[str, Any]:
    """Returns the claims of a token that was signed with the secret, and otherwise none."""
    signed, _, signature = token.rpartition(".")
    head, _, payload = signed.partition(".")
    expected = hmac.digest(secret.encode(), signed.encode(), "sha256")
    try:
        if not hmac.compare_digest(_from_base64url(signature), expected) or _object(head).get("alg") != "HS256":
            return {}
        return _object(payload)
    except ValueError:
        return {}


def _object(part: str) -> dict[str, Any]:
    found = json.loads(_from_base64url(part))
    return found if isinstance(found, dict) else {}


def _from_base64url(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _is_now(timestamp: str) -> bool:
    return (
        timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 and abs(int(timestamp) - time.time()) <= TOLERANCE
    )


def _equal(one: str, other: str) -> bool:
    """Compares without telling by its time how much of it is right."""
    return hmac.compare_digest(one.encode(errors="surrogateescape"), other.encode())
