"""The triggers of a sequence are on its report and its flow, and what became of everybody who entered adds up."""

import pytest

from models.database import Database
from models.organizations.organization import Organization
from models.sequences.enrollment import EnrollmentState
from models.sequences.sequence import Sequence
from tests.api.triggers.test_counts import LEAVE, TAG, count, published
from tests.console.conftest import Browser
from tests.rows import Rows

HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}"
BECAME = 'table[aria-labelledby="became"] tbody'


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def with_leavers(rows: Rows) -> Sequence:
    """Four people entered: a trigger took out Ada and Ben, somebody stopped Cy, and Dan waits."""
    sequence = await rows.sequence()
    bought = await published(rows, sequence, [LEAVE, TAG], key="bought", step_key="hello", link=HOSTILE[:20])
    for position, what, number in ((-1, "fired", 2), (-1, "people", 2), (0, "done", 2), (1, "done", 1), (1, "failed", 1)):
        await count(rows, bought, position, what, number)
    for name in ("Ada", "Ben", "Cy"):
        await rows.enrollment(sequence, await rows.contact(first_name=name), EnrollmentState.STOPPED)
    await rows.enrollment(sequence, await rows.contact(first_name="Dan"))
    return sequence


async def test_a_sequence_without_triggers_has_no_box_for_them(browser: Browser, rows: Rows) -> None:
    sequence = await rows.sequence()
    assert "Triggers" not in (await browser.open(f"/sequences/{sequence.id}")).all("h2")
    assert "Triggers" not in (await browser.open(f"/sequences/{sequence.id}/report")).all("h2")


async def test_the_report_says_what_each_trigger_waits_for_and_what_its_actions_did(browser: Browser, rows: Rows) -> None:
    sequence = await with_leavers(rows)
    shown = await browser.open(f"/sequences/{sequence.id}/report")
    assert "Triggers" in shown.all("h2")
    (box,) = [text for text in shown.all("section") if text.startswith("bought")]
    assert "2 times for 2 people" in box
    assert f"A click on {HOSTILE[:20]} in the message of hello" in box
    assert "Takes the person out of the sequence 2 done, 0 failed, 0 skipped" in box
    assert "Adds a tag 1 done, 1 failed" in box
    assert shown.body.cssselect("main script") == []


@pytest.mark.parametrize("page", ["", "/report"])
async def test_what_became_of_everybody_who_entered_adds_up(browser: Browser, rows: Rows, page: str) -> None:
    sequence = await with_leavers(rows)
    shown = await browser.open(f"/sequences/{sequence.id}{page}")
    assert shown.all(f"{BECAME} td:first-child") == ["Under way", "Through", "Stopped 2 by a trigger", "Failed"]
    assert shown.all(f"{BECAME} td.n") == ["1", "0", "3", "0"]
    path = f"/console/sequences/{sequence.id}"
    assert shown.links(f"{BECAME} td.n a")[2] == f"{path}/people?state=stopped"
    assert f"{path}/report#triggers" in shown.links(f"{BECAME} a")


async def test_the_flow_names_the_triggers_and_leads_to_what_they_did(browser: Browser, rows: Rows) -> None:
    sequence = await with_leavers(rows)
    shown = await browser.open(f"/sequences/{sequence.id}")
    (box,) = shown.all('[data-live="triggers"]')
    assert "takes the person out of the sequence, adds a tag. 2 times, 2 people." in box
    assert f"/console/sequences/{sequence.id}/report#triggers" in shown.links('[data-live="triggers"] a')


async def test_one_version_is_counted_alone(browser: Browser, rows: Rows) -> None:
    sequence = await with_leavers(rows)
    await rows.publish(sequence)
    shown = await browser.open(f"/sequences/{sequence.id}", version=2)
    assert shown.all(f"{BECAME} td.n") == ["0", "0", "0", "0"]
    assert shown.body.cssselect('[data-live="triggers"]') == []
