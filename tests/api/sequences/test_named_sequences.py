"""Sequences that steps name: what is refused at publish, all at once, with the path of each fault."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from models.database import Database
from models.organizations.organization import create_organization
from tests.api.campaign_builders import fields, new_sequence
from tests.builders import Caller
from tests.rows import Rows

END = {"kind": "end", "key": "over"}


def enroll(key: str, sequence_id: object, **more: Any) -> dict[str, Any]:
    return {"kind": "enroll", "key": key, "sequence_id": str(sequence_id), **more}


def wait(key: str, duration: str) -> dict[str, Any]:
    return {"kind": "wait", "key": key, "duration": duration}


async def published(api: Caller, *steps: dict[str, Any]) -> str:
    return await new_sequence(api, steps=[*steps, END])


async def republish(api: Caller, sequence: str, *steps: dict[str, Any]) -> dict[str, str]:
    """Returns the faults."""
    assert (await api.patch(f"/sequences/{sequence}", json={"steps": [*steps, END]})).status_code == 200
    answer = await api.post(f"/sequences/{sequence}/publish")
    return {} if answer.status_code == 201 else fields(answer)


async def test_every_sequence_that_cannot_be_meant_is_named_at_once(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    of_another = await Rows(database, other.id).sequence()
    draft = await new_sequence(api, publish=False)
    own = await published(api, wait("first", "P1D"))
    faults = await republish(
        api,
        own,
        enroll("a", uuid4()),
        enroll("b", of_another.id),
        enroll("c", draft),
        enroll("d", own),
        {"kind": "stop_other", "key": "e", "sequence_id": str(of_another.id)},
        {"kind": "stop_other", "key": "f", "sequence_id": own},
        {"kind": "stop_other", "key": "g", "sequence_id": draft},
    )
    assert {field: message.split(":")[0] for field, message in faults.items()} == {
        "steps[0].sequence_id": faults["steps[0].sequence_id"],
        "steps[1].sequence_id": f"There is no sequence {of_another.id}.",
        "steps[2].sequence_id": "The sequence is a draft",
        "steps[3].sequence_id": "A sequence cannot enroll its people in itself",
        "steps[4].sequence_id": f"There is no sequence {of_another.id}.",
    }


async def test_sequences_that_enroll_each_other_without_a_wait_are_refused(api: Caller) -> None:
    last = await published(api)
    middle = await published(api, enroll("on", last))
    first = await published(api, enroll("on", middle))
    faults = await republish(api, last, wait("first", "P1D"), enroll("later", middle), enroll("back", first))
    assert faults == {}  # a day is long enough
    faults = await republish(api, last, enroll("back", first))
    message = "These sequences enroll each other for ever without a wait: Welcome → Welcome → Welcome → Welcome."
    assert faults == {"steps[0].sequence_id": f"{message} Put a wait between them."}
    faults = await republish(api, last, wait("first", "PT59M"), enroll("back", first))
    assert "after 59 minutes" in faults["steps[1].sequence_id"]
    assert await republish(api, last, wait("first", "PT1H"), enroll("back", first)) == {}


async def test_triggers_and_steps_that_enroll_each_other_are_refused(api: Caller) -> None:
    message = {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": "https://shop.example/offer"}}
    other = await published(api)
    trigger = {"key": "hot", "link": None, "actions": [{"kind": "enroll", "sequence_id": other}]}
    own = await new_sequence(api, steps=[wait("first", "PT30M"), message, wait("last", "P1D")], triggers=[trigger])
    faults = await republish(api, other, wait("first", "PT20M"), enroll("back", own))
    assert "after 50 minutes" in faults["steps[1].sequence_id"]
    assert await republish(api, other, wait("first", "PT30M"), enroll("back", own)) == {}
    late = {**trigger, "when": "not_clicked", "within": "PT40M"}
    change = {"steps": [message, wait("last", "P1D")], "triggers": [trigger, {**late, "key": "cold"}]}
    assert (await api.patch(f"/sequences/{own}", json=change)).status_code == 200
    faults = fields(await api.post(f"/sequences/{own}/publish"))
    assert list(faults) == ["triggers[0].actions[0].sequence_id"]
    assert "after 30 minutes" in faults["triggers[0].actions[0].sequence_id"]


async def test_what_a_new_version_does_not_enroll_any_more_is_forgotten(api: Caller) -> None:
    two = await published(api)
    one = await published(api, enroll("on", two))
    assert await republish(api, two, enroll("back", one)) != {}
    assert await republish(api, one) == {}
    assert await republish(api, two, enroll("back", one)) == {}


async def test_two_that_are_published_at_once_do_not_pass_each_other(api: Caller) -> None:
    for _ in range(3):
        one, two = await published(api), await published(api)
        faults = await asyncio.gather(republish(api, one, enroll("on", two)), republish(api, two, enroll("on", one)))
        assert sorted(map(bool, faults)) == [False, True]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"kind": "update_contact", "key": "x", "change": {}}, "steps[0].change"),
        ({"kind": "update_contact", "key": "x", "change": {"tags_add": ["#hot"]}}, "steps[0].change.tags_add[0]"),
        ({"kind": "update_contact", "key": "x", "change": {"fields": {"email": "a@b.c"}}}, "steps[0].change.fields.email"),
        ({"kind": "update_contact", "key": "x", "change": {"properties": {"1": 1}}}, "steps[0].change.properties"),
        (enroll("x", "none"), "steps[0].sequence_id"),
        (enroll("x", uuid4(), variables={"a b": 1}), "steps[0].variables"),
        (enroll("x", uuid4(), variables={"a": [1]}), "steps[0].variables"),
        (enroll("x", uuid4(), variables={"a": "x" * 5000}), "steps[0].variables"),
        (enroll("x", uuid4(), variables={f"n{n}": n for n in range(21)}), "steps[0].variables"),
        ({"kind": "stop_other", "key": "x", "sequence_id": 5}, "steps[0].sequence_id"),
    ],
)
async def test_a_step_of_a_wrong_form_is_refused_when_it_is_saved(api: Caller, step: dict[str, Any], field: str) -> None:
    answer = await api.post("/sequences", json={"name": "Wrong", "steps": [step, END]})
    assert list(fields(answer)) == [field]


async def test_a_loop_of_steps_that_take_no_time_is_refused(api: Caller) -> None:
    mark = {"kind": "update_contact", "key": "mark", "change": {"tags_add": ["hot"]}, "next": "alone"}
    sequence = await new_sequence(api, publish=False, steps=[mark, {"kind": "stop_other", "key": "alone", "next": "mark"}])
    faults = fields(await api.post(f"/sequences/{sequence}/publish"))
    assert faults == {
        "steps[1].next": "These steps repeat for ever without a wait: mark → alone → mark. Put a wait between them."
    }
