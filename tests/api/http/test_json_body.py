"""Bodies that are no JSON, or more than can be read: what is wrong and what to do is said."""

import pytest

from tests.builders import Caller

JSON = {"Content-Type": "application/json"}

UNREADABLE = {
    '{"external_id": "Jérôme"}'.encode("latin-1"): "This is not UTF-8 (byte 19): send the text as UTF-8.",
    b'{"external_id": "a", "properties": {"x": -' + b"9" * 5000 + b"}}": (
        "A whole number has more than 4,300 digits: write it as text, in quotes."
    ),
    b'{"external_id": "a", "properties": {"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}": (
        "Lists and objects are nested too deeply to be read: write them flatter."
    ),
}


@pytest.mark.parametrize(("body", "message"), UNREADABLE.items(), ids=["latin-1", "digits", "depth"])
async def test_a_body_that_cannot_be_read_is_told_why_and_what_to_do(api: Caller, body: bytes, message: str) -> None:
    answer = await api.post("/contacts", content=body, headers=JSON)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["detail"]) == (400, "bad_request", message)
    assert problem["errors"] == [{"field": "body", "message": message}]


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
async def test_no_depth_is_an_error_of_the_server(api: Caller, opened: str, closed: str) -> None:
    for depth in (100, 300, 500, 700, *range(860, 1020, 20)):
        nested = opened * depth + "1" + closed * depth
        bodies = {
            "/contacts": f'{{"external_id": "a", "properties": {{"x": {nested}}}}}',
            "/contacts/bulk": f'{{"contacts": [{nested}]}}',
            "/sequences": f'{{"name": "a", "steps": {nested}}}',
            "/campaigns": nested,
        }
        for path, body in bodies.items():
            answer = await api.post(path, content=body, headers=JSON)
            assert answer.status_code in {200, 400, 422}, (path, depth, answer.text)


async def test_an_answer_lists_a_hundred_errors_and_says_how_many_there_are(api: Caller) -> None:
    answer = await api.post("/contacts", json={f"unknown_{n}": n for n in range(3_000)})
    problem = answer.json()
    assert (answer.status_code, len(problem["errors"])) == (422, 100)
    assert problem["detail"] == "3,000 fields need a change. The first 100 of 3,000 errors are listed."
    assert len(answer.content) < 10_000


async def test_a_body_about_one_thing_has_so_many_values(api: Caller) -> None:
    for body in (
        b"{" + b",".join(b'"k%d":1' % n for n in range(50_000)) + b"}",
        b'{"external_id": [' + b"[]," * 50_000 + b"1]}",
        b'{"external_id": ' + b"[" * 50_000,
    ):
        answer = await api.post("/contacts", content=body, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert answer.json()["detail"] == ("The body has more than 20,000 values. It is about one thing: write less into it.")


async def test_commas_and_brackets_in_a_text_are_no_values(api: Caller) -> None:
    text = '\\"[{,:' * 20_000
    answer = await api.post("/contacts", json={"external_id": text})
    assert [error["message"] for error in answer.json()["errors"]] == ["At most 255 characters are possible."]


@pytest.mark.parametrize("opened", [b'"\\', b'"a\\', b'"'], ids=["escapes", "letters and escapes", "quotes"])
async def test_texts_that_are_never_closed_are_read_once(api: Caller, opened: bytes) -> None:
    """Looked for from each quote again, the end of a text that has none would take minutes, in which nobody is answered."""
    answer = await api.post("/contacts", content=b"{," * 15_000 + opened * 200_000, headers=JSON)
    assert answer.status_code in {413, 422}


async def test_a_field_with_a_name_as_long_as_the_body_is_named_in_short(api: Caller) -> None:
    answer = await api.post("/contacts", json={"external_id": "a", "x" * 900_000: 1})
    assert answer.status_code == 422
    assert len(answer.content) < 2_000


async def test_an_error_quotes_what_was_written_in_short(api: Caller) -> None:
    message = {"kind": "transactional", "subject": "Hi", "body": "Hi"}
    answer = await api.post("/campaigns", json={"name": "a", "channel": "x" * 900_000, "message": message})
    assert answer.status_code == 422
    assert len(answer.content) < 10_000
    assert answer.json()["errors"][0]["message"].startswith("There is no channel named 'xxx")


async def test_rows_with_too_many_fields_fail_alone_and_in_short(api: Caller) -> None:
    rows = [{"external_id": "a"}, {f"unknown_{n}": n for n in range(3_000)}, {f"unknown_{n}": n for n in range(40)}]
    answer = await api.post("/contacts/bulk", json={"contacts": [*rows, *rows[1:] * 10]})
    results = answer.json()["results"]
    assert [result["result"] for result in results] == ["created", *["failed"] * 22]
    assert results[1]["errors"][0]["message"].startswith("There are 3,000 fields. A contact has ")
    assert [len(result["errors"]) for result in results[:3]] == [0, 1, 11]
    assert results[2]["errors"][-1]["message"] == "30 more errors are not listed."


async def test_a_large_bulk_request_is_read_row_by_row(api: Caller) -> None:
    row = {"external_id": "a", "properties": {"text": "x" * 15_000}}
    answer = await api.post("/contacts/bulk", json={"contacts": [row] * 20})
    assert [result["result"] for result in answer.json()["results"]] == ["created", *["unchanged"] * 19]
    answer = await api.post("/contacts/bulk", json={"contacts": [row, {**row, "phone": "x" * 70_000}] * 10})
    assert answer.json()["errors"] == [{"field": "contacts[1]", "message": "One entry may have 64 KB."}]
