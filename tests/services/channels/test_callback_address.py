"""Providers report to an address that only the settings decide."""

from uuid import UUID

import pytest

from services.channels.callback_address import callback_address
from settings import Settings

CHANNEL = UUID(int=7)
REST = f"/callbacks/{CHANNEL}/twilio/status"


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"api_url": "https://api.example.com"}, "https://api.example.com"),
        ({"api_url": "https://api.example.com", "callback_url": "https://hooks.example.com/"}, "https://hooks.example.com"),
        ({"callback_url": "https://HOOKS.example.com:443"}, "https://hooks.example.com"),
    ],
)
def test_the_base_is_the_callback_url_or_else_the_apis(given: dict[str, str], base: str) -> None:
    assert callback_address(Settings(_env_file=None, **given), CHANNEL, "twilio/status") == base + REST  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", ["hooks.example.com", "https://hooks.example.com/path", "https://a@hooks.example.com", "https://h/?"]
)
def test_a_callback_url_that_is_no_base_address_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="write a base address"):
        Settings(_env_file=None, callback_url=wrong)
