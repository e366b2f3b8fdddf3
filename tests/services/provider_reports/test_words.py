"""What providers say is kept without the people whom they name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_reports.words import LONGEST, key_without_people, without_people


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown",
            "550 5.1.1 <<address>>: Recipient address rejected: User unknown",
        ),
        ("550-5.7.26 This mail\r\n550 5.7.26 is not signed", "550-5.7.26 This mail 550 5.7.26 is not signed"),
        ("to +49 (151) 234-56789 failed", "to <number> failed"),
        ("unknown number 4915123456789", "unknown number <number>"),
        ("jörg@example.com and 'o=2Ahara'@x.test", "<address> and <address>"),
        ("\x00 half \ud800", "� half ?"),
    ],
)
def test_addresses_and_numbers_are_hidden_and_codes_stay(said: str, kept: str) -> None:
    assert without_people(said) == kept


@given(st.text(max_size=50), st.emails(), st.text(max_size=50))
def test_no_address_is_kept_whatever_stands_around_it(before: str, address: str, after: str) -> None:
    assert address not in without_people(f"{before} {address} {after}")


@given(st.text())
def test_any_text_can_be_kept(said: str) -> None:
    kept = without_people(said)
    assert len(kept) <= LONGEST
    assert "\n" not in kept
    kept.encode()


@given(st.text(max_size=50), st.emails())
def test_the_key_of_an_event_names_nobody_and_stays_one_of_its_own(before: str, address: str) -> None:
    kept = key_without_people(f"{before} {address}")
    assert address not in kept
    assert kept != key_without_people(f"{before} another {address}")
    assert key_without_people(kept) == kept


def test_the_key_of_an_event_without_people_stays_as_it_is() -> None:
    assert key_without_people("SMab12:delivered") == "SMab12:delivered"
