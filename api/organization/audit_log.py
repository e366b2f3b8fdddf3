"""The audit log: who changed what, and when."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.routing import BaseRoute

from api.callers.access import CONSOLE_CHANGES, OPERATOR_CHANGES, is_audited
from api.handling.request import OrganizationDep, SessionDep, TransactionRoute, area
from api.http.paging import Page, PageDep
from models.errors import Invalid
from models.organizations.audit_log import AuditFilter, audit_page
from models.texts.moment import Moment
from models.texts.text import Text

router = area("audit log")


def known_actions(routes: Iterable[BaseRoute]) -> set[str]:
    """The operations of which the audit log can have rows: what providers send to `/callbacks` is in other tables."""
    ours = [route for route in routes if isinstance(route, TransactionRoute)]
    changes = {route.unique_id for route in ours if any(is_audited(method, route.unique_id) for method in route.methods or ())}
    return changes | OPERATOR_CHANGES | CONSOLE_CHANGES


def refuse_unknown_action(request: Request, action: str | None) -> None:
    """A misspelled action must not look like one that nobody has done."""
    known: set[str] = request.app.state.actions
    if action is not None and action not in known:
        raise Invalid.field("action", f"There is no such action. The actions are: {', '.join(sorted(known))}.")


class AuditEntry(BaseModel):
    """One change: ids and words of the product, no texts of people."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    action: str = Field(description="The operation, as in this document.", examples=["campaigns.launch"])
    key_id: str | None = Field(description="The API key that did it; null: the command line on the server.")
    target_kind: str = Field(examples=["campaign"])
    target_id: str | None = Field(description="null: no single thing, such as contacts in bulk.")
    request_id: UUID | None = Field(description="As in the answer's header `X-Request-Id` and in the API's log.")


def audit_filter(
    action: Annotated[
        Text | None,
        Query(
            description="Exactly this operation; 422 with all of them when there is none of that name.",
            examples=["campaigns.launch"],
        ),
    ] = None,
    key_id: Annotated[Text | None, Query(description="What this key did.")] = None,
    target_id: Annotated[Text | None, Query(description="What was done to this.")] = None,
    since: Annotated[Moment | None, Query(description="Then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Before.")] = None,
) -> AuditFilter:
    return AuditFilter(action, key_id, target_id, since, until)


@router.get("/audit-log", summary="List changes")
async def list_all(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    page: PageDep,
    wanted: Annotated[AuditFilter, Depends(audit_filter)],
) -> Page[AuditEntry]:
    """Every change by an API key or the command line, newest first, for as long as `AUDIT_LOG_KEPT` says."""
    refuse_unknown_action(request, wanted.action)
    rows, after = await audit_page(session, caller.id, wanted, page)
    return Page(items=[AuditEntry.model_validate(row) for row in rows], next_cursor=page.next_cursor(after))
