"""What answers of providers mean."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from models.base import new_id
from services.channels.base import ChannelError, Fault, Receipt
from services.channels.http.answers import UnclearAnswer, read_answer, read_found
from services.channels.http.config import AnswerMapping, Find
from services.way_out.way_out import Answer

ID = new_id()
FAR_ZONE = "Mon, 01 Jan 2026 00:00:00 +999999999999999999999"


def answered(status: int, document: Any = None, *headers: tuple[str, str]) -> Answer:
    return Answer(status, headers, b"" if document is None else json.dumps(document).encode())


def refusal(answer: Answer, **mapping: Any) -> ChannelError:
    with pytest.raises(ChannelError) as refused:
        read_answer(answer, AnswerMapping.model_validate(mapping), ID)
    return refused.value


@pytest.mark.parametrize("status", [429, 503, 408, 425])
def test_an_answer_that_asks_to_come_again_is_no_final_refusal(status: int) -> None:
    error = refusal(answered(status, None, ("Retry-After", "7")))
    assert (error.permanent, error.fault, error.retry_after) == (False, Fault.MESSAGE, timedelta(seconds=7))


@pytest.mark.parametrize("status", [301, 307, 401, 402, 403, 404, 405, 410])
def test_a_wrong_address_or_password_is_for_us_to_correct(status: int) -> None:
    error = refusal(answered(status))
    assert (error.permanent, error.fault) == (False, Fault.CHANNEL)


@pytest.mark.parametrize("status", [400, 409, 413, 422, 499])
def test_other_errors_of_the_request_are_final(status: int) -> None:
    error = refusal(answered(status))
    assert (error.permanent, error.fault) == (True, Fault.MESSAGE)


@pytest.mark.parametrize("status", [100, 500, 502, 504, 599])
def test_nobody_knows_what_a_broken_provider_did(status: int) -> None:
    with pytest.raises(UnclearAnswer):
        read_answer(answered(status), AnswerMapping(), ID)


def test_rules_come_before_statuses_and_the_first_one_counts() -> None:
    rules = [
        {"when": [{"path": "$.status", "one_of": ["0"]}], "result": "accepted"},
        {"when": [{"path": "$.status", "one_of": [1]}], "result": "retry", "fault": "domain"},
        {"status": ["200"], "result": "refused", "fault": "address", "reason": "No such number."},
    ]
    assert read_answer(answered(500, {"status": 0}), AnswerMapping.model_validate({"rules": rules}), ID) == Receipt(str(ID))
    assert refusal(answered(200, {"status": "1"}), rules=rules).fault == Fault.DOMAIN
    last = refusal(answered(200, {"status": "4", "code": 17}), rules=rules, code="$.code")
    assert (str(last), last.permanent, last.code) == ("No such number.", True, "17")


def test_an_accepted_message_has_the_providers_id_and_otherwise_ours() -> None:
    mapping = AnswerMapping.model_validate({"provider_id": "$.id", "units": "$.parts"})
    assert read_answer(answered(202, {"id": 12, "parts": "3"}), mapping, ID) == Receipt("12", 3)
    without: list[Any] = [{"id": None}, {"id": ["x"]}, [], None, {"id": "x" * 201}]
    for document in without:
        assert read_answer(answered(200, document), mapping, ID) == Receipt(str(ID))


def test_what_is_no_json_is_judged_by_its_status() -> None:
    broken = Answer(200, [], b"[" * 60_000)
    rules = [{"when": [{"path": "$.ok", "present": True}], "result": "refused"}]
    assert read_answer(broken, AnswerMapping.model_validate({"rules": rules}), ID) == Receipt(str(ID))


def test_a_refusal_quotes_nothing_but_the_code() -> None:
    error = refusal(answered(422, {"code": "E7", "message": "ada@example.com is wrong"}), code="$.code")
    assert str(error) == "The provider answered 422 with the code E7."


def test_an_answer_that_says_nothing_certain_is_not_quoted_at_all() -> None:
    """Its error goes into logs and into histories, and what a channel reads as the code can be a sentence about somebody."""
    with pytest.raises(UnclearAnswer) as unclear:
        read_answer(answered(500, {"error": "ada@example.com is wrong"}), AnswerMapping.model_validate({"code": "$.error"}), ID)
    assert str(unclear.value) == "The provider answered 500."


@pytest.mark.parametrize("written", ["", "soon", "-5", "1e9", "9" * 20, "Mon, 99 Foo", FAR_ZONE])
def test_a_retry_after_that_cannot_be_read_counts_as_missing(written: str) -> None:
    assert refusal(answered(429, None, ("retry-after", written))).retry_after is None


def test_a_retry_after_can_be_a_date() -> None:
    later = datetime.now(UTC) + timedelta(minutes=10)
    found = refusal(answered(429, None, ("Retry-After", format_datetime(later, usegmt=True)))).retry_after
    assert found is not None
    assert timedelta(minutes=9) < found <= timedelta(minutes=10)


UNREADABLE = [b"<h1>Maintenance</h1>", b"", b"null", b'"Maintenance"', b'{"messages": [{"id": "x', b"\xff"]


@pytest.mark.parametrize("body", UNREADABLE)
@pytest.mark.parametrize("path", ["$.messages[0].id", "$"])
def test_an_answer_that_cannot_be_read_never_says_that_a_message_is_missing(body: bytes, path: str) -> None:
    missing = [{"status": ["200"], "when": [{"path": path, "present": False}]}]
    found = [{"status": ["200"], "when": [{"path": "$.messages[0].id", "present": True}]}]
    mapping = Find.model_validate({"url": "https://api.example.com/x", "found": found, "missing": missing})
    with pytest.raises(UnclearAnswer):
        read_found(Answer(200, [], body), mapping, ID)


def test_a_document_without_the_message_says_that_it_is_missing() -> None:
    missing = [{"status": ["200"], "when": [{"path": "$.messages[0].id", "present": False}]}]
    mapping = Find.model_validate({"url": "https://api.example.com/x", "found": [{"status": ["201"]}], "missing": missing})
    assert read_found(answered(200, {"messages": []}), mapping, ID) is None
    with pytest.raises(UnclearAnswer):
        read_found(Answer(200, [], b'{"messages": []}', is_cut=True), mapping, ID)


@pytest.mark.parametrize("status", [200, 422, 500])
def test_nobody_knows_what_an_answer_says_that_was_too_long_to_read(status: int) -> None:
    rules = [{"when": [{"path": "$.error", "present": True}], "result": "refused"}, {"result": "accepted"}]
    with pytest.raises(UnclearAnswer):
        read_answer(Answer(status, [], b"{}", is_cut=True), AnswerMapping.model_validate({"rules": rules}), ID)


def test_a_long_answer_is_judged_by_its_status_where_no_rule_asks_for_more() -> None:
    rules = [
        {"status": ["200"], "result": "accepted"},
        {"when": [{"path": "$.error", "present": True}], "result": "refused"},
    ]
    mapping = AnswerMapping.model_validate({"rules": rules, "provider_id": "$.id"})
    assert read_answer(Answer(200, [], b'{"id": "x"', is_cut=True), mapping, ID) == Receipt(str(ID))


@pytest.mark.parametrize(("given", "kept"), [("a\x00b", "a\ufffdb"), ("a\ud800b", "a?b")])
def test_an_id_of_the_provider_can_always_be_kept(given: str, kept: str) -> None:
    mapping = AnswerMapping.model_validate({"provider_id": "$.id", "code": "$.code"})
    assert read_answer(answered(200, {"id": given}), mapping, ID) == Receipt(kept)
    assert refusal(answered(422, {"code": given}), code="$.code").code == kept


def test_only_a_certain_answer_says_that_a_message_is_missing() -> None:
    mapping = Find.model_validate(
        {
            "url": "https://api.example.com/{{ message.id }}",
            "found": [{"status": ["200"], "when": [{"path": "$.id", "present": True}]}],
            "missing": [{"status": ["404"]}],
            "provider_id": "$.id",
        }
    )
    assert read_found(answered(200, {"id": "x"}), mapping, ID) == Receipt("x")
    assert read_found(answered(404), mapping, ID) is None
    for status in (200, 401, 429, 500):
        with pytest.raises(UnclearAnswer):
            read_found(answered(status, {}), mapping, ID)
