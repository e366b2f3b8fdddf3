"""The settings of a Twilio channel are checked when they are saved."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.channels.base import Config
from services.channels.twilio.config import TwilioConfig

GOOD = {"account_sid": "AC" + "0a" * 16, "auth_token": "secret", "from_address": "+15005550006"}


def refused(**changes: Any) -> str:
    values = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        TwilioConfig.model_validate(values)
    return str(caught.value)


@pytest.mark.parametrize("sender", ["+15005550006", "72345", "Linkwake", "My Shop 24"])
def test_numbers_short_codes_and_names_are_senders(sender: str) -> None:
    assert TwilioConfig.model_validate({**GOOD, "from_address": sender}).from_address == sender


@pytest.mark.parametrize("sender", ["015005550006", "+1 500 555", "", "A name that is too long", "12", "Läden", "Shop\n"])
def test_other_senders_are_refused(sender: str) -> None:
    assert "from_address" in refused(from_address=sender)


@pytest.mark.parametrize("changes", [{"from_address": None}, {"messaging_service_sid": "MG" + "0b" * 16}])
def test_one_of_number_and_service_sends(changes: dict[str, Any]) -> None:
    assert "give either from_address or messaging_service_sid" in refused(**changes)


@pytest.mark.parametrize("changes", [{"api_key_sid": "SK" + "0c" * 16}, {"api_key_secret": "s"}])
def test_an_api_key_has_a_secret(changes: dict[str, Any]) -> None:
    assert "together" in refused(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"account_sid": "AC123"},
        {"account_sid": "SK" + "0a" * 16},
        {"auth_token": ""},
        {"auth_token": None},
        {"messaging_service_sid": "MG1", "from_address": None},
        {"surprise": 1},
    ],
)
def test_what_is_missing_malformed_or_unknown_is_refused(changes: dict[str, Any]) -> None:
    assert next(iter(changes)) in refused(**changes)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.twilio.com",
        "https://api.twilio.com/",
        "https://api.twilio.com.evil.example",
        "https://evil.example/api.twilio.com",
        "https://user@api.twilio.com",
        "https://api.twilio.com:444",
        "https://10.0.0.1",
        "http://10.0.0.1:80",
        "ftp://127.0.0.1",
        "https://twilio.com",
        "http://127.0.0.1@evil.example",
    ],
)
def test_the_api_is_twilios_or_a_stand_in_on_this_machine(url: str) -> None:
    """The auth token goes nowhere else."""
    assert "api_url" in refused(api_url=url)


@pytest.mark.parametrize("url", ["https://api.twilio.com", "https://api.dublin.ie1.twilio.com", "http://127.0.0.1:9000"])
def test_regions_and_a_stand_in_are_possible(url: str) -> None:
    assert TwilioConfig.model_validate({**GOOD, "api_url": url}).api_url == url


def test_an_api_key_logs_in_when_there_is_one() -> None:
    key = {"api_key_sid": "SK" + "0c" * 16, "api_key_secret": "of the key"}
    assert TwilioConfig.model_validate(GOOD).credentials == (GOOD["account_sid"], "secret")
    assert TwilioConfig.model_validate({**GOOD, **key}).credentials == (key["api_key_sid"], "of the key")


def test_the_host_that_is_looked_at_when_the_settings_are_saved_is_that_of_the_api() -> None:
    stand_in = TwilioConfig.model_validate({**GOOD, "api_url": "http://127.0.0.1:9000"})
    assert [(each.name, each.port, each.secure) for each in stand_in.hosts()] == [("127.0.0.1", 9000, False)]
    assert [(each.name, each.port, each.secure) for each in TwilioConfig.model_validate(GOOD).hosts()] == [
        ("api.twilio.com", 443, True)
    ]


def test_the_documentation_has_each_setting() -> None:
    page = (Path(__file__).parents[4] / "docs" / "channels.md").read_text()
    section = page.split("## twilio")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [A-Z]", section, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert set(named) == TwilioConfig.model_fields.keys() - Config.model_fields.keys()
