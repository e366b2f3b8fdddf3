"""What can go wrong for a caller. Each class has its HTTP status and says what to do; `api/problems.py` writes them out."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class FieldError:
    """One field that is wrong. `field` is its path in the request, such as `steps[2].on_click`.

    `line` and `column`, both from 1, say where in a template.
    """

    field: str
    message: str
    line: int | None = None
    column: int | None = None


def first_line(error: Exception) -> str:
    """What somebody else's error says, for a sentence of ours: some say nothing, and some a page."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


class LinkwakeError(Exception):
    """Base of every error that a caller can mend. `status` is the HTTP status, `code` a stable word for programs."""

    status = 500
    code = "internal"
    title = "Something went wrong on our side"

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
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
    """What a request that is fine in itself can meet: the `code` of each 409. Documented in `api/reference.py`."""

    CAMPAIGN_LAUNCHED = "campaign_already_launched"
    SEQUENCE_DRAFT = "sequence_not_published"
    ENROLLMENT_OVER = "enrollment_already_over"
    CONTACT_EXISTS = "contact_exists"
    TWO_CONTACTS = "two_contacts"
    CHANNEL_NAME_TAKEN = "channel_name_taken"
    SLUG_TAKEN = "slug_taken"
    LAST_API_KEY = "last_api_key"
    TOO_MANY_API_KEYS = "too_many_api_keys"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    KEY_REUSED = "idempotency_key_reused"


class Conflict(LinkwakeError):
    """The request is fine, the state it meets is not (already launched, already published, same name)."""

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


class BadRequest(LinkwakeError):
    """The request cannot be read at all, so nothing can be said of its fields."""

    status = 400
    code = "bad_request"
    title = "The request cannot be read"


class TooLarge(LinkwakeError):
    """The request's body is larger than it may be; the message says how large that is."""

    status = 413
    code = "too_large"
    title = "The request is too large"


class UnsupportedMediaType(LinkwakeError):
    """The body is of a kind that is not read here, or its header does not say that it is; the message says what to send."""

    status = 415
    code = "unsupported_media_type"
    title = "The request's body is of another kind"

    @classmethod
    def content_type(cls, message: str) -> "UnsupportedMediaType":
        return cls(message, [FieldError("Content-Type", message)])


class Unavailable(LinkwakeError):
    """A server that this request needs does not answer. Nothing was changed; the same request can be sent again."""

    status = 503
    code = "unavailable"
    title = "A part of the service is away"


class Unauthorized(LinkwakeError):
    """No API key, or one that is wrong or revoked."""

    status = 401
    code = "unauthorized"
    title = "A valid API key is needed"
