"""Consent over HTTP: answers are added and never overwritten, and the newest one that covers a message counts."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.base import now
from models.database import Database
from models.organizations.organization import Organization, create_organization
from tests.builders import Caller, is_problem
from tests.clicks import rows
from tests.rows import Rows

OUT = {"state": "opted_out", "reason": "said so on the telephone"}


@pytest.fixture
async def contact(api: Caller) -> str:
    created = await api.post("/contacts", json={"phone": "+4915112345678", "email": "ada@example.com"})
    contact_id: str = created.json()["id"]
    return contact_id


async def channel_id(api: Caller, name: str) -> str:
    channels = (await api.get("/channels")).json()["items"]
    found: str = next(each["id"] for each in channels if each["name"] == name)
    return found


async def record(api: Caller, contact: str, **fields: Any) -> dict[str, Any]:
    answer = await api.post(f"/contacts/{contact}/consent", json={**OUT, **fields})
    assert answer.status_code == 201, answer.text
    written: dict[str, Any] = answer.json()
    return written


async def states(api: Caller, contact: str) -> dict[tuple[str, str, bool], str]:
    current = (await api.get(f"/contacts/{contact}/consent")).json()["current"]
    return {(each["medium"], each["message_kind"], each["channel_id"] is not None): each["state"] for each in current}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"state": "opted_out"}, "reason"),
        ({**OUT, "reason": ""}, "reason"),
        ({**OUT, "state": "perhaps"}, "state"),
        ({**OUT, "medium": "pigeon"}, "medium"),
        ({**OUT, "message_kind": "news"}, "message_kind"),
        ({**OUT, "channel_id": str(uuid4())}, "channel_id"),
        ({**OUT, "given_at": (now() + timedelta(hours=1)).isoformat()}, "given_at"),
        ({**OUT, "source": "import"}, "source"),
    ],
)
async def test_a_wrong_answer_is_refused_with_its_field_and_writes_nothing(
    api: Caller, database: Database, contact: str, body: dict[str, Any], field: str
) -> None:
    answer = await api.post(f"/contacts/{contact}/consent", json=body)
    assert is_problem(answer, 422, "invalid"), answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert await rows(database, "SELECT count(*) FROM consent") == [0]


async def test_a_channel_and_a_medium_that_do_not_fit_are_refused(api: Caller, contact: str) -> None:
    body = {**OUT, "medium": "email", "channel_id": await channel_id(api, "simulator-sms")}
    answer = await api.post(f"/contacts/{contact}/consent", json=body)
    assert is_problem(answer, 422, "invalid")
    assert answer.json()["errors"][0]["field"] == "medium"


async def test_a_contact_of_another_organization_does_not_exist(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    theirs = await Rows(database, other.id).contact(phone="+4915112345678")
    assert is_problem(await api.get(f"/contacts/{theirs.id}/consent"), 404, "not_found")
    assert is_problem(await api.post(f"/contacts/{theirs.id}/consent", json=OUT), 404, "not_found")
    assert await rows(database, "SELECT count(*) FROM consent") == [0]


async def test_somebody_who_was_never_asked_is_unknown(api: Caller, contact: str) -> None:
    answer = (await api.get(f"/contacts/{contact}/consent")).json()
    assert answer["items"] == []
    assert {each["state"] for each in answer["current"]} == {"unknown"}
    assert len(answer["current"]) == 4


async def test_each_answer_is_kept_and_the_newest_that_covers_a_message_counts(api: Caller, contact: str) -> None:
    await record(api, contact)
    await record(api, contact, state="opted_in", medium="sms", message_kind="marketing", proof={"form": "spring"})
    assert await states(api, contact) == {
        ("email", "marketing", False): "opted_out",
        ("email", "transactional", False): "opted_out",
        ("sms", "marketing", False): "opted_in",
        ("sms", "transactional", False): "opted_out",
    }
    history = (await api.get(f"/contacts/{contact}/consent")).json()["items"]
    assert [(each["state"], each["medium"], each["source"], each["proof"]) for each in history] == [
        ("opted_in", "sms", "api", {"form": "spring"}),
        ("opted_out", None, "api", {}),
    ]


async def test_an_answer_about_one_channel_says_nothing_about_the_others_of_its_medium(api: Caller, contact: str) -> None:
    written = await record(api, contact, channel_id=await channel_id(api, "simulator-sms"))
    assert written["medium"] == "sms"
    found = await states(api, contact)
    assert found["sms", "marketing", True] == "opted_out"
    assert found["sms", "marketing", False] == "unknown"


async def test_an_answer_that_was_given_before_the_newest_one_does_not_count(api: Caller, contact: str) -> None:
    await record(api, contact)
    await record(api, contact, state="opted_in", given_at=(now() - timedelta(days=1)).isoformat())
    assert set((await states(api, contact)).values()) == {"opted_out"}


async def test_an_answer_can_be_taken_back(api: Caller, contact: str) -> None:
    await record(api, contact)
    await record(api, contact, state="unknown", reason="it was somebody else")
    assert set((await states(api, contact)).values()) == {"unknown"}


async def test_an_opt_out_stops_the_enrollments_that_it_covers_and_no_others(
    api: Caller, made: Rows, database: Database, contact: str
) -> None:
    person = await made.contact(phone="+4915112345679")
    enrollment = await made.enrollment(await made.sequence(), person)
    await record(api, str(person.id), medium="email")
    assert await rows(database, "SELECT count(*) FROM command") == [0]
    await record(api, str(person.id), medium="sms")
    assert await rows(database, "SELECT enrollment_id, kind FROM command") == [(enrollment.id, "stop")]
    stopped = (await api.get(f"/enrollments/{enrollment.id}")).json()
    assert stopped["stop_requested_at"] is not None


async def test_the_history_is_read_page_by_page(api: Caller, contact: str) -> None:
    for _ in range(5):
        await record(api, contact)
    first = (await api.get(f"/contacts/{contact}/consent?limit=3")).json()
    second = (await api.get(f"/contacts/{contact}/consent?limit=3&cursor={first['next_cursor']}")).json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (3, 2, None)


async def test_settings_of_the_organization_are_changed_and_shown(api: Caller, organization: tuple[Organization, str]) -> None:
    before = (await api.get("/organization")).json()
    assert (before["consent_required"], before["opt_out_scope"], before["answers_words"]) == ([], "everything", "by_us")
    change = {"consent_required": ["sms", "sms"], "opt_out_scope": "channel", "answers_words": "by_provider"}
    assert (await api.patch("/organization", json=change)).status_code == 200
    after = (await api.get("/organization")).json()
    assert {name: after[name] for name in change} == {**change, "consent_required": ["sms"]}


@pytest.mark.parametrize(
    "change", [{"consent_required": ["fax"]}, {"consent_required": None}, {"opt_out_scope": "all"}, {"answers_words": "nobody"}]
)
async def test_wrong_settings_are_refused_with_their_field(api: Caller, change: dict[str, Any]) -> None:
    answer = await api.patch("/organization", json=change)
    assert is_problem(answer, 422, "invalid")
    assert answer.json()["errors"][0]["field"].partition("[")[0] == next(iter(change))


async def test_the_same_idempotency_key_records_once(api: Caller, database: Database, contact: str) -> None:
    key = {"Idempotency-Key": "once"}
    first = await api.post(f"/contacts/{contact}/consent", json=OUT, headers=key)
    second = await api.post(f"/contacts/{contact}/consent", json=OUT, headers=key)
    assert UUID(first.json()["id"]) == UUID(second.json()["id"])
    assert await rows(database, "SELECT count(*) FROM consent") == [1]
