"""Why a trigger started nothing, for everybody and for one contact, from the real state."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from models.base import new_id, now
from models.campaigns.campaign import Campaign
from models.clicks.inbox import ClickInbox
from models.contacts.contact import Contact
from models.database import Database
from models.messages.message import Message
from models.notifications.target import NotificationTarget
from models.organizations.organization import Organization, create_organization
from models.triggers import not_clicked
from tests.api.triggers.test_counts import version_of
from tests.builders import Caller
from tests.plans import scans_without_index, statements
from tests.rows import OFFER, Rows, minutes

TAG = {"kind": "tag", "tags": ["hot"]}
WHOM = ["everybody", "one"]
"""Most facts are asked of everybody and of one contact."""


@pytest.fixture
def rows(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


class Story:
    """A campaign with one trigger, and one contact."""

    def __init__(self, rows: Rows, campaign: Campaign, contact: Contact) -> None:
        self.rows, self.campaign, self.contact = rows, campaign, contact

    async def message(self, **fields: Any) -> Message:
        return await self.rows.message(self.campaign.content_id, self.contact, **{"accepted_at": minutes(0), **fields})

    async def findings(self, api: Caller, whom: str) -> dict[str, dict[str, Any]]:
        """Those about triggers, by their codes."""
        params = {"contact_id": str(self.contact.id)} if whom == "one" else {}
        answer = await api.get(f"/campaigns/{self.campaign.id}/diagnostics", params=params)
        assert answer.status_code == 200, answer.text
        found = {each["code"]: each for each in answer.json()["findings"] if each["trigger_key"]}
        assert all(each["sentence"].endswith(".") and each["what_to_change"].endswith(".") for each in found.values())
        return found

    async def outcome(self, outcome: str, reason: str | None, **detail: str) -> UUID:
        """The first action of the contact's firing came to this outcome. Returns the firing."""
        write = """
        WITH written AS (
            INSERT INTO firing_action (firing_id, position, trigger_id, kind, outcome, reason, detail, at)
            SELECT id, 0, trigger_id, 'tag', :outcome, :reason, CAST(:detail AS jsonb), now()
            FROM firing WHERE contact_id = :contact
        )
        UPDATE firing SET finished_at = now() WHERE contact_id = :contact RETURNING id
        """
        values = {"outcome": outcome, "reason": reason, "detail": json.dumps(detail), "contact": self.contact.id}
        async with self.rows.database.transaction() as session:
            found: UUID = (await session.execute(text(write), values)).scalar_one()
        return found


async def story(
    rows: Rows, actions: list[dict[str, Any]] | None = None, positions: tuple[int, ...] = (0,), **fields: Any
) -> Story:
    campaign, contact = await rows.campaign(), await rows.contact()
    await rows.trigger([campaign.content_id], actions or [TAG], positions, campaign_id=campaign.id, **fields)
    return Story(rows, campaign, contact)


async def test_another_organizations_contact_is_not_found(api: Caller, rows: Rows, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    stranger = await Rows(database, other.id).contact()
    campaign, sequence = await rows.campaign(), await rows.sequence()
    for path in (f"/campaigns/{campaign.id}", f"/sequences/{sequence.id}"):
        for contact_id in (stranger.id, uuid4()):
            assert (await api.get(f"{path}/diagnostics", params={"contact_id": str(contact_id)})).status_code == 404


@pytest.mark.parametrize("whom", WHOM)
async def test_a_link_that_no_message_has(api: Caller, rows: Rows, whom: str) -> None:
    told = await story(rows, positions=(), link="offer")
    found = await told.findings(api, whom)
    assert set(found) == {"trigger_link_missing"}
    assert found["trigger_link_missing"]["sentence"].startswith("The trigger 'hot' waits for a click on a link named 'offer'")


@pytest.mark.parametrize("whom", WHOM)
async def test_nothing_was_sent_yet(api: Caller, rows: Rows, whom: str) -> None:
    assert set(await (await story(rows)).findings(api, whom)) == {"trigger_nothing_sent"}


async def test_the_message_of_this_contact_went_out_untracked(api: Caller, rows: Rows) -> None:
    told = await story(rows)
    await told.message(tracked=False)
    assert set(await told.findings(api, "one")) == {"trigger_untracked"}


@pytest.mark.parametrize("whom", WHOM)
async def test_nobody_clicked(api: Caller, rows: Rows, whom: str) -> None:
    told = await story(rows)
    await told.message()
    assert set(await told.findings(api, whom)) == {"no_trigger_click"}


@pytest.mark.parametrize("whom", WHOM)
async def test_all_clicks_were_made_by_machines_and_why_they_are(api: Caller, rows: Rows, whom: str) -> None:
    told = await story(rows)
    message = await told.message()
    await rows.click(message, verdict="bot", reason="agent")
    await rows.click(message, verdict="suspect", reason="burst", at=minutes(1))
    finding = (await told.findings(api, whom))["trigger_only_machines"]
    assert finding["sentence"].endswith("all 2 clicks on its link were made by machines: agent, burst.")
    assert finding["count"] == 2


@pytest.mark.parametrize("whom", WHOM)
async def test_a_click_is_not_decided_yet(api: Caller, rows: Rows, whom: str) -> None:
    told = await story(rows)
    message = await told.message()
    held = ClickInbox(
        id=new_id(),
        org_id=rows.org_id,
        content_id=message.content_id,
        recipient_number=message.recipient_number,
        position=0,
        clicked_at=now(),
        verdict="human",
        reason="person",
        held_until=now() + timedelta(seconds=5),
    )
    await rows._add(held)
    assert set(await told.findings(api, whom)) == {"trigger_clicks_held"}


@pytest.mark.parametrize("whom", WHOM)
async def test_the_click_came_after_the_window(api: Caller, rows: Rows, whom: str) -> None:
    told = await story(rows, within=timedelta(hours=1))
    await rows.click(await told.message(), at=minutes(61))
    found = await told.findings(api, whom)
    assert set(found) == {"trigger_too_late"}
    assert found["trigger_too_late"]["contact_ids"] == [str(told.contact.id)]
    assert found["trigger_too_late"]["sentence"].endswith("the click came after its window of 1 hour.")


@pytest.mark.parametrize("reason", ["enrollment_over", "contact_erased", "not_in_segment", "segment_unanswered"])
async def test_every_refusal_has_its_code(api: Caller, rows: Rows, reason: str) -> None:
    told = await story(rows, within=timedelta(hours=1))
    await rows.click(await told.message(), at=minutes(61))
    async with rows.database.transaction() as session:
        await session.execute(text("UPDATE trigger_refusal SET reason = :reason"), {"reason": reason})
    assert set(await told.findings(api, "one")) == {f"trigger_{reason}"}


async def test_a_single_click_is_no_further_click(api: Caller, rows: Rows) -> None:
    told = await story(rows)
    await rows.click(await told.message())
    await told.outcome("done", None)
    assert set(await told.findings(api, "one")) == {"trigger_fired"}
    assert set(await told.findings(api, "everybody")) == set()


async def test_it_fires_no_more_often_for_one_contact(api: Caller, rows: Rows) -> None:
    told = await story(rows)
    message = await told.message()
    for number in range(2):
        await rows.click(message, at=minutes(number))
    await told.outcome("done", None)
    assert set(await told.findings(api, "everybody")) == {"trigger_fired_already"}
    assert "Raise times" in (await told.findings(api, "one"))["trigger_fired_already"]["what_to_change"]
    assert set(await told.findings(api, "one")) == {"trigger_fired_already", "trigger_fired"}


@pytest.mark.parametrize("whom", WHOM)
async def test_a_firing_that_waits_is_a_problem_when_nobody_takes_it(api: Caller, rows: Rows, whom: str) -> None:
    told = await story(rows, times=5)
    await rows.click(await told.message())
    assert "trigger_waits" not in await told.findings(api, whom)
    async with rows.database.transaction() as session:
        late = "created_at = now() - interval '5 minutes', due_at = now() - interval '1 minute', last_error = 'away'"
        await session.execute(text(f"UPDATE firing SET {late}"))  # noqa: S608
    finding = (await told.findings(api, whom))["trigger_waits"]
    assert (finding["severity"], finding["count"]) == ("problem", 1)
    assert "the oldest for 5 minutes" in finding["sentence"]
    assert finding["sentence"].endswith("Last error: away.")
    async with rows.database.transaction() as session:
        await session.execute(text("UPDATE firing SET due_at = now() + interval '1 minute'"))
    assert (await told.findings(api, whom))["trigger_waits"]["severity"] == "warning"


@pytest.mark.parametrize("whom", WHOM)
async def test_a_failed_action_says_why_and_how_to_retry_it(api: Caller, rows: Rows, whom: str) -> None:
    told = await story(rows, times=5)
    await rows.click(await told.message())
    firing = await told.outcome("failed", "the contact would have too many tags")
    finding = (await told.findings(api, whom))["trigger_action_failed"]
    assert (
        finding["sentence"] == "The trigger 'hot' could not do its action 0 (tag) 1 time: the contact would have too many tags."
    )
    assert (finding["firing_id"], finding["contact_ids"]) == (str(firing), [str(told.contact.id)])
    retry = finding["what_to_change"].partition("POST /v1")[2].rstrip(".")
    assert (await api.post(retry)).status_code == 202


@pytest.mark.parametrize("whom", WHOM)
@pytest.mark.parametrize(
    ("result", "advice"),
    [
        ("already_enrolled", "Set re_entry of the other sequence to always"),
        ("entered_before", "Set re_entry of the other sequence to after_finishing"),
        ("too_often", "Raise re_entry_limit"),
    ],
)
async def test_an_action_that_was_skipped_says_why_and_what_to_change(
    api: Caller, rows: Rows, whom: str, result: str, advice: str
) -> None:
    told = await story(rows)
    await rows.click(await told.message())
    await told.outcome("skipped", "the rule says so", result=result)
    trigger_count = "INSERT INTO trigger_count SELECT trigger_id, 0, 'skipped', 1 FROM firing_action"
    async with rows.database.transaction() as session:
        await session.execute(text(trigger_count))
    found = await told.findings(api, whom)
    assert set(found) == {"trigger_action_skipped"}
    finding = found["trigger_action_skipped"]
    assert finding["sentence"] == "The trigger 'hot' did not do its action 0 (tag) 1 time: the rule says so."
    assert finding["what_to_change"].startswith(advice)
    assert finding["contact_ids"] == [str(told.contact.id)]


async def test_an_action_that_failed_has_the_advice_of_its_reason(api: Caller, rows: Rows) -> None:
    told = await story(rows)
    await rows.click(await told.message())
    await told.outcome("failed", "the sequence is not published", result="sequence_not_published")
    finding = (await told.findings(api, "one"))["trigger_action_failed"]
    assert finding["what_to_change"].startswith("Publish the other sequence, or name another one. Then retry each of")


@pytest.mark.parametrize("whom", WHOM)
async def test_a_click_on_another_link_is_named(api: Caller, rows: Rows, whom: str) -> None:
    campaign, contact = await rows.campaign([OFFER, ("pricing", "https://shop.example/pricing")]), await rows.contact()
    await rows.trigger([campaign.content_id], [TAG], campaign_id=campaign.id, link="offer")
    told = Story(rows, campaign, contact)
    message = await told.message()
    await rows.click(message, position=1)
    found = await told.findings(api, whom)
    assert set(found) == {"trigger_other_link"}
    who = "the contact" if whom == "one" else "1 person"
    assert found["trigger_other_link"]["sentence"] == (
        f"The trigger 'hot' was not fired: {who} clicked 'pricing', and it waits for 'offer'."
    )
    await rows.click(message, at=minutes(1))
    assert "trigger_other_link" not in await told.findings(api, whom)


async def test_people_who_clicked_other_links_are_counted_once(api: Caller, rows: Rows) -> None:
    links = [OFFER, ("pricing", "https://shop.example/pricing"), (None, "https://shop.example/terms")]
    campaign = await rows.campaign(links)
    await rows.trigger([campaign.content_id], [TAG], campaign_id=campaign.id, link="offer")
    for _ in range(2):
        told = Story(rows, campaign, await rows.contact())
        message = await told.message()
        for position in (1, 2):
            await rows.click(message, position=position, at=minutes(position))
    finding = (await told.findings(api, "everybody"))["trigger_other_link"]
    assert finding["count"] == 2
    assert "2 people clicked 'pricing', and it waits for 'offer'" in finding["sentence"]


async def test_targets_and_sequences_are_looked_at_as_they_are_now(api: Caller, rows: Rows) -> None:
    draft = await rows.sequence(publish=False)
    actions = [
        {"kind": "notify", "target": "Sales"},
        {"kind": "notify", "target": "Gone"},
        {"kind": "enroll", "sequence_id": str(draft.id)},
        {"kind": "enroll", "sequence_id": str(uuid4())},
    ]
    told = await story(rows, actions)
    target = NotificationTarget(org_id=rows.org_id, name="Sales", service="slack", shown="slack://", last_error="404")
    target.failing_since = now() - timedelta(hours=2)
    await rows._add(target)
    found = await told.findings(api, "everybody")
    assert set(found) - {"trigger_nothing_sent"} == {
        "trigger_target_fails",
        "trigger_target_missing",
        "trigger_sequence_missing",
        "trigger_sequence_not_published",
    }
    assert found["trigger_target_fails"]["sentence"].endswith("which has failed for 2 hours. Last error: 404.")


async def test_not_clicked_waits_for_its_deadline_and_spares_those_who_clicked(api: Caller, rows: Rows) -> None:
    told = await story(rows, event="not_clicked", within=timedelta(days=3))
    message = await told.message()
    finding = (await told.findings(api, "one"))["trigger_deadline_ahead"]
    assert "fires 3 days after the send" in finding["sentence"]
    assert set(await told.findings(api, "everybody")) == {"trigger_deadline_ahead"}
    await rows.click(message)
    assert set(await told.findings(api, "one")) == {"trigger_was_clicked"}
    assert set(await told.findings(api, "everybody")) == {"trigger_was_clicked"}
    await rows.message(told.campaign.content_id, await rows.contact(), accepted_at=minutes(0))
    assert set(await told.findings(api, "everybody")) == {"trigger_deadline_ahead"}
    async with rows.database.transaction() as session:
        await session.execute(text("UPDATE trigger SET examined_until = now()"))
    assert set(await told.findings(api, "everybody")) == {"trigger_was_clicked"}


@pytest.mark.parametrize(
    "ended", [{"finished_at": minutes(1)}, {"stop_requested_at": minutes(1)}, {"finished_at": minutes(90)}, {}]
)
async def test_nobody_waits_for_the_deadline_when_the_enrollment_ended_before(
    api: Caller, rows: Rows, ended: dict[str, Any]
) -> None:
    sequence, contact = await rows.sequence(), await rows.contact()
    content = await rows.content_of_step(sequence, "hello")
    version = await version_of(rows, sequence)
    fields: dict[str, Any] = {"event": "not_clicked", "within": timedelta(hours=1), "sequence_version_id": version}
    await rows.trigger([content], [TAG], sequence_id=sequence.id, **fields)
    enrollment = await rows.enrollment(sequence, contact, **ended)
    await rows.message(content, contact, enrollment=enrollment, accepted_at=minutes(0))
    answer = await api.get(f"/sequences/{sequence.id}/diagnostics", params={"contact_id": str(contact.id)})
    (finding,) = answer.json()["findings"]
    is_over = ended in ({"finished_at": minutes(1)}, {"stop_requested_at": minutes(1)})
    assert finding["code"] == ("trigger_enrollment_over" if is_over else "trigger_deadline_ahead")
    assert not is_over or finding["what_to_change"].startswith("Put a wait behind the message")


async def test_not_clicked_has_not_fired_already(api: Caller, rows: Rows) -> None:
    """It fires once for a person, whatever the person clicks later."""
    told = await story(rows, event="not_clicked", within=timedelta(hours=1))
    message = await told.message()
    async with rows.database.transaction() as session:
        (ahead,) = await not_clicked.ahead(session)
        looked = await not_clicked.look(session, ahead, now(), now())
        assert looked.fired == 1
    await told.outcome("done", None)
    for number in range(2):
        await rows.click(message, at=minutes(100 + number))
    assert set(await told.findings(api, "one")) == {"trigger_fired"}
    assert set(await told.findings(api, "everybody")) == set()


async def test_a_trigger_of_a_step_is_named_with_it(api: Caller, rows: Rows) -> None:
    sequence = await rows.sequence()
    version = await version_of(rows, sequence)
    content = await rows.content_of_step(sequence, "hello")
    await rows.trigger([content], [TAG], sequence_id=sequence.id, sequence_version_id=version, step_key="hello")
    findings = (await api.get(f"/sequences/{sequence.id}/diagnostics")).json()["findings"]
    (finding,) = [each for each in findings if each["trigger_key"]]
    assert (finding["code"], finding["step_key"]) == ("trigger_nothing_sent", "hello")
    assert finding["sentence"].startswith("The trigger 'hot' on the step 'hello' listens to a message")


@pytest.mark.parametrize("whom", WHOM)
async def test_many_triggers_take_as_many_statements_as_one_and_each_uses_an_index(
    api: Caller, rows: Rows, database: Database, whom: str
) -> None:
    told = await story(rows, [TAG, {"kind": "notify", "target": "Sales"}], times=5)
    for number in range(5):
        fields: dict[str, Any] = {"key": f"t{number}", "within": timedelta(minutes=number + 1)}
        await rows.trigger([told.campaign.content_id], [TAG], campaign_id=told.campaign.id, **fields)
    message = await told.message()
    for number in range(4):
        await rows.click(message, at=minutes(number), verdict="human" if number else "bot")
    params = {"contact_id": str(told.contact.id)} if whom == "one" else {}
    with statements(database) as sent:
        answer = await api.get(f"/campaigns/{told.campaign.id}/diagnostics", params=params)
    assert len({each["trigger_key"] for each in answer.json()["findings"]}) > 3, json.dumps(answer.json())
    assert len(sent) <= (20 if whom == "one" else 29)
    assert await scans_without_index(database, sent) == []
