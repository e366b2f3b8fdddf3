"""API keys: shown once, revoked for good, never all of them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from models.database import Database
from models.idempotency import IdempotencyKey
from models.organization import MAX_LIVE_KEYS, ApiKey
from tests.builders import Caller


async def new_key(api: Caller, **options: Any) -> Any:
    answer = await api.post("/api-keys", json={"name": "second"}, **options)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def own_id(api: Caller) -> str:
    return str((await api.get("/api-keys")).json()["items"][0]["id"])


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None}, {"name": "x" * 101}, {"name": "x", "secret": "mine"}])
async def test_a_key_needs_a_name_and_nothing_else(api: Caller, body: dict[str, Any]) -> None:
    assert (await api.post("/api-keys", json=body)).status_code == 422


@pytest.mark.parametrize("key_id", ["x", "0" * 11, "%00" * 12, "ABCDEF012345"])
async def test_an_id_that_is_none_is_refused(api: Caller, key_id: str) -> None:
    assert (await api.delete(f"/api-keys/{key_id}")).status_code == 422


async def test_an_unknown_key_cannot_be_revoked(api: Caller) -> None:
    assert (await api.delete(f"/api-keys/{'0' * 12}")).status_code == 404


async def test_the_last_live_key_stays(api: Caller) -> None:
    second = await new_key(api)
    assert (await api.delete(f"/api-keys/{second['id']}")).status_code == 204
    answer = await api.delete(f"/api-keys/{await own_id(api)}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last_api_key")
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
    answer = await api.post("/api-keys", json={"name": "one too many"})
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
    assert set(key) == {"id", "name", "created_at", "revoked_at"}
