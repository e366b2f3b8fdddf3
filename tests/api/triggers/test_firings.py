"""What triggers have done is listed with the reasons of what failed, and what failed can be tried again."""

from typing import Any
from uuid import uuid4

import pytest

from models.base import new_id, now
from models.contacts.contact import Contact
from models.database import Database
from models.messages.message import MessageState
from models.organizations.organization import Organization, create_organization
from models.reconcile import reconcile
from models.triggers.firing import ActionOutcome, Firing, FiringAction
from models.triggers.trigger import Trigger
from tests.builders import Caller, is_problem
from tests.clicks import rows as read_rows
from tests.plans import scans_without_index, statements
from tests.rows import Rows

TAG = {"kind": "tag", "tags": ["hot"]}
SEND = {"kind": "send", "channel": "simulator-sms", "message": {"body": "Hello"}}
DONE, FAILED, SKIPPED = ActionOutcome.DONE, ActionOutcome.FAILED, ActionOutcome.SKIPPED


@pytest.fixture
def made(database: Database, organization: tuple[Organization, str]) -> Rows:
    return Rows(database, organization[0].id)


class Fired:
    """A campaign's trigger, and firings of it with these outcomes of their actions."""

    def __init__(self, made: Rows, trigger: Trigger) -> None:
        self.made, self.trigger = made, trigger

    @property
    def path(self) -> str:
        return f"/campaigns/{self.trigger.campaign_id}/triggers/{self.trigger.key}/firings"

    async def firing(
        self, *outcomes: ActionOutcome, contact: Contact | None = None, finished: bool = True, occurrence: int = 1
    ) -> Firing:
        contact = contact or await self.made.contact()
        firing = Firing(
            org_id=self.made.org_id,
            trigger_id=self.trigger.id,
            contact_id=contact.id,
            occurrence=occurrence,
            message_id=new_id(),
            fired_at=now(),
            next_action=len(outcomes),
            finished_at=now() if finished else None,
        )
        kinds = [action["kind"] for action in self.trigger.definition["actions"]]
        async with self.made.database.transaction() as session:
            session.add(firing)
            await session.flush()
            session.add_all(
                FiringAction(
                    firing_id=firing.id,
                    position=position,
                    trigger_id=self.trigger.id,
                    kind=kinds[position],
                    outcome=outcome,
                    reason=None if outcome == DONE else "no_phone",
                )
                for position, outcome in enumerate(outcomes)
            )
        return firing


async def fired(made: Rows, *actions: dict[str, Any]) -> Fired:
    campaign = await made.campaign()
    return Fired(made, await made.trigger([campaign.content_id], list(actions) or [SEND, TAG], campaign_id=campaign.id))


async def read(api: Caller, of: Fired, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get(of.path, params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_firings_are_listed_newest_first_with_what_became_of_each_action(api: Caller, made: Rows) -> None:
    of = await fired(made)
    failed, half = await of.firing(FAILED, DONE), await of.firing(DONE, finished=False)
    shown = await read(api, of)
    assert [(each["id"], each["state"]) for each in shown] == [(str(half.id), "open"), (str(failed.id), "failed")]
    assert [(each["kind"], each["outcome"], each["reason"]) for each in shown[1]["actions"]] == [
        ("send", "failed", "no_phone"),
        ("tag", "done", None),
    ]
    assert [each["outcome"] for each in shown[0]["actions"]] == ["done", None]
    assert (shown[0]["trigger_key"], shown[0]["occurrence"], shown[0]["click_id"]) == ("hot", 1, None)


async def test_a_list_shows_only_what_it_is_asked_for_page_by_page(api: Caller, made: Rows) -> None:
    of = await fired(made)
    somebody = await made.contact()
    failed = [await of.firing(FAILED, FAILED) for _ in range(3)]
    await of.firing(DONE, DONE)
    theirs = await of.firing(FAILED, DONE, contact=somebody)
    half = await of.firing(DONE, contact=somebody, finished=False, occurrence=2)
    newest_failed = [str(theirs.id), *(str(each.id) for each in reversed(failed))]
    found, cursor = [], None
    while True:
        params = {"outcome": "failed", "limit": 1, **({"cursor": cursor} if cursor else {})}
        answer = (await api.get(of.path, params=params)).json()
        found += [each["id"] for each in answer["items"]]
        if not (cursor := answer["next_cursor"]):
            break
    assert found == newest_failed
    assert [each["id"] for each in await read(api, of, outcome="open")] == [str(half.id)]
    assert [each["id"] for each in await read(api, of, contact_id=somebody.id)] == [str(half.id), str(theirs.id)]
    assert [each["id"] for each in await read(api, of, contact_id=somebody.id, outcome="failed")] == [str(theirs.id)]


async def test_a_sequence_shows_the_firings_of_all_its_versions_and_of_one_step_when_it_is_named(api: Caller, made: Rows) -> None:
    sequence = await made.sequence()
    versions = []
    for step in (None, "hello"):
        content = await made.content_of_step(sequence, "hello")
        (version,) = await read_rows(made.database, "SELECT id FROM sequence_version ORDER BY version DESC LIMIT 1")
        columns = {"sequence_id": sequence.id, "sequence_version_id": version, "step_key": step}
        versions.append(Fired(made, await made.trigger([content], [TAG], **columns)))
        await made.publish(sequence)
    first, second = [await each.firing(DONE) for each in versions]
    path = f"/sequences/{sequence.id}/triggers/hot/firings"
    assert [each["id"] for each in (await api.get(path)).json()["items"]] == [str(second.id), str(first.id)]
    of_step = (await api.get(path, params={"step": "hello"})).json()["items"]
    assert [(each["id"], each["step_key"]) for each in of_step] == [(str(second.id), "hello")]


async def test_what_failed_is_tried_again_and_what_was_done_is_not(api: Caller, made: Rows) -> None:
    of = await fired(made, TAG, SEND, TAG, SEND)
    firing = await of.firing(DONE, FAILED, DONE, FAILED)
    answer = await api.post(f"{of.path}/{firing.id}/retry")
    assert (answer.status_code, answer.json()["state"]) == (202, "open")
    assert [each["outcome"] for each in answer.json()["actions"]] == ["done", None, "done", None]
    assert await read_rows(made.database, "SELECT next_action, sends, finished_at FROM firing") == [(1, True, None)]
    assert is_problem(await api.post(f"{of.path}/{firing.id}/retry"), 409, "firing_still_open")


async def test_actions_that_were_skipped_because_of_a_failure_are_done_after_it(api: Caller, made: Rows) -> None:
    of = await fired(made, TAG, {**SEND, "on_failure": "stop"}, TAG, TAG)
    firing = await of.firing(SKIPPED, FAILED, SKIPPED, SKIPPED)
    answer = await api.post(f"{of.path}/{firing.id}/retry")
    assert [each["outcome"] for each in answer.json()["actions"]] == ["skipped", None, None, None]


async def test_a_message_that_was_not_sent_is_written_once_more_and_one_that_may_have_arrived_is_asked_about(
    api: Caller, made: Rows
) -> None:
    of = await fired(made, SEND, SEND, SEND)
    firing = await of.firing(FAILED, FAILED, DONE)
    campaign = await made.campaign()
    states = (MessageState.SKIPPED, MessageState.UNKNOWN, MessageState.ACCEPTED)
    for position, state in enumerate(states):
        key: dict[str, Any] = {"firing_id": firing.id, "action_position": position, "campaign_id": None}
        await made.message(campaign.content_id, await made.contact(), state, body="text", **key)
    assert (await api.post(f"{of.path}/{firing.id}/retry")).status_code == 202
    assert await read_rows(made.database, "SELECT state, body FROM message ORDER BY action_position") == [
        ("planned", None),
        ("sending", "text"),
        ("accepted", "text"),
    ]


async def test_nothing_is_tried_again_when_nothing_failed(api: Caller, made: Rows) -> None:
    of = await fired(made)
    done = await of.firing(DONE, SKIPPED)
    assert is_problem(await api.post(f"{of.path}/{done.id}/retry"), 409, "nothing_failed")


async def test_nothing_is_tried_again_for_an_erased_contact(api: Caller, made: Rows) -> None:
    of = await fired(made, TAG)
    firing = await of.firing(FAILED)
    assert (await api.post(f"/contacts/{firing.contact_id}/erase")).status_code == 200
    assert is_problem(await api.post(f"{of.path}/{firing.id}/retry"), 409, "contact_erased")
    assert await read_rows(made.database, "SELECT finished_at IS NOT NULL FROM firing") == [True]


async def test_counters_follow_a_retry(api: Caller, made: Rows) -> None:
    of = await fired(made)
    firing = await of.firing(FAILED, DONE)
    await reconcile.repair(made.database)
    await api.post(f"{of.path}/{firing.id}/retry")
    assert not (await reconcile.compare(made.database)).differences


async def test_another_organizations_triggers_and_firings_are_not_found(api: Caller, made: Rows, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Another")
    theirs = await fired(Rows(database, other.id))
    firing = await theirs.firing(FAILED, DONE)
    ours = await fired(made)
    assert is_problem(await api.get(theirs.path), 404, "not_found")
    assert is_problem(await api.post(f"{theirs.path}/{firing.id}/retry"), 404, "not_found")
    assert is_problem(await api.post(f"{ours.path}/{firing.id}/retry"), 404, "not_found")
    stranger = (await read_rows(database, "SELECT contact_id FROM firing"))[0]
    assert is_problem(await api.get(ours.path, params={"contact_id": stranger}), 404, "not_found")


async def test_a_trigger_that_there_is_not_and_a_firing_of_another_one_are_not_found(api: Caller, made: Rows) -> None:
    of, other = await fired(made), await fired(made)
    firing = await other.firing(FAILED, DONE)
    assert is_problem(await api.get(of.path.replace("/hot/", "/cold/")), 404, "not_found")
    assert is_problem(await api.post(f"{of.path}/{firing.id}/retry"), 404, "not_found")
    assert is_problem(await api.post(f"{of.path}/{uuid4()}/retry"), 404, "not_found")


@pytest.mark.parametrize(("name", "value"), [("outcome", "great"), ("contact_id", "1"), ("limit", "0"), ("cursor", "x")])
async def test_a_filter_that_cannot_be_meant_is_refused(api: Caller, made: Rows, name: str, value: str) -> None:
    answer = await api.get((await fired(made)).path, params={name: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


async def test_every_list_of_firings_comes_from_an_index(api: Caller, made: Rows, database: Database) -> None:
    of = await fired(made)
    firing = await of.firing(FAILED, DONE)
    with statements(database) as sent:
        for params in ({}, {"outcome": "failed"}, {"outcome": "open"}, {"contact_id": firing.contact_id}):
            await read(api, of, **params)
    assert await scans_without_index(database, sent) == []
