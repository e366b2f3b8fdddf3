"""The list of sequences with its counts, who goes on next, and the names beside enrollments."""

from datetime import timedelta
from typing import Any

import pytest

from models.base import now
from models.database import Database
from models.organizations.organization import Organization
from models.sequences.enrollment import EnrollmentState
from tests.api.campaign_builders import new_sequence
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import Rows


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def listed(api: Caller, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get("/sequences", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_each_sequence_says_who_is_inside_who_entered_and_who_clicked(api: Caller, rows: Rows) -> None:
    sequence, ada, ben = await rows.sequence(), await rows.contact(), await rows.contact()
    await rows.enrollment(sequence, ada, EnrollmentState.COMPLETED, outcome="done")
    await rows.enrollment(sequence, ben)
    message = await rows.message(await rows.content_of_step(sequence, "hello"), ada)
    await rows.click(message)
    await rows.click(message)
    await rows.click(await rows.message(await rows.content_of_step(sequence, "hello"), ben), verdict="bot")
    draft = await rows.sequence(publish=False, name="Draft")
    (newest, older) = await listed(api)
    assert newest["id"] == str(draft.id)
    assert [newest[name] for name in ("inside", "entered", "people", "click_rate")] == [0, 0, 0, None]
    assert [older[name] for name in ("inside", "entered", "people", "click_rate")] == [1, 2, 1, 0.5]


async def test_a_part_of_the_name_finds_a_sequence_whatever_is_in_it(api: Caller, rows: Rows) -> None:
    for name in ("Welcome", "100% wool", "under_score", "Grüße"):
        await rows.sequence(publish=False, name=name)
    for part, found in (("welc", ["Welcome"]), ("0%", ["100% wool"]), ("%", ["100% wool"]), ("_", ["under_score"]), ("ÜSS", [])):
        assert [each["name"] for each in await listed(api, name=part)] == found
    assert [each["name"] for each in await listed(api, name="GRÜ")] == ["Grüße"]


async def test_a_page_of_sequences_reaches_the_big_tables_by_an_index(api: Caller, rows: Rows, database: Database) -> None:
    sequence, person = await rows.sequence(), await rows.contact()
    await rows.enrollment(sequence, person, step_key="wait", due_at=now())
    with statements(database) as sent:
        await listed(api)
        await api.get(f"/sequences/{sequence.id}/due")
    assert await scans_without_index(database, sent) == []


async def test_those_who_go_on_next_come_in_their_order_from_all_versions(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    people = [await rows.contact(first_name=name) for name in ("Ada", "Ben", "Cy", "Di")]
    waits = {"Ada": ("wait", 3), "Ben": ("hello", 1), "Cy": ("wait", 2), "Di": ("hello", None)}
    for person in people[:2]:
        await wait(rows, sequence, person, *waits[str(person.first_name)])
    sequence = await rows.publish(sequence)
    for person in people[2:]:
        await wait(rows, sequence, person, *waits[str(person.first_name)])
    address = f"/sequences/{sequence.id}/due"
    due = (await api.get(address)).json()["items"]
    assert [each["contact"]["first_name"] for each in due] == ["Ben", "Cy", "Ada"]
    assert [(each["sequence_name"], each["version"]) for each in due] == [("Welcome", 1), ("Welcome", 2), ("Welcome", 1)]
    assert [each["contact"]["first_name"] for each in (await api.get(address, params={"limit": 1})).json()["items"]] == ["Ben"]
    assert [each["contact"]["first_name"] for each in (await api.get(address, params={"version": 2})).json()["items"]] == ["Cy"]


async def wait(rows: Rows, sequence: Any, person: Any, step: str, hours: int | None) -> None:
    due = now() + timedelta(hours=hours) if hours else None
    await rows.step_run(await rows.enrollment(sequence, person, step_key=step, due_at=due), 1, step)


async def test_nobody_goes_on_next_in_a_draft(api: Caller) -> None:
    sequence = await new_sequence(api, publish=False)
    assert (await api.get(f"/sequences/{sequence}/due")).json() == {"items": []}
