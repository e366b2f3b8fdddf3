"""Organizations are walls: whoever asks with another organization's ids is told what is told of ids that there are not."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from api.http.paging import Listing
from api.http.query_parameters import query_parameters
from models.base import now
from models.channels.channel import channels_by_name
from models.database import Database
from models.organizations.organization import Organization
from models.sequences.sequence import Sequence
from models.triggers.firing import Firing
from services.inbound.receive import Inbound, receive
from tests.api.campaign_builders import draft, enrolls, new_campaign, new_sequence, steps_with_click
from tests.api.test_every_route import ROUTES, TAKES_A_FILE
from tests.builders import Caller, hold
from tests.rows import Rows

PHONE, HOST = "+4915112345678", "go.walls.example"
REQUIRED = {
    "DELETE /v1/suppressions/{suppression_id}": {"reason": "by mistake"},
    "GET /v1/contacts/{contact_id}/why": {"campaign_id": "{campaign_id}"},
}
"""Parameters without which a request is refused whatever its ids are."""
UNKNOWN = {"key": "unknown", "version": "1", "host": "unknown.example", "key_id": "0" * 12}
"""What there is not, of what is no UUID."""

NAMES = {"key", "version"}
"""Parameters that are no ids: each sequence has a version 1."""

Ids = dict[str, str]


@pytest.fixture
async def theirs(api: Caller, database: Database, organization: tuple[Organization, str], made: Rows) -> Ids:
    """The ids of one thing of each kind, by the names that parameters have."""
    person = await made.contact(phone=PHONE)
    campaign, sequence_id = await made.campaign(), UUID(await new_sequence(api))
    (link,) = await made.links(campaign.content_id)
    trigger = await made.trigger([campaign.content_id], campaign_id=campaign.id)
    message = await made.message(campaign.content_id, person)
    firing = Firing(
        org_id=made.org_id,
        trigger_id=trigger.id,
        contact_id=person.id,
        occurrence=1,
        message_id=message.id,
        fired_at=now(),
        finished_at=now(),
    )
    async with database.transaction() as session:
        session.add(firing)
        sequence = await session.get_one(Sequence, sequence_id)
        channel = (await channels_by_name(session, made.org_id))["simulator-sms"]
    await receive(database, channel, Inbound(PHONE, "+15550100", "stop texting me", "SM1"), None)
    await hold(database, made.org_id, HOST)
    enrollment = await made.enrollment(sequence, person)
    click_id = await made.click(message, verdict="bot")  # which fires nothing
    rows: dict[str, Any] = {"campaign_id": campaign, "sequence_id": sequence, "contact_id": person, "enrollment_id": enrollment}
    rows |= {"channel_id": channel, "link_id": link, "message_id": message, "firing_id": firing}
    target = {"name": "Sales", "address": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"}
    return {
        **{name: str(row.id) for name, row in rows.items()},
        **{"key": trigger.key, "version": "1", "host": HOST, "click_id": str(click_id)},
        "inbound_message_id": (await api.get("/inbound-messages")).json()["items"][0]["id"],
        "key_id": (await api.get("/api-keys")).json()["items"][0]["id"],
        "import_id": (await api.post("/contact-imports", content=b"email\na@example.com\n")).json()["id"],
        "target_id": await made_by(api, "/notification-targets", target),
        "segment_id": await made_by(api, "/segments", {"name": "VIP", "definition": {"kind": "tags", "tags": ["vip"]}}),
        "shared_link_id": await made_by(api, "/shared-links", {"slug": "walls", "destination": "https://www.example.com/"}),
        "suppression_id": await made_by(api, "/suppressions", {"medium": "email", "address": "b@example.com"}),
    }


async def made_by(api: Caller, path: str, body: dict[str, Any]) -> str:
    answer = await api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def unknown(name: str) -> str:
    return UNKNOWN.get(name, str(UUID(int=7)))


def told(answer: httpx.Response) -> tuple[int, str]:
    """What an answer says, without the ids and hosts that were asked for."""
    said = re.sub(rf"[0-9a-f]{{8}}-[0-9a-f-]{{27}}|{HOST}|{UNKNOWN['host']}", "…", answer.text)
    return answer.status_code, said


async def test_what_another_organization_has_is_at_no_address(
    api: Caller, api_app: FastAPI, stranger: Caller, theirs: Ids
) -> None:
    examples = api_app.openapi()
    asked, wrong = 0, {}
    for name in sorted(name for name, route in ROUTES.items() if "{" in route.path and name not in TAKES_A_FILE):
        method, _, path = name.partition(" ")
        parameters = re.findall(r"\{(.*?)\}", path.removeprefix("/v1"))
        required = {each: value.format_map(theirs) for each, value in REQUIRED.get(name, {}).items()}
        body = example(examples, method, path)
        path = path.removeprefix("/v1")
        answers = [
            await stranger.request(method, path.format_map({each: ids(each) for each in parameters}), json=body, params=required)
            for ids in (theirs.__getitem__, unknown)
        ]
        if told(answers[0]) != told(answers[1]) or answers[0].status_code != 404:
            wrong[name] = [answer.text for answer in answers]
        if method == "GET" and "/sequences/{sequence_id}/triggers/{key}" not in path:  # the trigger is the campaign's
            own = await api.get(path.format_map(theirs), params=required)
            assert own.status_code == 200, (name, own.text)  # so the ids are good
        asked += 1
    assert (wrong, asked > 60) == ({}, True)


def example(document: dict[str, Any], method: str, path: str) -> Any:
    described = document["paths"][path][method.lower()].get("requestBody")
    if described is None:
        return None
    schema = described["content"]["application/json"]["schema"]
    schema = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    return schema["examples"][0]


async def test_a_filter_by_what_another_organization_has_finds_what_a_filter_by_nothing_finds(
    api: Caller, stranger: Caller, theirs: Ids
) -> None:
    own = {"campaign_id": await new_campaign(stranger), "sequence_id": await new_sequence(stranger), "key": "hot"}
    asked, wrong = 0, {}
    for name, route in ROUTES.items():
        path = route.path.removeprefix("/v1")
        if not name.startswith("GET ") or not set(re.findall(r"\{(.*?)\}", path)) <= own.keys():
            continue
        for parameter in query_parameters(route.dependant).keys() & theirs.keys() - NAMES:
            answers = [
                await stranger.get(path.format_map(own), params={parameter: value})
                for value in (theirs[parameter], unknown(parameter))
            ]
            if told(answers[0]) != told(answers[1]):
                wrong[f"{name}?{parameter}"] = [answer.text for answer in answers]
            asked += 1
    assert (wrong, asked > 20) == ({}, True)


async def test_a_cursor_shows_whoever_brings_it_only_what_is_the_bringers_own(api: Caller, stranger: Caller, theirs: Ids) -> None:
    """A cursor says where a page begins and not whose it is, so one that another organization was given may be used."""
    own = {"campaign_id": await new_campaign(stranger), "sequence_id": await new_sequence(stranger), "key": "hot"}
    asked, wrong, full = 0, {}, 0
    for name, route in ROUTES.items():
        path = route.path.removeprefix("/v1")
        if not name.startswith("GET ") or not set(re.findall(r"\{(.*?)\}", path)) <= own.keys():
            continue
        path = path.format_map(own)
        if "cursor" not in query_parameters(route.dependant) or "/exports/" in path:
            continue
        newest = Listing.at(f"/v1{path}").cursor(b"\xff" * 16)
        answers = [await stranger.get(path, params=params) for params in ({"cursor": newest}, {})]
        shown, ours = (answer.json().get("items", []) for answer in answers)
        if any(item not in ours for item in shown):
            wrong[name] = [answer.text for answer in answers]
        asked += answers[0].status_code == 200
        full += bool((await api.get(path, params={"cursor": newest})).json().get("items"))
    assert (wrong, asked > 12, full > 8) == ({}, True, True), (asked, full)


def bodies(ids: Ids) -> list[tuple[str, str, dict[str, Any]]]:
    """Requests that name other things by their ids."""
    contact, segment, sequence, campaign = (ids[f"{kind}_id"] for kind in ("contact", "segment", "sequence", "campaign"))
    audiences = [{"contact_ids": [contact]}, {"segment_ids": [segment]}, {"exclude_segment_ids": [segment]}]
    triggers = [
        enrolls(sequence, "offer"),
        {"key": "hot", "link": "offer", "segment_id": segment, "actions": [{"kind": "tag", "tags": ["hot"]}]},
        {"key": "hot", "link": "offer", "actions": [{"kind": "notify", "target": "Sales", "message": "x"}]},
    ]
    conditions = [
        {"kind": "clicked", "campaign_id": campaign},
        {"kind": "clicked", "sequence_id": sequence},
        {"kind": "received", "campaign_id": campaign},
        {"kind": "received", "sequence_id": sequence},
    ]
    steps = [
        {"kind": "enroll", "key": "over", "sequence_id": sequence},
        {"kind": "stop_other", "key": "over", "sequence_id": sequence},
    ]
    return [
        *(("POST", "/campaigns", draft(audience=each)) for each in audiences),
        *(("POST", "/campaigns", draft(triggers=[each])) for each in triggers),
        *(("POST", "/segments", {"name": f"s{n}", "definition": each}) for n, each in enumerate(conditions)),
        *(("POST", "/segments/preview", {"definition": each}) for each in conditions),
        *(("POST", "/sequences", {"name": "Welcome", "steps": [*steps_with_click()[:-1], each]}) for each in steps),
        ("POST", "/sequences/{own}/enrollments", {"contact_ids": [contact]}),
        ("POST", "/sequences/{own}/enrollments", {"segment_id": segment}),
    ]


async def test_a_body_that_names_what_another_organization_has_is_told_that_it_does_not_exist(
    stranger: Caller, theirs: Ids
) -> None:
    own = await new_sequence(stranger)
    nothing = {name: unknown(name) for name in theirs}
    wrong = {}
    for (method, path, their_body), (_, _, no_body) in zip(bodies(theirs), bodies(nothing), strict=True):
        answers = [await stranger.request(method, path.format(own=own), json=body) for body in (their_body, no_body)]
        answers = [answer for answer in answers if answer.status_code != 201]
        if not answers:  # it was saved as a draft, which is judged when it is published
            continue
        if len(answers) == 1 or told(answers[0]) != told(answers[1]):
            wrong[f"{path} {their_body}"] = [answer.text for answer in answers]
    assert wrong == {}
