"""A segment's rules are read at once, however long it takes to find its people."""

import asyncio

import pytest

from api.handling.services import Services
from api.segments import routes
from models.organizations.organization import Organization
from tests.api.segments.test_routes import GOLD, segment
from tests.builders import Caller, is_problem


async def test_nobody_is_looked_for(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await segment(api, GOLD)

    async def never(*_: object) -> None:
        raise AssertionError("People were looked for.")

    monkeypatch.setattr(routes, "count_people", never)
    monkeypatch.setattr(routes, "newest_people", never)
    found = (await api.get(f"/segments/{made['id']}?people=false")).json()
    assert found == {**made, "count": None, "contacts": None}


async def test_people_wait_for_another_large_request_and_rules_do_not(
    api: Caller, services: Services, organization: tuple[Organization, str]
) -> None:
    path = f"/segments/{(await segment(api, GOLD))['id']}"
    async with services.large_turns.turn(organization[0].id):
        waiting = [asyncio.create_task(api.get(each)) for each in (path, f"{path}?people=true", f"{path}?people=0")]
        assert (await api.get(f"{path}?people=false")).status_code == 200
        assert {task.done() for task in waiting} == {False}
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


@pytest.mark.parametrize("query", ["people=", "people=maybe", "people=false&people=true"])
async def test_what_is_neither_yes_nor_no_is_refused(api: Caller, query: str) -> None:
    path = f"/segments/{(await segment(api, GOLD))['id']}"
    assert is_problem(await api.get(f"{path}?{query}"), 422, "invalid")
