"""Settings are read as a person writes them, and refused in one sentence that names the variable."""

from datetime import timedelta
from pathlib import Path

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


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P1M2D"])
def test_years_and_months_are_refused_as_a_duration(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    said = refusal(monkeypatch, "CAMPAIGN_TRACKING_WINDOW", text)
    assert "years and months are not always of one length: write days, such as P30D" in said


@pytest.mark.parametrize("name", ["API_PORT", "REDIRECT_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "WORKER_METRICS_PORT"])
@pytest.mark.parametrize("text", ["0", "-1", "65536", "99999", "abc", "8000.5"])
def test_a_port_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    assert refusal(monkeypatch, name, text) == f"A setting is wrong: {name}: write a whole number from 1 to 65535."


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("DATABASE_POOL_SIZE", "0", "write a whole number of at least 1"),
        ("MISS_LIMIT", "many", "write a whole number of at least 0"),
        ("RECORDER_SHARDS", "65", "write a whole number from 1 to 64"),
        ("WORKER_NICENESS", "-1", "write a whole number from 0 to 19"),
        ("DRILL_SEED", "abc", "write a whole number"),
        ("LOG_LEVEL", "loud", "write 'debug', 'info', 'warning' or 'error'"),
        ("VAR_DIR", ".", "write a directory of its own, such as var"),
        ("SPOOL_LIMIT", "huge", "write a number of bytes, such as 256000000 or 256MB"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nobody", "write networks such as 10.0.0.0/8, separated by commas"),
    ],
)
def test_a_wrong_setting_says_in_plain_words_what_it_must_be(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, words: str
) -> None:
    assert refusal(monkeypatch, name, text) == f"A setting is wrong: {name}: {words}."


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 64 ", 64), ("+7", 7)])
def test_a_whole_number_within_its_bounds_is_taken(monkeypatch: pytest.MonkeyPatch, text: str, number: int) -> None:
    monkeypatch.setenv("RECORDER_SHARDS", text)
    assert Settings(_env_file=None).recorder_shards == number


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


@pytest.mark.parametrize(
    "text",
    [
        "mysql://u:secret@h/x",
        "postgresql:u:secret@h",
        "h:5432/secret",
        "https://h/secret",
        "postgresql://h:secret/x",
        "postgresql://u:secret@h:65536/x",
    ],
)
def test_a_database_that_is_not_postgresql_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    expected = "A setting is wrong: DATABASE_URL: write an address like postgresql://user:password@host:5432/database."
    assert refusal(monkeypatch, "DATABASE_URL", text) == expected


def test_an_at_sign_in_a_password_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "A setting is wrong: DATABASE_URL: an @ in the user's name or the password is written %40."
    assert refusal(monkeypatch, "DATABASE_URL", "postgresql://u:p@sec:ret@h:5432/x") == expected


@pytest.mark.parametrize("text", ["postgresql://u@h/x", "postgres:///x", "postgresql+psycopg://h/x"])
def test_a_postgresql_address_in_any_spelling_is_taken(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DATABASE_URL", text)
    assert Settings(_env_file=None).effective_database_url == text


@pytest.mark.parametrize("text", ["nonsense", "h:abc", "h:99999", "h:0", "http://h:7233", "h:7233/x", ":7233", "h: 7233"])
def test_a_temporal_address_is_host_and_port(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    expected = "A setting is wrong: TEMPORAL_ADDRESS: write host and port, such as temporal.example.com:7233."
    assert refusal(monkeypatch, "TEMPORAL_ADDRESS", text) == expected


@pytest.mark.parametrize("text", ["h:7233", "127.0.0.1:1", "[::1]:7233", "a-b.example.com:65535"])
def test_a_temporal_address_of_any_host_is_taken(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", text)
    assert Settings(_env_file=None).effective_temporal_address == text


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


def test_hosts_and_name_servers_are_read_from_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_HOSTS", "API.Example.com, müll.test")
    monkeypatch.setenv("DNS_SERVERS", "9.9.9.9, 127.0.0.1:5353, ::1, [::1]:53")
    settings = Settings(_env_file=None)
    assert settings.server_hosts == ("api.example.com", "xn--mll-hoa.test")
    assert settings.dns_servers == (("9.9.9.9", 53), ("127.0.0.1", 5353), ("::1", 53), ("::1", 53))


@pytest.mark.parametrize(
    ("name", "value"),
    [("SERVER_HOSTS", "https://a.test"), ("SERVER_HOSTS", "a.test:1"), ("DNS_SERVERS", "ns.test"), ("DNS_SERVERS", "9.9.9.9:0")],
)
def test_hosts_and_name_servers_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings(_env_file=None)


@pytest.mark.parametrize("name", ["WORKER_METRICS_PORT", "worker_metrics_port"])
@pytest.mark.parametrize(("exported", "port"), [(None, 9464), ("", None), ("9500", 9500)])
def test_a_variable_of_the_process_wins_over_the_file_and_so_does_an_empty_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, exported: str | None, port: int | None
) -> None:
    (tmp_path / ".env").write_text(f"{name}=9464\nREDIRECT_PORT=9001\n")
    monkeypatch.chdir(tmp_path)
    for given in ("WORKER_METRICS_PORT", "REDIRECT_PORT"):
        monkeypatch.delenv(given)  # tests have them empty: see tests/conftest.py
    if exported is not None:
        monkeypatch.setenv("WORKER_METRICS_PORT", exported)
    assert (Settings().worker_metrics_port, Settings().redirect_port) == (port, 9001)
