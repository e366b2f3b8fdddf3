"""Bodies that are no JSON, or more than can be read: what is wrong and what to do is said."""

import pytest

from tests.builders import Caller

JSON = {"Content-Type": "application/json"}

UNREADABLE = {
    '{"external_id": "Jérôme"}'.encode("latin-1"): "This is not UTF-8 (byte 19): send the text as UTF-8.",
    b'{"external_id": "a", "properties": {"x": -' + b"9" * 5000 + b"}}": (
        "A whole number has more than 4,300 digits: write it as text, in quotes."
    ),
    b'{"external_id": "a", "properties": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}": (
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
