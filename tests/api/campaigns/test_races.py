"""A launch, an edit and a deletion of one campaign at the same time: one order of them has happened, and nothing in between."""

import asyncio
from typing import Any

import pytest

from models.database import Database
from models.organizations.organization import Organization
from tests.api.campaign_builders import OFFER, add_contacts, new_campaign
from tests.builders import Caller

AT_ONCE = ("launch", "edit", "delete")


async def do(api: Caller, campaign: str, what: str) -> Any:
    path = f"/campaigns/{campaign}"
    if what == "launch":
        return await api.post(f"{path}/launch")
    if what == "edit":
        return await api.patch(path, json={"message": {**OFFER, "body": "Edited: {{ links.offer }}"}})
    return await api.delete(path)


@pytest.mark.parametrize(
    "order", [AT_ONCE, AT_ONCE[::-1], ("edit", "launch", "delete"), ("delete", "launch", "edit")], ids="-".join
)
async def test_a_launch_an_edit_and_a_deletion_at_once(
    api: Caller, database: Database, organization: tuple[Organization, str], order: tuple[str, ...]
) -> None:
    await add_contacts(database, organization[0].id, 3, tags=["vip"])
    campaign = await new_campaign(api, audience={"tags": ["vip"]})
    answers = dict(zip(order, await asyncio.gather(*(do(api, campaign, what) for what in order)), strict=True))
    status = {what: answer.status_code for what, answer in answers.items()}
    left = await api.get(f"/campaigns/{campaign}")
    if status["delete"] == 204:  # it was first, or only the edit was before it
        assert left.status_code == 404
        assert (status["launch"], status["edit"]) in {(404, 404), (404, 200)}
    else:  # the launch was before it
        assert (status["launch"], status["delete"], left.status_code) == (202, 409, 200)
        assert status["edit"] in {200, 409}
        edited = left.json()["message"]["body"].startswith("Edited")
        assert edited == (status["edit"] == 200)


async def test_a_campaign_that_is_launched_many_times_at_once_is_launched_once(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    await add_contacts(database, organization[0].id, 3, tags=["vip"])
    campaign = await new_campaign(api, audience={"tags": ["vip"]})
    answers = await asyncio.gather(*(do(api, campaign, "launch") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
