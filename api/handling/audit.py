"""Writes the audit row of a request, in its transaction. Every change and every export passes through here, so no endpoint can
forget it."""

import json

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers.access import is_audited
from api.http.request_log import AUDITED
from models.organizations.audit_log import record

KINDS = {"key_id": "api_key", "import_id": "contact_import", "host": "link_domain"}
"""Kinds of things whose parameter in a path has another name."""
NAMES = {"link_domains": "host"}
"""Words that stand in the paths of an area instead of an id."""

LARGEST_ANSWER = 2**20
"""Bytes of an answer that is read for its id. An answer with the id of one thing is far smaller, apart from long sequences."""


def leave_unaudited(request: Request) -> None:
    """For a handler that found nothing to change."""
    request.state.unaudited = True


def audit(session: AsyncSession, request: Request, operation: str, response: Response) -> None:
    """Adds the row to the session, so that it is stored with the change or not at all. An answer that was remembered for an
    idempotency key changes nothing and does not come here."""
    if not is_audited(request.method, operation) or getattr(request.state, "unaudited", False) or _asks_for_nothing(request):
        return
    key = request.state.key
    kind, target = _target(request, operation, response)
    row = record(session, key.org_id, operation, kind, target, key.id, getattr(request.state, "request_id", None))
    request.scope["state"].setdefault(AUDITED, []).append(row)


def _asks_for_nothing(request: Request) -> bool:
    """A change without a single field; its body was read before."""
    return request.method == "PATCH" and getattr(request, "_json", None) == {}


def _target(request: Request, operation: str, response: Response) -> tuple[str, str | None]:
    """Returns kind and id of the changed thing: those that the path names, else those that the answer shows. Both are None when
    the change is not about one thing."""
    if request.path_params:
        name, value = list(request.path_params.items())[-1]
        return KINDS.get(name, name.removesuffix("_id")), str(value).lower()  # in the usual form, however the caller wrote it
    area = operation.partition(".")[0]
    return area.removesuffix("s"), _shown(bytes(getattr(response, "body", b"")), NAMES.get(area, "id"))


def _shown(body: bytes, field: str) -> str | None:
    # A contact's property may be a larger number than orjson reads.
    shown = json.loads(body) if body and len(body) <= LARGEST_ANSWER else None
    found = shown.get(field) if isinstance(shown, dict) else None
    return found if isinstance(found, str) else None
