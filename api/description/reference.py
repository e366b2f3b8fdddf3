"""Writes `docs/api.md` from the OpenAPI document: `python -m api.description.reference > docs/api.md`.

A test keeps both equal."""

import sys
from typing import Any

from fastapi import FastAPI

from api.callers.access import is_declared, needed_role
from models.errors import (
    BadRequest,
    CallbackRefused,
    Conflict,
    ConflictCode,
    Forbidden,
    Invalid,
    LinkwakeError,
    MethodNotAllowed,
    NotFound,
    OutOfContents,
    QuotaReached,
    RequestTimeout,
    TooLarge,
    TooManyRequests,
    TooMuch,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

METHODS = ("get", "post", "put", "patch", "delete")

HEAD = """# The HTTP API

Made from the OpenAPI document by `python -m api.description.reference`; the full schemas, with examples to try, are at `/docs`
of a
running API and in `/v1/openapi.json`.

- **Key**: `Authorization: Bearer lw_…`. The organization comes from the key; another organization's id is a 404, as a filter too.
- **Role**: what a key may do. `viewer`, `sender`, `editor`, `owner`; each can do what those before it can, see [keys](keys.md).
- **Errors** are problem documents (RFC 9457, `application/problem+json`): `title`, `status`, `code` (a stable word for programs),
  `detail` (a sentence) and `errors`, a list of `{field, message}` with paths such as `steps[2].on_click`.
- **Lists** are pages: `?limit=50` (at most 500) and `?cursor=` with the `next_cursor` of the page before, and the same filters.
- **`Idempotency-Key`**: any unique text, on every POST marked with *. The same key with the same request gives the first answer
  again (header `Idempotency-Replayed: true`) and does nothing; with another request it is a 409. Keys are kept for a week.

## Errors

Each status has one `code`; 429 has two, 409 several.

| status | code | what to do |
|---|---|---|
"""

CONFLICTS_HEAD = """
## Conflicts

The request is right, but not now. The `code` of a 409 says what it has met:

| code | what to do |
|---|---|
"""

ERRORS: dict[type[LinkwakeError], str] = {
    BadRequest: "Correct the body: it is not UTF-8, or has a number too long or lists too deep to be read.",
    Unauthorized: "Send a key of the organization, live and whole, as `Authorization: Bearer lw_…`.",
    Forbidden: "Use a key with the role that the message names, or have an owner make one: see [keys](keys.md).",
    CallbackRefused: "Only for providers, at `/callbacks/…`: compare the channel's secret and `CALLBACK_URL` with what is set "
    "at the provider.",
    NotFound: "Look at the path and its ids: there is no such thing in the organization.",
    MethodNotAllowed: "Use a method that the path has; the header `Allow` names one or more.",
    RequestTimeout: "Send the body again over a faster line, or in smaller parts.",
    Conflict: "See below.",
    TooLarge: "Send many things in parts, and write less into one: `docs/limits.md` says how large a body may be.",
    UnsupportedMediaType: "Send the header `Content-Type` that `errors` asks for: that of JSON, or of CSV for an import.",
    Invalid: "Change the fields that `errors` names.",
    TooMuch: "Ask about less: `errors` names the fields to narrow, such as the time.",
    TooManyRequests: "Send the same request later, after the seconds of the header `Retry-After`: too much is at work already.",
    QuotaReached: "End, stop or delete something first, or ask the operator for more: see `docs/limits.md`.",
    LinkwakeError: "There is nothing that you can change: nothing was stored, and the server's log has the reason.",
    Unavailable: "Send the same request again, after the seconds of the header `Retry-After`; with the same `Idempotency-Key`.",
    OutOfContents: "Ask the operator: all numbers of texts and shared links are used up.",
}

CONFLICTS = {
    ConflictCode.CAMPAIGN_LAUNCHED: "Make a new campaign: one that is launched cannot be launched, changed or deleted.",
    ConflictCode.SEQUENCE_DRAFT: "Publish the sequence first.",
    ConflictCode.ENROLLMENT_OVER: "Nothing: there is nothing left to stop.",
    ConflictCode.CONTACT_ERASED: "Create a new contact: nothing about the erased one comes back.",
    ConflictCode.CONTACT_EXISTS: "Use `PUT /v1/contacts`, or the contact that `errors` names: a key belongs to one contact.",
    ConflictCode.TWO_CONTACTS: "Leave out the keys of one: the request names two contacts, which `errors` lists.",
    ConflictCode.MAILBOXES_SHARED: "Give each contact an address of its own, then switch `shared_mailboxes` off.",
    ConflictCode.KEY_OF_ANOTHER: "A weaker key is another contact's: leave it out, change that contact, or send `match_on`.",
    ConflictCode.CHANNEL_NAME_TAKEN: "Choose another name.",
    ConflictCode.CHANGED_MEANWHILE: "Somebody else changed it since you have seen it: look at it, then send the change again.",
    ConflictCode.CHANNEL_CHANGED: "Somebody else changed the channel at the same time: look at it, then send the change again.",
    ConflictCode.TOO_MANY_CHANNELS: "Archive a channel first.",
    ConflictCode.CHANNEL_ARCHIVED: "Create another channel: an archived one sends nothing any more.",
    ConflictCode.NOTIFICATION_TARGET_NAME_TAKEN: "Choose another name.",
    ConflictCode.TOO_MANY_NOTIFICATION_TARGETS: "Delete a notification target first.",
    ConflictCode.SLUG_TAKEN: "Choose another slug: this one is taken on the link domain.",
    ConflictCode.LINK_DOMAIN_TAKEN: "Choose another host, or ask the operator: another organization holds this one.",
    ConflictCode.SEGMENT_USED: "Take the segment out of the drafts that `detail` names, or change the segment instead.",
    ConflictCode.LINK_DOMAIN_USED: "Change what `detail` names first: messages still go out with this link domain.",
    ConflictCode.TOO_MANY_LINK_DOMAINS: "Release a link domain first.",
    ConflictCode.LAST_OWNER_KEY: "Make another owner key first: by the API, or on the server with `./linkwake key ORGANIZATION`.",
    ConflictCode.TOO_MANY_API_KEYS: "Revoke a key first.",
    ConflictCode.TOO_MANY_RECIPIENTS: "Publish or launch again: one message text has at most 134,217,728 recipients.",
    ConflictCode.IMPORT_OVER: "Nothing: there is nothing left to cancel.",
    ConflictCode.FIRING_OPEN: "Wait until the firing is over: its actions are still being done.",
    ConflictCode.NOTHING_FAILED: "Nothing: no action of the firing has failed.",
    ConflictCode.NOTHING_TO_DECIDE: "Nothing: the message does not look like a refusal, or somebody has decided otherwise.",
    ConflictCode.KEY_REUSED: "Use a new `Idempotency-Key`: this one belongs to another request.",
}


def reference(app: FastAPI) -> str:
    """Returns the whole page as Markdown, with a section for each tag and a row for each operation."""
    sections: dict[str, list[str]] = {}
    for path, operations in app.openapi()["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                sections.setdefault(operation["tags"][0], []).append(_row(method, path, operation))
    parts = [
        f"## {tag}\n\n| request | role | what it does |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        for tag, rows in sections.items()
    ]
    conflicts = "".join(f"| `{code}` | {CONFLICTS[code]} |\n" for code in ConflictCode)
    return "\n".join([HEAD + _errors() + CONFLICTS_HEAD + conflicts, *parts])


def _errors() -> str:
    codes = {kind: "one of those below" if kind is Conflict else f"`{kind.code}`" for kind in ERRORS}
    return "".join(f"| {kind.status} | {codes[kind]} | {advice} |\n" for kind, advice in ERRORS.items())


def _row(method: str, path: str, operation: dict[str, Any]) -> str:
    headers = {parameter["name"] for parameter in operation.get("parameters", [])}
    star = "*" if "Idempotency-Key" in headers else ""
    first_line = operation.get("description", operation["summary"]).split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return f"| `{method.upper()} {path}`{star} | {_role(operation)} | {first_line} |"


def _role(operation: dict[str, Any]) -> str:
    """Raises ValueError for an operation that does not say whose keys may call it."""
    name = operation["operationId"]
    if not operation.get("security"):
        return "none"
    if not is_declared(name):
        raise ValueError(f"{name} is not in NEEDS of api/callers/access.py: say there which role it needs")
    return str(needed_role(name))


if __name__ == "__main__":
    from api.app import create_app

    sys.stdout.write(reference(create_app()))
