"""No mail costs much, however it is made, and a mail that a server wrote is read whole."""

import sys
from email.message import Message
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bounces import bounded_mail
from services.bounces.bounded_mail import LINE, LONGEST_LINE, MOST_BYTES, MOST_LINES, MOST_SEPARATORS, MOST_TYPES, bounded
from services.bounces.read_mail import MOST_BLOCKS, _blocks, read_mail
from tests.services.bounces import samples
from tracking.tokens.verp import MessageAddresses

ADDRESSES = MessageAddresses([b"k" * 32])
FROM = b"From: mailer-daemon@example.net\r\nTo: bounce@shop.example\r\n"
MANY = 250_000
MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
COMPLAINT = b"Content-Type: message/feedback-report\r\n\r\n"
DELIVERY = b"Content-Type: message/delivery-status\r\n\r\n"
NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (each, each) for each in range(4000))
COSTLY = {
    "empty lines": FROM + b"\r\n" + b"\n" * MANY,
    "carriage returns": FROM + b"\r\n" + b"\r" * MANY,
    "parts": FROM + MULTIPART + b"--b\r\n\r\n" * (MANY // 7),
    "blank lines in a complaint": FROM + COMPLAINT + b"\n \n " * (MANY // 4),
    "groups in a complaint": FROM + COMPLAINT + b"a: b\n\n" * (MANY // 6),
    "groups in a delivery report": FROM + DELIVERY + b"Action: x\r\n\r\n" * (MANY // 13),
    "nested parts": FROM + NESTED,
    "nested messages": FROM + b"Content-Type: message/rfc822\r\n\r\n" * 8000,
    "headers": FROM + b"A: b\r\n" * (MANY // 6),
    "recipients": FROM + b"To: a@b.example\r\n" * (MANY // 17),
    "folded parameters": FROM + b"Content-Type: multipart/mixed" + b' ;a="\r\n' * (MANY // 7),
}
MOST_CALLS = 2_000_000
"""Calls of functions, which take about a tenth of a microsecond each. Unbounded, the first of these mails takes 30 million."""


class TooManyCalls(BaseException):
    """It is no Exception, so that no reader of mails catches it."""


@pytest.mark.parametrize("mail", COSTLY.values(), ids=COSTLY)
def test_a_mail_that_is_made_to_be_costly_takes_a_bounded_number_of_calls(mail: bytes) -> None:
    calls = count()

    def called(_frame: Any, event: str, _argument: Any) -> None:
        if event in {"call", "c_call"} and next(calls) > MOST_CALLS:
            raise TooManyCalls

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        assert read_mail(mail, [], ADDRESSES) is None
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("mail", COSTLY.values(), ids=COSTLY)
def test_what_a_parser_sees_is_within_all_bounds(mail: bytes) -> None:
    kept = bounded(mail)
    lines = [each for each in LINE.findall(kept) if each]
    assert len(kept) <= MOST_BYTES
    assert len(lines) <= MOST_LINES
    assert sum(each.startswith(b"--") for each in lines) <= MOST_SEPARATORS
    assert sum(each.lower().startswith(b"content-type:") for each in lines) <= MOST_TYPES


@pytest.mark.parametrize(
    "sample", [samples.POSTFIX, samples.EXCHANGE, samples.EXIM, samples.QMAIL, samples.COMPLAINT, samples.LEAVE]
)
def test_what_servers_write_is_within_the_bounds(sample: str) -> None:
    assert bounded(sample.encode()) == sample.encode()


def test_a_long_line_is_shortened_and_still_ends() -> None:
    assert bounded(b"x" * 5000 + b"\r\ny") == b"x" * (LONGEST_LINE - 2) + b"\r\ny"


def test_a_header_has_so_many_lines_and_a_text_has_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_mail, "MOST_HEADER_LINES", 2)
    assert bounded(b"a: b\n" * 3) == b"a: b\n" * 2
    assert bounded(b"a: b\n\n" + b"c: d\n" * 5) == b"a: b\n\n" + b"c: d\n" * 5


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\n \t\n", "\r\n\r\n\n"])
def test_groups_of_fields_are_told_apart_by_blank_lines_and_counted(blank: str) -> None:
    part = Message()
    part.set_payload(f"{blank}a: 1\n{blank}b: 2\n\n" + "c: 3\n\n" * MOST_BLOCKS)
    blocks = _blocks(part)
    assert [block.items() for block in blocks[:3]] == [[("a", "1")], [("b", "2")], [("c", "3")]]
    assert len(blocks) == MOST_BLOCKS


@given(st.binary())
def test_a_short_mail_stays_as_it_is(raw: bytes) -> None:
    assert bounded(raw) == raw
