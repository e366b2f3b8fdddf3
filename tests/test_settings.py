"""Settings are read as a person writes them, and refused in one sentence that names the variable."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from settings import Settings
from stack.failures import sentence


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> str:
    monkeypatch.setenv(name, text)
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None)
    return sentence(caught.value) or ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CLICK_BUDGET", "0"),
        ("CLICK_BUDGET", "-1"),
        ("CLICK_BUDGET", "61"),
        ("SWEEP_INTERVAL", "0.5"),
        ("SWEEP_INTERVAL", "P1D"),
        ("SUSPECT_HOLD", "-PT1S"),
        ("CAMPAIGN_TRACKING_WINDOW", "0"),
        ("CAMPAIGN_TRACKING_WINDOW", "9" * 400),
        ("CAMPAIGN_TRACKING_WINDOW", "a week"),
    ],
)
def test_a_duration_out_of_bounds_or_in_other_words_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    said = refusal(monkeypatch, name, text)
    assert said.startswith(f"A setting is wrong: {name}: write seconds (0.5, 10) or an ISO 8601 duration (PT10S, P7D), from ")
    assert "\n" not in said


@pytest.mark.parametrize("name", ["API_PORT", "REDIRECT_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "WORKER_METRICS_PORT"])
@pytest.mark.parametrize("text", ["0", "-1", "65536", "99999"])
def test_a_port_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    assert refusal(monkeypatch, name, text).startswith(f"A setting is wrong: {name}: Input should be ")


@pytest.mark.parametrize(
    "text",
    [
        "go.example.com",
        "ftp://go.example.com",
        "https://",
        "https://a@b.example",
        "https://a.example/x",
        "https://a.example/?",
        "#",
    ],
)
def test_a_link_domain_that_is_no_origin_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert refusal(monkeypatch, "LINK_DOMAIN", text).startswith(
        "A setting is wrong: LINK_DOMAIN: write a base address such as https://go.example.com, without "
    )


@pytest.mark.parametrize("text", ["mysql://u:secret@h/x", "postgresql:u:secret@h", "h:5432/secret", "https://h/secret"])
def test_a_database_that_is_not_postgresql_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    expected = "A setting is wrong: DATABASE_URL: write an address like postgresql://user:password@host:5432/database."
    assert refusal(monkeypatch, "DATABASE_URL", text) == expected


@pytest.mark.parametrize("text", ["postgresql://u@h/x", "postgres:///x", "postgresql+psycopg://h/x"])
def test_a_postgresql_address_in_any_spelling_is_taken(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DATABASE_URL", text)
    assert Settings(_env_file=None).effective_database_url == text


@pytest.mark.parametrize("text", ["abc", "11", "xyz" * 21 + "x", "11" * 32 + ","])
def test_keys_that_are_none_are_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    said = refusal(monkeypatch, "TOKEN_KEYS", text)
    expected = "each key must be 64 hexadecimal digits; make one with: openssl rand -hex 32."
    assert said == f"A setting is wrong: TOKEN_KEYS: {expected}"


@pytest.mark.parametrize(
    ("name", "text", "seconds"),
    [
        ("CLICK_BUDGET", "2", 2),
        ("CLICK_BUDGET", "0.5", 0.5),
        ("CLICK_BUDGET", "PT0.15S", 0.15),
        ("CAMPAIGN_TRACKING_WINDOW", "60", 60),
        ("CAMPAIGN_TRACKING_WINDOW", "P7D", 604800),
        ("SWEEP_INTERVAL", "30", 30),
        ("SUSPECT_HOLD", "0", 0),
    ],
)
def test_a_duration_is_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch, name: str, text: str, seconds: float) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(Settings(_env_file=None), name.lower()) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["https://go.example.com", "http://127.0.0.1:8001/", "https://[::1]:8443"])
def test_a_link_domain_is_an_origin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LINK_DOMAIN", text)
    assert Settings(_env_file=None).effective_link_domain == text.rstrip("/")
