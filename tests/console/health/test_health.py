"""The page of the health: what is measured, what waits, who is alive, and what needs somebody."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from console.pulse import Pulses
from models.base import now
from models.database import Database
from models.organizations.organization import Organization
from models.platform.gone import Gone
from models.platform.heartbeat import beat
from models.sequences.enrollment import EnrollmentState
from tests.builders import Caller
from tests.console.conftest import Browser, with_role
from tests.rows import Rows

Org = tuple[Organization, str]
FIRED = "UPDATE firing SET created_at = fired_at + CAST(:delay AS interval)"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def made(database: Database, organization: Org) -> Rows:
    return Rows(database, organization[0].id)


async def woken(made: Rows, database: Database, delay: timedelta) -> None:
    """A click five minutes ago that has woken a trigger after this time."""
    campaign = await made.campaign()
    message = await made.message(campaign.content_id, await made.contact())
    await made.trigger([campaign.content_id])
    await made.click(message, at=now() - timedelta(minutes=5))
    async with database.transaction() as session:
        await session.execute(text(FIRED), {"delay": delay})


async def test_when_nothing_was_woken_nothing_is_claimed(browser: Browser) -> None:
    shown = await browser.open("/health")
    assert shown.status == 200
    assert shown.all("[data-live=lag]") == ["–"]
    assert shown.all("[data-live=pulse]") == ["–"]
    assert "No click has woken anything" in shown.text


async def test_the_delay_is_shown_with_its_chart_table_and_pulse(browser: Browser, made: Rows, database: Database) -> None:
    await woken(made, database, timedelta(milliseconds=84))
    for period in ("1h", "24h", "7d", "30d", ""):
        shown = await browser.open("/health", period=period)
        assert shown.all("[data-live=lag]") == ["84ms"]
        assert "median 84 ms, 99 of 100 within 84 ms" in shown.body.cssselect(".chart")[0].get("aria-label")
        assert shown.all("[data-live=delays] td:nth-child(3)").count("84 ms") == 1
    assert shown.all(".pulse b") == ["84 ms"]


async def test_a_broken_promise_is_said_in_a_sentence(browser: Browser, made: Rows, database: Database) -> None:
    await woken(made, database, timedelta(seconds=2.94))
    shown = await browser.open("/health", period="1h")
    assert any(each.endswith(": 2.9 s for the slowest.") for each in shown.all("p"))


async def test_roles_are_alive_or_away(browser: Browser, database: Database) -> None:
    async with database.transaction() as session:
        await beat(session, "worker", "1@a")
        await beat(session, "redirect", "2@a")
        await session.execute(text("UPDATE heartbeat SET at = now() - interval '2 minutes' WHERE role = 'redirect'"))
    shown = await browser.open("/health")
    assert shown.all("[data-live=roles] .badge") == ["Away", "Alive"]
    assert any("redirect is alive since" in each for each in shown.all("[data-live=look] b, [data-live=look] li"))


async def test_people_whose_enrollment_failed_are_named_with_why(browser: Browser, made: Rows) -> None:
    sequence = await made.sequence(name=EVIL)
    contact = await made.contact(first_name=EVIL)
    await made.enrollment(sequence, contact, EnrollmentState.FAILED, outcome="no such step", step_key="hello", finished_at=now())
    shown = await browser.open("/health")
    assert EVIL in shown.text
    assert not shown.body.cssselect("img")
    assert "hello: no such step" in shown.text
    assert f"/console/contacts/{contact.id}" in shown.links()


async def test_people_whose_workflow_was_taken_away_are_named_where_the_finding_leads(browser: Browser, made: Rows) -> None:
    sequence = await made.sequence(name="Welcome")
    contact = await made.contact(first_name="Ada")
    gone = await made.enrollment(sequence, contact, EnrollmentState.STOPPED, outcome=Gone.TERMINATED, finished_at=now())
    await made.enrollment(sequence, await made.contact(), EnrollmentState.STOPPED, outcome="asked by phone", finished_at=now())
    other = await made.enrollment(sequence, await made.contact(), EnrollmentState.FAILED, outcome=Gone.DELETED, finished_at=now())
    shown = await browser.open("/health")
    rows = shown.body.cssselect("[data-live=workflows] tbody tr")
    assert [Gone.DELETED.value in row.text_content() for row in rows] == [True, False]
    assert "No enrollment has failed" not in shown.text
    assert {"/console/health#workflows", f"/console/sequences/{sequence.id}/people?state=stopped"} <= set(shown.links())
    assert f"/console/contacts/{contact.id}" in shown.links()
    people = await browser.open(f"/sequences/{sequence.id}/people", state="stopped")
    assert f"/console/enrollments/{gone.id}" in people.links()
    assert f"/console/enrollments/{other.id}" not in people.links()


async def test_findings_say_what_to_change_and_which_question_they_answer(browser: Browser, api: Caller) -> None:
    await api.patch("/organization", json={"link_tracking": False})
    shown = await browser.open("/health")
    found = " ".join(shown.all("[data-live=look] li"))
    assert "Link tracking is off" in found
    assert "Why are clicks not showing?" in found


async def test_the_geo_database_says_how_old_it_is(browser: Browser) -> None:
    shown = await browser.open("/health")
    assert "Demo of 2019" in shown.text
    assert "mobile networks" in shown.text.lower()


async def test_a_viewer_sees_the_health(visitor: Browser, api: Caller) -> None:
    await with_role(visitor, api, "viewer")
    assert (await visitor.open("/health")).status == 200


async def test_the_pulse_is_read_once_for_all_pages_of_an_organization(organization: Org) -> None:
    asked = list[str]()

    class Api:
        async def get(self, path: str, **_: str) -> object:
            asked.append(path)
            return {"median_ms": 84.0, "series": [{"median_ms": each} for each in (80.0, None, 90.0)]}

    pulses = Pulses()
    first = await pulses.of(organization[0].id, Api())  # type: ignore[arg-type]
    assert await pulses.of(organization[0].id, Api()) == first  # type: ignore[arg-type]
    assert (first.milliseconds, len(asked)) == (84.0, 1)
    assert first.path.startswith("M0 ")
