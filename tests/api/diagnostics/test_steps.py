"""Steps that could not do what they say: each with its reason, how often, and what to change."""

from datetime import timedelta
from typing import Any

import pytest

from models.base import now
from models.database import Database
from models.notifications.target import NotificationTarget
from models.organizations.organization import Organization
from tests.builders import Caller
from tests.rows import BYE, Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def test_a_step_that_enrolled_nobody_says_why(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    outcomes = ["not_enrolled: too_often", "not_enrolled: too_often", "not_updated: too_many_tags", "enrolled", "sent"]
    for outcome in outcomes:
        await rows.step_run(await rows.enrollment(sequence, await rows.contact()), 1, "demo", outcome)
    found = (await api.get(f"/sequences/{sequence.id}/diagnostics")).json()["findings"]
    steps = {each["sentence"]: each["what_to_change"] for each in found if each["code"] == "step_not_done"}
    assert steps == {
        "The step 'demo' did nothing 2 times: too_often. The enrollments went on.": (
            "Raise re_entry_limit of the other sequence, or remove it."
        ),
        "The step 'demo' did nothing once: too_many_tags. The enrollments went on.": (
            "Remove tags before, or from these contacts."
        ),
    }


async def test_a_step_that_did_nothing_is_told_for_the_contact_whom_it_concerns(api: Caller, rows: Rows) -> None:
    sequence, ada, bob = await rows.sequence(), await rows.contact(), await rows.contact()
    await rows.step_run(await rows.enrollment(sequence, ada), 1, "demo", "not_enrolled: entered_before")
    await rows.step_run(await rows.enrollment(sequence, bob), 1, "demo", "enrolled")
    (found,) = await findings(api, sequence.id, contact_id=str(ada.id))
    assert (found["code"], found["step_key"], found["count"]) == ("step_not_done", "demo", 1)
    assert "entered_before" in found["sentence"]
    assert found["what_to_change"].startswith("Set re_entry of the other sequence to after_finishing")
    assert await findings(api, sequence.id, contact_id=str(bob.id)) == []


async def test_a_step_that_notifies_a_target_that_fails_or_is_gone(api: Caller, rows: Rows) -> None:
    steps = [
        {"kind": "notify", "key": key, "target": target} for key, target in (("tell", "Sales"), ("too", "Gone"), ("ok", "Works"))
    ]
    sequence = await rows.sequence([*steps, BYE])
    await rows._add(NotificationTarget(org_id=rows.org_id, name="Works", service="slack", shown="slack://"))
    target = NotificationTarget(org_id=rows.org_id, name="Sales", service="slack", shown="slack://", last_error="404")
    target.failing_since = now() - timedelta(hours=2)
    await rows._add(target)
    found = {each["code"]: each for each in await findings(api, sequence.id) if each["step_key"]}
    assert {code: (each["step_key"], each["severity"]) for code, each in found.items()} == {
        "step_target_fails": ("tell", "problem"),
        "step_target_missing": ("too", "problem"),
    }
    assert found["step_target_fails"]["sentence"] == (
        "The step 'tell' notifies 'Sales', which has failed for 2 hours. Last error: 404."
    )


async def findings(api: Caller, sequence_id: Any, **params: str) -> list[dict[str, Any]]:
    answer = await api.get(f"/sequences/{sequence_id}/diagnostics", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["findings"])
