"""Finds out who calls: the organization of the API key, which is the only thing that says it."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.services import Services
from models.errors import Forbidden, Unauthorized
from models.organizations.api_key import ApiKey, Role
from models.organizations.caller import Caller, Refusal, find_by_id, find_by_key
from models.organizations.organization import Organization

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer lw_…`")

CONSOLE_KEY = "linkwake.console_key"
"""Where a request that the console makes in this process has the id of the key of whoever is signed in. Nobody outside can write
into the scope of a request."""

SENTENCES = {
    Refusal.REVOKED: "This API key was revoked: use another one.",
    Refusal.EXPIRED: "This API key has expired: use another one, or have an owner make one.",
}


def credential(request: Request) -> str:
    """Returns what the request says of its caller, as it says it: nobody knows yet whether it is true."""
    return request.scope.get(CONSOLE_KEY) or request.headers.get("authorization", "")


async def find_caller(request: Request, session: AsyncSession, needed: Role) -> Organization:
    """Returns the organization, when its key may do this; both are kept in `request.state`. Raises Unauthorized or Forbidden."""
    services: Services = request.app.state.services
    found = await _find(request, session, services)
    session.expunge(found.key)  # the log of requests reads it when the session is gone, also after a rollback
    request.state.key, request.state.caller = found.key, found.organization
    services.key_uses.note(found.key.id)
    if not Role(found.key.role).may(needed):
        enough = needed if needed == Role.OWNER else f"{needed} or higher"
        raise Forbidden(f"This needs an API key with the role {enough}; this one has {found.key.role}.")
    return found.organization


async def _find(request: Request, session: AsyncSession, services: Services) -> Caller:
    """Raises Unauthorized."""
    if (key_id := request.scope.get(CONSOLE_KEY)) is not None:
        found = await find_by_id(session, key_id)
        if isinstance(found, Refusal):
            raise Unauthorized(SENTENCES.get(found, "This API key is not known."))
        return found
    credentials = await bearer(request)
    if credentials is None:
        raise Unauthorized("Send an API key as 'Authorization: Bearer lw_…'.")
    found = await find_by_key(session, credentials.credentials)
    if isinstance(found, Refusal):
        services.refused_keys.count(found, credentials.credentials)
        raise Unauthorized(SENTENCES.get(found, "This API key is not known."))
    return found


async def current_organization(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Organization:
    """The caller was found before the handler runs; `bearer` is here for the API's description."""
    caller: Organization = request.state.caller
    return caller


async def current_key(request: Request) -> ApiKey:
    key: ApiKey = request.state.key
    return key


OrganizationDep = Annotated[Organization, Depends(current_organization)]
KeyDep = Annotated[ApiKey, Depends(current_key)]
