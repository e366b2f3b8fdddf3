"""A definition is judged as publishing would judge it, and nothing is stored."""

from typing import Any

from sqlalchemy import func, select

from models.database import Database
from models.messages.content import Content
from models.sequences.sequence import Sequence
from tests.api.campaign_builders import fields, new_sequence, steps_with_click
from tests.builders import Caller


def definition(**changes: Any) -> dict[str, Any]:
    return {"name": "Welcome", "steps": steps_with_click(), **changes}


async def test_the_faults_of_saving_and_of_publishing_are_found_without_storing(api: Caller, database: Database) -> None:
    steps = steps_with_click()
    assert list(fields(await api.post("/sequences/check", json=definition(steps=[{"kind": "jump", "key": "a"}])))) == [
        "steps[0].kind"
    ]
    steps[1]["on_click"] = "gone"
    found = fields(await api.post("/sequences/check", json=definition(steps=steps)))
    assert found["steps[1].on_click"] == "There is no step with the key 'gone'."
    assert (await api.post("/sequences/check", json=definition())).json() == {"version": 1, "is_new": True}
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Sequence)) == 0
        assert await session.scalar(select(func.count()).select_from(Content)) == 0


async def test_the_faults_of_saving_and_of_publishing_come_together_and_each_once(api: Caller) -> None:
    """Those of the shape come alone, because steps that cannot be read have no graph."""
    steps = steps_with_click()
    steps[0]["message"] = {"body": "Hi {{ contact.frist_name }}"}
    steps[1]["on_click"] = "zz"
    steps[3]["message"] = {"body": "Hi {{ contact.first_name }}"}
    wrong = definition(
        steps=steps,
        utm={"source": "{{ contact.frist_name }}"},
        triggers=[{"key": "hot", "actions": [{"kind": "go_to", "step": "zz"}]}],
    )
    answer = await api.post("/sequences/check", json=wrong)
    assert list(fields(answer)) == [
        "steps[0].message.body",
        "steps[1].on_click",
        "steps[2].key",
        "triggers[0].actions[0].step",
        "utm.source",
    ]
    assert len(answer.json()["errors"]) == len(fields(answer))
    assert list(fields(await api.post("/sequences", json=wrong))) == [
        "steps[0].message.body",
        "triggers[0].actions[0].step",
        "utm.source",
    ]
    del steps[3]["channel"]
    assert list(fields(await api.post("/sequences/check", json=wrong))) == ["steps[3].channel"]


async def test_a_check_of_a_sequence_says_which_version_it_would_become(api: Caller) -> None:
    sequence = await new_sequence(api)
    same = definition(sequence_id=sequence)
    assert (await api.post("/sequences/check", json=same)).json() == {"version": 1, "is_new": False}
    changed = definition(
        sequence_id=sequence, steps=[*steps_with_click()[:3], {**steps_with_click()[3], "next": "over"}, steps_with_click()[4]]
    )
    assert (await api.post("/sequences/check", json=changed)).json() == {"version": 2, "is_new": True}
    assert (await api.get(f"/sequences/{sequence}")).json()["unpublished_changes"] is False
    own = [{"kind": "enroll", "key": "again", "sequence_id": sequence}, {"kind": "wait", "key": "rest", "duration": "P1D"}]
    assert "steps[0].sequence_id" in fields(await api.post("/sequences/check", json=definition(sequence_id=sequence, steps=own)))


async def test_another_organizations_sequence_is_not_there(api: Caller, stranger: Caller) -> None:
    answer = await stranger.post("/sequences/check", json=definition(sequence_id=await new_sequence(api)))
    assert answer.status_code == 404


async def test_a_check_leaves_no_row_in_the_audit_log(api: Caller) -> None:
    await api.post("/sequences/check", json=definition())
    assert [each["action"] for each in (await api.get("/audit-log")).json()["items"]] == ["organizations.create"]
