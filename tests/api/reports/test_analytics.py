"""Analytics: every number against rows that the test has written itself."""

from typing import Any
from uuid import uuid4

import pytest

from models.clicks import flood as click_flood
from models.clicks.flood import Flooded
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from models.sequences.enrollment import EnrollmentState
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import DESKTOP, NOWHERE, OFFER, PHONE, WAIT, Rows, minutes

TERMS = (None, "https://shop.example/terms")


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


async def read(api: Caller, path: str, **params: str) -> dict[str, Any]:
    answer = await api.get(f"{path}/analytics", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def counts(cells: list[dict[str, Any]], *keys: str) -> dict[Any, tuple[int, int]]:
    return {
        tuple(cell[key] for key in keys) if len(keys) > 1 else cell[keys[0]]: (cell["clicks"], cell["people"]) for cell in cells
    }


@pytest.mark.parametrize("area", ["campaigns", "sequences", "links"])
async def test_what_is_not_there_is_not_found(api: Caller, area: str) -> None:
    assert (await api.get(f"/{area}/{uuid4()}/analytics")).status_code == 404


async def test_another_organizations_numbers_are_not_found(api: Caller, rows: Rows, database: Database) -> None:
    campaign, sequence = await rows.campaign(), await rows.sequence()
    (link,) = await rows.links(campaign.content_id)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    for path in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}", f"/links/{link.id}"):
        assert (await api.with_key(key).get(f"{path}/analytics")).status_code == 404


@pytest.mark.parametrize(("name", "value"), [("verdict", "robot"), ("since", "9999999999999"), ("until", "noon")])
async def test_a_filter_that_cannot_be_meant_is_refused(api: Caller, rows: Rows, name: str, value: str) -> None:
    campaign = await rows.campaign()
    answer = await api.get(f"/campaigns/{campaign.id}/analytics", params={name: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


async def test_a_draft_counts_nothing(api: Caller, rows: Rows) -> None:
    draft = await rows.campaign(state="draft")
    body = await read(api, f"/campaigns/{draft.id}")
    assert body["totals"] == {
        "clicks": 0,
        "people": 0,
        "recipients": 0,
        "reached": 0,
        "messages": {},
        "reports": {},
        "click_rate": None,
        "human_clicks": 0,
        "suspect_clicks": 0,
        "bot_clicks": 0,
        "flood_clicks": 0,
    }
    assert [body[name] for name in ("countries", "cities", "devices", "browsers", "series", "links", "follow_ups")] == [
        *([[]] * 6),
        {},
    ]
    unpublished = await rows.sequence(publish=False)
    body = await read(api, f"/sequences/{unpublished.id}")
    assert (body["steps"], body["enrollments"], body["totals"]["click_rate"]) == ([], {}, None)


async def clicked_campaign(rows: Rows) -> Any:
    """Ada clicks twice (phone, then desktop), Ben once without a place, a machine clicks for Ada before and for Cy alone."""
    campaign = await rows.campaign(links=(OFFER, TERMS))
    ada, ben, cy = [await rows.message(campaign.content_id, await rows.contact()) for _ in range(3)]
    await rows.message(campaign.content_id, await rows.contact(), MessageState.SKIPPED, reason="no_phone")
    await rows.click(ada, at=minutes(-30), verdict="bot", metadata=NOWHERE)
    await rows.click(ada, at=minutes(0), metadata=PHONE)
    await rows.click(ada, 1, at=minutes(70), metadata=DESKTOP)
    await rows.click(ben, at=minutes(80), metadata=None)
    await rows.click(cy, at=minutes(90), verdict="bot", metadata=NOWHERE)
    await rows.click(cy, at=minutes(91), verdict="suspect", metadata=PHONE)
    return campaign


async def test_people_are_counted_once_where_they_clicked_first(api: Caller, rows: Rows) -> None:
    campaign = await clicked_campaign(rows)
    body = await read(api, f"/campaigns/{campaign.id}")
    totals = body["totals"]
    assert (totals["clicks"], totals["people"], totals["click_rate"]) == (3, 2, 0.6667)
    assert (totals["human_clicks"], totals["suspect_clicks"], totals["bot_clicks"]) == (3, 1, 2)
    assert (totals["recipients"], totals["reached"], totals["messages"]) == (4, 3, {"accepted": 3, "skipped": 1})
    assert counts(body["countries"], "country") == {"DE": (1, 1), "FR": (1, 0), None: (1, 1)}
    assert counts(body["cities"], "country", "city") == {("DE", "Berlin"): (1, 1), ("FR", "Paris"): (1, 0), (None, None): (1, 1)}
    assert counts(body["devices"], "device_type") == {"phone": (1, 1), "desktop": (1, 0), None: (1, 1)}
    assert counts(body["series"], "at") == {
        "2026-11-03T11:00:00Z": (0, 0),
        "2026-11-03T12:00:00Z": (1, 1),
        "2026-11-03T13:00:00Z": (2, 1),
    }
    assert counts(body["browsers"], "browser") == {"Mobile Safari": (1, 1), "Firefox": (1, 0), None: (1, 1)}
    assert counts(body["systems"], "os") == {"iOS": (1, 1), "Linux": (1, 0), None: (1, 1)}
    assert counts(body["links"], "url") == {OFFER[1]: (2, 2), TERMS[1]: (1, 1)}
    assert body["cities_left_out"] == 0


async def test_floods_are_shown_beside_the_clicks_and_are_none_of_them(api: Caller, rows: Rows, database: Database) -> None:
    campaign = await clicked_campaign(rows)
    first, second = await rows.links(campaign.content_id)
    async with database.transaction() as session:
        counts = {Flooded(campaign.content_id, n, minutes(0).replace(minute=0)): clicks for n, clicks in ((0, 400), (1, 20))}
        await click_flood.add(session, counts)
    totals = (await read(api, f"/campaigns/{campaign.id}"))["totals"]
    assert (totals["clicks"], totals["flood_clicks"]) == (3, 420)
    assert (await read(api, f"/links/{first.id}"))["totals"]["flood_clicks"] == 400
    assert (await read(api, f"/links/{second.id}", until=minutes(-120).isoformat()))["totals"]["flood_clicks"] == 0


@pytest.mark.parametrize(("verdict", "clicks", "people"), [("human", 3, 2), ("bot", 2, 2), ("suspect", 1, 1), ("all", 6, 3)])
async def test_cells_add_up_for_every_verdict(api: Caller, rows: Rows, verdict: str, clicks: int, people: int) -> None:
    campaign = await clicked_campaign(rows)
    body = await read(api, f"/campaigns/{campaign.id}", verdict=verdict)
    assert (body["totals"]["clicks"], body["totals"]["people"], body["totals"]["bot_clicks"]) == (clicks, people, 2)
    for breakdown in ("countries", "cities", "devices", "browsers", "systems", "series"):
        assert sum(cell["clicks"] for cell in body[breakdown]) == clicks, breakdown
        assert sum(cell["people"] for cell in body[breakdown]) == people, breakdown


async def test_a_machine_that_came_first_takes_the_person_from_the_later_cell(api: Caller, rows: Rows) -> None:
    campaign = await clicked_campaign(rows)
    body = await read(api, f"/campaigns/{campaign.id}", verdict="all")
    hours = counts(body["series"], "at")
    assert hours["2026-11-03T11:00:00Z"] == (1, 1)
    assert hours["2026-11-03T12:00:00Z"] == (1, 0)
    assert counts(body["links"], "url") == {OFFER[1]: (5, 3), TERMS[1]: (1, 1)}


@pytest.mark.parametrize(("verdict", "clicks"), [("human", [0, 1, 2]), ("bot", [1, 0, 1]), ("all", [1, 1, 4])])
async def test_each_hour_says_how_many_clicks_were_of_machines_whatever_was_asked_for(
    api: Caller, rows: Rows, verdict: str, clicks: list[int]
) -> None:
    campaign = await clicked_campaign(rows)
    series = (await read(api, f"/campaigns/{campaign.id}", verdict=verdict))["series"]
    assert [each["clicks"] for each in series] == clicks
    assert [(each["suspect_clicks"], each["bot_clicks"]) for each in series] == [(0, 1), (0, 0), (1, 1)]


async def test_a_series_from_rows_does_not_know_the_machines_that_were_not_asked_for(api: Caller, rows: Rows) -> None:
    campaign = await clicked_campaign(rows)
    asked = {"country": "DE", "device_type": "phone"}
    (people,) = (await read(api, f"/campaigns/{campaign.id}", **asked))["series"]
    assert (people["clicks"], people["suspect_clicks"], people["bot_clicks"]) == (1, None, None)
    everything = (await read(api, f"/campaigns/{campaign.id}", **asked, verdict="all"))["series"]
    assert [(each["clicks"], each["suspect_clicks"], each["bot_clicks"]) for each in everything] == [(1, 0, 0), (1, 1, 0)]


async def test_time_filters_take_whole_quarters_of_an_hour(api: Caller, rows: Rows) -> None:
    campaign = await clicked_campaign(rows)
    path = f"/campaigns/{campaign.id}"
    for since, until, clicks, people in (
        (minutes(14), None, 3, 2),  # the quarter of noon is in
        (minutes(15), None, 2, 1),
        (minutes(60), None, 2, 1),
        (None, minutes(60), 1, 1),
        (None, minutes(61), 2, 1),
        (None, minutes(76), 3, 2),
        (minutes(60), minutes(60), 0, 0),
    ):
        given = {"since": since, "until": until}
        body = await read(api, path, **{name: moment.isoformat() for name, moment in given.items() if moment})
        assert (body["totals"]["clicks"], body["totals"]["people"]) == (clicks, people), given
        assert body["totals"]["reached"] == 3
        for breakdown in ("countries", "cities", "devices", "browsers", "systems", "series"):
            assert sum(cell["clicks"] for cell in body[breakdown]) == clicks, breakdown
            assert sum(cell["people"] for cell in body[breakdown]) == people, breakdown
    body = await read(api, path, verdict="all", since=minutes(0).isoformat(), until=minutes(1).isoformat())
    assert (body["totals"]["clicks"], body["totals"]["people"]) == (1, 0)


async def test_a_link_has_its_own_people(api: Caller, rows: Rows) -> None:
    campaign = await clicked_campaign(rows)
    _, terms = await rows.links(campaign.content_id)
    body = await read(api, f"/links/{terms.id}")
    assert (body["url"], body["campaign_id"], body["version"]) == (TERMS[1], str(campaign.id), None)
    assert (body["totals"]["clicks"], body["totals"]["people"], body["totals"]["reached"]) == (1, 1, 3)
    assert counts(body["countries"], "country") == {"FR": (1, 1)}


async def test_follow_ups_are_counted_by_state(api: Caller, rows: Rows) -> None:
    campaign, sequence = await rows.campaign(), await rows.sequence()
    for state in (EnrollmentState.RUNNING, EnrollmentState.COMPLETED, EnrollmentState.COMPLETED):
        await rows.enrollment(sequence, await rows.contact(), state, campaign_id=campaign.id)
    assert (await read(api, f"/campaigns/{campaign.id}"))["follow_ups"] == {"completed": 2, "running": 1}


async def walked_sequence(rows: Rows) -> Any:
    """Two clicked and are done, one ran out of time, one waits; one is queued."""
    sequence = await rows.sequence()
    for outcome in ("clicked", "clicked", "timed_out", None):
        enrollment = await rows.enrollment(
            sequence,
            await rows.contact(),
            EnrollmentState.COMPLETED if outcome else EnrollmentState.RUNNING,
            step_key="wait",
            outcome="done" if outcome else None,
        )
        await rows.step_run(enrollment, 1, "hello", outcome="sent", next_key="wait")
        branch = {"clicked": "thanks", "timed_out": "bye"}.get(outcome or "")
        await rows.step_run(enrollment, 2, "wait", outcome=outcome, next_key=branch)
    await rows.enrollment(sequence, await rows.contact(), EnrollmentState.QUEUED)
    return sequence


async def test_each_step_says_who_came_and_how_they_left(api: Caller, rows: Rows) -> None:
    sequence = await walked_sequence(rows)
    body = await read(api, f"/sequences/{sequence.id}")
    hello, wait, thanks = body["steps"]
    assert hello == {
        "step_key": "hello",
        "kind": "send",
        "entered": 4,
        "active": 0,
        "active_list": f"/v1/enrollments?sequence_id={sequence.id}&step=hello&state=running",
        "next_due_at": None,
        "left": [{"outcome": "sent", "branch": "wait", "step_runs": 4}],
        "waited": {"average_seconds": 0.0, "buckets": {"<1m": 4}},
    }
    assert (wait["kind"], wait["entered"], wait["active"]) == ("wait_for_click", 4, 1)
    assert wait["left"] == [
        {"outcome": "clicked", "branch": "thanks", "step_runs": 2},
        {"outcome": "timed_out", "branch": "bye", "step_runs": 1},
    ]
    assert (thanks["step_key"], thanks["entered"], thanks["left"]) == ("thanks", 0, [])
    assert (body["enrollments"], body["outcomes"]) == ({"completed": 3, "queued": 1, "running": 1}, {"done": 3})


async def test_versions_count_together_and_keep_their_links_apart(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    contact = await rows.contact()
    first = await rows.message(await rows.content_of_step(sequence, "hello"), contact)
    await rows.click(first)
    sequence = await rows.publish(sequence)
    second = await rows.message(await rows.content_of_step(sequence, "hello"), contact)
    await rows.click(second)
    body = await read(api, f"/sequences/{sequence.id}")
    assert (body["totals"]["clicks"], body["totals"]["people"], body["totals"]["click_rate"]) == (2, 1, 1.0)
    assert (body["totals"]["recipients"], body["totals"]["messages"]) == (1, {"accepted": 2})
    assert counts(body["links"], "version", "step_key") == {(1, "hello"): (1, 1), (2, "hello"): (1, 1)}


async def test_a_step_of_an_older_version_is_still_listed(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    enrollment = await rows.enrollment(sequence, await rows.contact())
    await rows.step_run(enrollment, 1, "gone")
    step = (await read(api, f"/sequences/{sequence.id}"))["steps"][-1]
    assert (step["step_key"], step["kind"], step["entered"]) == ("gone", None, 1)
    assert WAIT["key"] != step["step_key"]


async def test_every_report_takes_few_statements_and_each_uses_an_index(api: Caller, rows: Rows, database: Database) -> None:
    campaign, sequence = await clicked_campaign(rows), await walked_sequence(rows)
    (link, _) = await rows.links(campaign.content_id)
    for path in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}", f"/links/{link.id}"):
        with statements(database) as sent:
            await read(api, path)
        assert len(sent) <= 20, path  # four of them are for triggers, when there are any
        with statements(database) as more:
            await read(api, path, verdict="all", since=minutes(0).isoformat())
        assert await scans_without_index(database, sent + more) == []
