"""Triggers of sequences over HTTP: what is refused at save and at publish, with the path of each field, and what is stored."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from models.database import Database
from models.messages.content import Content, ContentLink
from models.organizations.organization import Organization
from models.sequences.sequence import Sequence
from models.triggers.trigger import Trigger
from settings import Settings
from tests.api.campaign_builders import OFFER, fields, new_sequence
from tests.builders import Caller

SMS = "simulator-sms"
TAG = {"kind": "tag", "tags": ["hot"]}
THANKS = {"kind": "send", "channel": SMS, "message": {"body": "Thank you! {{ links.more }}", "links": {"more": "https://x.test"}}}
HELLO = {"kind": "send", "key": "hello", "channel": SMS, "message": OFFER}
WAIT = {"kind": "wait", "key": "pause", "duration": "P1D"}
LAST = {**WAIT, "key": "last"}
AGAIN = {
    "kind": "send",
    "key": "again",
    "channel": SMS,
    "message": {"body": "{{ links.terms }} https://x.test", "links": {"terms": "https://y.test"}},
}
LINKS = """
SELECT trigger_link.trigger_id, content.step_key, link.name FROM trigger_link
JOIN content_link link USING (content_id, position) JOIN content ON content.id = content_id
"""


def trigger(key: str = "hot", *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": key, "actions": actions or [TAG], **more}


def enroll(sequence: str) -> dict[str, Any]:
    return {"kind": "enroll", "sequence_id": sequence}


def body(*triggers: dict[str, Any], steps: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"name": "New", "steps": steps or [HELLO, WAIT, AGAIN], "triggers": triggers}


async def saved(api: Caller, *triggers: dict[str, Any], **more: Any) -> str:
    created = await api.post("/sequences", json=body(*triggers, **more))
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


async def refused_at_publish(api: Caller, *triggers: dict[str, Any], **more: Any) -> dict[str, str]:
    return fields(await api.post(f"/sequences/{await saved(api, *triggers, **more)}/publish"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"key": "Hot", "actions": [TAG]}, "triggers[0].key"),
        ({"key": "hot", "actions": []}, "triggers[0].actions"),
        ({"key": "hot", "actions": [TAG, {"kind": "explode"}]}, "triggers[0].actions[1].kind"),
        ({"key": "hot", "actions": [{"kind": "tag", "tags": ["a,b"]}]}, "triggers[0].actions[0].tags[0]"),
        ({"key": "hot", "actions": [{"kind": "enroll", "sequence_id": "x"}]}, "triggers[0].actions[0].sequence_id"),
        ({"key": "hot", "actions": [{**TAG, "colour": "red"}]}, "triggers[0].actions[0].colour"),
        ({"key": "hot", "actions": [TAG], "times": 1001}, "triggers[0].times"),
        (trigger(when="not_clicked"), "triggers[0].within"),
        (trigger(when="not_clicked", within="P1D", times=2), "triggers[0].times"),
        (trigger("hot", {"kind": "go_to", "step": "gone"}), "triggers[0].actions[0].step"),
        (trigger("hot", {"kind": "set_field", "field": "email", "value": "x"}), "triggers[0].actions[0].field"),
        (trigger("hot", {"kind": "send", "channel": SMS, "message": {"body": "{{ oh"}}), "triggers[0].actions[0].message.body"),
        (trigger("hot", {"kind": "send", "channel": "pigeon", "message": {"body": "Hi"}}), "triggers[0].actions[0].channel"),
        (
            trigger("hot", {"kind": "send", "channel": "simulator-email", "message": {"body": "Hi", "kind": "transactional"}}),
            "triggers[0].actions[0].message.subject",
        ),
    ],
)
async def test_a_wrong_trigger_is_refused_at_save_with_its_path(api: Caller, wrong: dict[str, Any], field: str) -> None:
    assert list(fields(await api.post("/sequences", json=body(wrong)))) == [field]
    sequence = await saved(api)
    assert list(fields(await api.patch(f"/sequences/{sequence}", json={"triggers": [wrong]}))) == [field]
    steps: list[dict[str, Any]] = [WAIT, {**HELLO, "triggers": [wrong]}]
    assert list(fields(await api.post("/sequences", json=body(steps=steps)))) == [f"steps[1].{field}"]


async def new_segment(api: Caller) -> str:
    created = await api.post("/segments", json={"name": "Hot", "definition": {"kind": "tags", "tags": ["hot"]}})
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


async def test_a_segment_has_to_be_the_organizations(api: Caller, stranger: Caller) -> None:
    theirs, ours = await new_segment(stranger), await new_segment(api)
    found = fields(await api.post("/sequences", json=body(trigger("a", segment_id=ours), trigger("b", segment_id=theirs))))
    assert found == {"triggers[1].segment_id": f"There is no segment {theirs}."}


async def test_what_another_organization_has_is_unknown(api: Caller, stranger: Caller) -> None:
    theirs, nobodys = await new_sequence(stranger), str(uuid4())
    found = fields(await api.post("/sequences", json=body(trigger("a", TAG, enroll(theirs)), trigger("b", enroll(nobodys)))))
    assert found == {
        "triggers[0].actions[1].sequence_id": f"There is no sequence {theirs}.",
        "triggers[1].actions[0].sequence_id": f"There is no sequence {nobodys}.",
    }


async def test_all_faults_are_reported_at_once(api: Caller) -> None:
    twice = [trigger("x"), trigger("x", {"kind": "go_to", "step": "gone"})]
    steps = [{**HELLO, "triggers": twice, "message": {"body": "{{ oh"}}]
    found = fields(await api.post("/sequences", json=body(trigger("y", enroll(str(uuid4()))), steps=steps)))
    assert set(found) == {
        "steps[0].message.body",
        "steps[0].triggers[1].key",
        "steps[0].triggers[1].actions[0].step",
        "triggers[0].actions[0].sequence_id",
    }


async def test_more_triggers_than_a_list_may_have_are_refused(api: Caller) -> None:
    many = [trigger(f"t{number}") for number in range(21)]
    assert list(fields(await api.post("/sequences", json=body(*many)))) == ["triggers"]


async def test_the_texts_of_triggers_count_among_those_of_the_sequence(api: Caller, settings: Settings) -> None:
    mail = {"kind": "send", "channel": "simulator-email", "message": {"subject": "Hi", "body": "Hi", "html": "x" * 190_000}}
    found = fields(await api.post("/sequences", json=body(trigger("hot", *[mail] * 5))))
    assert list(found) == ["steps"]
    assert f"at most {settings.sequence_text_limit:,}" in found["steps"]


async def test_a_change_of_something_else_is_not_held_up_by_what_has_gone_meanwhile(api: Caller, database: Database) -> None:
    other = await new_sequence(api)
    wanted = trigger("hot", enroll(other))
    sequence = await saved(api, wanted)
    async with database.transaction() as session:  # nothing can delete a sequence yet, so another one's draft names a lost one
        row = await session.get_one(Sequence, UUID(sequence))
        row.draft = {**row.draft, "triggers": [trigger("hot", enroll(lost := str(uuid4())))]}
    for change in (
        {"name": "Better"},
        {"steps": [HELLO, WAIT]},
        {"utm": {"source": "x"}},
        {"triggers": [trigger("hot", TAG, enroll(lost))]},
    ):
        changed = await api.patch(f"/sequences/{sequence}", json=change)
        assert changed.status_code == 200, changed.text
    found = fields(await api.post(f"/sequences/{sequence}/publish"))
    assert found == {"triggers[0].actions[1].sequence_id": f"There is no sequence {lost}."}


async def test_steps_that_a_trigger_goes_to_cannot_be_taken_away_alone(api: Caller) -> None:
    sequence = await saved(api, trigger("hot", {"kind": "go_to", "step": "again"}))
    found = fields(await api.patch(f"/sequences/{sequence}", json={"steps": [HELLO]}))
    assert found == {"triggers[0].actions[0].step": "There is no step with the key 'again'."}
    assert (await api.patch(f"/sequences/{sequence}", json={"steps": [HELLO], "triggers": []})).status_code == 200


async def test_a_trigger_that_no_click_can_fire_is_refused_at_publish(api: Caller) -> None:
    silent = {**AGAIN, "message": {"body": "No link"}, "triggers": [trigger()]}
    deaf = {**HELLO, "triggers": [trigger("x", link="terms"), trigger("y", link="offer")]}
    assert await refused_at_publish(api, trigger("a", link="ofer"), trigger("b"), steps=[deaf, WAIT, silent]) == {
        "steps[0].triggers[0].link": "No message that it listens to contains a link named 'terms'; the named links: offer.",
        "steps[2].triggers[0].link": "A trigger needs a link in a message that it listens to, and there is no link.",
        "triggers[0].link": "No message that it listens to contains a link named 'ofer'; the named links: offer.",
    }


async def test_a_trigger_behind_whose_message_the_sequence_ends_is_refused_at_publish(api: Caller) -> None:
    cold = trigger("cold", when="not_clicked", within="P1D")
    end = {"kind": "end", "key": "over"}
    found = await refused_at_publish(api, cold, steps=[{**HELLO, "triggers": [trigger()]}, end])
    assert list(found) == ["steps[0].triggers[0]", "triggers[0]"]
    assert set(found.values()) == {
        "The sequence ends right after this message, so the trigger cannot fire: put a wait behind it."
    }
    sequence = await saved(api, cold, steps=[{**HELLO, "triggers": [trigger()]}, WAIT, end])
    assert (await api.post(f"/sequences/{sequence}/publish")).status_code == 201


async def test_a_sequence_that_sends_nothing_has_nothing_to_click(api: Caller) -> None:
    assert list(await refused_at_publish(api, trigger(), steps=[WAIT])) == ["triggers[0].link"]


async def test_triggers_without_tracking_are_refused_with_the_level_at_which_it_is_off(
    api: Caller,
) -> None:
    sequence = await saved(api, trigger(), steps=[{**HELLO, "triggers": [trigger()]}, WAIT])
    assert (await api.patch(f"/sequences/{sequence}", json={"link_tracking": False})).status_code == 200
    own = "Triggers need tracked links: switch link tracking on, or remove the triggers."
    assert fields(await api.post(f"/sequences/{sequence}/publish")) == {"link_tracking": own}
    assert (await api.patch("/organization", json={"link_tracking": False})).status_code == 200
    whole = "Link tracking is off for the whole organization, so no click is seen: switch it on, or remove the triggers."
    assert fields(await api.post(f"/sequences/{sequence}/publish")) == {
        "link_tracking": own,
        "steps[0].triggers": whole,
        "triggers": whole,
    }


async def test_a_message_of_a_trigger_is_judged_like_every_message(api: Caller) -> None:
    unlinked = {"kind": "send", "channel": SMS, "message": {"body": "{{ links.none }}"}}
    unused = {"kind": "send", "channel": SMS, "message": {"body": "Hi", "links": {"more": "https://x.test"}}}
    assert list(await refused_at_publish(api, trigger("hot", TAG, unlinked, unused))) == [
        "triggers[0].actions[1].message.body",
        "triggers[0].actions[2].message.links.more",
    ]


async def test_a_link_of_a_triggers_message_never_leads_back_to_this_server(api: Caller, settings: Settings) -> None:
    back = {"kind": "send", "channel": SMS, "message": {"body": f"Look: {settings.effective_link_domain}/x"}}
    assert list(await refused_at_publish(api, trigger("hot", back))) == ["triggers[0].actions[0].message.body"]


async def test_a_draft_cannot_be_entered(api: Caller) -> None:
    draft = await new_sequence(api, publish=False)
    found = await refused_at_publish(api, trigger("hot", enroll(draft)))
    assert found == {"triggers[0].actions[0].sequence_id": "The sequence is a draft: publish it first."}


async def test_a_sequence_does_not_enroll_its_own_people_again(api: Caller) -> None:
    sequence = await saved(api)
    steps = [{**HELLO, "triggers": [trigger("hot", TAG, enroll(sequence))]}, WAIT]
    assert (await api.patch(f"/sequences/{sequence}", json={"steps": steps})).status_code == 200
    found = fields(await api.post(f"/sequences/{sequence}/publish"))
    assert list(found) == ["steps[0].triggers[0].actions[1].sequence_id"]
    assert "use go_to" in found["steps[0].triggers[0].actions[1].sequence_id"]


async def test_the_messages_of_triggers_count_as_texts_that_are_made(
    api: Caller, database: Database, organization: tuple[Organization, str]
) -> None:
    sequence = await saved(api, trigger("hot", THANKS), steps=[HELLO, WAIT])
    async with database.transaction() as session:
        (await session.get_one(Organization, organization[0].id)).limits = {"contents": 1}
    assert (await api.post(f"/sequences/{sequence}/publish")).json()["code"] == "quota_reached"
    async with database.transaction() as session:
        assert (await session.scalars(select(Trigger))).all() == []
        (await session.get_one(Organization, organization[0].id)).limits = {"contents": 2}
    assert (await api.post(f"/sequences/{sequence}/publish")).status_code == 201


async def test_a_published_trigger_has_its_row_its_links_and_its_texts(api: Caller, database: Database) -> None:
    of_step = [trigger("hot", link="terms", times=3, within="P2D")]
    late = trigger("late", when="not_clicked", within="P3D")
    sequence = await saved(api, trigger("hot", TAG, THANKS), late, steps=[HELLO, WAIT, {**AGAIN, "triggers": of_step}, LAST])
    utm = await api.patch(f"/sequences/{sequence}", json={"utm": {"source": "spring"}})
    assert utm.status_code == 200
    version = (await api.post(f"/sequences/{sequence}/publish")).json()
    async with database.transaction() as session:
        rows = {(row.step_key, row.key): row for row in await session.scalars(select(Trigger))}
        assert set(rows) == {(None, "hot"), (None, "late"), ("again", "hot")}
        assert {(str(row.sequence_id), str(row.sequence_version_id)) for row in rows.values()} == {(sequence, version["id"])}
        assert {row.campaign_id for row in rows.values()} == {None}
        hot = rows["again", "hot"]
        assert (hot.event, hot.link, hot.times, hot.within) == ("clicked", "terms", 3, timedelta(days=2))
        assert rows[None, "late"].event == "not_clicked"
        assert rows[None, "hot"].definition == version["triggers"][0]
        links = {tuple(row) for row in await session.execute(text(LINKS))}
        every = {("hello", "offer"), ("again", "terms"), ("again", None)}
        assert links == {
            *((rows[None, "hot"].id, *link) for link in every),
            *((rows[None, "late"].id, *link) for link in every),
            (hot.id, "again", "terms"),
        }
        (content,) = await session.scalars(select(Content).where(col(Content.trigger_id).is_not(None)))
        assert (content.trigger_id, content.action_position, content.wakes) == (rows[None, "hot"].id, 1, [])
        assert (content.sequence_id, content.sequence_version_id, content.step_key) == (None, None, None)
        assert content.body == "Thank you! {{ tracked_links[0] }}"
        (link,) = await session.scalars(select(ContentLink).where(col(ContentLink.content_id) == content.id))
        assert (link.name, link.url) == ("more", "https://x.test/?utm_source=spring")


async def test_each_version_has_its_own_triggers_and_shows_them_as_they_were_written(api: Caller, database: Database) -> None:
    written = {**trigger("hot"), "when": "clicked", "link": None, "times": 1, "within": None, "segment_id": None}
    written["actions"] = [{**TAG, "on_failure": "continue"}]
    sequence = await saved(api, trigger("hot"))
    assert (await api.get(f"/sequences/{sequence}")).json()["triggers"] == [written]
    first = (await api.post(f"/sequences/{sequence}/publish")).json()
    assert (first["triggers"], first["version"]) == ([written], 1)
    assert (await api.post(f"/sequences/{sequence}/publish")).status_code == 200
    assert (await api.patch(f"/sequences/{sequence}", json={"triggers": [trigger("warm")]})).status_code == 200
    assert (await api.post(f"/sequences/{sequence}/publish")).json()["version"] == 2
    assert (await api.get(f"/sequences/{sequence}/versions/1")).json()["triggers"] == [written]
    async with database.transaction() as session:
        rows = (await session.scalars(select(Trigger).order_by(col(Trigger.created_at)))).all()
    assert [row.key for row in rows] == ["hot", "warm"]
    assert len({row.sequence_version_id for row in rows}) == 2
