"""Two callers who change the same thing at the same moment."""

import asyncio

import pytest

from tests.api.campaign_builders import new_campaign, new_sequence
from tests.builders import Caller, is_problem


async def new_contact(api: Caller) -> str:
    made: str = (await api.post("/contacts", json={"external_id": "a", "first_name": "Ada"})).json()["id"]
    return made


MAKE = {"campaigns": new_campaign, "sequences": new_sequence, "contacts": new_contact}


@pytest.mark.parametrize("kind", MAKE)
async def test_of_two_who_have_seen_the_same_one_saves_and_the_other_is_told(api: Caller, kind: str) -> None:
    path, name = f"/{kind}/{await MAKE[kind](api)}", "first_name" if kind == "contacts" else "name"
    seen = (await api.get(path)).json()["updated_at"]
    both = await asyncio.gather(*(api.patch(path, json={name: each}, params={"seen": seen}) for each in ("One", "Two")))
    saved, refused = sorted(both, key=lambda answer: answer.status_code)
    assert (saved.status_code, is_problem(refused, 409, "changed_meanwhile")) == (200, True)
    now_saved = (await api.get(path)).json()
    assert now_saved[name] == saved.json()[name]
    assert (await api.patch(path, json={name: "Three"}, params={"seen": now_saved["updated_at"]})).status_code == 200
    assert (await api.patch(path, json={name: "Four"})).status_code == 200


@pytest.mark.parametrize("kind", MAKE)
async def test_what_was_seen_has_to_be_a_time(api: Caller, kind: str) -> None:
    path = f"/{kind}/{await MAKE[kind](api)}"
    assert is_problem(await api.patch(path, json={}, params={"seen": "yesterday"}), 422, "invalid")
