"""The same `Idempotency-Key` and request again: the first answer, and nothing done."""

import asyncio

import pytest

from tests.api.handling.test_request import CHANNEL
from tests.builders import Caller, is_problem, with_key


async def test_the_same_key_and_request_gives_the_same_answer_and_does_nothing(api: Caller) -> None:
    first = await api.post("/contacts", json={"external_id": "a"}, headers=with_key("k"))
    again = await api.post("/contacts", json={"external_id": "a"}, headers=with_key("k"))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")


async def test_the_same_key_for_another_request_is_a_conflict(api: Caller) -> None:
    await api.post("/contacts", json={"external_id": "a"}, headers=with_key("k"))
    other_body = await api.post("/contacts", json={"external_id": "b"}, headers=with_key("k"))
    other_path = await api.post("/contacts/bulk", json={"external_id": "a"}, headers=with_key("k"))
    assert is_problem(other_body, 409, "idempotency_key_reused")
    assert is_problem(other_path, 409, "idempotency_key_reused")


async def test_requests_at_once_with_one_key_have_one_effect(api: Caller) -> None:
    answers = await asyncio.gather(*(api.post("/channels", json=CHANNEL, headers=with_key("k")) for _ in range(12)))
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_an_error_is_not_remembered(api: Caller) -> None:
    """What was wrong may be right later: the same key can be used again."""
    body = {"external_id": "a"}
    first = (await api.post("/contacts", json=body)).json()
    assert (await api.post("/contacts", json=body, headers=with_key("k"))).status_code == 409
    await api.patch(f"/contacts/{first['id']}", json={"external_id": "b"})
    assert (await api.post("/contacts", json=body, headers=with_key("k"))).status_code == 201


async def test_keys_of_two_organizations_are_apart(api: Caller, stranger: Caller) -> None:
    mine = await api.post("/contacts", json={"external_id": "a"}, headers=with_key("k"))
    theirs = await stranger.post("/contacts", json={"external_id": "a"}, headers=with_key("k"))
    assert mine.json()["id"] != theirs.json()["id"]


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "k\x00"])
async def test_an_idempotency_key_that_is_none_is_refused_with_the_header_as_it_is_documented(api: Caller, key: str) -> None:
    answer = await api.post("/contacts", json={"external_id": "a"}, headers=with_key(key))
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]
