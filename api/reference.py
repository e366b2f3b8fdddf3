"""Writes `docs/api.md` from the OpenAPI document: `python -m api.reference > docs/api.md`. A test keeps the two equal."""

import sys
from typing import Any

from fastapi import FastAPI

from models.errors import (
    BadRequest,
    Conflict,
    ConflictCode,
    Invalid,
    LinkwakeError,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

METHODS = ("get", "post", "put", "patch", "delete")

HEAD = """# The HTTP API

Made from the OpenAPI document by `python -m api.reference`; the full schemas, with examples to try, are at `/docs` of a running
API and in `/v1/openapi.json`.

- **Key**: `Authorization: Bearer lw_…`. The organization comes from the key; another organization's id is a 404, as a filter too.
- **Errors** are problem documents (RFC 9457, `application/problem+json`): `title`, `status`, `code` (a stable word for programs),
  `detail` (a sentence) and `errors`, a list of `{field, message}` with paths such as `steps[2].on_click`.
- **Lists** are pages: `?limit=50` (at most 500) and `?cursor=` with the `next_cursor` of the page before, and the same filters.
- **`Idempotency-Key`**: any unique text, on every POST marked with *. The same key with the same request gives the first answer
  again (header `Idempotency-Replayed: true`) and does nothing; with another request it is a 409. Keys are kept for a week.

## Errors

Each status has one `code`, 409 several.

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
    BadRequest: "Mend the body: it is not UTF-8, or has a number too long or lists too deep to be read.",
    Unauthorized: "Send a key of the organization, live and whole, as `Authorization: Bearer lw_…`.",
    NotFound: "Look at the path and its ids: there is no such thing in the organization.",
    MethodNotAllowed: "Use a method that the path has; the header `Allow` names one or more.",
    Conflict: "See below.",
    TooLarge: "Send it in parts: a body may have 20 MB.",
    UnsupportedMediaType: "Send the header `Content-Type` that `errors` asks for: that of JSON, or of CSV for an import.",
    Invalid: "Change the fields that `errors` names.",
    LinkwakeError: "Nothing that you can mend: nothing was changed, and the server's log has the reason.",
    Unavailable: "Send the same request again, after the seconds of the header `Retry-After`; with the same `Idempotency-Key`.",
}

CONFLICTS = {
    ConflictCode.CAMPAIGN_LAUNCHED: "Make a new campaign: one that is launched cannot be launched, changed or deleted.",
    ConflictCode.SEQUENCE_DRAFT: "Publish the sequence first.",
    ConflictCode.ENROLLMENT_OVER: "Nothing: there is nothing left to stop.",
    ConflictCode.CONTACT_EXISTS: "Use `PUT /v1/contacts`, or the contact that `errors` names: a key belongs to one contact.",
    ConflictCode.TWO_CONTACTS: "Leave out the keys of one: the request names two contacts, which `errors` lists.",
    ConflictCode.CHANNEL_NAME_TAKEN: "Choose another name.",
    ConflictCode.SLUG_TAKEN: "Choose another slug: this one is taken on the link domain.",
    ConflictCode.LAST_API_KEY: "Make another key first: the last live one cannot be revoked.",
    ConflictCode.TOO_MANY_API_KEYS: "Revoke a key first.",
    ConflictCode.TOO_MANY_RECIPIENTS: "Publish or launch anew: one message text has at most 134,217,728 recipients.",
    ConflictCode.KEY_REUSED: "Use a new `Idempotency-Key`: this one belongs to another request.",
}


def reference(app: FastAPI) -> str:
    """The whole page as Markdown: a section for each tag, a row for each operation."""
    sections: dict[str, list[str]] = {}
    for path, operations in app.openapi()["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                sections.setdefault(operation["tags"][0], []).append(_row(method, path, operation))
    parts = [f"## {tag}\n\n| request | what it does |\n|---|---|\n" + "\n".join(rows) + "\n" for tag, rows in sections.items()]
    conflicts = "".join(f"| `{code}` | {CONFLICTS[code]} |\n" for code in ConflictCode)
    return "\n".join([HEAD + _errors() + CONFLICTS_HEAD + conflicts, *parts])


def _errors() -> str:
    codes = {kind: "one of those below" if kind is Conflict else f"`{kind.code}`" for kind in ERRORS}
    return "".join(f"| {kind.status} | {codes[kind]} | {advice} |\n" for kind, advice in ERRORS.items())


def _row(method: str, path: str, operation: dict[str, Any]) -> str:
    headers = {parameter["name"] for parameter in operation.get("parameters", [])}
    star = "*" if "Idempotency-Key" in headers else ""
    first_line = operation.get("description", operation["summary"]).split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return f"| `{method.upper()} {path}`{star} | {first_line} |"


if __name__ == "__main__":
    from api.app import create_app

    sys.stdout.write(reference(create_app()))
