"""Mails that come to addresses for bounces: what real servers write is understood, and nothing is believed without a token."""

from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import new_id
from models.messages.report import ReportKind
from services.bounces.read_mail import ReadMail, Told, read_mail
from services.bounces.statuses import SOFT, Blame
from services.channels.base import Fault
from tests.services.bounces import samples
from tracking.tokens.verp import MessageAddresses, TokenUse

ADDRESSES = MessageAddresses([b"k" * 32])
MESSAGE = new_id()
MAILBOX = "bounce@shop.example"
VERP = ADDRESSES.address(TokenUse.BOUNCE, MESSAGE, MAILBOX)
FIELDS = {
    "to": VERP,
    "sender": VERP,
    "message_id": f"{ADDRESSES.token(TokenUse.MESSAGE_ID, MESSAGE)}@shop.example",
    "status": "5.1.1",
    "action": "failed",
    "reply": "550 5.1.1 <ann@example.net>: Recipient address rejected: User unknown",
    "type": "abuse",
}
UNNAMED = {"to": "complaints@shop.example", "sender": "hello@shop.example", "message_id": "other@shop.example"}


def read(sample: str, *recipients: str, **fields: str) -> ReadMail | None:
    return read_mail(sample.format(**{**FIELDS, **fields}).encode(), recipients, ADDRESSES)


def told(sample: str, **fields: str) -> Told:
    found = read(sample, **fields)
    assert found is not None
    assert found.told is not None
    assert found.message_id == MESSAGE
    return found.told


ALL_BOUNCES = [samples.POSTFIX, samples.EXCHANGE, samples.EXIM, samples.QMAIL]


@pytest.mark.parametrize("sample", ALL_BOUNCES)
def test_a_hard_bounce_of_each_server_blames_the_address(sample: str) -> None:
    found = told(sample)
    assert (found.kind, found.blame) == (ReportKind.BOUNCED, Blame(Fault.ADDRESS))
    assert found.code == ("5.4.1" if sample is samples.EXCHANGE else "5.1.1")
    assert found.at == datetime(2026, 11, 30, 8, 0, 1 if sample is samples.EXCHANGE else 0, tzinfo=UTC)


@pytest.mark.parametrize("sample", [*ALL_BOUNCES, samples.COMPLAINT])
def test_the_message_is_known_from_the_address_or_from_what_is_returned(sample: str) -> None:
    plain = "bounce@shop.example"
    assert told(sample, to=plain, message_id="lost@shop.example").kind
    assert told(sample, to=plain, sender="hello@shop.example").kind
    found = read(sample, VERP, to=plain, sender="hello@shop.example", message_id="lost@shop.example")
    assert found is not None
    assert found.message_id == MESSAGE


@pytest.mark.parametrize("sample", [*ALL_BOUNCES, samples.COMPLAINT])
def test_a_mail_without_a_token_of_ours_is_not_believed(sample: str) -> None:
    stranger = MessageAddresses([b"x" * 32])
    forged = stranger.address(TokenUse.BOUNCE, MESSAGE, MAILBOX)
    assert read(sample, **UNNAMED) is None
    assert read(sample, forged, to=forged, sender=forged, message_id=f"{stranger.token(TokenUse.MESSAGE_ID, MESSAGE)}@x") is None
    assert read(sample, **{**UNNAMED, "to": VERP[:-20] + "a" + VERP[-19:]}) is None


@pytest.mark.parametrize(
    ("status", "reply", "blamed"),
    [
        ("5.1.1", "550 5.1.1 no such user", Blame(Fault.ADDRESS)),
        ("5.0.0", "550 5.1.1 no such user", Blame(Fault.ADDRESS)),
        ("5.0.0", "550 No such user here", Blame(Fault.ADDRESS)),
        ("5.0.0", "550 Administrative prohibition", SOFT),
        ("5.2.1", "550 5.2.1 The account is disabled", Blame(Fault.ADDRESS)),
        ("5.2.2", "552 5.2.2 The mailbox is full", SOFT),
        ("4.2.2", "452 4.2.2 The mailbox is full", SOFT),
        ("4.4.7", "Delivery time expired", SOFT),
        ("5.2.3", "552 5.2.3 The message is too large", Blame(Fault.MESSAGE)),
        ("5.6.1", "550 5.6.1 Bad content", Blame(Fault.MESSAGE)),
        ("5.7.26", "550-5.7.26 This mail is unauthenticated", Blame(Fault.POLICY)),
        ("5.1.1", "550 5.7.1 Blocked, see https://example.net", Blame(Fault.POLICY)),
        ("5.1.8", "501 5.1.8 The sender's domain does not exist", Blame(Fault.POLICY)),
        ("4.7.0", "421 4.7.0 Too many mails", Blame(Fault.DOMAIN)),
        ("5.1.1", "host 192.0.2.7 said 550 4.5.6.7 what", Blame(Fault.ADDRESS)),
        ("nonsense", "nonsense", SOFT),
    ],
)
def test_the_code_says_whom_a_bounce_blames(status: str, reply: str, blamed: Blame) -> None:
    assert told(samples.POSTFIX, status=status, reply=reply).blame == blamed


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("delivered", ReportKind.DELIVERED),
        ("relayed", ReportKind.SENT),
        ("Expanded", ReportKind.SENT),
        ("delayed", ReportKind.SENT),
        ("FAILED (bad)", ReportKind.BOUNCED),
    ],
)
def test_a_delivery_report_is_not_always_a_bounce(action: str, kind: ReportKind) -> None:
    assert told(samples.POSTFIX, action=action, status="2.0.0").kind == kind


@pytest.mark.parametrize("kind", ["abuse", "fraud", "other", "Abuse"])
def test_a_feedback_report_is_a_complaint(kind: str) -> None:
    found = told(samples.COMPLAINT, type=kind)
    assert (found.kind, found.code, found.at) == (ReportKind.COMPLAINED, kind.lower(), datetime(2026, 11, 30, 9, 30, tzinfo=UTC))


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", ""])
def test_other_feedback_is_no_complaint(kind: str) -> None:
    assert read(samples.COMPLAINT, type=kind) is None


def test_an_automatic_answer_of_a_person_is_neither_a_bounce_nor_a_wish_to_leave() -> None:
    assert read(samples.VACATION) is None
    assert read(samples.VACATION, to=ADDRESSES.address(TokenUse.UNSUBSCRIBE, MESSAGE, MAILBOX)) is None


def test_a_mail_to_the_address_for_unsubscribing_is_a_wish_to_leave_whatever_it_says() -> None:
    leave = ADDRESSES.address(TokenUse.UNSUBSCRIBE, MESSAGE, MAILBOX)
    for found in (read(samples.LEAVE, to=leave), read(samples.LEAVE, leave.upper(), to="list@shop.example")):
        assert found is not None
        assert (found.message_id, found.told) == (MESSAGE, None)
    assert read(samples.LEAVE) is None  # a mail of a person to the address for bounces


def test_a_mail_that_comes_twice_has_one_key_and_two_mails_have_two() -> None:
    def key(sample: str, **fields: str) -> str:
        found = read(sample, **fields)
        assert found is not None
        return found.event_key

    assert key(samples.POSTFIX) == key("Received: by mx.shop.example\r\n" + samples.POSTFIX)
    assert len({key(each) for each in (*ALL_BOUNCES, samples.COMPLAINT)}) == 5


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_without_an_error(raw: bytes) -> None:
    assert read_mail(raw, [], ADDRESSES) is None
    assert read_mail(raw, [VERP], ADDRESSES) is None or b"-" in raw


@given(
    st.lists(
        st.sampled_from(
            [
                "Content-Type: multipart/report; boundary=x",
                "Content-Type: message/delivery-status",
                "Content-Type: message/feedback-report",
                "Content-Type: message/rfc822",
                "Content-Transfer-Encoding: base64",
                "From: mailer-daemon",
                "Action: failed",
                "Action:",
                "Status: 5.1.1",
                "Feedback-Type: abuse",
                "Date: Mon, 99 Foo 0000 99:99:99 +9999",
                "--x",
                "--x--",
                "",
                "\x00\xff",
            ]
        ),
        max_size=40,
    )
)
def test_any_mixture_of_parts_is_read_without_an_error(lines: list[str]) -> None:
    read_mail("\r\n".join(lines).encode("latin-1"), [VERP], ADDRESSES)


def test_deeply_nested_parts_are_given_up() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000))
    assert read_mail(nested, [VERP], ADDRESSES) is None


@given(
    status=st.sampled_from(["5.1.1", "5.2.1", "4.2.2", "5.7.1"]),
    words=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60).filter(lambda text: "." not in text),
    message_id=st.uuids(),
)
def test_what_the_standard_library_writes_is_read_back(status: str, words: str, message_id: UUID) -> None:
    report = EmailMessage()
    report["To"] = ADDRESSES.address(TokenUse.BOUNCE, message_id, MAILBOX)
    report["Message-ID"] = "<1@example.net>"
    report.set_content("It failed.")
    report.add_attachment(b"", maintype="application", subtype="octet-stream")
    fields = f"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ann@example.net\nAction: failed\nStatus: {status}\n"
    raw = (
        report.as_bytes()
        .replace(b"Content-Type: application/octet-stream", b"Content-Type: message/delivery-status")
        .replace(b"Content-Transfer-Encoding: base64\n", b"", 1)
    )
    head, mark, tail = raw.rpartition(b"\n\n")
    found = read_mail(head + mark + f"{fields}Diagnostic-Code: smtp; {words}\n".encode() + tail, [], ADDRESSES)
    assert found is not None
    assert found.told is not None
    assert (found.message_id, found.told.code, found.told.kind) == (message_id, status, ReportKind.BOUNCED)
