"""Sequences over HTTP: what is refused at save and at publish, with the path of each field; versions that never change."""

from operator import itemgetter
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from models.database import Database
from models.messages.content import MAX_CONTENT_ID, Content
from models.organizations.organization import Organization, create_organization
from settings import Settings
from tests.api.campaign_builders import OFFER, add_contacts, fields, new_campaign, new_sequence, steps_with_click
from tests.builders import Caller

SMS = "simulator-sms"
END = {"kind": "end", "key": "over"}


def send(key: str, body: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"kind": "send", "key": key, "channel": SMS, "message": {"body": body}, **more}


def wait_for_click(key: str, **more: Any) -> dict[str, Any]:
    return {"kind": "wait_for_click", "key": key, "timeout": "PT1H", "on_click": "over", "on_timeout": "over", **more}


async def refused_at_publish(api: Caller, steps: list[dict[str, Any]]) -> dict[str, str]:
    sequence = await new_sequence(api, publish=False, steps=steps)
    found = fields(await api.post(f"/sequences/{sequence}/publish"))
    assert (await api.get(f"/sequences/{sequence}")).json()["version"] is None
    return found


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "steps"),
        ([{"kind": "jump", "key": "a"}], "steps[0].kind"),
        ([{"kind": "wait", "key": "a", "duration": "PT0S"}], "steps[0].duration"),
        ([{"kind": "wait", "key": "Not a key", "duration": "PT1S"}], "steps[0].key"),
        ([END, {"kind": "wait_for_click", "key": "a", "timeout": "P1D", "on_click": "over"}], "steps[1].on_timeout"),
        ([{**END, "colour": "red"}], "steps[0].colour"),
        ([{**END, "outcome": "\x00"}], "steps[0].outcome"),
        ([send("a", "{{ contact.first_name")], "steps[0].message.body"),
        ([send("a"), send("b", "{% nonsense %}")], "steps[1].message.body"),
    ],
)
async def test_a_draft_with_a_wrong_field_is_refused_at_save(api: Caller, steps: list[Any], field: str) -> None:
    assert list(fields(await api.post("/sequences", json={"name": "New", "steps": steps}))) == [field]
    sequence = await new_sequence(api, publish=False)
    assert list(fields(await api.patch(f"/sequences/{sequence}", json={"steps": steps}))) == [field]


CALENDAR = "Years and months are not always of one length: write days, such as P30D."


@pytest.mark.parametrize("duration", ["P1M", "P1Y", "P1Y1D", "P1M2DT3H", "+P1M", "-P1M"])
async def test_years_and_months_are_refused_as_a_duration(api: Caller, duration: str) -> None:
    steps = [{"kind": "wait", "key": "a", "duration": duration}, wait_for_click("b", timeout=duration), END]
    wanted = {"steps[0].duration": CALENDAR, "steps[1].timeout": CALENDAR}
    assert fields(await api.post("/sequences", json={"name": "New", "steps": steps})) == wanted
    sequence = await new_sequence(api, publish=False)
    assert fields(await api.patch(f"/sequences/{sequence}", json={"steps": steps})) == wanted


@pytest.mark.parametrize("duration", [True, "1:00:00", "1 day", "5", "", " P1D"])
async def test_a_duration_in_another_form_is_refused(api: Caller, duration: Any) -> None:
    steps = [{"kind": "wait", "key": "a", "duration": duration}, END]
    wanted = "Write an ISO 8601 duration such as PT30S or P3D, or a number of seconds."
    assert fields(await api.post("/sequences", json={"name": "New", "steps": steps})) == {"steps[0].duration": wanted}


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        ("P366D", "P366D"),
        ("P365DT1M0.5S", "P365DT1M0.5S"),
        ("P2W", "P14D"),
        ("PT90M", "PT1H30M"),
        (86400, "P1D"),
        ("P30D", "P30D"),
    ],
)
async def test_a_duration_is_shown_as_it_can_be_sent_again(api: Caller, duration: str | int, shown: str) -> None:
    made = (
        await api.post("/sequences", json={"name": "New", "steps": [{"kind": "wait", "key": "a", "duration": duration}]})
    ).json()
    assert made["steps"][0]["duration"] == shown
    again = await api.patch(f"/sequences/{made['id']}", json={"steps": made["steps"]})
    assert (again.status_code, again.json()["steps"]) == (200, made["steps"])


async def test_a_wrong_template_is_refused_at_save_with_line_and_column(api: Caller) -> None:
    steps = [send("a", "One\n  {{ contact.nickname }}"), send("b", "{{ oops")]
    answer = await api.post("/sequences", json={"name": "New", "steps": steps})
    places = [(error["field"], error["line"], error["column"]) for error in answer.json()["errors"]]
    assert (answer.status_code, places) == (422, [("steps[0].message.body", 2, 6), ("steps[1].message.body", 1, 1)])


async def test_a_step_that_does_not_exist_is_refused_at_publish(api: Caller) -> None:
    found = await refused_at_publish(api, [send("a", "{{ links.x }}", next="gone"), END])
    assert found["steps[0].next"] == "There is no step with the key 'gone'."


async def test_a_branch_to_nowhere_is_refused_at_publish(api: Caller) -> None:
    steps = [send("a", "https://example.com"), wait_for_click("b", on_click="gone", on_timeout="lost")]
    assert list(await refused_at_publish(api, steps)) == ["steps[1].on_click", "steps[1].on_timeout"]


async def test_who_leaves_on_an_opt_out_or_a_reply_has_a_default_and_can_be_changed(api: Caller) -> None:
    sequence = await new_sequence(api)
    rules = itemgetter("leave_on_opt_out", "end_on_reply")
    assert rules((await api.get(f"/sequences/{sequence}")).json()) == (True, False)
    assert rules((await api.patch(f"/sequences/{sequence}", json={"end_on_reply": True})).json()) == (True, True)
    assert rules((await api.patch(f"/sequences/{sequence}", json={"leave_on_opt_out": False})).json()) == (False, True)
    created = await api.post("/sequences", json={"name": "Own", "steps": [END], "leave_on_opt_out": False, "end_on_reply": True})
    assert rules(created.json()) == (False, True)


@pytest.mark.parametrize("rule", ["leave_on_opt_out", "end_on_reply"])
@pytest.mark.parametrize("value", [None, "yes", 1])
async def test_the_rules_for_leaving_are_true_or_false(api: Caller, rule: str, value: Any) -> None:
    sequence = await new_sequence(api)
    assert list(fields(await api.patch(f"/sequences/{sequence}", json={rule: value}))) == [rule]


async def test_the_re_entry_rule_has_a_default_and_can_be_changed(api: Caller) -> None:
    sequence = await new_sequence(api)
    rule = itemgetter("re_entry", "re_entry_limit")
    assert rule((await api.get(f"/sequences/{sequence}")).json()) == ("after_finishing", None)
    limit = {"times": 3, "period": "P30D"}
    changed = await api.patch(f"/sequences/{sequence}", json={"re_entry": "always", "re_entry_limit": limit})
    assert rule(changed.json()) == ("always", limit)
    assert rule((await api.patch(f"/sequences/{sequence}", json={"re_entry_limit": None})).json()) == ("always", None)
    once = {"name": "Once", "steps": steps_with_click(), "re_entry": "never", "re_entry_limit": limit}
    assert rule((await api.post("/sequences", json=once)).json()) == ("never", limit)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"re_entry": None}, "re_entry"),
        ({"re_entry": "sometimes"}, "re_entry"),
        ({"re_entry_limit": {"times": 0, "period": "P1D"}}, "re_entry_limit.times"),
        ({"re_entry_limit": {"times": True, "period": "P1D"}}, "re_entry_limit.times"),
        ({"re_entry_limit": {"times": 1, "period": "1 day"}}, "re_entry_limit.period"),
        ({"re_entry_limit": {"times": 1}}, "re_entry_limit.period"),
    ],
)
async def test_a_re_entry_rule_that_makes_no_sense_names_its_field(api: Caller, given: dict[str, Any], field: str) -> None:
    sequence = await new_sequence(api)
    assert field in fields(await api.patch(f"/sequences/{sequence}", json=given))


async def test_a_loop_without_a_wait_is_refused_at_publish(api: Caller) -> None:
    assert list(await refused_at_publish(api, [send("a"), send("b", next="a")])) == ["steps[1].next"]


async def test_a_key_used_twice_is_refused_at_publish(api: Caller) -> None:
    assert list(await refused_at_publish(api, [send("a"), send("a")])) == ["steps[1].key"]


async def test_a_step_that_is_never_reached_is_refused_at_publish(api: Caller) -> None:
    found = await refused_at_publish(api, [END, send("lonely")])
    assert found == {"steps[1].key": "No step leads to 'lonely': name it in another step, or remove it."}


async def test_a_wait_for_a_link_that_no_earlier_message_contains_is_refused_at_publish(api: Caller) -> None:
    named = {"message": OFFER}
    found = await refused_at_publish(
        api, [send("a"), wait_for_click("b", link="offer", on_click="c"), {**send("c"), **named}, END]
    )
    assert found == {"steps[1].link": "No message that is sent before this wait contains a link named 'offer'."}


async def test_a_wait_for_a_click_without_any_link_is_refused_at_publish(api: Caller) -> None:
    assert list(await refused_at_publish(api, [send("a"), wait_for_click("b"), END])) == ["steps[1].link"]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (send("a", channel="pigeon"), "steps[0].channel"),
        (send("a", channel="simulator-email", message={"body": "Hi", "kind": "transactional"}), "steps[0].message.subject"),
        (send("a", message={"body": "Hi", "subject": "Hi"}), "steps[0].message.subject"),
        (send("a", message={"body": "{{ links.x }}", "links": {"x": "ftp://example.com"}}), "steps[0].message.links.x"),
        (send("a", message={"body": "{{ links.x }}"}), "steps[0].message.body"),
        (send("a", message={"body": "Hi", "links": {"x": "https://example.com"}}), "steps[0].message.links.x"),
        (send("a", " ".join(f"https://example.com/{n}" for n in range(32))), "steps[0].message.body"),
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused_at_publish(api: Caller, step: dict[str, Any], field: str) -> None:
    assert list(await refused_at_publish(api, [step])) == [field]


async def test_all_faults_are_reported_at_once_in_the_order_of_the_steps(api: Caller) -> None:
    steps = [send("a", "{{ links.x }}"), wait_for_click("b", link="y"), send("b", channel="pigeon", next="gone"), END]
    assert list(await refused_at_publish(api, steps)) == [
        "steps[0].message.body",
        "steps[2].channel",
        "steps[2].key",
        "steps[2].next",
    ]


async def test_all_wrong_addresses_are_reported_at_once_with_their_places(api: Caller) -> None:
    mail = {
        "kind": "transactional",
        "subject": "Hi",
        "body": "See http://-a.test and\nhttps:// now {{ links.wrong }} {{ links.none }}",
        "html": "<a href='https://a:b@x.test'><a href='{{ links.wrong }}'><a href='http://x.test:0/'>{{ links.fine }}",
        "links": {"wrong": "ftp://x.test", "worse": "x.test", "fine": "https://x.test/"},
    }
    steps = [send("a", "https://a..b https://x.test"), send("b", channel="simulator-email", message=mail)]
    sequence = await new_sequence(api, publish=False, steps=steps)
    errors = (await api.post(f"/sequences/{sequence}/publish")).json()["errors"]
    assert [(error["field"], error.get("line"), error.get("column")) for error in errors] == [
        ("steps[0].message.body", 1, 1),
        ("steps[1].message.links.worse", None, None),
        ("steps[1].message.links.wrong", None, None),
        ("steps[1].message.body", 1, 5),
        ("steps[1].message.body", 2, 1),
        ("steps[1].message.body", 2, 32),
        ("steps[1].message.html", 1, 10),
        ("steps[1].message.html", 1, 67),
    ]


async def test_another_organizations_sequence_does_not_exist(api: Caller, database: Database) -> None:
    sequence = await new_sequence(api)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    stranger = api.with_key(key)
    answers = [
        await stranger.get(f"/sequences/{sequence}"),
        await stranger.patch(f"/sequences/{sequence}", json={"name": "Mine"}),
        await stranger.post(f"/sequences/{sequence}/publish"),
        await stranger.get(f"/sequences/{sequence}/versions"),
        await stranger.get(f"/sequences/{sequence}/versions/1"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await stranger.get("/sequences")).json()["items"] == []


@pytest.mark.parametrize(("version", "status"), [("2", 404), ("0", 422), (str(2**40), 422)])
async def test_a_version_that_was_never_published_does_not_exist(api: Caller, version: str, status: int) -> None:
    sequence = await new_sequence(api)
    assert (await api.get(f"/sequences/{sequence}/versions/{version}")).status_code == status


async def test_publishing_again_without_a_change_answers_the_same_version(api: Caller) -> None:
    sequence = await new_sequence(api)
    again = await api.post(f"/sequences/{sequence}/publish")
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert len((await api.get(f"/sequences/{sequence}/versions")).json()["items"]) == 1


async def test_a_published_version_stays_as_it_is_when_the_draft_changes(api: Caller) -> None:
    sequence = await new_sequence(api)
    first = (await api.get(f"/sequences/{sequence}/versions/1")).json()
    changed = (await api.patch(f"/sequences/{sequence}", json={"steps": [END], "link_tracking": False})).json()
    assert (changed["state"], changed["version"], changed["unpublished_changes"]) == ("published", 1, True)
    assert (changed["link_tracking"], [step["key"] for step in changed["steps"]]) == (False, ["over"])
    second = await api.post(f"/sequences/{sequence}/publish")
    assert (second.status_code, second.json()["version"], second.json()["links"]) == (201, 2, [])
    assert (await api.get(f"/sequences/{sequence}/versions/1")).json() == first
    assert [each["version"] for each in (await api.get(f"/sequences/{sequence}/versions")).json()["items"]] == [2, 1]
    assert (await api.get(f"/sequences/{sequence}")).json()["unpublished_changes"] is False


async def test_publishing_fixes_the_texts_and_every_link_wakes(api: Caller, database: Database) -> None:
    steps = steps_with_click()
    steps[0]["message"] = {"body": "https://example.com/other {{ links.offer }}", "links": OFFER["links"]}
    sequence = await new_sequence(api, steps=steps)
    async with database.session() as session:
        contents = (await session.scalars(select(Content).order_by(col(Content.id)))).all()
    assert [(each.step_key, each.body, each.wakes) for each in contents] == [
        ("hello", "{{ tracked_links[0] }} {{ tracked_links[1] }}", [0, 1]),
        ("thanks", "Thank you!", []),
        ("reminder", "Hello {{ contact.first_name }}: {{ tracked_links[0] }}", [0]),
    ]
    links = (await api.get(f"/sequences/{sequence}")).json()["links"]
    assert [(link["step_key"], link["name"], link["position"]) for link in links] == [
        ("hello", None, 0),
        ("hello", "offer", 1),
        ("reminder", "offer", 0),
    ]


async def test_publish_launch_and_shared_links_are_refused_above_the_limits_of_contents(
    api: Caller, database: Database, organization: tuple[Organization, str], settings: Settings
) -> None:
    contacts = await add_contacts(database, organization[0].id, 1)
    campaign = await new_campaign(api, audience={"contact_ids": contacts})
    sequence = await new_sequence(api, publish=False)
    settings.contents_per_day = 0
    shared = {"slug": "spring-sale", "destination": "https://www.example.com/"}
    for answer in (
        await api.post(f"/sequences/{sequence}/publish"),
        await api.post(f"/campaigns/{campaign}/launch"),
        await api.post("/shared-links", json=shared),
    ):
        assert (answer.status_code, answer.json()["code"]) == (429, "quota_reached"), answer.text
    settings.contents_per_day = 10
    async with database.transaction() as session:
        await session.execute(text(f"ALTER SEQUENCE content_id_seq RESTART WITH {MAX_CONTENT_ID}"))
    assert (await api.post("/shared-links", json=shared)).status_code == 201
    answer = await api.post(f"/sequences/{sequence}/publish")
    assert (answer.status_code, answer.json()["code"]) == (507, "out_of_contents")


async def test_a_quick_loop_is_refused_at_publish_unless_the_organization_may_have_it(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    steps = [send("hello"), {"kind": "wait", "key": "pause", "duration": "PT1S", "next": "hello"}]
    sequence = await new_sequence(api, steps=steps, publish=False)
    refused = fields(await api.post(f"/sequences/{sequence}/publish"))
    assert list(refused) == ["steps[1].next"]
    assert "hello → pause → hello" in refused["steps[1].next"]
    async with database.transaction() as session:
        (await session.get_one(Organization, organization[0].id)).limits = {"shortest_loop": "PT1S"}
    assert (await api.post(f"/sequences/{sequence}/publish")).status_code == 201
    assert (await api.get("/organization")).json()["limits"]["shortest_loop"] == "PT1S"
