"""The list of sequences and the flow of one: what they show, to whom, and what leads where."""

from typing import Any
from uuid import uuid4

import pytest

from models.database import Database
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import EnrollmentState
from tests.api.campaign_builders import new_sequence
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import BYE, SEND, THANKS, WAIT, Rows, minutes

HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def walked(rows: Rows, **fields: Any) -> Any:
    """Three people: Ada clicked and is through, Ben waits, Cy timed out and is through."""
    sequence = await rows.sequence(**fields)
    ada, ben, cy = [await rows.contact(first_name=name) for name in ("Ada", "Ben", "Cy")]
    for person, way in ((ada, "clicked"), (cy, "timed_out")):
        done = await rows.enrollment(sequence, person, EnrollmentState.COMPLETED, outcome="done")
        await rows.step_run(done, 1, "hello", "sent", "wait")
        await rows.step_run(done, 2, "wait", way, "thanks" if way == "clicked" else None)
        if way == "clicked":
            await rows.step_run(done, 3, "thanks", "sent")
    waits = await rows.enrollment(sequence, ben, step_key="wait", step_run=2, due_at=minutes(60))
    await rows.step_run(waits, 1, "hello", "sent", "wait")
    await rows.step_run(waits, 2, "wait")
    return sequence


async def test_without_sequences_the_list_says_what_one_is_and_how_to_begin(browser: Browser) -> None:
    shown = await browser.open("/sequences")
    assert shown.status == 200
    assert "No sequence yet" in shown.all("h2")
    assert shown.links(".empty .btn.primary") == ["/console/sequences/new"]


async def test_a_viewer_is_offered_nothing_that_it_may_not_do(visitor: Browser, api: Caller) -> None:
    sequence = await new_sequence(api)
    viewer = await with_role(visitor, api, "viewer")
    assert "/console/sequences/new" not in (await viewer.open("/sequences")).links()
    shown = await viewer.open(f"/sequences/{sequence}")
    assert shown.status == 200
    assert not any(each.endswith(("/edit", "/enroll")) for each in shown.links())


async def test_the_list_counts_and_is_narrowed_by_name_and_state(browser: Browser, rows: Rows) -> None:
    await walked(rows)
    await rows.sequence(publish=False, name=HOSTILE)
    shown = await browser.open("/sequences")
    assert shown.all("tbody tr th bdi") == [HOSTILE, "Welcome"]
    assert shown.all("tbody tr:last-child td.n")[:4] == ["1", "3", "0", "0.0%"]
    assert (await browser.open("/sequences", name="welc")).all("tbody tr th bdi") == ["Welcome"]
    assert (await browser.open("/sequences", state="draft")).all("tbody tr th bdi") == [HOSTILE]
    assert "No sequence is like that" in (await browser.open("/sequences", name="nothing")).all("h2")


async def test_the_flow_counts_on_each_arrow_and_in_each_step(browser: Browser, rows: Rows) -> None:
    sequence = await walked(rows)
    shown = await browser.open(f"/sequences/{sequence.id}")
    labels = [each.get("aria-label") for each in shown.body.cssselect(".flow a")]
    assert labels == [
        "Step hello: SMS by simulator-sms. 0 people sending.",
        "Step wait: click on offer · 1 minute. 1 person waiting.",
        "Step thanks: SMS by simulator-sms. 0 people sending.",
        "Step bye: ends as “done”. 2 people through.",
        "3 people went from hello to wait",
        "1 person clicked from wait to thanks",
        "1 person timed out from wait to bye",
        "1 person went from thanks to bye",
    ]
    people = f"/console/sequences/{sequence.id}/people"
    assert shown.links(".flow a.node")[1] == f"{people}?step=wait&state=running"
    assert shown.links(".flow a.node")[3] == f"{people}?state=completed"
    assert shown.all('[data-live="waits"] tbody td') == ["wait", "1 50.0%", "1"]
    assert [each for each in shown.all("table.two tbody th") if "Ben" in each]


async def test_a_version_is_drawn_alone_and_steps_of_other_versions_are_named(browser: Browser, rows: Rows) -> None:
    sequence = await walked(rows)
    row = {**WAIT, "key": "rest", "on_click": "bye"}
    await rows.sequence(publish=False)
    async with rows.database.transaction() as session:
        kept = await session.get_one(type(sequence), sequence.id)
        kept.draft = {**kept.draft, "steps": [SEND, row, BYE]}
    await rows.publish(sequence)
    shown = await browser.open(f"/sequences/{sequence.id}")
    texts = " ".join(each.get("aria-label") for each in shown.body.cssselect(".flow a.node"))
    assert "Step rest: click on offer" in texts
    assert "Step wait: only in another version. 1 person" in texts
    alone = await browser.open(f"/sequences/{sequence.id}", version=2)
    assert len(alone.body.cssselect(".flow a.node")) == 3
    assert alone.links(".flow a.node")[0].endswith("&version=2")
    assert (await browser.open(f"/sequences/{sequence.id}", version=3)).status == 404


async def test_the_report_counts_people_machines_links_and_versions(browser: Browser, rows: Rows) -> None:
    sequence = await walked(rows)
    ada = await rows.contact(first_name="Ada")
    message = await rows.message(await rows.content_of_step(sequence, "hello"), ada)
    await rows.click(message)
    await rows.click(message, verdict="bot")
    shown = await browser.open(f"/sequences/{sequence.id}/report")
    assert shown.status == 200
    assert shown.all(".stats .figure")[:4] == ["1", "1", "100.0%", "3"]
    assert "offer" in shown.all("tbody th bdi")[0]
    assert "Germany" in shown.text
    assert (await browser.open(f"/sequences/{sequence.id}/report", country="FR")).all(".stats .figure")[0] == "0"
    for query in ({"country": "nonsense"}, {"since": "tomorrow"}, {"tag": HOSTILE}, {"link_id": str(uuid4())}):
        refused = await browser.open(f"/sequences/{sequence.id}/report", **query)
        assert refused.status in (200, 404, 422), query
        assert "Remove all filters" in refused.text


async def test_one_of_something_is_said_in_the_singular(browser: Browser, rows: Rows) -> None:
    sequence = await walked(rows)
    message = await rows.message(await rows.content_of_step(sequence, "hello"), await rows.contact(first_name="Ada"))
    for _ in range(2):
        await rows.click(message)
    shown = await browser.open(f"/sequences/{sequence.id}/report")
    labels = [each.get("data-label") for each in shown.body.cssselect('[data-live="links"] td[data-label]')]
    assert labels[:2] == ["person", "clicks"]
    assert "1 person, 2 clicks, 0 by machines" in " ".join(shown.all(".hit title"))
    people = await browser.open(f"/sequences/{sequence.id}/people")
    assert people.body.cssselect('td[data-before="version"]') != people.body.cssselect('td[data-label="version"]') == []


async def test_an_arrow_to_the_end_that_no_step_stands_for_names_it(browser: Browser, rows: Rows) -> None:
    sequence = await rows.sequence(steps=[SEND])
    shown = await browser.open(f"/sequences/{sequence.id}")
    assert [each.get("aria-label") for each in shown.body.cssselect(".flow a.pill")] == ["0 people went from hello to end"]


async def test_a_draft_has_no_flow_and_says_what_to_do(browser: Browser, api: Caller) -> None:
    path = f"/sequences/{await new_sequence(api, publish=False)}"
    assert "There is no flow yet" in (await browser.open(path)).all("h2")
    assert "There is nothing to report yet" in (await browser.open(f"{path}/report")).all("h2")
    assert "Nobody can enter yet" in (await browser.open(f"{path}/enroll")).all("h2")
    assert (await browser.open(f"{path}/definition")).status == 200


async def test_hostile_names_of_channels_and_sequences_stay_text(browser: Browser, rows: Rows) -> None:
    send = {**SEND, "channel": HOSTILE}
    sequence = await walked(rows, steps=[send, WAIT, THANKS, BYE], name=HOSTILE)
    shown = await browser.open(f"/sequences/{sequence.id}")
    assert shown.status == 200
    assert "<script>alert" not in shown.answer.text


async def test_what_another_organization_has_is_not_there(browser: Browser, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = await Rows(database, other.id).sequence(publish=False)
    for id in (theirs.id, uuid4()):
        assert (await browser.open(f"/sequences/{id}")).status == 404
