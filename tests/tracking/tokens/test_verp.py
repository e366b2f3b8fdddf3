"""Addresses of messages: nobody can forge one, and servers that change their case do no harm."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.tokens.verp import MAX_MAILBOX_LENGTH, TOKEN_LENGTH, MessageAddresses, NamedMessage, TokenUse

OLD_KEY = bytes(range(32))
NEW_KEY = bytes(range(32, 64))
ADDRESSES = MessageAddresses([OLD_KEY])
MESSAGE = UUID("0198c5b4-5d2e-7b7a-9c50-3f6d4f2a1b00")

USES = st.sampled_from(TokenUse)


def test_a_key_is_needed() -> None:
    with pytest.raises(ValueError, match="key"):
        MessageAddresses([])


@given(st.text())
def test_any_text_is_nothing(text: str) -> None:
    assert ADDRESSES.read(text) is None


@pytest.mark.parametrize("text", ["b" + "!" * 42, "b" + "a" * 42, "b" + "\N{KELVIN SIGN}" * 42, "z" + "a" * 42, "b" + "1" * 42])
def test_what_only_looks_like_a_token_is_nothing(text: str) -> None:
    assert ADDRESSES.read(f"bounce+{text}@mail.example.com") is None


@given(USES, st.uuids(), st.integers(0, TOKEN_LENGTH - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_other_character_is_refused(use: TokenUse, message_id: UUID, place: int, other: str) -> None:
    token = ADDRESSES.token(use, message_id)
    changed = token[:place] + other + token[place + 1 :]
    # The last character has two bits that mean nothing.
    assert changed == token or place == TOKEN_LENGTH - 1 or ADDRESSES.read(changed) is None


def test_a_token_for_one_use_is_not_valid_for_another() -> None:
    token = ADDRESSES.token(TokenUse.BOUNCE, MESSAGE)
    assert ADDRESSES.read("u" + token[1:]) is None


def test_somebody_elses_key_makes_no_valid_address() -> None:
    assert ADDRESSES.read(MessageAddresses([NEW_KEY]).token(TokenUse.BOUNCE, MESSAGE)) is None


@given(USES, st.uuids())
def test_an_address_names_its_message_in_any_case_and_in_brackets(use: TokenUse, message_id: UUID) -> None:
    address = ADDRESSES.address(use, message_id, "bounce@mail.example.com")
    for text in (address, address.upper(), f" <{address}> "):
        assert ADDRESSES.read(text) == NamedMessage(use, message_id)


def test_an_address_of_an_older_key_is_still_read() -> None:
    token = ADDRESSES.token(TokenUse.MESSAGE_ID, MESSAGE)
    both = MessageAddresses([NEW_KEY, OLD_KEY])
    assert both.read(f"<{token}@example.com>") == NamedMessage(TokenUse.MESSAGE_ID, MESSAGE)
    assert both.token(TokenUse.MESSAGE_ID, MESSAGE) != token


def test_the_form_stays_as_it_is_because_sent_messages_have_it() -> None:
    address = ADDRESSES.address(TokenUse.BOUNCE, MESSAGE, "bounce@mail.example.com")
    assert address == "bounce+bagmmlnc5fz5xvhcqh5wu6kq3aa4xswgkivqdd7mxvq@mail.example.com"
    longest = ADDRESSES.address(TokenUse.BOUNCE, MESSAGE, f"{'x' * MAX_MAILBOX_LENGTH}@mail.example.com")
    assert len(longest.partition("@")[0]) == 64
