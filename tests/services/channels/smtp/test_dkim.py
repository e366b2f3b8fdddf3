"""Signatures are verified by dkimpy, which is not ours, over whatever a mail can hold."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from services.channels.smtp.config import SmtpConfig
from services.channels.smtp.dkim import Signer, read_ed25519_key, read_rsa_key, relaxed_body, relaxed_header
from services.channels.smtp.mail import MailWriter
from tests import dkim_verifier
from tests.dkim_keys import ED25519_KEY, RSA_KEY, pem, seed
from tests.services.channels.smtp.configs import CHANNEL, ED25519, RSA, config, message
from tracking.tokens.verp import MessageAddresses

AT = datetime(2026, 3, 1, tzinfo=UTC)
ADDRESSES = MessageAddresses([bytes(32)])
BOTH = config(**RSA, **ED25519, bounce_address="bounce@example.com")
URL = "https://go.example.com/unsubscribe/PZG2LUKEfi4fgz"

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
SPACED = st.text(st.sampled_from(" \t\r\nab.=\N{LATIN SMALL LETTER E WITH ACUTE}"), min_size=1)


def write(config_: SmtpConfig, body: str = "Hello", html: str | None = None, subject: str = "Hello") -> bytes:
    found = message(body=body, html=html, subject=subject, unsubscribe_url=URL)
    return MailWriter(config_, CHANNEL, ADDRESSES).write(found, AT).content


def verified(config_: SmtpConfig, mail: bytes) -> list[bool]:
    signer = config_.signer()
    assert signer is not None
    return dkim_verifier.verified(signer, mail)


@pytest.mark.parametrize("change", [(b"Hello", b"Hallo"), (b"One-Click", b"Two-Click"), (b"/unsubscribe/", b"/unsubscribe?")])
def test_a_changed_mail_is_not_verified(change: tuple[bytes, bytes]) -> None:
    mail = write(BOTH)
    assert change[0] in mail
    assert verified(BOTH, mail.replace(*change)) == [False, False]


@pytest.mark.parametrize("name", [b"From", b"Subject", b"Reply-To", b"To"])
def test_no_header_can_be_added_that_readers_look_at(name: bytes) -> None:
    mail, header = write(BOTH), name + b": other@example.com"
    assert verified(BOTH, header + b"\r\n" + mail) == [False, False]
    assert verified(BOTH, mail.replace(b"MIME-Version", header + b"\r\nMIME-Version", 1)) == [False, False]


@settings(max_examples=30)
@given(TEXTS, st.none() | TEXTS)
def test_any_text_is_verified_with_both_keys(text: str, html: str | None) -> None:
    assert verified(BOTH, write(BOTH, text, html, subject=text)) == [True, True]


@settings(max_examples=30)
@given(SPACED)
def test_spaces_and_empty_lines_are_verified(text: str) -> None:
    assert verified(BOTH, write(BOTH, text)) == [True, True]


@pytest.mark.parametrize("keys", [RSA, ED25519])
def test_one_key_is_enough(keys: dict[str, str]) -> None:
    found = config(**keys, dkim_domain="mail.example.com")
    assert verified(found, write(found)) == [True]
    assert b"d=mail.example.com;" in write(found)


def test_without_a_key_nothing_is_signed() -> None:
    assert b"DKIM-Signature" not in write(config())


def test_what_servers_on_the_way_do_to_spaces_does_no_harm() -> None:
    mail = write(BOTH, "Hello Ada\nsee you")
    folded = mail.replace(b"Subject: Hello", b"Subject:\r\n  Hello ")
    spaced = folded.replace(b"Hello Ada\r\n", b"Hello   Ada  \r\n") + b"\r\n\r\n"
    assert verified(BOTH, spaced) == [True, True]


def test_both_headers_of_one_click_are_signed() -> None:
    names = write(BOTH).partition(b"h=")[2].partition(b";")[0]
    assert b"list-unsubscribe:" in names
    assert b"list-unsubscribe-post:" in names


@given(st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r\n"]), max_size=30))
def test_canonical_forms_are_those_of_dkimpy(parts: list[bytes]) -> None:
    body = b"".join(parts) + b"\r\n"
    assert relaxed_body(body) == Relaxed.canonicalize_body(body)


@pytest.mark.parametrize("value", [b" a", b"  a  b ", b" a\r\n b", b"\ta\r\n\t b  ", b""])
def test_canonical_headers_are_those_of_dkimpy(value: bytes) -> None:
    ((name, found),) = Relaxed.canonicalize_headers([(b"SubJect", value + b"\r\n")])
    assert relaxed_header(b"SubJect:" + value + b"\r\n") == name + b":" + found


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", ED25519_KEY, pem(ed25519.Ed25519PrivateKey.generate()), RSA_KEY[:300]],
    ids=["empty", "nonsense", "the seed of an Ed25519 key", "an Ed25519 key", "the beginning of an RSA key"],
)
def test_what_is_not_an_rsa_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="not an RSA key") as refused:
        read_rsa_key(text)
    assert not text or text not in str(refused.value)


def test_a_key_of_another_kind_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError, match="not an RSA key"):
        read_rsa_key(other)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "AAAA", RSA_KEY, "-----BEGIN"], ids=["empty", "nonsense", "short", "RSA", "cut off"]
)
def test_what_is_not_an_ed25519_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an Ed25519 key"):
        read_ed25519_key(text)


def test_an_ed25519_key_is_read_as_seed_and_as_pem() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    assert read_ed25519_key(seed(key)).record() == read_ed25519_key(pem(key)).record()


def test_a_signer_signs_the_last_of_several_headers() -> None:
    found = BOTH.signer()
    assert isinstance(found, Signer)
    headers = [b"From: a@example.com\r\n", b"Subject: one\r\n", b"Subject: two\r\n"]
    signatures = found.sign(headers, b"Hello\r\n", 0)
    mail = b"".join([*signatures, *headers, b"\r\nHello\r\n"])
    assert verified(BOTH, mail) == [True, True]
