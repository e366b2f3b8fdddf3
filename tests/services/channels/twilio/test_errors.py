"""Each error code of Twilio's has a class, and each class has its consequences."""

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.channels.base import Fault
from services.channels.twilio.errors import FILE, ErrorClass, Uncertain, error_code, known_codes, refusal

CODES = sorted(known_codes())


@pytest.mark.parametrize(
    ("status", "number", "permanent", "fault"),
    [
        (400, 21610, True, Fault.OPTED_OUT),
        (400, 21211, True, Fault.ADDRESS),
        (400, 21614, True, Fault.ADDRESS),
        (400, 21659, False, Fault.CHANNEL),
        (404, 21701, False, Fault.CHANNEL),
        (401, 20003, False, Fault.CHANNEL),
        (401, None, False, Fault.CHANNEL),
        (404, 20404, False, Fault.CHANNEL),
        (400, 21408, True, Fault.MESSAGE),
        (400, 21617, True, Fault.MESSAGE),
        (400, 99999, True, Fault.MESSAGE),
        (400, None, True, Fault.MESSAGE),
        (429, 20429, False, Fault.MESSAGE),
        (429, None, False, Fault.MESSAGE),
        (503, 20429, False, Fault.MESSAGE),
    ],
)
def test_a_refusal_says_whether_to_try_again_and_whose_fault_it_is(
    status: int, number: int | None, permanent: bool, fault: Fault
) -> None:
    error = refusal(status, number)
    assert (error.permanent, error.fault) == (permanent, fault)
    assert error.code in {str(number), "20003", "20429", f"HTTP {status}"}


@pytest.mark.parametrize(("status", "number"), [(500, 20500), (503, 20503), (502, None), (504, 21211), (408, None)])
def test_a_failure_of_twilios_leaves_open_whether_the_message_was_taken(status: int, number: int | None) -> None:
    with pytest.raises(Uncertain):
        refusal(status, number)


def test_only_a_refusal_for_now_says_how_long_to_wait() -> None:
    assert refusal(429, 20429, timedelta(seconds=3)).retry_after == timedelta(seconds=3)
    assert refusal(401, 20003, timedelta(seconds=3)).retry_after is None


@pytest.mark.parametrize("number", CODES)
def test_each_code_says_in_a_sentence_what_happened(number: int) -> None:
    code = error_code(number)
    assert code.words[0].isupper()
    assert code.words.endswith(".")
    if code.fault == Fault.CHANNEL:
        assert ":" in code.words, "what to correct stands behind a colon"


def test_no_code_stands_in_two_classes() -> None:
    classes = tomllib.loads(FILE.read_text())
    assert sum(len(classes[each]) for each in ErrorClass) == len(CODES)


def test_the_data_file_says_where_it_comes_from_and_of_which_day_it_is() -> None:
    data = tomllib.loads(FILE.read_text())
    assert set(data) == {"source", "as_of", *ErrorClass}
    assert isinstance(data["as_of"], date)
    assert data["source"].startswith("https://www.twilio.com/")


def test_the_documentation_names_each_class_and_codes_that_are_in_it() -> None:
    page = (Path(__file__).parents[4] / "docs" / "channels.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*\d{5}[^|]*) \|", page, re.MULTILINE)
    assert [name for name, _ in rows] == list(ErrorClass)
    for name, codes in rows:
        assert {error_code(int(each)).error_class for each in re.findall(r"\d{5}", codes)} == {name}
