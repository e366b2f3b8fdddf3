"""Segments over HTTP: saved, counted and read page by page; wrong ones are refused with every fault."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from models.segments import limits, people
from models.sequences.sequence import Sequence
from models.triggers.trigger import Trigger
from services.segments.engagement import Engagement, segment_of
from tests.api.campaign_builders import draft, new_campaign, new_sequence
from tests.builders import Caller, is_problem
from tests.rows import Rows

GOLD = {"kind": "property", "name": "plan", "equals": "gold"}
VIP = {"kind": "tags", "tags": ["vip"]}


async def contacts(api: Caller, *people: dict[str, Any]) -> list[str]:
    return [(await api.post("/contacts", json=person)).json()["id"] for person in people]


async def segment(api: Caller, definition: dict[str, Any], name: str = "Gold") -> dict[str, Any]:
    answer = await api.post("/segments", json={"name": name, "definition": definition})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def faults(api: Caller, definition: Any) -> dict[str, str]:
    answer = await api.post("/segments", json={"name": "Wrong", "definition": definition})
    assert is_problem(answer, 422, "invalid"), answer.text
    return {each["field"]: each["message"] for each in answer.json()["errors"]}


async def test_a_segment_answers_its_count_and_its_first_page_at_once(api: Caller) -> None:
    ids = await contacts(
        api,
        {"external_id": "1", "properties": {"plan": "gold"}},
        {"external_id": "2", "properties": {"plan": "free"}},
        {"external_id": "3", "properties": {"plan": "gold"}, "tags": ["vip"]},
    )
    made = await segment(api, {"any": [GOLD, VIP]})
    assert (made["count"], [each["id"] for each in made["contacts"]["items"]]) == (2, [ids[2], ids[0]])
    assert made["definition"] == {"any": [GOLD, {**VIP, "has": "any"}]}
    assert (await api.get(f"/segments/{made['id']}")).json() == made
    listed = (await api.get("/segments")).json()["items"]
    assert listed == [{name: made[name] for name in ("id", "name", "definition", "created_at", "updated_at")}]
    contact = (await api.get(f"/contacts/{ids[0]}")).json()
    assert made["contacts"]["items"][1] == contact


async def test_the_first_page_goes_on_in_the_list_of_its_contacts(api: Caller) -> None:
    rows = [{"external_id": str(n), "tags": ["vip"]} for n in range(60)]
    assert (await api.post("/contacts/bulk", json={"contacts": rows})).json()["created"] == 60
    made = await segment(api, VIP)
    page = made["contacts"]
    assert (made["count"], len(page["items"])) == (60, 50)
    rest = (await api.get(f"/segments/{made['id']}/contacts", params={"cursor": page["next_cursor"]})).json()
    assert (len(rest["items"]), rest["next_cursor"]) == (10, None)
    seen = [each["id"] for each in [*page["items"], *rest["items"]]]
    assert seen == sorted(seen, reverse=True)
    assert len({*seen}) == 60
    other = await segment(api, GOLD)
    answer = await api.get(f"/segments/{other['id']}/contacts", params={"cursor": page["next_cursor"]})
    assert is_problem(answer, 422, "invalid")


async def test_a_preview_saves_nothing(api: Caller) -> None:
    await contacts(api, {"external_id": "1", "tags": ["vip"]})
    answer = (await api.post("/segments/preview", json={"definition": VIP})).json()
    assert (answer["count"], [each["external_id"] for each in answer["contacts"]]) == (1, ["1"])
    assert (await api.get("/segments")).json()["items"] == []


async def test_a_segment_is_changed_and_deleted(api: Caller) -> None:
    await contacts(api, {"external_id": "1", "tags": ["vip"]})
    made = await segment(api, GOLD)
    changed = (await api.patch(f"/segments/{made['id']}", json={"definition": VIP})).json()
    assert (made["count"], changed["count"], changed["name"]) == (0, 1, "Gold")
    renamed = (await api.patch(f"/segments/{made['id']}", json={"name": "Best"})).json()
    assert (renamed["name"], renamed["definition"]) == ("Best", changed["definition"])
    assert is_problem(await api.patch(f"/segments/{made['id']}", json={"name": None}), 422, "invalid")
    assert (await api.delete(f"/segments/{made['id']}")).status_code == 204
    assert is_problem(await api.get(f"/segments/{made['id']}"), 404, "not_found")


async def test_every_fault_of_a_definition_is_named_with_its_path(api: Caller) -> None:
    found = await faults(
        api,
        {
            "all": [
                {"kind": "tags", "has": "some", "tags": ["a", "!"]},
                {"any": [{"kind": "clicks"}, {"not": {"kind": "opened"}}, "vip"]},
                {"kind": "clicked", "campaign_id": "1", "link": "A B"},
                {"kind": "clicked", "campaign_id": str(uuid4()), "link_id": str(uuid4())},
                {"kind": "clicked", "link": "offer"},
                {"kind": "property", "name": "1", "equals": ["gold"], "greater": "soon"},
                {"kind": "field", "name": "phone", "equals": "call me", "size": 3},
                {"kind": "last_click", "within": "P1Y", "after": "yesterday"},
                {"all": []},
                {"not": None},
            ]
        },
    )
    assert set(found) == {
        "definition.all[0].has",
        "definition.all[0].tags[1]",
        "definition.all[1].any[0]",
        "definition.all[1].any[1].not",
        "definition.all[1].any[2]",
        "definition.all[2].campaign_id",
        "definition.all[2].link",
        "definition.all[3]",
        "definition.all[4]",
        "definition.all[5].name",
        "definition.all[5].equals",
        "definition.all[5].greater",
        "definition.all[6].equals",
        "definition.all[6].size",
        "definition.all[7].within",
        "definition.all[7].after",
        "definition.all[8].all",
        "definition.all[9].not",
    }
    assert found["definition.all[1].any[0]"] == "Give at least one of at_least and at_most."
    assert "kind" in found["definition.all[1].any[1].not"]


@pytest.mark.parametrize("definition", [None, 7, "vip", [], {}, {"kind": 7}, {"kind": ["tags"]}, {"kind": "all"}, {"all": {}}])
async def test_what_is_not_a_condition_is_refused(api: Caller, definition: Any) -> None:
    assert all(path.startswith("definition") for path in await faults(api, definition))


async def test_a_definition_is_bounded_in_size_and_depth(api: Caller) -> None:
    deep: dict[str, Any] = VIP
    for _ in range(7):
        deep = {"not": deep}
    assert "nested" in (await faults(api, deep))["definition"]
    assert "50 conditions" in (await faults(api, {"any": [VIP] * 50}))["definition"]
    assert "50 conditions" in (await faults(api, {"any": [{}] * 5000}))["definition"]
    await segment(api, deep["not"])
    await segment(api, {"any": [VIP] * 49})


async def test_what_a_definition_names_has_to_be_the_organizations(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = Rows(database, other.id)
    campaign, sequence = await theirs.campaign(), await theirs.sequence()
    (link,) = await theirs.links(campaign.content_id)
    unknown = {"campaign_id": str(uuid4()), "sequence_id": str(uuid4()), "link_id": str(uuid4())}
    others = {"campaign_id": str(campaign.id), "sequence_id": str(sequence.id), "link_id": str(link.id)}
    for ids in (unknown, others):
        found = await faults(
            api,
            {
                "any": [
                    {"kind": "clicked", "campaign_id": ids["campaign_id"], "link": "offer"},
                    {"not": {"kind": "clicked", "sequence_id": ids["sequence_id"]}},
                    {"kind": "not_clicked", "link_id": ids["link_id"]},
                    {"kind": "received", "campaign_id": ids["campaign_id"]},
                ]
            },
        )
        assert found == {
            "definition.any[0].campaign_id": f"There is no campaign {ids['campaign_id']}.",
            "definition.any[1].not.sequence_id": f"There is no sequence {ids['sequence_id']}.",
            "definition.any[2].link_id": f"There is no link {ids['link_id']}.",
            "definition.any[3].campaign_id": f"There is no campaign {ids['campaign_id']}.",
        }


async def test_a_link_is_named_within_its_campaign_or_sequence(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    rows = Rows(database, organization[0].id)
    draft = await new_campaign(api)
    sent, sequence = await rows.campaign(), await rows.sequence()
    for owner in ({"campaign_id": draft}, {"campaign_id": str(sent.id)}, {"sequence_id": str(sequence.id)}):
        assert (await segment(api, {"kind": "clicked", **owner, "link": "offer"}))["count"] == 0
        found = await faults(api, {"kind": "clicked", **owner, "link": "nothing"})
        assert list(found) == ["definition.link"]
        assert "its named links: offer" in found["definition.link"]


async def test_a_segment_of_another_organization_is_not_there(api: Caller, database: Database) -> None:
    made = await segment(api, VIP)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    stranger = api.with_key(key)
    path = f"/segments/{made['id']}"
    for answer in (
        await stranger.get(path),
        await stranger.get(f"{path}/contacts"),
        await stranger.patch(path, json={"name": "Mine"}),
        await stranger.delete(path),
    ):
        assert is_problem(answer, 404, "not_found")
    assert (await stranger.get("/segments")).json()["items"] == []


async def test_a_segment_shows_nobody_of_another_organization(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    await contacts(api, {"external_id": "1", "tags": ["vip"]})
    await contacts(api.with_key(key), {"external_id": "2", "tags": ["vip"]})
    for definition in (VIP, {"not": GOLD}, {"any": [VIP, GOLD]}, {"kind": "not_clicked"}):
        assert (await segment(api, definition))["count"] == 1


async def test_the_engaged_and_the_unengaged_of_a_campaign_are_one_call_each(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    rows = Rows(database, organization[0].id)
    campaign = await rows.campaign(name="Spring")
    people = [await rows.contact(external_id=name) for name in ("clicked", "machine", "silent", "failed", "other")]
    messages = [await rows.message(campaign.content_id, person) for person in people[:3]]
    await rows.message(campaign.content_id, people[3], MessageState.FAILED)
    await rows.click(messages[0])
    await rows.click(messages[1], verdict="bot")
    for kind, expected in {"engaged": ["clicked"], "unengaged": ["silent", "machine"]}.items():
        answer = await api.post(f"/campaigns/{campaign.id}/segments", json={"kind": kind})
        made = answer.json()
        assert (answer.status_code, made["name"], made["count"]) == (201, f"Spring: {kind}", len(expected))
        assert [each["external_id"] for each in made["contacts"]["items"]] == expected
        assert (await api.get(f"/segments/{made['id']}")).json() == made
    named = await api.post(f"/campaigns/{campaign.id}/segments", json={"kind": "engaged", "name": "Hot"})
    assert named.json()["name"] == "Hot"
    assert is_problem(await api.post(f"/campaigns/{campaign.id}/segments", json={"kind": "opened"}), 422, "invalid")
    assert is_problem(await api.post(f"/campaigns/{uuid4()}/segments", json={"kind": "engaged"}), 404, "not_found")


async def test_a_campaigns_segment_is_made_once_and_again_when_it_was_changed(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    campaign = await Rows(database, organization[0].id).campaign(name="Spring")
    path, body = f"/campaigns/{campaign.id}/segments", {"kind": "unengaged"}
    answers = await asyncio.gather(*[api.post(path, json=body) for _ in range(3)])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    (made,) = {answer.json()["id"] for answer in answers}
    assert (await api.post(path, json={**body, "name": "Silent"})).status_code == 201
    assert (await api.post(path, json={"kind": "engaged"})).status_code == 201
    assert (await api.patch(f"/segments/{made}", json={"definition": VIP})).status_code == 200
    another = await api.post(path, json=body)
    assert (another.status_code, another.json()["id"] != made) == (201, True)


async def test_another_organizations_segment_is_not_answered(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    campaign = await Rows(database, organization[0].id).campaign(name="Spring")
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
        theirs = segment_of(campaign, Engagement.ENGAGED, None)
        theirs.org_id = other.id
        session.add(theirs)
    assert (await api.post(f"/campaigns/{campaign.id}/segments", json={"kind": "engaged"})).status_code == 201


async def test_a_segment_that_a_trigger_uses_is_not_deleted(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    rows = Rows(database, organization[0].id)
    made = await segment(api, VIP)
    trigger = {"key": "hot", "segment_id": made["id"], "actions": [{"kind": "tag", "tags": ["hot"]}]}
    sequence = await rows.sequence(publish=False, name="Welcome")
    for drafted in ({"steps": [], "triggers": [trigger]}, {"steps": [{"kind": "send", "key": "a", "triggers": [trigger]}]}):
        async with database.transaction() as session:
            (await session.get_one(Sequence, sequence.id)).draft = drafted
        answer = await api.delete(f"/segments/{made['id']}")
        assert is_problem(answer, 409, "segment_used")
        assert f"the sequence Welcome ({sequence.id})" in answer.json()["detail"]
    async with database.transaction() as session:
        (await session.get_one(Sequence, sequence.id)).draft = {"steps": []}
    campaign = await rows.campaign()
    async with database.transaction() as session:
        published: dict[str, Any] = {"event": "clicked", "key": "hot", "definition": trigger, "segment_id": UUID(made["id"])}
        session.add(Trigger(org_id=organization[0].id, campaign_id=campaign.id, **published))
    assert "the trigger hot" in (await api.delete(f"/segments/{made['id']}")).json()["detail"]


async def test_a_segment_that_a_draft_campaigns_trigger_uses_is_not_deleted(api: Caller) -> None:
    made = await segment(api, VIP)
    tag = {"kind": "tag", "tags": ["hot"]}
    campaign = await new_campaign(api, triggers=[{"key": "hot", "segment_id": made["id"], "actions": [tag]}])
    (use,) = (await api.get(f"/segments/{made['id']}")).json()["used_by"]
    assert (use["kind"], use["id"], use["campaign_id"], use["sequence_id"]) == ("campaign", campaign, campaign, None)
    refused = await api.delete(f"/segments/{made['id']}")
    assert is_problem(refused, 409, "segment_used")
    assert campaign in refused.json()["detail"]
    assert (await api.patch(f"/campaigns/{campaign}", json={"triggers": []})).status_code == 200
    assert (await api.delete(f"/segments/{made['id']}")).status_code == 204


async def test_a_filter_that_takes_too_long_is_ended_and_says_what_to_do(
    api: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "COUNT", people.COUNT + " AND pg_sleep(60) IS NULL")
    monkeypatch.setattr(limits, "SECONDS", 0.05)
    await contacts(api, {"external_id": "1", "tags": ["vip"]})
    answer = await api.post("/segments", json={"name": "Slow", "definition": VIP})
    assert is_problem(answer, 503, "unavailable")
    assert "Narrow it down" in answer.json()["detail"]
    assert (await api.get("/segments")).json()["items"] == []


async def test_an_audience_names_only_segments_of_its_organization(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    theirs = await segment(api.with_key(key), VIP)
    audience = {"segment_ids": [theirs["id"]], "exclude_segment_ids": [(await segment(api, VIP))["id"], str(uuid4())]}
    answer = await api.post("/campaigns", json=draft(audience=audience))
    assert is_problem(answer, 422, "invalid")
    assert [each["field"] for each in answer.json()["errors"]] == ["audience.segment_ids[0]", "audience.exclude_segment_ids[1]"]


async def test_a_draft_keeps_its_segment_until_its_launch_has_fixed_the_definition(api: Caller) -> None:
    await contacts(api, {"external_id": "1", "tags": ["vip"], "phone": "+12025550123"})
    made = await segment(api, VIP)
    campaign = await new_campaign(api, audience={"segment_ids": [made["id"]]})
    assert (await api.get(f"/campaigns/{campaign}")).json()["recipients"] == 1
    refused = await api.delete(f"/segments/{made['id']}")
    assert is_problem(refused, 409, "segment_used")
    assert campaign in refused.json()["detail"]
    launched = await api.post(f"/campaigns/{campaign}/launch")
    assert (launched.status_code, launched.json()["recipients"]) == (202, 1)
    assert (await api.delete(f"/segments/{made['id']}")).status_code == 204
    assert (await api.get(f"/campaigns/{campaign}")).json()["audience"]["segment_ids"] == [made["id"]]


async def test_a_segment_is_enrolled_page_by_page(api: Caller) -> None:
    ids = await contacts(api, *({"external_id": str(n), "tags": ["vip"]} for n in range(5)), {"external_id": "other"})
    made, path = await segment(api, VIP), f"/sequences/{await new_sequence(api)}/enrollments"
    body: dict[str, Any] = {"segment_id": made["id"], "limit": 2}
    found: list[str] = []
    for _ in range(3):
        answer = (await api.post(path, json=body)).json()
        found += [each["contact_id"] for each in answer["results"]]
        assert answer["enrolled"] == len(answer["results"])
        body["cursor"] = answer["next_cursor"]
    assert (found, body["cursor"]) == (ids[:5], None)
    again = (await api.post(path, json={"segment_id": made["id"]})).json()
    assert (again["enrolled"], again["already_enrolled"], again["next_cursor"]) == (0, 5, None)
    nobody = (await api.post(path, json={"segment_id": (await segment(api, GOLD))["id"]})).json()
    assert (nobody["enrolled"], nobody["results"]) == (0, [])


async def test_enrolling_a_segment_refuses_what_does_not_belong_together(api: Caller, database: Database) -> None:
    ids = await contacts(api, *({"external_id": str(n), "tags": ["vip"]} for n in range(2)))
    made, path = await segment(api, VIP), f"/sequences/{await new_sequence(api)}/enrollments"
    first = (await api.post(path, json={"segment_id": made["id"], "limit": 1})).json()["next_cursor"]
    other = (await segment(api, VIP))["id"]
    elsewhere = f"/sequences/{await new_sequence(api)}/enrollments"
    for to, body in (
        (path, {"segment_id": other, "cursor": first}),
        (elsewhere, {"segment_id": made["id"], "cursor": first}),
        (path, {"segment_id": made["id"], "cursor": "nonsense"}),
        (path, {"segment_id": made["id"], "contact_ids": ids}),
        (path, {"segment_id": made["id"], "limit": 0}),
        (path, {"segment_id": made["id"], "limit": 4001}),
        (path, {}),
    ):
        assert is_problem(await api.post(to, json=body), 422, "invalid"), body
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    theirs = (await segment(api.with_key(key), VIP))["id"]
    assert is_problem(await api.post(path, json={"segment_id": theirs}), 404, "not_found")


@pytest.mark.parametrize("number", [10**400, -(10**4000), 0.1, -1.5e300, 0])
async def test_a_property_is_compared_to_any_number(api: Caller, number: float) -> None:
    await contacts(api, {"external_id": "1", "properties": {"n": number, "m": [number]}})
    for comparison, count in (("equals", 1), ("not_equals", 0), ("greater", 0), ("less", 0)):
        assert (await segment(api, {"kind": "property", "name": "n", comparison: number}))["count"] == count
        assert (await segment(api, {"kind": "property", "name": "m", comparison: number}))["count"] == (
            comparison == "not_equals"
        )


async def test_the_largest_definitions_are_answered(api: Caller) -> None:
    """Statements of a hundred tags in fifty conditions are planned and answered, or ended in time."""
    tags = [f"t{n}" for n in range(100)]
    (person,) = await contacts(api, {"external_id": "1", "tags": tags})
    for has, group, count in (("any", "any", 1), ("any", "all", 1), ("all", "all", 1), ("all", "any", 1), ("none", "any", 0)):
        made = await segment(api, {group: [{"kind": "tags", "has": has, "tags": tags}] * 49})
        assert (made["count"], [each["id"] for each in made["contacts"]["items"]]) == (count, [person] * count)
        audience = {"segment_ids": [made["id"]], "exclude_tags": [f"x{n}" for n in range(100)]}
        campaign = await new_campaign(api, audience=audience)
        assert (await api.get(f"/campaigns/{campaign}")).json()["recipients"] == count
