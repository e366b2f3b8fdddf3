"""The whole loop in tests: the worker at work on real Temporal, the phones, and what the API says of people."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from temporalio.client import Client
from temporalio.worker import Worker

from models.database import Database
from services.process.endless import Endless, endless_workflows, start_all
from services.starter import Starter
from settings import Settings
from temporal_client import DATA_CONVERTER
from tests.builders import Caller
from worker import build_activities, build_workers

SMS = "simulator-sms"


@asynccontextmanager
async def worker_at_work(settings: Settings, database: Database, temporal: Client) -> AsyncIterator[None]:
    """The worker with its endless workflows, in this process and with a client of its own."""
    client = await Client.connect(temporal.service_client.config.target_host, data_converter=DATA_CONVERTER)
    activities = build_activities(settings, database, database, client)
    workers = build_workers(client, activities)
    endless = endless_workflows(1, settings.sweep_interval)
    await start_all(Starter(database, client), endless)
    tasks = [asyncio.create_task(each.run()) for each in workers]
    try:
        yield
    finally:
        await _end(client, endless)
        await _stop(workers, tasks)


async def _stop(workers: Sequence[Worker], tasks: Sequence[asyncio.Task[None]]) -> None:
    """Waits a minute for the workers. The end of a worker is not what these tests are about, and once it did not come: then every
    task says where it stands, and the test goes on without it."""
    _, late = await asyncio.wait([asyncio.create_task(each.shutdown()) for each in workers], timeout=60)
    if not late:
        await asyncio.gather(*tasks)
        return
    for task in asyncio.all_tasks():
        task.print_stack(limit=4)


async def _end(client: Client, endless: list[Endless]) -> None:
    """Other tests on this server have workflows of the same names."""
    await asyncio.gather(*(client.get_workflow_handle(each.workflow_id).terminate() for each in endless))


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(90):
        while not await found():  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.1)


class Inbox:
    """What the phones of the organization have got."""

    def __init__(self, api: Caller) -> None:
        self.api = api

    async def texts(self) -> list[dict[str, Any]]:
        (channel,) = [each for each in (await self.api.get("/channels")).json()["items"] if each["name"] == SMS]
        items: list[dict[str, Any]] = (await self.api.get(f"/channels/{channel['id']}/inbox?limit=100")).json()["items"]
        return items

    async def count(self, begin: str) -> int:
        return sum(each["body"].startswith(begin) for each in await self.texts())

    async def has(self, begin: str, number: int) -> bool:
        return await self.count(begin) >= number

    async def token(self, begin: str, phone: str) -> str:
        (body,) = [each["body"] for each in await self.texts() if each["to_address"] == phone and each["body"].startswith(begin)]
        return str(re.findall(r"/([0-9A-Za-z]{14})", body)[0])


async def a_day_passes(database: Database) -> None:
    """What was sent and clicked until now was sent and clicked a day ago."""
    async with database.transaction() as session:
        for table, column in (("message", "accepted_at"), ("click", "clicked_at")):
            await session.execute(text(f"UPDATE {table} SET {column} = {column} - interval '1 day'"))  # noqa: S608 - names of ours


async def conversation(api: Caller, person: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.get(f"/contacts/{person}/conversation")).json()["items"]
    return items


async def tagged(api: Caller, tag: str, number: int) -> bool:
    return len((await api.get("/contacts", params={"tag": tag})).json()["items"]) == number
