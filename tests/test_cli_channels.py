"""`./linkwake channel …`: the same as the API does, and no secret in an argument."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

import cli
from models.organizations.organization import Organization
from tests.builders import Caller


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("SECRET_KEYS", "22" * 32)
    return monkeypatch


@pytest.fixture
def org_id(organization: tuple[Organization, str]) -> str:
    return str(organization[0].id)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["./linkwake", *words])
    return cli.main()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", "nobody"), "There is no channel nobody"),
        (("create", "two words", "simulator", "--medium", "sms"), "name: Write letters"),
        (("create", "news", "pigeon"), "kind: Write one of"),
        (("create", "news", "simulator"), "medium: This field is required."),
        (("create", "simulator-sms", "simulator", "--medium", "sms"), "choose another name"),
        (("change", "simulator-sms", "--secret-env", "colour=NOT_THERE"), "no variable NOT_THERE"),
        (("change", "simulator-sms", "--secret-file", "colour=/not/there"), "/not/there cannot be read"),
        (("change", "simulator-sms", "--secret-file", "colour"), "Write FIELD=PATH"),
        (("test", "simulator-sms", "ada"), ""),
    ],
)
def test_what_is_wrong_is_one_sentence_and_a_status(
    machine: pytest.MonkeyPatch, org_id: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run(machine, "channel", words[0], org_id, *words[1:]) in {1, 2}
    assert said in capsys.readouterr().err


def test_an_error_quotes_no_secret(machine: pytest.MonkeyPatch, org_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    machine.setenv("OUR_PASSWORD", "swordfish")
    assert run(machine, "channel", "change", org_id, "simulator-sms", "--secret-env", "password=OUR_PASSWORD") == 1
    said = capsys.readouterr()
    assert "config.password: There is no such field." in said.err
    assert "swordfish" not in said.out + said.err


def test_a_channel_goes_from_its_creation_to_its_end(
    machine: pytest.MonkeyPatch, org_id: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    assert run(machine, "channel", "create", org_id, "news", "simulator", "--medium", "sms", "--config", str(settings)) == 0
    for word, state in (("pause", "paused: Somebody paused it."), ("resume", "sends"), ("archive", "archived")):
        assert run(machine, "channel", "check", org_id, "news") == 0
        assert run(machine, "channel", "test", org_id, "news", "+12025550123") == 0
        assert run(machine, "channel", word, org_id, "news") == 0
        capsys.readouterr()
        assert run(machine, "channels", org_id, "--json") == 0
        assert {each["name"]: each["state"] for each in json.loads(capsys.readouterr().out)}["news"] == state
    assert run(machine, "channel", "resume", org_id, "news") == 1
    assert "archived" in capsys.readouterr().err


async def test_every_command_that_changes_something_is_in_the_audit_log(
    machine: pytest.MonkeyPatch, org_id: str, api: Caller
) -> None:
    created = ("create", "news", "simulator", "--medium", "sms")
    words = [("pause", "news"), ("resume", "news"), ("change", "news"), ("test", "news", "+12025550123"), ("archive", "news")]
    for command, *rest in [created, *words]:
        assert await asyncio.to_thread(run, machine, "channel", command, org_id, *rest) == 0
    rows = (await api.get("/audit-log")).json()["items"]
    done = [each["action"] for each in reversed(rows) if each["target_kind"] == "channel"]
    assert done == [f"channels.{command}" for command, *_ in [created, *words]]
    assert {each["key_id"] for each in rows if each["target_kind"] == "channel"} == {None}
