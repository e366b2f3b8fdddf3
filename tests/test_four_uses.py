"""The four uses of a trigger, whole: public API, real redirect, the worker on real Temporal, and a team's web server.

A click sends a follow-up, moves the contact into another sequence, notifies a team, and tells engaged from unengaged contacts.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from demo.people import CRAWLER
from models.database import Database
from settings import Settings
from tests.api.redirect.contact import Contact, running
from tests.builders import Caller
from tests.loop import SMS, Inbox, a_day_passes, conversation, tagged, until, worker_at_work
from tests.services.notifications.receiver import receiver

PHONES = {"Ada": "+4915110000001", "Alan": "+4915110000002", "Grace": "+4915110000003"}
OFFER = {"body": "Look: {{ links.offer }}", "links": {"offer": "https://shop.example/offer"}}
THANKS = {"body": "Thank you: {{ links.code }}", "links": {"code": "https://shop.example/code"}}
DEMO = {"body": "Your {{ enrollment.variables.product }} demo: {{ links.book }}", "links": {"book": "https://shop.example/book"}}
NEVER = {"kind": "wait", "key": "pause", "duration": "P30D"}
TRIGGERS = [
    {"key": "thanks", "link": "offer", "actions": [{"kind": "send", "channel": SMS, "message": THANKS}]},
    {"key": "sales", "link": "offer", "times": 2, "actions": [{"kind": "notify", "target": "Sales"}]},
    {"key": "engaged", "actions": [{"kind": "tag", "tags": ["engaged"]}, {"kind": "untag", "tags": ["new"]}]},
    {
        "key": "unengaged",
        "when": "not_clicked",
        "within": "P1D",
        "actions": [{"kind": "tag", "tags": ["unengaged"]}, {"kind": "set_field", "field": "properties.asleep", "value": True}],
    },
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A development server, whose team is on this machine and hears of people every second."""
    second = timedelta(seconds=1)
    return settings.model_copy(update={"sweep_interval": second, "notification_interval": second, "allow_local_addresses": True})


@pytest.fixture
async def contact(settings: Settings, temporal: Client) -> AsyncIterator[Contact]:
    async with running(settings, temporal) as contact:
        yield contact


async def made(api: Caller, path: str, **body: Any) -> str:
    answer = await api.post(path, json=body)
    assert answer.status_code in (201, 202), answer.text
    return str(answer.json()["id"])


async def people(api: Caller) -> dict[str, str]:
    """The ids of three people by their first names."""
    return {name: await made(api, "/contacts", first_name=name, phone=phone, tags=["new"]) for name, phone in PHONES.items()}


async def published(api: Caller, **definition: Any) -> str:
    sequence_id = await made(api, "/sequences", **definition)
    answer = await api.post(f"/sequences/{sequence_id}/publish")
    assert answer.status_code == 201, answer.text
    return sequence_id


async def click(contact: Contact, token: str, leads_to: str, **headers: str) -> None:
    answer = await contact.client.get(f"/{token}", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (302, leads_to)


async def fired(api: Caller, path: str) -> dict[str, tuple[int, list[tuple[str, int, int]]]]:
    """For each trigger, how often it has fired, and of each action its kind, how often it was done and how often not."""
    items = (await api.get(f"{path}/triggers")).json()["items"]
    return {
        each["key"]: (each["fired"], [(a["kind"], a["done"], a["failed"] + a["skipped"] + a["waiting"]) for a in each["actions"]])
        for each in items
    }


async def test_a_campaigns_clicks_send_a_follow_up_notify_a_team_and_tell_engaged_from_unengaged(
    api: Caller, contact: Contact, settings: Settings, database: Database, temporal: Client
) -> None:
    ids, inbox = await people(api), Inbox(api)
    async with receiver() as team, worker_at_work(settings, database, temporal):
        await made(api, "/notification-targets", name="Sales", address=team.address)
        campaign = await made(
            api, "/campaigns", name="Spring", channel=SMS, message=OFFER, audience={"tags": ["new"]}, triggers=TRIGGERS
        )
        path = f"/campaigns/{campaign}"
        assert (await api.post(f"{path}/launch")).status_code == 202
        await until(lambda: inbox.has("Look", 3))
        ada, alan = [await inbox.token("Look", PHONES[name]) for name in ("Ada", "Alan")]
        await click(contact, alan, "https://shop.example/offer", **{"User-Agent": CRAWLER})
        await click(contact, ada, "https://shop.example/offer")
        await until(lambda: inbox.has("Thank you", 1))
        await team.wait_for(1)
        await click(contact, ada, "https://shop.example/offer")  # the team hears of it again, and nothing else happens
        await team.wait_for(2)
        await until(lambda: tagged(api, "engaged", 1))
        await a_day_passes(database)
        await until(lambda: tagged(api, "unengaged", 2))

        async def all_done() -> bool:
            return await fired(api, path) == {
                "thanks": (1, [("send", 1, 0)]),
                "sales": (2, [("notify", 2, 0)]),
                "engaged": (1, [("tag", 1, 0), ("untag", 1, 0)]),
                "unengaged": (2, [("tag", 2, 0), ("set_field", 2, 0)]),
            }

        await until(all_done)
    assert await inbox.count("Thank you") == 1
    assert all("Ada" in each.body.decode() and "offer" in each.body.decode() for each in team.got)
    assert len(team.got) == 2
    found = {name: (await api.get(f"/contacts/{ids[name]}")).json() for name in PHONES}
    assert {name: (each["tags"], each["properties"]) for name, each in found.items()} == {
        "Ada": (["engaged"], {}),
        "Alan": (["new", "unengaged"], {"asleep": True}),
        "Grace": (["new", "unengaged"], {"asleep": True}),
    }
    for kind, names in (("engaged", ["Ada"]), ("unengaged", ["Grace", "Alan"])):
        answer = await api.post(f"{path}/segments", json={"kind": kind})
        assert answer.status_code == 201, answer.text
        assert [each["first_name"] for each in answer.json()["contacts"]["items"]] == names
    told = [each["summary"] for each in await conversation(api, ids["Ada"]) if each["kind"] == "trigger"]
    assert sorted(told) == [
        "clicked 'offer' → Sales notified",
        "clicked 'offer' → Sales notified",
        "clicked 'offer' → a message sent",
        "clicked 'offer' → tagged 'engaged', no longer tagged 'new'",
    ]


async def test_a_click_moves_the_contact_into_another_sequence(
    api: Caller, contact: Contact, settings: Settings, database: Database, temporal: Client
) -> None:
    ids, inbox = await people(api), Inbox(api)
    demo = await published(api, name="Demo call", steps=[{"kind": "send", "key": "demo", "channel": SMS, "message": DEMO}, NEVER])
    enroll = {"kind": "enroll", "sequence_id": demo, "variables": {"product": "CRM"}}
    welcome = await published(
        api,
        name="Welcome",
        steps=[{"kind": "send", "key": "hello", "channel": SMS, "message": OFFER}, NEVER],
        triggers=[{"key": "move", "link": "offer", "actions": [{"kind": "leave"}, enroll]}],
    )

    async def state(sequence_id: str, name: str) -> str | None:
        params = {"sequence_id": sequence_id, "contact_id": ids[name]}
        found = [each["state"] for each in (await api.get("/enrollments", params=params)).json()["items"]]
        return found[0] if found else None

    async with worker_at_work(settings, database, temporal):
        answer = await api.post(f"/sequences/{welcome}/enrollments", json={"contact_ids": list(ids.values())})
        assert answer.status_code == 202, answer.text
        await until(lambda: inbox.has("Look", 3))
        await click(contact, await inbox.token("Look", PHONES["Alan"]), "https://shop.example/offer", **{"User-Agent": CRAWLER})
        await click(contact, await inbox.token("Look", PHONES["Ada"]), "https://shop.example/offer")
        await until(lambda: inbox.has("Your CRM demo", 1))

        async def moved() -> bool:
            return (await state(welcome, "Ada"), await state(demo, "Ada")) == ("stopped", "running")

        await until(moved)
        assert await inbox.count("Your CRM demo") == 1
        assert {await state(welcome, name) for name in ("Alan", "Grace")} == {"running"}
        assert {await state(demo, name) for name in ("Alan", "Grace")} == {None}
        assert await fired(api, f"/sequences/{welcome}") == {"move": (1, [("leave", 1, 0), ("enroll", 1, 0)])}
        (told,) = [each["summary"] for each in await conversation(api, ids["Ada"]) if each["kind"] == "trigger"]
        assert told == "clicked 'offer' → moved to 'Demo call'"
