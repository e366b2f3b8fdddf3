"""`./linkwake reconcile`: what it prints, and the status that a script can trust."""

import json
import sys
from pathlib import Path

import psycopg
import pytest

import cli
from models.database import psycopg_url

ROGUE = """
INSERT INTO click_series (scope, scope_id, link_id, verdict, bucket, clicks, people, link_people)
VALUES ('link', gen_random_uuid(), gen_random_uuid(), 'human', now(), 3, 1, 1)
"""
EQUAL = (
    "click_first 0, click_series 0, click_by 0, contact_engagement 0, message_count 0, report_count 0, step_count 0, "
    "step_time 0, enrollment_count 0, "
    "trigger_count 0, person_outcome 0, outcome_count 0: equal\n"
)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["./linkwake", "reconcile", *words])
    return cli.main()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return monkeypatch


def test_a_difference_is_listed_and_fails_until_it_is_repaired(
    machine: pytest.MonkeyPatch, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(psycopg_url(database_url), autocommit=True) as connection:
        connection.execute(ROGUE)
    assert run(machine) == 1
    said = capsys.readouterr().out
    assert "expected nothing, found clicks=3 people=1 link_people=1" in said
    assert said.endswith(
        "click_first 0, click_series 1, click_by 0, contact_engagement 0, message_count 0, report_count 0, step_count 0, "
        "step_time 0, enrollment_count 0, "
        "trigger_count 0, person_outcome 0, outcome_count 0: "
        "1 rows differ\n"
    )
    assert run(machine, "--repair") == 0
    assert capsys.readouterr().out.endswith("1 rows differ, repaired\n")
    assert run(machine) == 0
    assert capsys.readouterr().out == EQUAL


def test_json_is_one_document(machine: pytest.MonkeyPatch, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with psycopg.connect(psycopg_url(database_url), autocommit=True) as connection:
        connection.execute(ROGUE)
    assert run(machine, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["equal"], document["repaired"], document["different"]) == (False, False, 1)
    found = {"clicks": 3, "people": 1, "link_people": 1, "first_at": None, "last_at": None}
    assert document["differences"][0]["found"] == found
    assert run(machine, "--json", "--repair") == 0
    assert json.loads(capsys.readouterr().out)["repaired"] is True
