"""A callback is believed only when it proves that it comes from the provider."""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from pydantic import TypeAdapter
from standardwebhooks.webhooks import Webhook

from services.channels.http.callback_checks import TOLERANCE, CallbackCheck

SECRET = "the secret of callbacks, long enough for a key"
WHSEC = "whsec_" + base64.b64encode(b"k" * 32).decode()
BODY = '{"status": "delivered", "größe": 1}'.encode()


@dataclass(frozen=True)
class Request:
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = BODY


def check(**given: Any) -> Any:
    return TypeAdapter(CallbackCheck).validate_python(given)


def hmac_of(body: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.digest(SECRET.encode(), body, algorithm)


def token(algorithm: str = "HS256", secret: str = SECRET, **claims: Any) -> str:
    stated = {"iat": int(time.time()), "payload_hash": hashlib.sha256(BODY).hexdigest(), **claims}
    return "Bearer " + jwt.encode({name: value for name, value in stated.items() if value is not None}, secret, algorithm)


def test_a_token_stands_in_a_header_or_in_the_address() -> None:
    by_header = check(kind="token", header="X-Token", prefix="Key ")
    assert by_header.holds(Request({"x-token": f"Key {SECRET}"}), SECRET)
    by_parameter = check(kind="token", parameter="t")
    assert by_parameter.holds(Request(query={"t": SECRET}), SECRET)
    for wrong in ("", "Key ", SECRET, f"Key {SECRET}x", f"key {SECRET}", "Key \udcff"):
        assert not by_header.holds(Request({"x-token": wrong}, {"t": SECRET}), SECRET)
        assert not by_parameter.holds(Request({"x-token": SECRET}, {"t": f"{wrong}x"}), SECRET)


def test_basic_authentication_has_the_user_and_the_secret() -> None:
    basic = check(kind="basic", user="linkwake")
    pair = base64.b64encode(f"linkwake:{SECRET}".encode()).decode()
    assert basic.holds(Request({"authorization": f"Basic {pair}"}), SECRET)
    other = base64.b64encode(f"other:{SECRET}".encode()).decode()
    for wrong in ("", pair, f"Bearer {pair}", "Basic", "Basic !", f"Basic {other}"):
        assert not basic.holds(Request({"authorization": wrong}), SECRET)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_header_has_the_hmac_of_the_body(algorithm: str) -> None:
    signed = check(kind="hmac", header="X-Signature", algorithm=algorithm, prefix="v=")
    right = Request({"x-signature": f"v={hmac_of(BODY, algorithm).hex()}"})
    assert signed.holds(right, SECRET)
    assert not signed.holds(replace(right, body=BODY + b" "), SECRET)
    assert not signed.holds(right, SECRET + "x")
    assert not signed.holds(Request(), SECRET)


def test_a_signed_time_has_to_be_now() -> None:
    signed = check(kind="hmac", header="S", encoding="base64", signed="{timestamp}.{body}", timestamp_header="T")

    def at(timestamp: str) -> bool:
        signature = base64.b64encode(hmac_of(timestamp.encode() + b"." + BODY)).decode()
        return bool(signed.holds(Request({"s": signature, "t": timestamp}), SECRET))

    assert at(str(int(time.time())))
    for wrong in (str(int(time.time()) - TOLERANCE - 60), str(int(time.time()) + TOLERANCE + 60), "", "now", "٣", "9" * 40):
        assert not at(wrong)


def test_the_headers_of_standard_webhooks_are_checked() -> None:
    standard = check(kind="standard_webhooks")
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WHSEC).sign("m1", now, BODY.decode()),
    }
    assert standard.holds(Request(headers), WHSEC)
    for wrong in ({"webhook-id": "m2"}, {"webhook-signature": "v1"}, {"webhook-signature": "v1,!!"}, {"webhook-timestamp": "x"}):
        assert not standard.holds(Request(headers | wrong), WHSEC)
    assert not standard.holds(Request(headers, body=b"\xff"), WHSEC)


def test_a_json_web_token_is_bound_to_the_body() -> None:
    signed = check(kind="jwt")
    assert signed.holds(Request({"authorization": token()}), SECRET)
    assert not signed.holds(Request({"authorization": token()}, body=b"{}"), SECRET)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "Bearer ",
        "Bearer a.b.c",
        "Bearer é.é.é",
        token().removeprefix("Bearer "),
        token(secret="another secret that is long enough for it"),
        token("HS512", secret=SECRET * 2),
        token(payload_hash=None),
        token(payload_hash=""),
        token(exp=int(time.time()) - TOLERANCE - 60),
        token(exp=10),
        "Bearer " + jwt.encode({"payload_hash": hashlib.sha256(BODY).hexdigest()}, "", algorithm="none"),
    ],
)
def test_a_json_web_token_of_somebody_else_is_refused(wrong: str) -> None:
    assert not check(kind="jwt").holds(Request({"authorization": wrong}), SECRET)


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "token"},
        {"kind": "token", "header": "A", "parameter": "b"},
        {"kind": "hmac", "header": "A", "signed": "{timestamp}"},
        {"kind": "hmac", "header": "A", "signed": "{timestamp}.{body}"},
        {"kind": "hmac", "header": "A", "timestamp_header": "T"},
        {"kind": "hmac", "header": "A", "signed": "{body}{other}"},
        {"kind": "none"},
    ],
)
def test_a_check_that_cannot_work_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Give|Write|belong|tag"):
        check(**given)
