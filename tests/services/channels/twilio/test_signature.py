"""Signatures are those of Twilio's own library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from services.channels.twilio.signature import is_signed, sign

TOKEN = "12345"
ADDRESS = "https://hooks.example.com/callbacks/7/twilio/status"
FIELDS = {"To": "+15005550006", "From": "+4915112345678", "MessageStatus": "delivered", "Body": "Grüße \N{WAVING HAND SIGN}"}
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def test_the_example_of_twilios_documentation_is_signed_alike() -> None:
    """The numbers are Twilio's (https://www.twilio.com/docs/usage/security)."""
    address = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    assert sign(TOKEN, address, fields.items()) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@given(st.dictionaries(TEXT, TEXT, max_size=8), TEXT.filter(bool))
def test_any_form_is_signed_as_twilios_library_does(fields: dict[str, str], token: str) -> None:
    signature = RequestValidator(token).compute_signature(ADDRESS, fields)
    assert sign(token, ADDRESS, fields.items()) == signature
    assert is_signed(token, ADDRESS, list(fields.items()), signature)


@pytest.mark.parametrize(
    "called",
    [ADDRESS, ADDRESS.replace(".com/", ".com:443/")],
)
def test_the_standard_port_may_be_in_the_signed_address_or_not(called: str) -> None:
    signature = RequestValidator(TOKEN).compute_signature(called, FIELDS)
    assert is_signed(TOKEN, ADDRESS, list(FIELDS.items()), signature)


def test_a_port_of_ones_own_may_be_left_out_of_the_signed_address() -> None:
    signature = RequestValidator(TOKEN).compute_signature("http://127.0.0.1/x", FIELDS)
    assert is_signed(TOKEN, "http://127.0.0.1:8000/x", list(FIELDS.items()), signature)


@pytest.mark.parametrize("wrong", ["", "no", "\N{WAVING HAND SIGN}", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_another_signature_is_refused(wrong: str) -> None:
    assert not is_signed(TOKEN, ADDRESS, list(FIELDS.items()), wrong)


def test_a_signature_holds_for_its_token_its_address_and_its_fields_only() -> None:
    signature = sign(TOKEN, ADDRESS, FIELDS.items())
    assert not is_signed("54321", ADDRESS, list(FIELDS.items()), signature)
    assert not is_signed(TOKEN, ADDRESS.replace("/7/", "/8/"), list(FIELDS.items()), signature)
    assert not is_signed(TOKEN, ADDRESS.replace("hooks.", "evil."), list(FIELDS.items()), signature)
    assert not is_signed(TOKEN, ADDRESS, [*FIELDS.items(), ("More", "")], signature)
    assert not is_signed(TOKEN, ADDRESS, list({**FIELDS, "MessageStatus": "failed"}.items()), signature)
