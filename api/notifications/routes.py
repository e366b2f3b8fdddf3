"""Notification targets: the teams' chats, mailboxes and webhooks that triggers and sequences notify."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from api.callers.access import needed_role
from api.callers.caller import find_caller
from api.handling.request import Idempotent, OrganizationDep, ServicesDep, SessionDep, after_commit, apart, area
from api.handling.services import Services
from api.http.paging import Page, PageDep
from models.base import new_id, now
from models.errors import TooManyRequests
from models.notifications.notification import (
    NotificationState,
    close_notifications,
    notification_page,
    open_notification,
    retry_now,
    waiting_items,
)
from models.notifications.target import NotificationTarget, add_target, get_target, refuse_taken_name, target_page
from models.texts.text import Name, Text
from safe_errors import OwnWords
from services.contents.compile_content import refuse
from services.notifications.addresses import address_place
from services.notifications.check_text import notification_text_errors
from services.notifications.example import SECONDS_BETWEEN_TESTS, example

router = area("notification targets")

Address = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=2_000,
        description="An address as apprise writes it: docs/notifications.md lists the services. It is encrypted and never shown.",
        examples=["slack://TokenA/TokenB/TokenC/%23sales"],
    ),
]
NotificationText = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=2_000,
        description="A Liquid template. null: title and one line for each of the first five people.",
        examples=["{{ who }} {{ did }}: {{ conversation_url }}"],
    ),
]


class NotificationTargetCreate(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Sales", "address": "slack://TokenA/TokenB/TokenC/%23sales"}]}
    )

    name: Name = Field(description="What triggers and steps call it.", examples=["Sales"])
    address: Address
    text: NotificationText | None = None


class NotificationTargetChange(BaseModel):
    """Only the given fields are changed. With another address, what waits is tried again at once."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "{{ who }} {{ did }}"}]})

    name: Name | None = None
    address: Address | None = None
    text: NotificationText | None = None

    @field_validator("name", "address", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave the field out to keep it; it cannot be null")
        return value


class NotificationTargetView(BaseModel):
    """`address` shows scheme and host only. `failing_since` is null while the last attempt succeeded."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str = Field(examples=["Sales"])
    service: str = Field(examples=["Slack"])
    address: str = Field(examples=["slack://…"])
    text: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime


class NotificationTargetDetails(NotificationTargetView):
    waiting: int = Field(description="What it has not been told yet; 100,000 and more count as 100,000.")
    next_try_at: datetime | None = Field(description="When it is told next; null: nothing waits.")


class NotificationView(BaseModel):
    """`count` is how many clicks or steps it told together. `due_at` is the next attempt while it is open."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: NotificationState
    count: int
    attempts: int
    last_error: str | None
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None


class NotificationTested(BaseModel):
    """`error` says why it was not sent."""

    sent: bool
    error: str | None = Field(examples=[None])


@router.post("/notification-targets", status_code=201, dependencies=[Idempotent], summary="Create a notification target")
async def create(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, body: NotificationTargetCreate
) -> NotificationTargetView:
    """A new target. Its address is read and its host is looked up, and nothing is sent: test it afterwards. 409 when the name is
    taken."""
    org_id = caller.id
    async with apart(request, session, "notification_targets.create"):
        refuse(await notification_text_errors(services.judge, org_id, body.text, "text"), "The target cannot be saved")
        judged = await services.notifications.judge(body.address)
    target = NotificationTarget(
        id=new_id(), org_id=caller.id, name=body.name, service=judged.service, shown=judged.shown, text=body.text
    )
    target.address = services.secrets.encrypt(body.address, address_place(caller.id, target.id))
    await add_target(session, target)
    return _view(target)


@router.get("/notification-targets", summary="List notification targets")
async def list_all(session: SessionDep, caller: OrganizationDep, page: PageDep) -> Page[NotificationTargetView]:
    """Notification targets, newest first."""
    rows, after = await target_page(session, caller.id, page)
    return Page(items=[_view(row) for row in rows], next_cursor=page.next_cursor(after))


@router.get("/notification-targets/{target_id}", summary="Get a notification target")
async def get_one(session: SessionDep, caller: OrganizationDep, target_id: UUID) -> NotificationTargetDetails:
    """One target, how it does, and what it has not been told yet."""
    return await _details(session, await get_target(session, caller.id, target_id))


@router.patch("/notification-targets/{target_id}", summary="Change a notification target")
async def change(
    request: Request,
    session: SessionDep,
    caller: OrganizationDep,
    services: ServicesDep,
    target_id: UUID,
    body: NotificationTargetChange,
) -> NotificationTargetView:
    """Change its name, its address or its text. Triggers that name it follow at once, and the old name is free again."""
    await get_target(session, caller.id, target_id)
    await session.commit()  # a slow name server must not hold a connection
    refuse(await notification_text_errors(services.judge, caller.id, body.text, "text"), "The target cannot be changed")
    judged = await services.notifications.judge(body.address) if body.address is not None else None
    await find_caller(request, session, needed_role("notification_targets.change"))
    target = await get_target(session, caller.id, target_id, lock=True)
    if body.name is not None:
        await refuse_taken_name(session, caller.id, target.id, body.name)
        target.name = body.name
    if "text" in body.model_fields_set:
        target.text = body.text
    if judged is not None and body.address is not None:
        target.service, target.shown = judged
        target.address = services.secrets.encrypt(body.address, address_place(caller.id, target.id))
        await retry_now(session, target.id)
        after_commit(request, lambda: services.starter.ring_sweeper("notifications"))
    target.updated_at = now()
    await session.flush()
    return _view(target)


@router.delete("/notification-targets/{target_id}", status_code=204, summary="Delete a notification target")
async def delete(request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, target_id: UUID) -> None:
    """Delete it and its address. What it has not been told is given up: the actions of triggers that wanted to tell it become
    `failed` with this reason, and so do those that name it afterwards."""
    target = await get_target(session, caller.id, target_id, lock=True)
    target.archived_at, target.address = now(), None
    await close_notifications(session, target.id, "The target was deleted.")
    await session.flush()
    after_commit(request, lambda: services.starter.ring_sweeper("notifications"))


@router.post("/notification-targets/{target_id}/test", summary="Test a notification target")
async def test(
    request: Request, session: SessionDep, caller: OrganizationDep, services: ServicesDep, target_id: UUID
) -> NotificationTested:
    """Send one notification about an invented person now, and say what came of it. At most one every ten seconds, and one of an
    organization's targets at a time."""
    async with services.test_turns.turn(caller.id):  # however many targets hang, they take one of the organization's turns
        target = await get_target(session, caller.id, target_id, lock=True)
        if target.tested_at is not None and now() - target.tested_at < SECONDS_BETWEEN_TESTS:
            raise TooManyRequests("This target was tested within the last ten seconds: wait a moment, then test it again.")
        target.tested_at = now()
        await session.commit()  # a slow service must not hold a connection
        error = await _try(services, caller.id, caller.name, target)
    await find_caller(request, session, needed_role("notification_targets.test"))
    target = await get_target(session, caller.id, target_id, lock=True)
    target.last_success_at = now() if error is None else target.last_success_at
    if error is not None:
        target.last_failure_at, target.last_error = now(), error
    await session.flush()
    return NotificationTested(sent=error is None, error=error)


@router.get("/notification-targets/{target_id}/notifications", summary="List a target's notifications")
async def list_notifications(
    session: SessionDep, caller: OrganizationDep, target_id: UUID, page: PageDep
) -> Page[NotificationView]:
    """What it was told or will be told, newest first."""
    target = await get_target(session, caller.id, target_id)
    rows, after = await notification_page(session, target.id, page)
    return Page(items=[_notification(row) for row in rows], next_cursor=page.next_cursor(after))


async def _try(services: Services, org_id: UUID, organization: str, target: NotificationTarget) -> str | None:
    """Returns why it could not be sent."""
    try:
        address = services.secrets.decrypt(target.address or b"", address_place(org_id, target.id))
        console_url = services.settings.effective_console_url
        written = await asyncio.to_thread(example, target.text, target.name, organization, console_url)
        await services.notifications.send(address, written, new_id())
    except OwnWords as error:
        return str(error)
    return None


async def _details(session: AsyncSession, target: NotificationTarget) -> NotificationTargetDetails:
    waits, waiting = await open_notification(session, target.id), await waiting_items(session, target.id)
    next_try = waits.due_at if waits else target.quiet_until if waiting else None
    count = waiting + (waits.count if waits else 0)
    return NotificationTargetDetails(**_view(target).model_dump(), waiting=count, next_try_at=next_try)


def _view(target: NotificationTarget) -> NotificationTargetView:
    return NotificationTargetView.model_validate({**target.model_dump(exclude={"address"}), "address": target.shown})


def _notification(row: Any) -> NotificationView:
    view = NotificationView.model_validate(row)
    return view if view.state == NotificationState.OPEN else view.model_copy(update={"due_at": None})
