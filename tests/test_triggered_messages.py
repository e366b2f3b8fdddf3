"""The whole loop of a trigger's message: public API, real redirect, and the worker on real Temporal."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from models.database import Database
from settings import Settings
from tests.api.redirect.contact import Contact, running
from tests.builders import Caller
from tests.loop import SMS, Inbox, a_day_passes, conversation, tagged, until, worker_at_work

HELLO = {
    "kind": "send",
    "key": "hello",
    "channel": SMS,
    "message": {"body": "Look: {{ links.offer }}", "links": {"offer": "https://shop.example/offer"}},
}
PAUSE = {"kind": "wait", "key": "pause", "duration": "P1D"}


def message(body: str, url: str) -> dict[str, Any]:
    return {"kind": "send", "channel": SMS, "message": {"body": body + " {{ links.more }}", "links": {"more": url}}}


HOT = {"key": "hot", "actions": [{"kind": "tag", "tags": ["hot"]}, message("Thank you", "https://shop.example/thanks")]}
COLD = {
    "key": "cold",
    "when": "not_clicked",
    "within": "P1D",
    "actions": [message("You missed it", "https://shop.example/missed"), {"kind": "tag", "tags": ["cold"]}],
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sweep_interval": timedelta(seconds=1)})


@pytest.fixture
async def contact(settings: Settings, temporal: Client) -> AsyncIterator[Contact]:
    async with running(settings, temporal) as contact:
        yield contact


async def test_those_who_click_get_one_message_and_those_who_do_not_the_other_each_once(
    api: Caller, contact: Contact, settings: Settings, database: Database, temporal: Client
) -> None:
    phones = ["+4915110000001", "+4915110000002", "+4915110000003"]
    people = [(await api.post("/contacts", json={"phone": phone})).json()["id"] for phone in phones]
    sequence = {"name": "Offer", "steps": [HELLO, PAUSE], "triggers": [HOT, COLD]}
    sequence_id = (await api.post("/sequences", json=sequence)).json()["id"]
    assert (await api.post(f"/sequences/{sequence_id}/publish")).status_code == 201
    inbox = Inbox(api)
    async with worker_at_work(settings, database, temporal):
        enrolled = await api.post(f"/sequences/{sequence_id}/enrollments", json={"contact_ids": people})
        assert enrolled.status_code == 202, enrolled.text
        await until(lambda: inbox.has("Look", 3))
        clicked = await contact.client.get(f"/{await inbox.token('Look', phones[0])}")
        assert clicked.status_code == 302
        await until(lambda: inbox.has("Thank you", 1))
        assert await inbox.count("You missed it") == 0
        await a_day_passes(database)
        await until(lambda: inbox.has("You missed it", 2))
        # The message of a trigger has tracked links of its own, and a click on them fires nothing.
        again = await contact.client.get(f"/{await inbox.token('Thank you', phones[0])}")
        assert (again.status_code, again.headers["location"]) == (302, "https://shop.example/thanks")

        async def shown() -> bool:
            return Counter(each["kind"] for each in await conversation(api, people[0]))["click"] == 2

        await until(shown)
        await until(lambda: tagged(api, "cold", 2))
    got = Counter((each["to_address"], each["body"].split(" http")[0]) for each in await inbox.texts())
    assert got == {
        **{(phone, "Look:"): 1 for phone in phones},
        (phones[0], "Thank you"): 1,
        (phones[1], "You missed it"): 1,
        (phones[2], "You missed it"): 1,
    }
    assert [(await api.get(f"/contacts/{each}")).json()["tags"] for each in people] == [["hot"], ["cold"], ["cold"]]
    for key, expected in (("hot", {people[0]}), ("cold", {people[1], people[2]})):
        fired = (await api.get(f"/sequences/{sequence_id}/triggers/{key}/firings")).json()["items"]
        assert {each["contact_id"] for each in fired} == expected
        assert {each["state"] for each in fired} == {"done"}
    (firing,) = (await api.get(f"/sequences/{sequence_id}/triggers/hot/firings")).json()["items"]
    sent = (await api.get("/messages", params={"firing_id": firing["id"]})).json()["items"]
    assert [(each["contact_id"], each["state"], each["firing_id"]) for each in sent] == [(people[0], "accepted", firing["id"])]


async def test_a_message_that_cannot_be_sent_is_listed_and_arrives_after_a_retry(
    api: Caller, contact: Contact, settings: Settings, database: Database, temporal: Client
) -> None:
    person = (await api.post("/contacts", json={"phone": "+4915110000001"})).json()["id"]
    by_mail = {**message("Thank you", "https://shop.example/thanks"), "channel": "simulator-email"}
    by_mail["message"] = {**by_mail["message"], "subject": "Thank you", "kind": "transactional"}
    trigger = {"key": "hot", "actions": [by_mail, {"kind": "tag", "tags": ["hot"]}]}
    sequence = {"name": "Offer", "steps": [HELLO, PAUSE], "triggers": [trigger]}
    sequence_id = (await api.post("/sequences", json=sequence)).json()["id"]
    assert (await api.post(f"/sequences/{sequence_id}/publish")).status_code == 201
    path, inbox = f"/sequences/{sequence_id}/triggers/hot/firings", Inbox(api)
    async with worker_at_work(settings, database, temporal):
        await api.post(f"/sequences/{sequence_id}/enrollments", json={"contact_ids": [person]})
        await until(lambda: inbox.has("Look", 1))
        await contact.client.get(f"/{await inbox.token('Look', '+4915110000001')}")
        await until(lambda: over(api, path, "failed"))
        (firing,) = (await api.get(path, params={"outcome": "failed"})).json()["items"]
        assert [(each["outcome"], each["reason"]) for each in firing["actions"]] == [("failed", "no_email"), ("done", None)]
        assert (await api.patch(f"/contacts/{person}", json={"email": "ada@example.com"})).status_code == 200
        assert (await api.post(f"{path}/{firing['id']}/retry")).status_code == 202
        await until(lambda: over(api, path, "done"))
    messages = (await api.get("/messages", params={"firing_id": firing["id"]})).json()["items"]
    assert [(each["state"], each["to_address"]) for each in messages] == [("accepted", "ada@example.com")]


async def over(api: Caller, path: str, state: str) -> bool:
    return [each["state"] for each in (await api.get(path)).json()["items"]] == [state]
