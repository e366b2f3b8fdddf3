"""What handlers get of their transaction: its session, the services, and a list of what is done once it is committed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.handling.services import Services
from api.http.request_log import shown_path

log = structlog.get_logger()

PATIENCE = timedelta(seconds=5)
"""How long a request waits for Temporal. Whatever could not be started or delivered is left to the sweeper."""

AfterCommit = Callable[[], Awaitable[object]]


async def get_session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


SessionDep = Annotated[AsyncSession, Depends(get_session)]
ServicesDep = Annotated[Services, Depends(get_services)]


def after_commit(request: Request, action: AfterCommit) -> None:
    """Does this when the transaction is committed. If it fails, the sweeper finds the rows and does it."""
    request.state.after_commit.append(action)


async def run_after_commit(request: Request) -> None:
    for action in request.state.after_commit:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await action()
        except Exception as error:  # the rows are stored, and the sweeper in the worker does what could not be done now
            log.warning("left to the sweeper", path=shown_path(request.scope), error=error)
