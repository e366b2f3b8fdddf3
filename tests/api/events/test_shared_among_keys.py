"""The streams that an organization may have are shared among its keys: the one with the most makes room for others."""

from contextlib import AsyncExitStack

import pytest
from fastapi import FastAPI

from api.handling.services import Services
from models.database import Database
from models.organizations.organization import Organization
from tests.api.events.streams import Opened
from tests.api.events.written import add, some_ids
from tests.builders import Caller


@pytest.fixture
def app(api: Caller, api_app: FastAPI) -> FastAPI:
    return api_app


async def test_one_key_does_not_keep_the_other_keys_of_its_organization_out(
    app: FastAPI, api: Caller, organization: tuple[Organization, str], database: Database, services: Services
) -> None:
    services.live.most_streams, (owner, key) = 3, organization
    second = (await api.post("/api-keys", json={"name": "Second", "role": "viewer"})).json()["key"]
    third = (await api.post("/api-keys", json={"name": "Third", "role": "viewer"})).json()["key"]
    async with AsyncExitStack() as opened:
        oldest, newer, newest = [await (await opened.enter_async_context(Opened(app, key))).ready() for _ in range(3)]
        async with Opened(app, second) as theirs:
            await theirs.ready()
            assert (await oldest.next(), oldest.status) == (None, 200)
            async with Opened(app, second) as more:  # a key does not push one out that has as many as it would have
                assert (await more.next(), more.status) == (None, 429)
            async with Opened(app, key, oldest.id) as again:
                assert (await again.next(), again.status) == (None, 429)
            async with Opened(app, third) as others:
                await others.ready()
                assert await newer.next() is None
                async with Opened(app, third) as more:
                    assert (await more.next(), more.status) == (None, 429)
                await add(database, owner.id, *some_ids(1))
                for each in (newest, theirs, others):
                    assert await each.next() is not None
    assert services.live.count() == 0
