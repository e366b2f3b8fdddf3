"""The report of a sequence: versions side by side, who waits where, how long, and until when."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from models.clicks.recording import Metadata
from models.database import Database
from models.organizations.organization import Organization
from models.sequences.enrollment import EnrollmentState
from models.sequences.sequence import Sequence
from models.sequences.step_run import StepRun
from tests.builders import Caller
from tests.rows import NOON, Rows, minutes


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, sequence_id: object, **params: Any) -> dict[str, Any]:
    answer = await api.get(f"/sequences/{sequence_id}/analytics", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def two_versions(rows: Rows) -> Any:
    """Two people in version 1, of whom Ada clicked and is done; one in version 2, who waits. Ada clicks in version 2 as well."""
    sequence = await rows.sequence()
    ada, ben = await rows.contact(), await rows.contact()
    done = await rows.enrollment(sequence, ada, EnrollmentState.COMPLETED, outcome="done")
    await rows.step_run(done, 1, "hello", outcome="sent", next_key="wait")
    await rows.step_run(await rows.enrollment(sequence, ben, step_key="hello"), 1, "hello")
    await rows.click(await rows.message(await rows.content_of_step(sequence, "hello"), ada))
    sequence = await rows.publish(sequence)
    cy = await rows.contact()
    waits = await rows.enrollment(sequence, cy, step_key="wait", due_at=minutes(60))
    await rows.step_run(waits, 1, "hello", outcome="sent", next_key="wait")
    await rows.step_run(waits, 2, "wait")
    await rows.click(await rows.message(await rows.content_of_step(sequence, "hello"), ada), at=minutes(5))
    await rows.click(await rows.message(await rows.content_of_step(sequence, "hello"), cy), at=minutes(6))
    return sequence


async def test_versions_stand_side_by_side_and_add_up(api: Caller, rows: Rows) -> None:
    sequence = await two_versions(rows)
    body = await read(api, sequence.id)
    second, first = body["versions"]
    assert (first["version"], first["entered"], first["completed"], first["outcomes"]) == (1, 2, 1, {"done": 1})
    assert (second["version"], second["entered"], second["completed"]) == (2, 1, 0)
    assert (first["clicks"], first["people"], first["click_rate"]) == (1, 1, 0.5)
    assert (second["clicks"], second["people"], second["click_rate"]) == (2, 1, 1.0)
    for name in ("clicks", "people"):
        assert sum(each[name] for each in body["versions"]) == body["totals"][name]
    entered = [[(each["step_key"], each["entered"], each["active"]) for each in version["steps"]] for version in (first, second)]
    assert entered == [[("hello", 2, 1), ("wait", 0, 0), ("thanks", 0, 0)], [("hello", 1, 0), ("wait", 1, 1), ("thanks", 0, 0)]]
    assert [(each["step_key"], each["entered"]) for each in body["steps"][:2]] == [("hello", 3), ("wait", 1)]
    assert body["enrollments"] == {"completed": 1, "running": 2}


@pytest.mark.parametrize(
    ("params", "clicks"),
    [
        ({"country": "DE"}, [1, 1]),
        ({"country": "FR"}, [1, 0]),
        ({"country": "US"}, [0, 0]),
        ({"country": "DE", "os": "iOS"}, [1, 1]),
        ({"tag": "vip"}, [1, 1]),
        ({"country": "DE", "since": "2026-11-03T12:15"}, [1, 0]),
        ({"country": "DE", "verdict": "all"}, [1, 1]),
        ({"since": "2026-11-04"}, [0, 0]),
    ],
)
async def test_filters_limit_the_clicks_of_versions_as_they_limit_the_totals(
    api: Caller, rows: Rows, params: dict[str, str], clicks: list[int]
) -> None:
    sequence, berlin = await rows.sequence(), Metadata("DE", "Berlin", "phone", "Safari", "iOS")
    ada, ben = await rows.contact(tags=["vip"]), await rows.contact()
    await rows.click(await rows.message(await rows.content_of_step(sequence, "hello"), ada), metadata=berlin)
    sequence = await rows.publish(sequence)
    hello = await rows.content_of_step(sequence, "hello")
    await rows.click(await rows.message(hello, ada), at=minutes(16), metadata=berlin)
    await rows.click(
        await rows.message(hello, ben), at=minutes(17), metadata=Metadata("FR", "Paris", "phone", "Chrome", "Android")
    )
    for link in ({}, {"link_id": (await rows.links(hello))[0].id}):
        body = await read(api, sequence.id, **params, **link)
        for name in ("clicks", "people"):
            assert sum(each[name] for each in body["versions"]) == body["totals"][name]
        assert [each["clicks"] for each in body["versions"]] == [clicks[0], 0 if link else clicks[1]]


async def test_the_steps_of_a_version_are_those_of_its_definition_in_its_order(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    first = [("hello", "send"), ("wait", "wait_for_click"), ("thanks", "send")]
    async with rows.database.transaction() as session:
        row = await session.get_one(Sequence, sequence.id)
        row.draft = {"steps": list(reversed(row.draft["steps"]))}
    await rows.publish(sequence)
    versions = (await read(api, sequence.id))["versions"]
    found = [[(each["step_key"], each["kind"]) for each in version["steps"]] for version in versions]
    assert found == [list(reversed(first)), first]
    assert {each["entered"] for version in versions for each in version["steps"]} == {0}


async def test_one_version_alone_has_its_own_steps_links_and_enrollments(api: Caller, rows: Rows) -> None:
    sequence = await two_versions(rows)
    body = await read(api, sequence.id, version=1)
    assert (body["version"], body["enrollments"], body["outcomes"]) == (1, {"completed": 1, "running": 1}, {"done": 1})
    assert {link["version"] for link in body["links"]} == {1}
    hello = body["steps"][0]
    assert (hello["entered"], hello["active"]) == (2, 1)
    assert len(body["versions"]) == 2


async def test_the_list_that_a_step_names_shows_who_stands_there(api: Caller, rows: Rows) -> None:
    sequence = await two_versions(rows)
    for version in ({}, {"version": 1}, {"version": 2}):
        for step in (await read(api, sequence.id, **version))["steps"]:
            listed = (await api.get(step["active_list"].removeprefix("/v1"))).json()["items"]
            assert len(listed) == step["active"], step


async def test_a_step_says_when_its_next_enrollment_goes_on(api: Caller, rows: Rows) -> None:
    sequence = await two_versions(rows)
    later = await rows.enrollment(sequence, await rows.contact(), step_key="wait", due_at=minutes(90))
    await rows.step_run(later, 1, "wait")
    steps = {each["step_key"]: each["next_due_at"] for each in (await read(api, sequence.id))["steps"]}
    assert (steps["hello"], steps["wait"]) == (None, "2026-11-03T13:00:00Z")


async def test_a_step_says_how_long_people_waited_in_it(api: Caller, rows: Rows, database: Database) -> None:
    sequence = await rows.sequence()
    for number, waited in enumerate((timedelta(seconds=30, milliseconds=750), timedelta(hours=2), timedelta(days=30))):
        enrollment = await rows.enrollment(sequence, await rows.contact())
        await rows.step_run(enrollment, number + 1, "wait")
        async with database.transaction() as session:
            change = update(StepRun).where(col(StepRun.enrollment_id) == enrollment.id)
            await session.execute(change.values(entered_at=NOON, left_at=NOON + waited, outcome="timed_out"))
    (wait,) = [each for each in (await read(api, sequence.id))["steps"] if each["step_key"] == "wait"]
    assert wait["waited"] == {"average_seconds": 866_410.25, "buckets": {"<1m": 1, "1-3h": 1, ">7d": 1}}


@pytest.mark.parametrize(("version", "status"), [("0", 422), ("one", 422), ("3", 404), (str(2**31), 422)])
async def test_a_version_that_is_not_there_is_not_found(api: Caller, rows: Rows, version: str, status: int) -> None:
    sequence = await two_versions(rows)
    assert (await api.get(f"/sequences/{sequence.id}/analytics?version={version}")).status_code == status
