"""How often triggers fired, for how many people, and what became of their actions."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models.campaigns.campaign import CampaignState
from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.sequences.sequence import Sequence
from models.triggers.trigger import Trigger
from tests.builders import Caller, is_problem
from tests.plans import scans_without_index, statements
from tests.rows import Rows, minutes

SEND = {"kind": "send", "channel": "simulator-sms", "message": {"body": "Thank you", "links": {}}}
TAG = {"kind": "tag", "tags": ["hot"]}
LEAVE = {"kind": "leave"}


@pytest.fixture
def made(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, path: str, **params: Any) -> dict[str, Any]:
    answer = await api.get(f"{path}/triggers", params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def count(made: Rows, trigger: Trigger, position: int, what: str, number: int) -> None:
    values = {"trigger": trigger.id, "position": position, "what": what, "count": number}
    statement = text("INSERT INTO trigger_count (trigger_id, position, what, count) VALUES (:trigger, :position, :what, :count)")
    async with made.database.transaction() as session:
        await session.execute(statement, values)


async def version_of(made: Rows, sequence: Sequence) -> UUID:
    """The id of the latest version."""
    statement = text("SELECT id FROM sequence_version WHERE sequence_id = :id ORDER BY version DESC LIMIT 1")
    async with made.database.transaction() as session:
        found: UUID = (await session.execute(statement, {"id": sequence.id})).scalar_one()
    return found


async def published(made: Rows, sequence: Sequence, actions: list[dict[str, Any]], **fields: Any) -> Trigger:
    """A trigger of the latest version."""
    return await made.trigger(
        [], actions, sequence_id=sequence.id, sequence_version_id=await version_of(made, sequence), **fields
    )


@pytest.mark.parametrize("area", ["campaigns", "sequences"])
async def test_what_is_not_there_is_not_found(api: Caller, area: str) -> None:
    assert is_problem(await api.get(f"/{area}/{uuid4()}/triggers"), 404, "not_found")


async def test_another_organizations_counts_are_not_found(api: Caller, made: Rows, database: Database) -> None:
    campaign, sequence = await made.campaign(), await made.sequence()
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for path in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}"):
        assert is_problem(await api.with_key(key).get(f"{path}/triggers"), 404, "not_found")


async def test_a_version_that_is_not_there_is_not_found(api: Caller, made: Rows) -> None:
    sequence = await made.sequence()
    assert is_problem(await api.get(f"/sequences/{sequence.id}/triggers", params={"version": 7}), 404, "not_found")
    assert is_problem(await api.get(f"/sequences/{sequence.id}/triggers", params={"version": 2**31}), 422, "invalid")


async def test_a_draft_has_no_published_triggers(api: Caller, made: Rows) -> None:
    draft = await made.campaign(state=CampaignState.DRAFT)
    assert await read(api, f"/campaigns/{draft.id}") == {"items": [], "next_cursor": None}


async def test_a_trigger_that_never_fired_counts_nothing(api: Caller, made: Rows) -> None:
    campaign = await made.campaign()
    await made.trigger([campaign.content_id], [TAG], campaign_id=campaign.id)
    (item,) = (await read(api, f"/campaigns/{campaign.id}"))["items"]
    assert (item["fired"], item["people"], item["versions"]) == (0, 0, [])
    assert item["actions"] == [{"position": 0, "kind": "tag", "done": 0, "failed": 0, "skipped": 0, "waiting": 0, "links": []}]


async def test_real_clicks_are_counted_and_what_has_no_outcome_waits(api: Caller, made: Rows) -> None:
    campaign = await made.campaign()
    trigger = await made.trigger([campaign.content_id], [TAG, TAG], campaign_id=campaign.id, times=2)
    for clicks in (1, 3):
        message = await made.message(campaign.content_id, await made.contact(), accepted_at=minutes(0))
        for number in range(clicks):
            await made.click(message, at=minutes(number))
    await count(made, trigger, 0, "done", 2)
    await count(made, trigger, 1, "failed", 1)
    await count(made, trigger, 1, "skipped", 1)
    (item,) = (await read(api, f"/campaigns/{campaign.id}"))["items"]
    assert (item["key"], item["fired"], item["people"]) == ("hot", 3, 2)
    assert [{**each, "position": 0} for each in item["actions"]] == [
        {"position": 0, "kind": "tag", "done": 2, "failed": 0, "skipped": 0, "waiting": 1, "links": []},
        {"position": 0, "kind": "tag", "done": 0, "failed": 1, "skipped": 1, "waiting": 1, "links": []},
    ]
    detail, analytics = await api.get(f"/campaigns/{campaign.id}"), await api.get(f"/campaigns/{campaign.id}/analytics")
    assert detail.json()["trigger_counts"] == analytics.json()["triggers"] == [item]


async def test_the_links_of_a_message_have_the_clicks_of_people(api: Caller, made: Rows, database: Database) -> None:
    campaign, other = await made.campaign(), await made.campaign()
    trigger = await made.trigger([campaign.content_id], [TAG, SEND], campaign_id=campaign.id)
    await made.trigger([other.content_id], [SEND], campaign_id=other.id)
    contact = await made.contact()
    await made.click(await made.message(campaign.content_id, contact, accepted_at=minutes(0)))
    links = [("offer", "https://shop.example/a"), (None, "https://b.example/")]
    message = await made.triggered_message(trigger, contact, 1, links)
    for minute, verdict in enumerate(("human", "human", "bot")):
        await made.click(message, at=minutes(minute), verdict=verdict)
    with statements(database) as sent:
        (item,) = (await read(api, f"/campaigns/{campaign.id}"))["items"]
    tag, send = item["actions"]
    assert tag["links"] == []
    assert [(each["name"], each["url"], each["clicks"], each["people"]) for each in send["links"]] == [
        ("offer", "https://shop.example/a", 2, 1),
        (None, "https://b.example/", 0, 0),
    ]
    assert len(sent) <= 7  # the API key, the campaign, and five for the counts
    assert await scans_without_index(database, sent) == []
    clicks = (await api.get("/clicks", params={"link_id": send["links"][0]["id"]})).json()["items"]
    assert [each["message_id"] for each in clicks] == [str(message.id)] * 2


async def test_versions_of_a_sequence_are_summed_and_told_apart(api: Caller, made: Rows) -> None:
    sequence = await made.sequence()
    first = await published(made, sequence, [TAG])
    on_step = await published(made, sequence, [TAG], step_key="hello")
    await made.publish(sequence)
    second = await published(made, sequence, [LEAVE])
    for trigger, fired, people in ((first, 5, 4), (on_step, 1, 1), (second, 2, 2)):
        await count(made, trigger, -1, "fired", fired)
        await count(made, trigger, -1, "people", people)
    await count(made, first, 0, "done", 5)
    own, other = (await read(api, f"/sequences/{sequence.id}"))["items"]
    assert (own["fired"], own["people"], own["trigger_id"], own["step_key"]) == (7, 6, str(second.id), None)
    assert [(each["version"], each["fired"], each["people"]) for each in own["versions"]] == [(2, 2, 2), (1, 5, 4)]
    assert [(each["kind"], each["done"], each["waiting"]) for each in own["actions"]] == [("leave", 0, 2), ("tag", 5, 0)]
    assert (other["step_key"], other["fired"]) == ("hello", 1)
    (only,) = (await read(api, f"/sequences/{sequence.id}", version=2))["items"]
    assert (only["fired"], [each["kind"] for each in only["actions"]]) == (2, ["leave"])
    assert (await api.get(f"/sequences/{sequence.id}/analytics")).json()["triggers"] == [own, other]


async def test_pages_show_each_trigger_once_also_when_a_version_is_published_meanwhile(api: Caller, made: Rows) -> None:
    sequence = await made.sequence()
    for key in ("a", "b", "c"):
        await published(made, sequence, [TAG], key=key)
    seen, params = [], {"limit": 1}
    while True:
        page = await read(api, f"/sequences/{sequence.id}", **params)
        seen += [item["key"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
        if len(seen) == 1:
            await made.publish(sequence)
            for key in ("c", "a"):
                await published(made, sequence, [TAG], key=key)
    assert seen == ["a", "b", "c"]


async def test_many_versions_take_as_many_statements_as_one_and_read_no_rows_of_people(
    api: Caller, made: Rows, database: Database
) -> None:
    sequence = await made.sequence()
    for _ in range(25):
        await published(made, sequence, [TAG])
        await made.publish(sequence)
    with statements(database) as sent:
        (item,) = (await read(api, f"/sequences/{sequence.id}"))["items"]
    assert len(item["versions"]) == 20
    assert len(sent) <= 6  # the API key, the sequence, and four for the counts
    assert await scans_without_index(database, sent) == []
    assert not any("firing" in statement for statement, _ in sent)
