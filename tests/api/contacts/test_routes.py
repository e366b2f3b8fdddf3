"""Contacts one by one: what is refused, what PUT and PATCH keep, who is found."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from models.base import new_id
from models.database import Database
from tests.builders import Caller

ADA = {
    "external_id": "crm-1",
    "email": "ada@example.com",
    "phone": "+12025550123",
    "first_name": "Ada",
    "time_zone": "Europe/London",
    "tags": ["newsletter"],
    "properties": {"plan": "gold"},
}


async def new(api: Caller, **fields: Any) -> Any:
    answer = await api.post("/contacts", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def put(api: Caller, **fields: Any) -> Any:
    return await api.request("PUT", "/contacts", json=fields)


def wrong_fields(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_wrong_contact_is_refused_with_its_fields(api: Caller, method: str) -> None:
    wrong = {"email": "nobody", "phone": "123", "tags": ["fine", ";"], "properties": {"two words": 1}, "nickname": "A"}
    assert wrong_fields(await api.request(method, "/contacts", json=wrong)) == [
        "email",
        "phone",
        "tags[1]",
        "properties",
        "nickname",
    ]


@pytest.mark.parametrize("body", [{}, {"first_name": "Ada"}, {"email": None, "phone": None}])
async def test_a_contact_without_any_key_is_refused(api: Caller, body: dict[str, Any]) -> None:
    answer = await api.post("/contacts", json=body)
    assert "at least one of external_id, email and phone" in answer.json()["detail"]
    assert (await put(api, **body)).status_code == 422


async def test_everything_given_is_kept(api: Caller) -> None:
    made = await new(api, **ADA)
    assert {name: made[name] for name in ADA} == ADA
    assert made["last_name"] is None
    assert (await api.get(f"/contacts/{made['id']}")).json() == made


@pytest.mark.parametrize("key", ["external_id", "email", "phone"])
async def test_a_second_contact_with_the_same_key_is_a_conflict_that_names_the_first(api: Caller, key: str) -> None:
    first = await new(api, **ADA)
    answer = await api.post("/contacts", json={key: ADA[key]})
    assert (answer.status_code, answer.json()["code"]) == (409, "contact_exists")
    (error,) = answer.json()["errors"]
    assert error["field"] == key
    assert first["id"] in error["message"]


async def test_many_at_once_with_one_key_make_one_contact(api: Caller) -> None:
    answers = await asyncio.gather(*(put(api, email="ada@example.com", first_name="Ada") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    created = await asyncio.gather(*(api.post("/contacts", json={"phone": "+12025550123"}) for _ in range(4)))
    assert sorted(answer.status_code for answer in created) == [201, 409, 409, 409]


async def test_put_creates_and_then_changes_what_is_given(api: Caller) -> None:
    first = await put(api, **ADA)
    second = await put(api, email="ADA@example.com", first_name="Augusta", tags=["vip"], properties={"logins": 3})
    assert (first.status_code, second.status_code) == (201, 200)
    expected = {**first.json(), "first_name": "Augusta", "tags": ["vip"], "properties": {"plan": "gold", "logins": 3}}
    assert second.json() == {**expected, "updated_at": second.json()["updated_at"]}
    assert second.json()["updated_at"] > first.json()["updated_at"]


async def test_put_of_the_same_changes_nothing(api: Caller) -> None:
    first = (await put(api, **ADA)).json()
    assert (await put(api, **ADA)).json() == first


async def test_a_property_that_is_null_is_not_kept(api: Caller) -> None:
    made = await new(api, external_id="a", properties={"a": None, "b": {"c": None}, "big": 10**30, "deep": [[1.5, True]]})
    assert made["properties"] == {"b": {"c": None}, "big": 10**30, "deep": [[1.5, True]]}


async def test_null_removes_a_value(api: Caller) -> None:
    await put(api, **ADA)
    changed = (await put(api, external_id="crm-1", email=None, first_name=None, properties={"plan": None})).json()
    assert (changed["email"], changed["first_name"], changed["properties"]) == (None, None, {})
    assert (await new(api, email="ada@example.com"))["id"] != changed["id"]


async def test_put_gives_a_known_contact_a_new_address(api: Caller) -> None:
    first = (await put(api, **ADA)).json()
    changed = (await put(api, external_id="crm-1", email="new@example.com")).json()
    assert (changed["id"], changed["email"], changed["phone"]) == (first["id"], "new@example.com", ADA["phone"])


async def test_put_that_names_two_contacts_is_a_conflict_that_names_both(api: Caller) -> None:
    one, two = await new(api, external_id="a"), await new(api, email="b@example.com")
    answer = await put(api, external_id="a", email="b@example.com", first_name="Who")
    assert (answer.status_code, answer.json()["code"]) == (409, "two_contacts")
    assert [error["field"] for error in answer.json()["errors"]] == ["external_id", "email"]
    assert one["id"] in answer.text
    assert two["id"] in answer.text
    assert (await api.get(f"/contacts/{one['id']}")).json() == one


async def test_put_by_phone_never_turns_one_person_into_another(api: Caller) -> None:
    first = await new(api, external_id="A", phone="+12025550123")
    answer = await put(api, external_id="B", phone="+12025550123")
    assert (answer.status_code, answer.json()["code"]) == (409, "key_of_another_contact")
    assert [(error["field"], error["contact_id"]) for error in answer.json()["errors"]] == [("phone", first["id"])]
    assert (await api.get(f"/contacts/{first['id']}")).json() == first


async def test_puts_at_once_with_one_phone_and_two_names_make_one_contact(api: Caller) -> None:
    answers = await asyncio.gather(*(put(api, external_id=each, phone="+12025550123") for each in "ABAB"))
    assert sorted(answer.status_code for answer in answers) == [200, 201, 409, 409]
    (contact,) = (await api.get("/contacts")).json()["items"]
    made = next(answer.json() for answer in answers if answer.status_code == 201)
    assert (contact["external_id"], contact["id"]) == (made["external_id"], made["id"])


async def test_the_caller_can_say_which_key_finds_the_contact(api: Caller) -> None:
    first = await new(api, external_id="A", phone="+12025550123")
    answer = await api.request("PUT", "/contacts?match_on=phone", json={"external_id": "B", "phone": "+12025550123"})
    assert (answer.json()["id"], answer.json()["external_id"]) == (first["id"], "B")
    assert wrong_fields(await api.request("PUT", "/contacts?match_on=email", json={"phone": "+12025550123"})) == ["email"]


async def test_true_and_1_are_different_values(api: Caller) -> None:
    await put(api, external_id="a", properties={"x": 1})
    assert (await put(api, external_id="a", properties={"x": True})).json()["properties"]["x"] is True


async def test_properties_cannot_grow_beyond_their_size_piece_by_piece(api: Caller) -> None:
    made = await new(api, external_id="a", properties={"one": "x" * 9000})
    assert wrong_fields(await put(api, external_id="a", properties={"two": "x" * 9000})) == ["properties"]
    assert wrong_fields(await api.patch(f"/contacts/{made['id']}", json={"properties": {"two": "x" * 9000}})) == ["properties"]


async def test_patch_changes_only_what_is_given(api: Caller) -> None:
    made = await new(api, **ADA)
    changed = (await api.patch(f"/contacts/{made['id']}", json={"last_name": "Lovelace", "properties": {"age": 36}})).json()
    assert {**changed, "updated_at": None} == {
        **made,
        "last_name": "Lovelace",
        "properties": {"plan": "gold", "age": 36},
        "updated_at": None,
    }


async def test_patch_refuses_a_key_of_another_contact(api: Caller) -> None:
    other, made = await new(api, email="a@example.com"), await new(api, email="b@example.com")
    answer = await api.patch(f"/contacts/{made['id']}", json={"email": "A@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "contact_exists")
    assert other["id"] in answer.json()["errors"][0]["message"]


async def test_patch_leaves_at_least_one_key(api: Caller) -> None:
    made = await new(api, email="a@example.com")
    assert (await api.patch(f"/contacts/{made['id']}", json={"email": None})).status_code == 422
    moved = await api.patch(f"/contacts/{made['id']}", json={"email": None, "phone": "+12025550123"})
    assert (moved.json()["email"], moved.json()["phone"]) == (None, "+12025550123")


async def test_patch_of_an_unknown_contact_is_404(api: Caller) -> None:
    assert (await api.patch(f"/contacts/{new_id()}", json={"first_name": "Ada"})).status_code == 404


@pytest.mark.parametrize(("query", "field"), [("tag=%00", "tag[0]"), ("email=nobody", "email"), ("phone=123", "phone")])
async def test_a_wrong_filter_is_refused(api: Caller, query: str, field: str) -> None:
    assert wrong_fields(await api.get(f"/contacts?{query}")) == [field]


@pytest.mark.parametrize(
    "query",
    [
        "tag=newsletter",
        "email=ADA@example.com",
        "phone=%2B12025550123",
        "phone=+1-202-555-0123",
        "external_id=crm-1",
        "external_id=crm-%EF%BC%91%C2%A0",
        "tag=news%C2%ADletter",
        "email=mailto:ada@example.com.",
        "phone=(202)%20555-0123&default_country=US",
        "tag=newsletter&email=ada@example.com",
    ],
)
async def test_contacts_are_found_by_tag_and_by_each_key(api: Caller, query: str) -> None:
    made = await new(api, **ADA)
    await new(api, external_id="other", tags=["other"])
    assert [item["id"] for item in (await api.get(f"/contacts?{query}")).json()["items"]] == [made["id"]]


async def tagged(api: Caller, tag: str) -> list[str]:
    return [item["external_id"] for item in (await api.get(f"/contacts?tag={tag}")).json()["items"]]


async def test_a_tag_finds_those_who_have_it_now(api: Caller, database: Database) -> None:
    made = await new(api, external_id="a", tags=["old", "kept"])
    await new(api, external_id="b", tags=["kept"])
    await api.patch(f"/contacts/{made['id']}", json={"tags": ["kept", "new"]})
    assert [await tagged(api, tag) for tag in ("old", "kept", "new")] == [[], ["b", "a"], ["a"]]
    async with database.transaction() as session:  # whoever writes or deletes rows
        await session.execute(text("UPDATE contact SET tags = '{late,late}' WHERE external_id = 'b'"))
        await session.execute(text("DELETE FROM contact WHERE external_id = 'a'"))
        assert list(await session.scalars(text("SELECT tag FROM contact_tag"))) == ["late"]
    assert [await tagged(api, tag) for tag in ("late", "kept", "new")] == [["b"], [], []]


async def test_pages_of_a_tag_follow_each_other(api: Caller) -> None:
    for name in "abcde":
        await new(api, external_id=name, tags=["even"] if name in "bd" else ["odd"])
    first = (await api.get("/contacts?tag=odd&limit=2")).json()
    second = (await api.get(f"/contacts?tag=odd&limit=2&cursor={first['next_cursor']}")).json()
    assert [item["external_id"] for page in (first, second) for item in page["items"]] == ["e", "c", "a"]
    assert second["next_cursor"] is None


async def test_filters_that_do_not_fit_together_find_nobody(api: Caller) -> None:
    await new(api, **ADA)
    assert (await api.get("/contacts?tag=other&email=ada@example.com")).json() == {"items": [], "next_cursor": None}


async def test_tags_are_added_and_removed_without_the_others(api: Caller) -> None:
    made = (await api.post("/contacts", json={"external_id": "a", "tags": ["one", "two"]})).json()
    changed = await put(api, external_id="a", tags_add=["three", "one"], tags_remove=["two", "none"])
    assert changed.json()["tags"] == ["one", "three"]
    patched = await api.patch(f"/contacts/{made['id']}", json={"tags_add": ["four"]})
    assert patched.json()["tags"] == ["one", "three", "four"]
    unchanged = await put(api, external_id="a", tags_add=["one"], tags_remove=["gone"])
    assert unchanged.json()["updated_at"] == patched.json()["updated_at"]


@pytest.mark.parametrize(
    "tags",
    [{"tags": ["a"], "tags_add": ["b"]}, {"tags": [], "tags_remove": ["b"]}, {"tags_add": ["a"], "tags_remove": ["a"]}],
)
async def test_tags_that_contradict_each_other_are_refused(api: Caller, tags: dict[str, Any]) -> None:
    assert (await put(api, external_id="a", **tags)).status_code == 422


async def test_added_tags_keep_the_limit_of_a_contact(api: Caller) -> None:
    await api.post("/contacts", json={"external_id": "a", "tags": [f"t{number}" for number in range(99)]})
    answer = await put(api, external_id="a", tags_add=["x", "y"])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "tags_add")
