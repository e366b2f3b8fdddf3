"""Everything that can go wrong for a caller. Each class has its HTTP status and says what to do; `api/http/problems.py` writes
them out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

LONGEST_PATH, LONGEST_MESSAGE = 500, 2_000
"""Characters of a field's path and of an error's text that are shown. Both can quote what the caller wrote, which can have a
megabyte."""


def in_short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True)
class FieldError:
    """One field that is wrong. `field` is its path in the request, such as `steps[2].on_click`.

    `line` and `column`, both from 1, say where in a template. `contact_id` is the contact that a conflict is about.
    """

    field: str
    message: str
    line: int | None = None
    column: int | None = None
    contact_id: UUID | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "field", in_short(self.field, LONGEST_PATH))
        object.__setattr__(self, "message", in_short(self.message, LONGEST_MESSAGE))


class LinkwakeError(Exception):
    """Base of every error that the caller can fix. `status` is the HTTP status, `code` a stable word for programs."""

    status = 500
    code = "internal"
    title = "Something went wrong on our side"
    retry_after: int | None = None
    """Seconds after which to try again, when they are not the same for every error with this status."""

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        self.detail = in_short(detail, LONGEST_MESSAGE)
        super().__init__(self.detail)
        self.errors = errors or []


class NotFound(LinkwakeError):
    """It does not exist in the caller's organization. Another organization's id looks exactly the same."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(LinkwakeError):
    """The path exists, for other methods: those that the header `Allow` names."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"


class ConflictCode(StrEnum):
    """What a correct request can run into: the `code` of each 409. Documented in `api/description/reference.py`."""

    CAMPAIGN_LAUNCHED = "campaign_already_launched"
    SEQUENCE_DRAFT = "sequence_not_published"
    ENROLLMENT_OVER = "enrollment_already_over"
    CONTACT_EXISTS = "contact_exists"
    TWO_CONTACTS = "two_contacts"
    MAILBOXES_SHARED = "mailboxes_shared"
    KEY_OF_ANOTHER = "key_of_another_contact"
    CONTACT_ERASED = "contact_erased"
    CHANNEL_NAME_TAKEN = "channel_name_taken"
    TOO_MANY_CHANNELS = "too_many_channels"
    CHANNEL_ARCHIVED = "channel_archived"
    CHANGED_MEANWHILE = "changed_meanwhile"
    CHANNEL_CHANGED = "channel_changed_meanwhile"
    SEGMENT_USED = "segment_used"
    NOTIFICATION_TARGET_NAME_TAKEN = "notification_target_name_taken"
    TOO_MANY_NOTIFICATION_TARGETS = "too_many_notification_targets"
    SLUG_TAKEN = "slug_taken"
    LINK_DOMAIN_TAKEN = "link_domain_taken"
    LINK_DOMAIN_USED = "link_domain_used"
    TOO_MANY_LINK_DOMAINS = "too_many_link_domains"
    LAST_OWNER_KEY = "last_owner_key"
    TOO_MANY_API_KEYS = "too_many_api_keys"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    IMPORT_OVER = "import_already_over"
    FIRING_OPEN = "firing_still_open"
    NOTHING_FAILED = "nothing_failed"
    NOTHING_TO_DECIDE = "nothing_to_decide"
    KEY_REUSED = "idempotency_key_reused"


class Conflict(LinkwakeError):
    """The request is correct, but the state does not allow it (already launched, already published, same name)."""

    status = 409
    title = "Conflict with the current state"

    def __init__(self, code: ConflictCode, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail, errors)
        self.code = code


class Invalid(LinkwakeError):
    """The request is wrong; `errors` names the fields."""

    status = 422
    code = "invalid"
    title = "The request is not valid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        return cls(message, [FieldError(field, message)])


class TooMuch(Invalid):
    """What was asked reads more rows than a request may; `errors` names the fields to narrow, each with how."""

    code = "too_much"
    title = "Too much: narrow it"

    @classmethod
    def of(cls, sentence: str, fields: Mapping[str, str]) -> "TooMuch":
        return cls(sentence, [FieldError(field, how) for field, how in fields.items()])


class BadRequest(LinkwakeError):
    """The request cannot be read at all, so nothing can be said of its fields."""

    status = 400
    code = "bad_request"
    title = "The request cannot be read"


class RequestTimeout(LinkwakeError):
    """The request's body did not arrive in time; the message says how long it may take. Nothing was changed."""

    status = 408
    code = "request_timeout"
    title = "The request took too long to arrive"


class TooLarge(LinkwakeError):
    """The request's body is larger than it may be; the message says how large that is."""

    status = 413
    code = "too_large"
    title = "The request is too large"


class UnsupportedMediaType(LinkwakeError):
    """The body is of a kind that is not read here, or its header does not say that it is of the right kind; the message says what
    to send."""

    status = 415
    code = "unsupported_media_type"
    title = "The request's body is of another kind"

    @classmethod
    def content_type(cls, message: str) -> "UnsupportedMediaType":
        return cls(message, [FieldError("Content-Type", message)])


class TooManyRequests(LinkwakeError):
    """The organization has as much work in progress as it may have; the message says what to wait for."""

    status = 429
    code = "too_many_requests"
    title = "Too much at once"


class QuotaReached(LinkwakeError):
    """The organization has as much as it may have; the message says what to do. Waiting for some seconds changes nothing."""

    status = 429
    code = "quota_reached"
    title = "The organization's limit is reached"
    retry_after = 3600


class OutOfContents(LinkwakeError):
    """The whole installation has used up the numbers of its contents, of which each token has one."""

    status = 507
    code = "out_of_contents"
    title = "This server can make no further links"


class Unavailable(LinkwakeError):
    """A server that this request needs does not answer. Nothing was changed; the same request can be sent again."""

    status = 503
    code = "unavailable"
    title = "A part of the service is away"


class Forbidden(LinkwakeError):
    """The key is valid, but its role does not allow this; the message names the role that does."""

    status = 403
    code = "forbidden"
    title = "The API key may not do this"


class CallbackRefused(LinkwakeError):
    """A callback that does not prove that it comes from the channel's provider."""

    status = 403
    code = "callback_refused"
    title = "The callback is not signed by the channel's provider"


class Unauthorized(LinkwakeError):
    """No API key, or one that is wrong, revoked or expired."""

    status = 401
    code = "unauthorized"
    title = "A valid API key is needed"
