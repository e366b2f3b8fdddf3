"""`Idempotency-Key`: the same key and request sent again get the first answer and do nothing."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Header, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers.caller import OrganizationDep
from api.handling.transaction import SessionDep
from models.errors import Conflict, ConflictCode, Invalid
from models.organizations import idempotency
from models.texts.text import Text


class AnsweredBefore(Exception):
    """The idempotency key was used before. This is the answer that was given then."""

    def __init__(self, response: Response) -> None:
        self.response = response


async def idempotent(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    idempotency_key: Annotated[
        Text | None,
        Header(
            alias="Idempotency-Key",  # spelled as in errors and the documentation
            max_length=255,
            description="Any unique text. The same key and request again gives the first answer and does nothing.",
        ),
    ] = None,
) -> None:
    """A dependency of every POST that creates or sends: `dependencies=[Depends(idempotent)]`."""
    if idempotency_key is None:
        return
    if not idempotency_key.strip():
        raise Invalid.field("Idempotency-Key", "The key is empty: send any unique text, or leave the header out.")
    await _reserve(request, session, caller.id, idempotency_key)


Idempotent = Depends(idempotent)


async def _reserve(request: Request, session: AsyncSession, org_id: UUID, idempotency_key: str) -> None:
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()).digest()
    answered = await idempotency.reserve(session, org_id, idempotency_key, digest)
    if answered is None:
        request.state.idempotency_key = idempotency_key
        return
    if answered.request_hash != digest:
        raise Conflict(
            ConflictCode.KEY_REUSED, "This Idempotency-Key was used for another request. Use a new key for a new request."
        )
    raise AnsweredBefore(
        Response(answered.body, answered.status, {"Idempotency-Replayed": "true"}, media_type="application/json")
    )


async def reserve_again(request: Request, session: AsyncSession) -> None:
    """Reserves the key once more after a rollback. When another request with this key has been answered meanwhile, this one has
    the same answer."""
    if request.state.idempotency_key is not None:
        await _reserve(request, session, request.state.caller.id, request.state.idempotency_key)


async def remember(session: AsyncSession, request: Request, response: Response) -> None:
    if request.state.idempotency_key is not None:
        body = request.state.remembered_body or bytes(response.body)
        await idempotency.remember(session, request.state.caller.id, request.state.idempotency_key, response.status_code, body)


def remember_instead(request: Request, body: dict[str, Any]) -> None:
    """Keeps this as the answer to a repeated idempotency key, instead of an answer that holds a secret."""
    request.state.remembered_body = orjson.dumps(body)
