"""Which Temporal server is used, and with which credentials: what is set, a named profile, or the embedded server."""

from pathlib import Path

import pytest

from settings import Settings, SettingsError
from stack.state import write_state
from stack.up import Stack
from temporal_client import connect

PROFILES = """
[profile.default]
api_key = "key of other work"

[profile.cloud]
address = "cloud.example:7233"
namespace = "mine"
api_key = "key of the cloud"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose profile file everybody's Temporal tools share, and no variable set."""
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "TEMPORAL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    file = tmp_path / ".config/temporalio/temporal.toml"
    file.parent.mkdir(parents=True)
    file.write_text(PROFILES)
    return file


@pytest.fixture
def var_dir(tmp_path: Path) -> Path:
    """Where the embedded stack has been up."""
    write_state(tmp_path, {"database_url": "postgresql:///x", "temporal_address": "127.0.0.1:7", "token_keys": "00" * 32})
    return tmp_path


def settings(var_dir: Path) -> Settings:
    return Settings(_env_file=None, var_dir=var_dir)


async def test_the_embedded_server_gets_no_credentials(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "another key")
    client = await connect(settings(var_dir), lazy=True)
    config = client.service_client.config
    assert (config.target_host, client.namespace, config.api_key, config.tls) == ("127.0.0.1:7", "default", None, None)
    assert Stack(settings(var_dir), ())._temporal is not None


@pytest.mark.parametrize("by_file", [False, True])
async def test_a_named_profile_replaces_the_embedded_server(
    var_dir: Path, monkeypatch: pytest.MonkeyPatch, home: Path, by_file: bool
) -> None:
    if by_file:
        other = home.with_name("other.toml")
        other.write_text(PROFILES.replace("default", "unused").replace("cloud]", "default]"))
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(other))
    else:
        monkeypatch.setenv("TEMPORAL_PROFILE", "cloud")
    client = await connect(settings(var_dir), lazy=True)
    config = client.service_client.config
    assert (config.target_host, client.namespace, config.api_key, config.tls) == (
        "cloud.example:7233",
        "mine",
        "key of the cloud",
        True,
    )
    assert Stack(settings(var_dir), ())._temporal is None


async def test_what_is_set_goes_before_the_profile(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "cloud")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "other.example:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "theirs")
    client = await connect(settings(var_dir), lazy=True)
    assert (client.service_client.config.target_host, client.namespace) == ("other.example:7233", "theirs")
    assert client.service_client.config.api_key == "key of the cloud"


def test_an_own_address_comes_with_the_profile_of_the_home(tmp_path: Path) -> None:
    own = Settings(_env_file=None, var_dir=tmp_path, temporal_address="own.example:7233")
    assert own.temporal_client["api_key"] == "key of other work"


def test_a_profile_without_an_address_leaves_the_embedded_server(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "default")
    assert settings(var_dir).temporal_client == {}


@pytest.mark.parametrize(("name", "value"), [("TEMPORAL_PROFILE", "nobody"), ("TEMPORAL_CONFIG_FILE", "/nowhere.toml")])
def test_a_profile_that_is_not_there_is_named(var_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=value):
        assert settings(var_dir).temporal_client
