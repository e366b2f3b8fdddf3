"""Variables of other work do not reach us or our servers. `test_up.py` and `test_demo.py` start whole stacks among them."""

import ast
import os
import re
from pathlib import Path

import pytest

from settings import Settings
from stack.environment import COMPOSE, SETTINGS, for_servers, forget_foreign, misspelled
from tests.hostile import DATABASE, HOSTILE, NETWORK, TEMPORAL
from tests.stack.dummies import ROOT

CLIENTS = {"AsyncClient", "Client", "get", "post", "request", "stream"}


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)


def kept(names: dict[str, str]) -> set[str]:
    return {name for name in names if name in os.environ}


def test_with_the_embedded_servers_no_library_finds_a_variable(hostile: None) -> None:
    forget_foreign(Settings(_env_file=None))
    assert kept(HOSTILE) == {*NETWORK}  # for connections that leave this machine


def test_settings_of_ours_stay_whatever_their_names_begin_with(hostile: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"TEMPORAL_PORT": "7000", "TEMPORAL_UI_PORT": "8000", "TEMPORAL_NAMESPACE": "ours", "TEMPORAL_UI_URL": "http://ui"}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    forget_foreign()
    assert kept(ours) == {*ours}


def test_a_database_of_ones_own_is_proved_by_variables_and_found_by_its_address(hostile: None) -> None:
    forget_foreign(Settings(_env_file=None, database_url="postgresql://database.example.com/linkwake"))
    proof = {"PGCHANNELBINDING", "PGGSSENCMODE", "PGPASSFILE", "PGREQUIREAUTH", "PGREQUIREPEER"}
    assert kept(DATABASE) == proof | {"PGSSLMODE", "PGSSLNEGOTIATION", "PGSSLROOTCERT"}
    assert kept(TEMPORAL) == set()


def test_temporals_variables_count_with_a_server_of_ones_own(hostile: None) -> None:
    forget_foreign(Settings(_env_file=None, temporal_address="temporal.example.com:7233"))
    assert kept(TEMPORAL) == {*TEMPORAL}
    assert kept(DATABASE) == set()


def test_an_embedded_server_gets_what_the_machine_is_alone(hostile: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    monkeypatch.setenv("HOME", "/home/with/broken/files")
    assert {"PATH", "LD_LIBRARY_PATH"} <= for_servers().keys() <= {"PATH", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD"}


def test_no_client_of_ours_asks_the_environment_for_a_proxy_or_certificates() -> None:
    """All of them call servers on this machine. With a transport of its own, a client connects to nothing."""
    asking = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sources()
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and makes_a_client(call.func)
        if not {"trust_env", "transport"} & {keyword.arg for keyword in call.keywords}
    ]
    assert asking == []


def sources() -> list[Path]:
    return [path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in {".venv", "var"}]


def makes_a_client(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "httpx"
        and function.attr in CLIENTS
    )


def test_a_misspelled_setting_is_named_and_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("API_PROT=9000\nAPI_PORT=9000\nredirect_port=9001\nPOSTGRES_PASSWORD=x\nCOMPOSE_PROJECT_NAME=shop\n")
    assert list(misspelled(env_file)) == [("API_PROT", "API_PORT")]
    assert list(misspelled(tmp_path / "none")) == []


def test_variables_of_the_compose_file_are_known() -> None:
    named = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.temporal.yml").read_text()))
    assert named - SETTINGS == COMPOSE
