"""Devices by their user agent."""

import pytest

from services.clicks.devices import Device, read_device
from tests.clicks import IPHONE

IPAD = IPHONE.replace("(iPhone; CPU iPhone OS", "(iPad; CPU OS")
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PHONE_BOT = (
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)


@pytest.mark.parametrize("text", ["", "\x7f", "no such thing", "(" * 500])
def test_an_unknown_agent_is_of_type_other(text: str) -> None:
    assert read_device(text) == Device()


@pytest.mark.parametrize(
    ("text", "type_", "browser", "os"),
    [
        (IPHONE, "phone", "Mobile Safari", "iOS"),
        (PIXEL, "phone", "Chrome Mobile", "Android"),
        (IPAD, "tablet", "Mobile Safari", "iOS"),
        (MAC, "desktop", "Chrome", "Mac OS X"),
        (WINDOWS, "desktop", "Firefox", "Windows"),
        (GOOGLEBOT, "bot", "Googlebot", None),
        (PHONE_BOT, "bot", "Googlebot", "Android"),
    ],
)
def test_common_agents_are_known(text: str, type_: str, browser: str, os: str | None) -> None:
    assert read_device(text) == Device(type_, browser, os)  # type: ignore[arg-type] # a StrEnum equals its text
