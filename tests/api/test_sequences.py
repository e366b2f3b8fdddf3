"""Sequences over HTTP: what is refused at save and at publish, with the path of each field; versions that never change."""

from typing import Any, get_args
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.sequence_models import NewStep
from models.content import Content
from models.database import Database
from models.organization import create_organization
from models.sequence import Sequence
from models.steps import Step
from tests.api.campaign_builders import OFFER, fields, new_sequence, steps_with_click
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


async def test_a_draft_that_was_stored_with_a_year_can_be_read_changed_and_published(api: Caller, database: Database) -> None:
    sequence = await new_sequence(api, publish=False, steps=[{"kind": "wait", "key": "a", "duration": "P366D"}])
    async with database.transaction() as session:
        row = await session.get_one(Sequence, UUID(sequence))
        row.draft = {**row.draft, "steps": [{**row.draft["steps"][0], "duration": "P1Y1D"}]}
    assert (await api.get(f"/sequences/{sequence}")).json()["steps"][0]["duration"] == "P366D"
    assert (await api.patch(f"/sequences/{sequence}", json={"utm": {"source": "a"}})).status_code == 200
    published = await api.post(f"/sequences/{sequence}/publish")
    assert (published.status_code, published.json()["steps"][0]["duration"]) == (201, "P366D")


def test_every_kind_of_step_may_come_in() -> None:
    kinds = [{step.model_fields["kind"].default for step in get_args(get_args(union)[0])} for union in (Step, NewStep)]
    assert kinds[0] == kinds[1]


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
        (send("a", channel="simulator-email"), "steps[0].message.subject"),
        (send("a", message={"body": "Hi", "subject": "Hi"}), "steps[0].message.subject"),
        (send("a", message={"body": "{{ links.x }}", "links": {"x": "ftp://example.com"}}), "steps[0].message.links.x"),
        (send("a", message={"body": "{{ links.x }}"}), "steps[0].message.body"),
        (send("a", message={"body": "Hi", "links": {"x": "https://example.com"}}), "steps[0].message.links.x"),
        (send("a", " ".join(f"https://example.com/{n}" for n in range(33))), "steps[0].message.body"),
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


async def test_publishing_fixes_the_texts_and_which_links_wake(api: Caller, database: Database) -> None:
    steps = steps_with_click()
    steps[0]["message"] = {"body": "https://example.com/other {{ links.offer }}", "links": OFFER["links"]}
    sequence = await new_sequence(api, steps=steps)
    async with database.session() as session:
        contents = (await session.scalars(select(Content).order_by(col(Content.id)))).all()
    assert [(each.step_key, each.body, each.wakes) for each in contents] == [
        ("hello", "{{ tracked_links[0] }} {{ tracked_links[1] }}", [1]),
        ("thanks", "Thank you!", []),
        ("reminder", "Hello {{ contact.first_name }}: {{ tracked_links[0] }}", []),
    ]
    links = (await api.get(f"/sequences/{sequence}")).json()["links"]
    assert [(link["step_key"], link["name"], link["position"]) for link in links] == [
        ("hello", None, 0),
        ("hello", "offer", 1),
        ("reminder", "offer", 0),
    ]
