"""Writes `docs/api.md` from the OpenAPI document: `python -m api.reference > docs/api.md`. A test keeps the two equal."""

import sys
from typing import Any

from fastapi import FastAPI

from models.errors import ConflictCode

METHODS = ("get", "post", "put", "patch", "delete")

HEAD = """# The HTTP API

Made from the OpenAPI document by `python -m api.reference`; the full schemas, with examples to try, are at `/docs` of a running
API and in `/v1/openapi.json`.

- **Key**: `Authorization: Bearer lw_…`. The organization comes from the key; another organization's id is a 404, as a filter too.
- **Errors** are problem documents (RFC 9457, `application/problem+json`): `title`, `status`, `code` (a stable word for programs),
  `detail` (a sentence) and `errors`, a list of `{field, message}` with paths such as `steps[2].on_click`. Each status has one
  code (400 `bad_request`, 422 `invalid`, 404 `not_found`, 401 `unauthorized`, 413 `too_large`, 415
  `unsupported_media_type`, 503 `unavailable`, 500 `internal`), 409 several.
- **Lists** are pages: `?limit=50` (at most 500) and `?cursor=` with the `next_cursor` of the page before, and the same filters.
- **`Idempotency-Key`**: any unique text, on every POST marked with *. The same key with the same request gives the first answer
  again (header `Idempotency-Replayed: true`) and does nothing; with another request it is a 409. Keys are kept for a week.

## Conflicts

The request is right, but not now. The `code` of a 409 says what it has met:

| code | what to do |
|---|---|
"""

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
    return "\n".join([HEAD + conflicts, *parts])


def _row(method: str, path: str, operation: dict[str, Any]) -> str:
    headers = {parameter["name"].lower() for parameter in operation.get("parameters", [])}
    star = "*" if "idempotency-key" in headers else ""
    first_line = operation.get("description", operation["summary"]).split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return f"| `{method.upper()} {path}`{star} | {first_line} |"


if __name__ == "__main__":
    from api.app import create_app

    sys.stdout.write(reference(create_app()))
