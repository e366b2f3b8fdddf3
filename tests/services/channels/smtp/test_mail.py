"""A mail that the standard parser opens is what was asked for, whatever is in it."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import new_id
from models.messages.message import MessageKind
from services.channels.base import ChannelError, Fault, Outgoing
from services.channels.smtp.config import SmtpConfig
from services.channels.smtp.mail import Mail, MailWriter
from tests.services.channels.smtp.configs import CHANNEL, config, message
from tracking.tokens.verp import MessageAddresses, NamedMessage, TokenUse

ADDRESSES = MessageAddresses([bytes(32)])
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
URL = "https://go.example.com/unsubscribe/PZG2LUKEfi4fgz" + "x" * 200

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)


def write(message: Outgoing, config_: SmtpConfig | None = None) -> Mail:
    return MailWriter(config_ or config(), CHANNEL, ADDRESSES).write(message, AT)


def opened(message: Outgoing, config_: SmtpConfig | None = None) -> EmailMessage:
    found = message_from_bytes(write(message, config_).content, policy=SMTPUTF8)
    assert [part.defects for part in found.walk()] == [[]] * len(list(found.walk()))
    return found


def read(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def as_sent(text: str) -> str:
    """Each line has a line break, the last one too."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines if lines.endswith("\n") else f"{lines}\n"


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example.com>", "ada@exa mple.com", "a\r\nRCPT@b.com", "a@-.-"],
)
def test_an_address_that_no_server_takes_is_refused(address: str) -> None:
    with pytest.raises(ChannelError) as refused:
        write(message(to_address=address))
    assert (refused.value.permanent, refused.value.fault) == (True, Fault.ADDRESS)


@given(TEXTS, TEXTS)
def test_text_and_html_arrive_as_they_are(body: str, html: str) -> None:
    mail = opened(message(body=body, html=html))
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert (read(mail, "plain"), read(mail, "html")) == (as_sent(body), as_sent(html))


@given(TEXTS)
def test_a_text_alone_arrives_as_it_is(body: str) -> None:
    assert read(opened(message(body=body)), "plain") == as_sent(body)


@given(TEXTS)
def test_every_line_is_short_and_of_seven_bits(text: str) -> None:
    content = write(message(subject=text, body=text * 30, html=text, unsubscribe_url=URL)).content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")


@pytest.mark.parametrize(
    "text", ["x" * 5000, "Grüße " * 999, "早上好" * 999, "a \n b\t\n", ".\n..\n", "=?utf-8?q?x?=", "From me"]
)
def test_long_lines_scripts_and_dots_arrive_as_they_are(text: str) -> None:
    assert read(opened(message(body=text, html=text)), "plain") == as_sent(text)


@given(LINES)
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    assert opened(message(subject=subject))["Subject"] == subject


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: all@example.com", "Hello\nBcc: all@example.com", "a\x00b\x85c"])
def test_no_subject_adds_a_header(subject: str) -> None:
    mail = opened(message(subject=subject))
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]


@pytest.mark.parametrize(
    "name", ["Shop", "Shop, Inc.", 'The "Shop"', "Käse & Brot", "Магазин", "back\\slash", "a" * 150, "é" * 150, "=?utf-8?q?x?="]
)
def test_the_senders_name_arrives_as_it_is(name: str) -> None:
    # Python's newer parser puts spaces between encoded words and decodes twice, so the older one reads the name.
    header = message_from_bytes(write(message(), config(from_name=name)).content)["From"]
    written, address = parseaddr(header)
    assert (str(make_header(decode_header(written))), address) == (name, "shop@example.com")


def test_a_domain_that_is_not_ascii_is_written_in_ascii() -> None:
    mail = write(message(to_address="ada@bücher.example"))
    assert mail.envelope.recipients == ["ada@xn--bcher-kva.example"]
    assert not mail.envelope.utf8


def test_a_name_before_the_at_that_is_not_ascii_needs_smtputf8() -> None:
    mail = write(message(to_address="jürgen@bücher.example"))
    assert mail.envelope.recipients == ["jürgen@xn--bcher-kva.example"]
    assert mail.envelope.utf8


def test_a_message_has_the_same_message_id_whenever_it_is_sent() -> None:
    one = message()
    first, again = write(one), write(one)
    assert first.message_id == again.message_id
    assert ADDRESSES.read(first.message_id) == NamedMessage(TokenUse.MESSAGE_ID, one.message_id)
    assert opened(one)["Message-ID"] == f"<{first.message_id}>"


def test_the_envelope_sender_names_the_message() -> None:
    one = message()
    sender = write(one, config(bounce_address="bounce@mail.example.com")).envelope.sender
    assert sender.endswith("@mail.example.com")
    assert ADDRESSES.read(sender) == NamedMessage(TokenUse.BOUNCE, one.message_id)
    assert write(one).envelope.sender == "shop@example.com"


def test_marketing_mail_says_how_to_leave() -> None:
    one = message(unsubscribe_url=URL)
    mail = opened(one, config(bounce_address="bounce@mail.example.com"))
    https, mailto = [each.strip() for each in mail["List-Unsubscribe"].split(",")]
    assert https == f"<{URL}>"
    assert ADDRESSES.read(mailto.removeprefix("<mailto:").partition("?")[0]) == NamedMessage(TokenUse.UNSUBSCRIBE, one.message_id)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "<list.example.com>"


def test_the_address_to_leave_stays_in_one_piece() -> None:
    content = write(message(unsubscribe_url=URL)).content
    assert URL.encode() in content


def test_one_click_needs_https() -> None:
    mail = opened(message(unsubscribe_url="http://127.0.0.1:8001/unsubscribe/abc"))
    assert mail["List-Unsubscribe-Post"] is None
    assert mail["List-Unsubscribe"] is not None


@pytest.mark.parametrize("header", ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"])
def test_transactional_mail_is_from_no_list(header: str) -> None:
    one = message(unsubscribe_url=URL, message_kind=MessageKind.TRANSACTIONAL)
    assert opened(one, config(bounce_address="bounce@mail.example.com"))[header] is None


def test_complaints_can_be_counted_by_what_was_sent() -> None:
    source = new_id()
    mail = opened(message(source=source), config(feedback_id="shop-1"))
    assert mail["Feedback-ID"] == f"{source.hex}:marketing:{CHANNEL.hex}:shop-1"


@pytest.mark.parametrize(("name", "value"), [("Reply-To", "help@example.com"), ("To", "ada@example.com")])
def test_answers_go_where_the_settings_say(name: str, value: str) -> None:
    assert opened(message(), config(reply_to="help@example.com"))[name] == value


def test_the_date_is_that_of_sending() -> None:
    assert opened(message())["Date"].datetime == AT


STYLED = (
    "<html><head><style>p { color: red } @media (width < 9px) { p { color: blue } }</style></head><body><p>Hi</p></body></html>"
)


@pytest.mark.parametrize(("inline_css", "styled"), [(True, True), (False, False)])
def test_css_is_written_into_the_elements_on_request(inline_css: bool, styled: bool) -> None:
    html = read(opened(message(html=STYLED), config(inline_css=inline_css)), "html")
    assert ('<p style="color: red' in html) is styled
    assert "@media" in html


@pytest.mark.parametrize(
    "html",
    ['<link rel="stylesheet" href="http://127.0.0.1:1/a.css"><p>Hi', '<link rel="stylesheet" href="file:///etc/passwd"><p>Hi'],
)
def test_no_stylesheet_is_loaded_from_anywhere(html: str) -> None:
    assert "Hi" in read(opened(message(html=html), config(inline_css=True)), "html")


def test_links_stay_as_they_are_when_css_is_written_into_elements() -> None:
    link = "https://go.example.com/PZG2LUKEfi4fgz"
    html = f'<style>a {{color: red}}</style><a href="{link}">x</a>'
    found = read(opened(message(html=html), config(inline_css=True)), "html")
    assert f'href="{link}"' in found
