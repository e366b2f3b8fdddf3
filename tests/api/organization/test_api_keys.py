"""API keys: shown once, revoked for good, never all of them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.handling.services import Services
from models.base import now
from models.database import Database
from models.organizations.api_key import MAX_LIVE_KEYS, ApiKey, mark_used
from models.organizations.idempotency import IdempotencyKey
from tests.builders import Caller
from tests.plans import statements


async def new_key(api: Caller, role: str = "owner", headers: dict[str, str] | None = None, **fields: Any) -> Any:
    answer = await api.post("/api-keys", json={"name": "second", "role": role, **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def own_id(api: Caller) -> str:
    return str((await api.get("/api-keys")).json()["items"][0]["id"])


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": ""}),
        ("name", {"name": None}),
        ("name", {"name": "x" * 101}),
        ("secret", {"secret": "mine"}),
        ("role", {"role": None}),
        ("role", {"role": "admin"}),
        ("expires_at", {"expires_at": "2020-01-01T00:00:00Z"}),
        ("expires_at", {"expires_at": "2099-01-01"}),
        ("expires_at", {"expires_at": 4070908800}),
    ],
)
async def test_a_key_that_cannot_be_made_names_the_field(api: Caller, field: str, change: dict[str, Any]) -> None:
    answer = await api.post("/api-keys", json={"name": "second", "role": "viewer", **change})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


async def test_all_wrong_fields_of_a_key_are_named_at_once(api: Caller) -> None:
    answer = await api.post("/api-keys", json={"name": "second", "role": "admin", "expires_at": "2020-01-01T00:00:00Z"})
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert list(errors) == ["role", "expires_at"]
    assert errors["expires_at"] == "This time is past: write a later one, or leave it out for a key that does not expire."


async def test_a_key_needs_a_role(api: Caller) -> None:
    answer = await api.post("/api-keys", json={"name": "second"})
    assert [error["field"] for error in answer.json()["errors"]] == ["role"]


@pytest.mark.parametrize("key_id", ["x", "0" * 11, "%00" * 12, "ABCDEF012345"])
async def test_an_id_that_is_none_is_refused(api: Caller, key_id: str) -> None:
    assert (await api.delete(f"/api-keys/{key_id}")).status_code == 422


async def test_an_unknown_key_cannot_be_revoked(api: Caller) -> None:
    assert (await api.delete(f"/api-keys/{'0' * 12}")).status_code == 404


async def test_the_last_live_owner_key_stays_whatever_other_keys_there_are(api: Caller) -> None:
    second = await new_key(api)
    await new_key(api, "editor")
    assert (await api.delete(f"/api-keys/{second['id']}")).status_code == 204
    answer = await api.delete(f"/api-keys/{await own_id(api)}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_owner_key")
    assert "./linkwake key" in answer.json()["detail"]
    assert (await api.get("/organization")).status_code == 200


async def test_two_requests_at_once_cannot_revoke_the_last_two_keys(api: Caller) -> None:
    second = await new_key(api)
    first = await own_id(api)
    answers = await asyncio.gather(
        api.delete(f"/api-keys/{first}"), api.with_key(second["key"]).delete(f"/api-keys/{second['id']}")
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_there_is_an_end_to_the_number_of_keys(api: Caller, database: Database) -> None:
    for _ in range(MAX_LIVE_KEYS - 1):
        await new_key(api)
    answer = await api.post("/api-keys", json={"name": "one too many", "role": "viewer"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_api_keys")


async def test_a_new_key_works_at_once_and_its_text_is_stored_nowhere(api: Caller, database: Database) -> None:
    made = await new_key(api, headers={"Idempotency-Key": "k"})
    assert (await api.with_key(made["key"]).get("/organization")).status_code == 200
    secret = made["key"][-48:].encode()
    async with database.transaction() as session:
        bodies = (await session.scalars(select(col(IdempotencyKey.body)))).all()
        hashes = (await session.scalars(select(col(ApiKey.secret_hash)))).all()
    assert len(bodies) == 1
    assert not any(secret in each for each in [*bodies, *hashes])


async def test_a_repeated_idempotency_key_gives_the_key_without_its_text(api: Caller) -> None:
    made = await new_key(api, headers={"Idempotency-Key": "k"})
    assert await new_key(api, headers={"Idempotency-Key": "k"}) == {**made, "key": None}
    assert len((await api.get("/api-keys")).json()["items"]) == 2


async def test_a_key_can_revoke_itself_and_is_then_refused(api: Caller) -> None:
    second = await new_key(api)
    own = api.with_key(second["key"])
    assert (await own.delete(f"/api-keys/{second['id']}")).status_code == 204
    assert (await own.get("/organization")).status_code == 401


async def test_revoking_twice_is_the_same_as_once(api: Caller) -> None:
    second = await new_key(api)
    for _ in range(2):
        assert (await api.delete(f"/api-keys/{second['id']}")).status_code == 204
    listed = (await api.get("/api-keys")).json()["items"]
    assert [(key["name"], key["revoked_at"] is None) for key in listed] == [("first key", True), ("second", False)]


async def test_the_list_comes_in_pages_with_the_oldest_first(api: Caller) -> None:
    made = [await own_id(api), *[(await new_key(api))["id"] for _ in range(4)]]
    seen, cursor, pages = [], None, 0
    while cursor or not pages:
        page = (await api.get("/api-keys", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [key["id"] for key in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (seen, pages) == (made, 3)


async def test_the_list_shows_no_secret(api: Caller) -> None:
    (key,) = (await api.get("/api-keys")).json()["items"]
    assert set(key) == {"id", "name", "role", "created_at", "expires_at", "last_used_at", "revoked_at"}


async def test_a_key_that_has_expired_is_refused_and_told_so(api: Caller, database: Database) -> None:
    made = await new_key(api, expires_at=(now() + timedelta(hours=1)).isoformat())
    own = api.with_key(made["key"])
    assert (await own.get("/organization")).status_code == 200
    await expire(database, made["id"])
    answer = await own.get("/organization")
    assert (answer.status_code, answer.json()["detail"]) == (
        401,
        "This API key has expired: use another one, or have an owner make one.",
    )


async def test_an_owner_key_that_has_expired_is_no_live_one(api: Caller, database: Database) -> None:
    await expire(database, (await new_key(api, expires_at=(now() + timedelta(hours=1)).isoformat()))["id"])
    assert (await api.delete(f"/api-keys/{await own_id(api)}")).status_code == 409


async def test_a_key_makes_none_that_outlives_it(api: Caller) -> None:
    soon, later = now() + timedelta(hours=1), now() + timedelta(hours=2)
    own = api.with_key((await new_key(api, expires_at=soon.isoformat()))["key"])
    for field in ({}, {"expires_at": None}, {"expires_at": later.isoformat()}):
        answer = await own.post("/api-keys", json={"name": "third", "role": "owner", **field})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expires_at")
        assert answer.json()["detail"].endswith(f"give an expires_at no later than {soon.isoformat()}.")
    assert (
        await own.post("/api-keys", json={"name": "third", "role": "owner", "expires_at": soon.isoformat()})
    ).status_code == 201


@pytest.mark.parametrize("role", ["viewer", "sender", "editor"])
async def test_a_lesser_key_makes_lists_and_revokes_no_other_key(api: Caller, role: str) -> None:
    made = await new_key(api, role)
    own = api.with_key(made["key"])
    answers = [
        await own.post("/api-keys", json={"name": "third", "role": "viewer"}),
        await own.get("/api-keys"),
        await own.delete(f"/api-keys/{await own_id(api)}"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert all("owner" in answer.json()["detail"] and role in answer.json()["detail"] for answer in answers)
    assert (await own.delete(f"/api-keys/{made['id']}")).status_code == 204


async def test_the_last_use_is_written_for_all_keys_at_once_and_never_set_back(
    api: Caller, services: Services, database: Database
) -> None:
    second = await new_key(api)
    await api.with_key(second["key"]).get("/organization")
    with statements(database) as sent:
        await services.key_uses.write(database)
        await services.key_uses.write(database)  # nothing was used meanwhile
    assert len(sent) == 1
    before = [key["last_used_at"] for key in (await api.get("/api-keys")).json()["items"]]
    assert None not in before
    async with database.transaction() as session:
        await mark_used(session, {second["id"]: now() - timedelta(days=1)})
    assert (await api.get("/api-keys")).json()["items"][1]["last_used_at"] == before[1]


async def expire(database: Database, key_id: str) -> None:
    async with database.transaction() as session:
        key = await session.get_one(ApiKey, key_id)
        key.expires_at = now() - timedelta(seconds=1)
