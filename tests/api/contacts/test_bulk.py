"""Many contacts at once: a result for each row, whatever the others are."""

import asyncio
from typing import Any

from tests.builders import Caller


async def bulk(api: Caller, *rows: Any) -> Any:
    answer = await api.post("/contacts/bulk", json={"contacts": rows})
    assert answer.status_code == 200, answer.text
    return answer.json()


def results(answer: Any) -> list[str]:
    return [row["result"] for row in answer["results"]]


async def contact(api: Caller, contact_id: str) -> Any:
    return (await api.get(f"/contacts/{contact_id}")).json()


async def test_a_request_without_rows_or_with_too_many_is_refused(api: Caller) -> None:
    requests: list[Any] = [[], [{"external_id": str(n)} for n in range(4001)], {}, None]
    for rows in requests:
        answer = await api.post("/contacts/bulk", json={"contacts": rows})
        assert [error["field"] for error in answer.json()["errors"]] == ["contacts"]


async def test_a_bad_row_fails_with_its_field_and_stops_nobody(api: Caller) -> None:
    bad: list[Any] = [{"email": "nobody"}, {"external_id": "\x00"}, {"first_name": "A"}, [], None]
    answer = await bulk(api, {"external_id": "first"}, *bad, {"external_id": "last"})
    assert results(answer) == ["created", *["failed"] * 5, "created"]
    failed = answer["results"][1:-1]
    assert [row["errors"][0]["field"] for row in failed] == ["email", "external_id", "contact", "contact", "contact"]
    assert {row["contact_id"] for row in failed} == {None}


async def test_a_row_that_names_two_contacts_fails_and_names_both(api: Caller) -> None:
    first = await bulk(api, {"external_id": "a"}, {"email": "b@example.com"})
    answer = await bulk(api, {"external_id": "a", "email": "b@example.com"}, {"external_id": "c"})
    assert results(answer) == ["failed", "created"]
    for error, made in zip(answer["results"][0]["errors"], first["results"], strict=True):
        assert made["contact_id"] in error["message"]


async def test_a_row_with_the_key_of_another_person_fails_with_the_facts_of_put(api: Caller) -> None:
    answer = await bulk(api, {"external_id": "a", "phone": "+12025550123"}, {"external_id": "b", "phone": "+12025550123"})
    made, failed = answer["results"]
    assert (failed["result"], failed["conflict"]) == ("failed", "key_of_another_contact")
    assert [(error["field"], error["contact_id"]) for error in failed["errors"]] == [("phone", made["contact_id"])]


async def test_a_request_can_say_which_key_finds_contacts(api: Caller) -> None:
    first = await bulk(api, {"external_id": "a", "phone": "+12025550123"})
    request = {"match_on": "phone", "contacts": [{"external_id": "b", "phone": "+12025550123"}, {"external_id": "c"}]}
    renamed, failed = (await api.post("/contacts/bulk", json=request)).json()["results"]
    assert renamed["contact_id"] == first["results"][0]["contact_id"]
    assert [error["field"] for error in failed["errors"]] == ["phone"]


async def test_a_field_that_cannot_be_read_is_named_and_the_rest_is_written(api: Caller) -> None:
    answer = await bulk(api, {"external_id": "a", "phone": "call me", "first_name": "Ada", "tags": ["ok", ";"]})
    assert (results(answer), answer["incomplete"]) == (["created"], 1)
    (row,) = answer["results"]
    assert [error["field"] for error in row["errors"]] == ["phone", "tags[1]"]
    ada = await contact(api, row["contact_id"])
    assert (ada["phone"], ada["first_name"], ada["tags"]) == (None, "Ada", [])


async def test_phone_numbers_are_of_the_country_that_the_request_or_the_row_says(api: Caller) -> None:
    rows = [{"phone": "0151 12345678"}, {"phone": "0660 1234567", "default_country": "AT"}]
    answer = await api.post("/contacts/bulk", json={"default_country": "DE", "contacts": rows})
    phones = [(await contact(api, row["contact_id"]))["phone"] for row in answer.json()["results"]]
    assert phones == ["+4915112345678", "+436601234567"]


async def test_all_four_results_are_counted(api: Caller) -> None:
    await bulk(api, {"external_id": "same"}, {"external_id": "changed"})
    answer = await bulk(api, {"external_id": "same"}, {"external_id": "changed", "first_name": "Ada"}, {"external_id": "new"}, {})
    assert results(answer) == ["unchanged", "updated", "created", "failed"]
    assert [answer[name] for name in ("created", "updated", "unchanged", "failed")] == [1, 1, 1, 1]


async def test_a_contact_that_comes_twice_is_handled_in_order(api: Caller) -> None:
    answer = await bulk(
        api,
        {"email": "ada@example.com", "first_name": "A", "properties": {"x": 1}},
        {"email": "ADA@example.com", "first_name": "Ada", "phone": "+12025550123"},
        {"phone": "+12025550123", "properties": {"y": 2}},
        {"phone": "+12025550123"},
    )
    assert results(answer) == ["created", "updated", "updated", "unchanged"]
    (contact_id,) = {row["contact_id"] for row in answer["results"]}
    ada = await contact(api, contact_id)
    assert (ada["first_name"], ada["phone"], ada["properties"]) == ("Ada", "+12025550123", {"x": 1, "y": 2})


async def test_one_row_can_take_the_address_that_another_gives_up(api: Caller) -> None:
    first = await bulk(api, {"external_id": "a", "email": "x@example.com"}, {"external_id": "b", "email": "y@example.com"})
    a, b = [row["contact_id"] for row in first["results"]]
    answer = await bulk(
        api,
        {"external_id": "a", "email": None},
        {"external_id": "b", "email": "x@example.com"},
        {"external_id": "a", "email": "y@example.com"},
        {"email": "x@example.com", "first_name": "Bea"},
    )
    assert results(answer) == ["updated"] * 4
    emails = [(await contact(api, each))["email"] for each in (a, b)]
    assert emails == ["y@example.com", "x@example.com"]
    assert (await contact(api, b))["first_name"] == "Bea"


async def test_a_new_contact_can_take_an_address_given_up_in_the_same_request(api: Caller) -> None:
    await bulk(api, {"external_id": "a", "email": "x@example.com"})
    answer = await bulk(api, {"external_id": "a", "email": None}, {"email": "x@example.com"})
    assert results(answer) == ["updated", "created"]


async def test_a_row_that_would_leave_no_key_fails(api: Caller) -> None:
    await bulk(api, {"external_id": "a", "properties": {"x": "x" * 9000}})
    assert results(await bulk(api, {"external_id": "a", "properties": {"y": "y" * 9000}})) == ["failed"]


async def test_requests_at_once_with_the_same_people_in_another_order_do_not_collide(api: Caller) -> None:
    rows = [{"external_id": f"e{n}", "email": f"p{n}@example.com"} for n in range(50)]
    answers = await asyncio.gather(*(bulk(api, *each) for each in (rows, rows[::-1], rows[10:] + rows[:10])))
    assert sum(answer["created"] for answer in answers) == 50
    assert sum(answer["unchanged"] for answer in answers) == 100


async def test_four_thousand_rows_go_in_one_request(api: Caller) -> None:
    rows = [
        {"external_id": f"e{n}", "email": f"p{n}@example.com", "phone": f"+1202555{n:04}", "tags": ["a"], "properties": {"n": n}}
        for n in range(4000)
    ]
    assert (await bulk(api, *rows))["created"] == 4000
    assert (await bulk(api, *rows))["unchanged"] == 4000
