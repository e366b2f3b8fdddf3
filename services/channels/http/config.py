"""The settings of an http channel: what is sent to a provider, and what its answers and its callbacks mean."""

import binascii
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from standardwebhooks.webhooks import Webhook

from models.contacts.phone import Country
from services.channels.base import Config, Fault, Host
from services.channels.http.callback_checks import CallbackCheck
from services.channels.http.conditions import Condition, Match, Part
from services.channels.http.json_path import JsonPath
from services.way_out.way_out import OURS

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_WRITTEN_HERE = OURS | {"content-type", "webhook-id", "webhook-timestamp", "webhook-signature"}
_SHORTEST_KEY = 24
"""Bytes that a signing secret has at least, as Standard Webhooks asks for."""


def _judge_url(url: str) -> str:
    """The host is written out: no value decides where a request goes."""
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    try:
        parts = urlsplit(url.partition("{")[0])
        known = parts.scheme in {"https", "http"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or "{" in authority or "@" in authority:
        raise ValueError("Write an address that begins with https:// and the host, without user, password or merge fields there.")
    return url


def _judge_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("The name of a header has letters, digits and hyphens, such as X-Api-Key.")
        if name.lower() in _WRITTEN_HERE:
            raise ValueError(f"The header {name} is written for you: leave it out.")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"The header {name} has a line break or a sign that cannot be sent: write ASCII characters alone.")
    return headers


Url = Annotated[str, Field(max_length=2000), AfterValidator(_judge_url)]


def _judge_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isprintable() or text != text.strip():
        raise ValueError("Write the secret without the line break, or the space at an end, that a copied text often has.")
    return secret


def _judge_token(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isascii():
        raise ValueError("A token has ASCII characters alone, because a header can hold no others.")
    return secret


Secret = Annotated[SecretStr, Field(min_length=1, max_length=2000), AfterValidator(_judge_secret)]
Token = Annotated[Secret, AfterValidator(_judge_token)]
Reason = Annotated[str, Field(min_length=1, max_length=200)]


class AnswerRule(Match):
    """What an answer that matches means. `retry` says that the provider did not take the message and may be asked again."""

    result: Literal["accepted", "refused", "retry"]
    fault: Fault = Field(Fault.MESSAGE, description="Whose fault a refusal is, which decides what follows from it.")
    reason: Reason | None = Field(None, description="What the message says then.", examples=["The recipient is inactive."])


class AnswerMapping(Part):
    """The first rule that matches counts. Without one: 2xx is accepted, 408, 425, 429 and 503 are tried again, 3xx, 401, 402,
    403, 404, 405 and 410 pause the channel, other 4xx refuse the message, and after other 5xx nobody knows what became of it."""

    rules: list[AnswerRule] = Field(default_factory=list, max_length=50)
    provider_id: JsonPath | None = Field(None, description="The provider's id of the message.", examples=["$.MessageID"])
    code: JsonPath | None = Field(None, description="The provider's own code of a refusal.", examples=["$.ErrorCode"])
    units: JsonPath | None = Field(None, description="What the provider counts, such as segments.")


class Find(Part):
    """How to ask what became of a message whose answer was lost: by a GET. `missing` has to say so for certain, because the
    message is then sent again. An answer that is neither is asked for again later."""

    url: Url
    found: list[Match] = Field(min_length=1, max_length=20)
    missing: list[Match] = Field(min_length=1, max_length=20)
    provider_id: JsonPath | None = None


class ReportRule(Part):
    """Which report an event is. A `bounced` one suppresses the address at once; when it is `soft`, only the fifth within 30
    days does."""

    when: list[Condition] = Field(min_length=1, max_length=20)
    kind: Literal["sent", "delivered", "failed", "bounced", "complained"]
    soft: bool = False
    fault: Fault | None = None


class ReportMapping(Part):
    """The first rule that matches counts, and an event without one is left alone. Either `message_id`, which is the id that our
    request had, or `provider_id` says which message it is about."""

    rules: list[ReportRule] = Field(min_length=1, max_length=50)
    message_id: JsonPath | None = None
    provider_id: JsonPath | None = None
    event_id: JsonPath | None = Field(None, description="Left out: an event that is the same in every sign counts once.")
    code: JsonPath | None = None
    reported_at: list[JsonPath] = Field(
        default_factory=list, max_length=5, description="The first one that is there counts: ISO 8601, or seconds since 1970."
    )

    @model_validator(mode="after")
    def _names_the_message(self) -> Self:
        if self.message_id is None and self.provider_id is None:
            raise ValueError("Give message_id or provider_id: one of them says which message an event is about.")
        return self


class InboundMapping(Part):
    """Which events are messages that people wrote to us."""

    when: list[Condition] = Field(min_length=1, max_length=20)
    from_address: JsonPath
    to_address: JsonPath | None = None
    body: JsonPath
    provider_id: JsonPath
    received_at: JsonPath | None = None
    before_addresses: str = Field("", max_length=5, description="Stands before both addresses then.", examples=["+"])
    country: Country | None = Field(
        None, description="Where a number without a country code is dialled; left out: in the country of our own number."
    )


class CallbackMapping(Part):
    """What the provider may tell us at `/callbacks/{channel_id}/http`, as JSON or as a form."""

    check: CallbackCheck
    events: JsonPath = Field("$", description="Where one event or the list of them stands in the document.")
    reports: ReportMapping | None = None
    inbound: InboundMapping | None = None


class HttpConfig(Config):
    """A provider that is reached by one POST for each message. `token` can be used in all templates as `{{ token }}`; `user` and
    `password` are sent as basic authentication."""

    SENT = frozenset({"password", "token"})

    url: Url = Field(examples=["https://api.example.com/messages"])
    body_format: Literal["json", "form"] = Field("json", description="form: application/x-www-form-urlencoded.")
    body: str = Field(description="A Liquid template.", examples=['{"to": {{ message.to_address | json }}}'])
    headers: Annotated[dict[str, str], AfterValidator(_judge_headers)] = Field(default_factory=dict, max_length=20)
    user: str | None = Field(None, min_length=1, max_length=200)
    password: Secret | None = None
    token: Token | None = None
    signing_secret: Secret | None = Field(
        None, description="Signs each request as Standard Webhooks describes: whsec_ and the key in base64, of 24 to 64 bytes."
    )
    answer: AnswerMapping = AnswerMapping()
    find: Find | None = None
    callback: CallbackMapping | None = None
    callback_secret: Secret | None = Field(None, description="What `callback.check` compares or signs with.")

    def hosts(self) -> list[Host]:
        named = [("url", self.url)] + ([("find.url", self.find.url)] if self.find else [])
        return [_host(field, url) for field, url in named]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together: give both or none.")
        if self.password is not None and "authorization" in map(str.lower, self.headers):
            raise ValueError("user and password write the header Authorization: leave it out of headers.")
        if (self.callback is None) != (self.callback_secret is None):
            raise ValueError("callback and callback_secret belong together: no callback is believed without a secret.")
        if self.signing_secret is not None:
            _judge_key(self.signing_secret, "signing_secret")
        if self.callback is not None and self.callback.check.kind == "standard_webhooks" and self.callback_secret is not None:
            _judge_key(self.callback_secret, "callback_secret")
        return self


def _host(field: str, url: str) -> Host:
    parts = urlsplit(url.partition("{")[0])
    secure = parts.scheme == "https"
    return Host(field, parts.hostname or "", parts.port or (443 if secure else 80), secure)


def _judge_key(secret: SecretStr, field: str) -> None:
    problem = f"{field} is whsec_ and a key in base64 that has 24 to 64 bytes: openssl rand -base64 32 makes one."
    text = secret.get_secret_value()
    try:
        length = len(binascii.a2b_base64(text.removeprefix("whsec_") + "==", strict_mode=False))
        Webhook(text)
    except (ValueError, RuntimeError):
        raise ValueError(problem) from None
    if not text.startswith("whsec_") or not _SHORTEST_KEY <= length <= 64:
        raise ValueError(problem)
