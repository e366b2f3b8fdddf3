"""The step `update_contact`: its outcomes. What it changes is tested in `tests/services/effects/test_update_contacts.py`."""

from typing import Any

import pytest

from models.contacts.contact import Contact
from tests.clicks import rows
from tests.sending import Sending


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"tags_add": ["hot"], "tags_remove": ["cold"], "properties": {"plan": "gold"}}, "updated"),
        ({"tags_add": ["cold"]}, "unchanged"),
        ({"tags_add": [f"t{n}" for n in range(100)]}, "not_updated: too_many_tags"),
        ({"properties": {"note": "x" * 10_000}}, "not_updated: properties_too_large"),
    ],
)
async def test_the_enrollment_goes_on_with_what_became_of_the_change(
    simulated: Sending, change: dict[str, Any], outcome: str
) -> None:
    (contact,) = await simulated.contacts(tags=["cold"], properties={"text": "y" * 10_000})
    step = {"kind": "update_contact", "key": "mark", "change": change}
    enrollment = await simulated.enrollment(contact, more=({"next": "mark"}, step))
    assert (await simulated.turn(enrollment, step_key="mark", queue=None)).step_key == "pause"
    assert await rows(simulated.database, "SELECT outcome FROM step_run WHERE number = 1") == [outcome]
    async with simulated.database.transaction() as session:
        row = await session.get_one(Contact, contact.id)
    assert row.tags == (["hot"] if outcome == "updated" else ["cold"])
