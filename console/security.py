"""What every page says to browsers, and what a form has to prove."""

import hashlib
import hmac

from starlette.requests import Request

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Nothing from elsewhere, nothing inline: a name that holds a script is a name."""
PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
LETTER_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""The policy of a mail's preview, which is a page at an address of its own: its styles work and its scripts do not."""
LETTER_HEADERS = {**PAGE_HEADERS, "Content-Security-Policy": LETTER_POLICY}


def form_token(session_token: str) -> str:
    """Returns what the forms of a session send, so that no other site can send them. Who reads it cannot sign in with it."""
    return hashlib.sha256(b"linkwake form " + session_token.encode()).hexdigest()[:40]


def is_ours(request: Request) -> bool:
    """Whether a form was sent by a page of this server. Browsers say where a form comes from; a program that says nothing has no
    cookie to misuse."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def is_token(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
