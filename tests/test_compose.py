"""The production-like stack, read by a parser: there need not be a Docker engine where the tests run."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import cli
from models.wire.names import SEARCH_ATTRIBUTES
from settings import Settings
from stack.servers.temporal import DYNAMIC_CONFIG
from stack.state import READY_FILE
from tests import test_env_example as example

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docker-compose.temporal.yml").read_text()
STACK: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = ("migrate", "api", "redirect", "worker", "bounces")
JOBS = ("temporal-schema", "temporal-namespace", "migrate")
PRIVATE = ("postgres", "temporal", "temporal-ui")
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:[-?])?([^}]*)\}")
SECRETS = ("POSTGRES_PASSWORD", "TOKEN_KEYS", "SECRET_KEYS")
DRILLS = ("DRILL_SEED", "DRILL_OUTAGE", "DRILL_CRASH")
# The image sets the first; the next two are of the embedded server, which this stack replaces. Drills have their own.
NOT_OF_THIS_STACK = {"VAR_DIR", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", *DRILLS}
TEMPORAL_CLIENT = {name for name, _ in example.TEMPORAL}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_others_in_a_way_they_can_fulfil(name: str) -> None:
    for target, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_completed_successfully":
            assert target in JOBS
        else:
            assert wait["condition"] == "service_healthy"
            assert "test" in SERVICES[target]["healthcheck"]


def test_every_service_is_there() -> None:
    assert set(SERVICES) == {"postgres", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui", *OURS}


def test_nothing_waits_in_a_circle() -> None:
    done: set[str] = set()
    while ready := {name for name, one in SERVICES.items() if name not in done and done >= set(one.get("depends_on", {}))}:
        done |= ready
    assert done == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_jobs_run_once_and_all_else_is_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == ("no" if name in JOBS else "unless-stopped")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(JOBS)))
def test_what_is_no_job_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert set(check) == {"test", "interval", "timeout", "retries", "start_period"}


@pytest.mark.parametrize(("name", "port"), [("api", "8000"), ("redirect", "8001")])
def test_our_health_checks_ask_our_port_with_what_the_image_has(name: str, port: str) -> None:
    command = SERVICES[name]["healthcheck"]["test"]
    assert command[1:3] == ["python", "-c"]
    assert f"http://127.0.0.1:{port}/health/ready" in command[3]
    ast.parse(command[3])
    assert SERVICES[name]["environment"][f"{name.upper()}_PORT"] == port
    assert SERVICES[name]["ports"] == [f"${{PUBLISH_ADDRESS:-127.0.0.1}}:{port}:{port}"]


def is_healthy(role: str, named: str, file: Path) -> bool:
    """What the role's health check says when `file` is the one that it names."""
    *_, program = SERVICES[role]["healthcheck"]["test"]
    assert f"/data/{named}" in program
    done = subprocess.run([sys.executable, "-c", program.replace(f"/data/{named}", str(file))], capture_output=True)  # noqa: S603
    return done.returncode == 0


@pytest.mark.parametrize(("role", "named"), [("worker", READY_FILE), ("bounces", "alive/bounces")])
def test_a_role_is_healthy_while_it_renews_its_file(tmp_path: Path, role: str, named: str) -> None:
    file = tmp_path / "file"
    assert not is_healthy(role, named, file)
    file.touch()
    assert is_healthy(role, named, file)
    os.utime(file, (0, 0))
    assert not is_healthy(role, named, file)


def test_the_role_that_takes_bounces_is_there_for_those_who_want_it() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["bounces"]
    assert Settings(_env_file=None, var_dir="/data").alive_file("bounces") == Path("/data/alive/bounces")


def test_the_file_is_where_the_image_says() -> None:
    assert "VAR_DIR=/data" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_no_process_can_gain_privileges(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_and_not_deprecated(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.fullmatch(r"\d+(\.\d+)*(-[a-z]+)?", tag)
    assert image != "temporalio/auto-setup"


def test_the_schema_tool_is_of_the_servers_version() -> None:
    tags = {name: SERVICES[name]["image"].rpartition(":")[2] for name in ("temporal", "temporal-schema", "temporal-namespace")}
    assert len(set(tags.values())) == 1, tags


def test_our_image_has_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"linkwake:{version}"}


def test_postgres_keeps_its_data_where_its_image_writes_it() -> None:
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"], "images before 18 wanted .../data"


@pytest.mark.parametrize("name", OURS)
def test_a_role_is_given_only_variables_that_somebody_reads(name: str) -> None:
    assert set(SERVICES[name]["environment"]) - example.FIELDS - TEMPORAL_CLIENT == set()


@pytest.mark.parametrize("name", OURS)
def test_no_setting_is_forgotten(name: str) -> None:
    assert example.FIELDS - set(SERVICES[name]["environment"]) == NOT_OF_THIS_STACK


def test_compose_reads_only_variables_that_the_example_explains() -> None:
    explained = example.FIELDS | {name for name, _ in example.COMPOSE}
    assert {found[1] for found in VARIABLE.finditer(TEXT)} - explained == set()


def test_the_example_names_every_variable_of_compose_alone() -> None:
    assert {name for name, _ in example.COMPOSE} == {found[1] for found in VARIABLE.finditer(TEXT)} - example.FIELDS


def test_what_has_no_default_is_required_and_says_what_to_do() -> None:
    for found in VARIABLE.finditer(TEXT):
        assert found[2], f"{found[0]} needs a default or :?"
        assert found[2] == ":-" or found[3].startswith("set it in .env")
    assert TEXT.count("$") == len(VARIABLE.findall(TEXT)), "a $ that is no ${NAME…} would be read otherwise than meant"


def test_secrets_have_no_default_and_no_literal() -> None:
    assert {found[2] for found in VARIABLE.finditer(TEXT) if found[1] in SECRETS} == {":?"}
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|PWD|KEY|SECRET|TOKEN", name):
                assert VARIABLE.fullmatch(value), f"{name} is written out"
            assert not re.search(r"://[^/@:]*:[^@]+@", VARIABLE.sub("", value)), f"{name} holds a password"


def interpolated(environment: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """What compose would hand over: `${NAME:-default}` and `${NAME:?…}` replaced."""
    return {
        name: VARIABLE.sub(lambda found: given.get(found[1]) or found[3] * (found[2] == ":-"), value)
        for name, value in environment.items()
    }


def test_settings_accept_what_compose_hands_over(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "POSTGRES_PASSWORD": "a1",
        "TOKEN_KEYS": "ab" * 32,
        "SECRET_KEYS": "cd" * 32,
        "LINK_DOMAIN": "https://go.example.com",
    }
    for name, value in interpolated(SERVICES["redirect"]["environment"], given).items():
        monkeypatch.setenv(name, value)
    settings = Settings(_env_file=None)
    assert settings.effective_database_url == "postgresql://linkwake:a1@postgres:5432/linkwake"
    assert settings.effective_token_keys == [bytes.fromhex("ab" * 32)]
    assert settings.effective_link_domain == "https://go.example.com"
    assert settings.redirect_host == "0.0.0.0"  # noqa: S104 - inside the container
    assert settings.recorder_shards == Settings.model_fields["recorder_shards"].default


@pytest.mark.parametrize("name", PRIVATE)
def test_databases_and_temporal_are_published_on_this_machine_at_most(name: str) -> None:
    assert [port for port in SERVICES[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []


def test_the_trusted_proxy_network_is_the_stacks_own() -> None:
    subnet = STACK["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert SERVICES["redirect"]["environment"]["TRUSTED_PROXIES"] == f"${{TRUSTED_PROXIES:-{subnet}}}"


def test_volumes_are_declared_and_mounted_files_exist() -> None:
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert {source for source, *_ in mounts if not source.startswith(".")} == set(STACK["volumes"])
    assert all((ROOT / source).exists() for source, *_ in mounts if source.startswith("."))
    paths = re.findall(r"/deploy/\S+?\.(?:sh|yaml)", TEXT)
    assert len(paths) == 3
    assert all((ROOT / path.lstrip("/")).is_file() for path in paths)


def test_the_server_shares_the_embedded_servers_dynamic_configuration() -> None:
    entries = yaml.safe_load((ROOT / "deploy/temporal-dynamicconfig.yaml").read_text())
    assert {name: [{"value": yaml.safe_load(value)}] for name, value in DYNAMIC_CONFIG.items()} == entries


def test_the_namespace_job_registers_the_search_attributes_of_the_workflows() -> None:
    script = (ROOT / "deploy/temporal-namespace.sh").read_text()
    attributes = re.search(r'^attributes="(.+)"$', script, re.MULTILINE)
    assert attributes
    assert tuple(attributes[1].split()) == SEARCH_ATTRIBUTES


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_role_is_one_of_the_command_line(name: str) -> None:
    commands = {command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback}
    assert SERVICES[name]["command"] == [name]
    assert name in commands
