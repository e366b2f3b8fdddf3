"""The feed of clicks: filters, pages, and the wall between organizations."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import DESKTOP, NOON, OFFER, Rows, minutes


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get("/clicks", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%%%", "ä", "A" * 200])
async def test_garbage_is_no_cursor(api: Caller, cursor: str) -> None:
    answer = await api.get("/clicks", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict", "robot"),
        ("since", "2026-11-03T25:00:00"),
        ("since", "1764331200"),
        ("until", "1764331200.5"),
        ("until", "yesterday"),
        ("country", "de"),
        ("device_type", "watch"),
        ("campaign_id", "1"),
    ],
)
async def test_a_filter_that_cannot_be_meant_is_refused(api: Caller, name: str, value: str) -> None:
    answer = await api.get("/clicks", params={name: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


async def test_an_organization_without_clicks_has_an_empty_feed(api: Caller) -> None:
    assert (await api.get("/clicks")).json() == {"items": [], "next_cursor": None}


async def test_a_click_names_the_person_and_the_campaign(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign(name="Spring")
    ada = await rows.contact(first_name="Ada", email="ada@example.com")
    await rows.click(await rows.message(campaign.content_id, ada))
    (click,) = await read(api)
    assert (click["campaign"], click["sequence"]) == ("Spring", None)
    assert click["contact"] == {
        "id": str(ada.id),
        "external_id": None,
        "first_name": "Ada",
        "last_name": None,
        "email": "ada@example.com",
        "phone": None,
    }


async def test_another_organization_sees_nothing(api: Caller, rows: Rows, database: Database) -> None:
    campaign = await rows.campaign()
    message = await rows.message(campaign.content_id, await rows.contact())
    await rows.click(message)
    (link,) = await rows.links(campaign.content_id)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    stranger = api.with_key(key)
    assert await read(stranger) == []
    for name, value in (("campaign_id", campaign.id), ("link_id", link.id), ("contact_id", message.contact_id)):
        assert len(await read(api, **{name: str(value)})) == 1
        answer = await stranger.get("/clicks", params={name: str(value)})
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (404, [name])


@pytest.mark.parametrize("path", ["/clicks", "/messages", "/enrollments"])
async def test_every_id_that_is_not_there_is_named(api: Caller, path: str) -> None:
    """An empty list would look like an answer."""
    ids = dict.fromkeys(("campaign_id", "sequence_id", "contact_id"), str(uuid4()))
    answer = await api.get(path, params=ids)
    assert (answer.status_code, {error["field"] for error in answer.json()["errors"]}) == (404, set(ids))


async def test_a_click_comes_with_its_link_place_and_device(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    contact = await rows.contact()
    message = await rows.message(campaign.content_id, contact)
    click = await rows.click(message)
    (link,) = await rows.links(campaign.content_id)
    assert await read(api) == [
        {
            "id": str(click),
            "clicked_at": "2026-11-03T12:00:00Z",
            "verdict": "human",
            "reason": "person",
            "contact_id": str(contact.id),
            "message_id": str(message.id),
            "campaign_id": str(campaign.id),
            "sequence_id": None,
            "enrollment_id": None,
            "link": {"id": str(link.id), "name": OFFER[0], "url": OFFER[1]},
            "country": "DE",
            "city": "Berlin",
            "device_type": "phone",
            "browser": "Mobile Safari",
            "os": "iOS",
            "correction": None,
            "contact": {
                "id": str(contact.id),
                **dict.fromkeys(("external_id", "first_name", "last_name", "email", "phone")),
            },
            "campaign": campaign.name,
            "sequence": None,
        }
    ]


async def test_a_click_without_metadata_has_no_place(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    await rows.click(await rows.message(campaign.content_id, await rows.contact()), metadata=None)
    (item,) = await read(api)
    assert [item[name] for name in ("country", "city", "device_type", "browser", "os")] == [None] * 5


async def test_machines_are_shown_when_asked_for(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    message = await rows.message(campaign.content_id, await rows.contact())
    for number, verdict in enumerate(("human", "bot", "suspect")):
        await rows.click(message, verdict=verdict, at=minutes(number))
    for wanted in ("human", "bot", "suspect"):
        assert [item["verdict"] for item in await read(api, verdict=wanted)] == [wanted]
    assert [item["verdict"] for item in await read(api, verdict="all")] == ["suspect", "bot", "human"]


async def test_each_filter_finds_its_clicks(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign(links=(OFFER, (None, "https://shop.example/terms")))
    sequence = await rows.sequence()
    first, second = await rows.contact(), await rows.contact()
    enrollment = await rows.enrollment(sequence, second)
    of_campaign = await rows.message(campaign.content_id, first)
    of_sequence = await rows.message(await rows.content_of_step(sequence, "hello"), second, enrollment=enrollment)
    offer, terms = [link.id for link in await rows.links(campaign.content_id)]
    a = str(await rows.click(of_campaign, 0, at=minutes(0)))
    b = str(await rows.click(of_campaign, 1, at=minutes(10), metadata=DESKTOP))
    c = str(await rows.click(of_sequence, at=minutes(20)))
    expected: list[tuple[dict[str, object], list[str]]] = [
        ({"campaign_id": campaign.id}, [b, a]),
        ({"sequence_id": sequence.id}, [c]),
        ({"enrollment_id": enrollment.id}, [c]),
        ({"contact_id": first.id}, [b, a]),
        ({"link_id": offer}, [a]),
        ({"link_id": terms}, [b]),
        ({"link_id": terms, "campaign_id": campaign.id}, [b]),
        ({"link_id": terms, "contact_id": second.id}, []),
        ({"since": minutes(10).isoformat()}, [c, b]),
        ({"until": minutes(10).isoformat()}, [a]),
        ({"since": minutes(5).isoformat(), "until": minutes(20).isoformat()}, [b]),
        ({"country": "FR"}, [b]),
        ({"device_type": "phone"}, [c, a]),
    ]
    for params, ids in expected:
        assert [item["id"] for item in await read(api, **{name: str(value) for name, value in params.items()})] == ids, params


async def test_a_link_filter_and_another_campaign_contradict_each_other(api: Caller, rows: Rows) -> None:
    one, other = await rows.campaign(), await rows.campaign()
    await rows.click(await rows.message(one.content_id, await rows.contact()))
    (link,) = await rows.links(one.content_id)
    assert await read(api, link_id=str(link.id), campaign_id=str(other.id)) == []


async def test_pages_neither_skip_nor_repeat_while_clicks_arrive(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    message = await rows.message(campaign.content_id, await rows.contact())
    there = [str(await rows.click(message, at=NOON + timedelta(days=20 * n))) for n in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        answer = (await api.get("/clicks", params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["id"] for item in answer["items"]]
        await rows.click(message, at=NOON + timedelta(days=200))
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == there[::-1]


async def test_a_page_is_read_by_indexes(api: Caller, rows: Rows, database: Database) -> None:
    campaign, sequence, contact = await rows.campaign(), await rows.sequence(), await rows.contact()
    (link,) = await rows.links(campaign.content_id)
    await rows.click(await rows.message(campaign.content_id, contact))
    enrollment = await rows.enrollment(sequence, contact)
    one_of = {"campaign_id": campaign.id, "sequence_id": sequence.id, "contact_id": contact.id, "link_id": link.id}
    with statements(database) as sent:
        await read(api, country="DE", since=NOON.isoformat())
        for name, value in {**one_of, "enrollment_id": enrollment.id}.items():
            await read(api, **{name: str(value)})
    assert await scans_without_index(database, sent) == []


async def test_all_clicks_are_between_the_first_year_and_the_last_one(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    click = await rows.click(await rows.message(campaign.content_id, await rows.contact()))
    items = await read(api, since="0010-01-01T00:00:00+14:00", until="9999-12-31T23:59:59.999999Z")
    assert [item["id"] for item in items] == [str(click)]
    assert await read(api, until="0010-01-01T00:00:00Z") == await read(api, since="9999-12-31T00:00:00Z") == []


async def test_a_corrected_click_counts_with_its_new_verdict(api: Caller, rows: Rows) -> None:
    campaign = await rows.campaign()
    message = await rows.message(campaign.content_id, await rows.contact())
    click_id = await rows.click(message)
    shown = []
    for note in ("Our own link checker.", "Once more."):  # the second one changes nothing
        answer = await api.post(f"/clicks/{click_id}/verdict", json={"verdict": "bot", "note": note})
        shown.append(answer.json()["correction"])
        assert (answer.status_code, answer.json()["verdict"], answer.json()["reason"]) == (200, "bot", "corrected")
    assert await read(api) == []
    assert [item["reason"] for item in await read(api, verdict="bot")] == ["corrected"]
    conversation = await api.get(f"/contacts/{message.contact_id}/conversation", params={"kind": "click"})
    shown += [item["correction"] for item in (*await read(api, verdict="bot"), *conversation.json()["items"])]
    assert shown == [shown[0]] * 4
    del shown[0]["at"]
    key_id = (await api.get("/api-keys")).json()["items"][0]["id"]
    before = {"earlier_verdict": "human", "earlier_reason": "person"}
    assert shown[0] == {"key_id": key_id, **before, "note": "Our own link checker."}
    numbers = (await api.get(f"/campaigns/{campaign.id}/analytics")).json()["totals"]
    assert (numbers["people"], numbers["human_clicks"], numbers["bot_clicks"]) == (0, 0, 1)
    entries = (await api.get("/audit-log", params={"action": "clicks.correct"})).json()["items"]
    assert [(entry["target_kind"], entry["target_id"]) for entry in entries] == [("click", str(click_id))]


async def test_a_correction_needs_a_verdict_that_exists_and_a_click_of_ones_own(
    api: Caller, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign()
    click_id = await rows.click(await rows.message(campaign.content_id, await rows.contact()))
    for body, field in (({}, "verdict"), ({"verdict": "robot"}, "verdict"), ({"verdict": "bot", "note": "x" * 501}, "note")):
        answer = await api.post(f"/clicks/{click_id}/verdict", json=body)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for caller, id in ((api, uuid4()), (api.with_key(key), click_id)):
        answer = await caller.post(f"/clicks/{id}/verdict", json={"verdict": "bot"})
        assert answer.status_code == 404
    assert len(await read(api)) == 1
