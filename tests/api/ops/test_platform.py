"""How the platform is, in numbers."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from api.redirect.metrics import KEPT, Meters
from models.database import Database
from models.platform.heartbeat import beat
from tests.builders import Caller


async def read(api: Caller) -> dict[str, Any]:
    answer = await api.get("/platform")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_roles_are_told_with_their_last_sign_of_life(api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        for role, instance in (("worker", "1@a"), ("worker", "2@a"), ("redirect", "3@a")):
            await beat(session, role, instance)
        silent = {"ago": timedelta(minutes=2)}
        await session.execute(text("UPDATE heartbeat SET at = now() - CAST(:ago AS interval) WHERE instance <> '1@a'"), silent)
    roles = {each["role"]: each for each in (await read(api))["roles"]}
    assert {role: (each["processes"], each["alive"]) for role, each in roles.items()} == {
        "redirect": (0, False),
        "worker": (1, True),
    }
    assert 120 <= roles["redirect"]["silent_seconds"] < 200


async def test_queues_workflows_and_the_geo_database_are_told(api: Caller) -> None:
    found = await read(api)
    assert found["queues"] == {
        "clicks": 0,
        "held_clicks": 0,
        "oldest_click_seconds": 0,
        "signals": 0,
        "oldest_signal_seconds": 0,
    }
    assert (found["workflows"]["running"], found["workflows"]["failing"]) == (0, 0)
    assert (found["geo"]["demo"], found["geo"]["old"], found["geo"]["problem"]) == (True, True, None)
    assert found["geo"]["age_days"] > 2000
    assert all(each["rows"] == 0 for each in found["waiting"])


async def test_redirects_say_together_how_fast_they_answered(api: Caller, database: Database) -> None:
    assert (await read(api))["redirect"] == {"answers": 0, "median_ms": None, "p99_ms": None}
    async with database.transaction() as session:
        for instance, answers in (("1@a", {"0.001": 60, "0.002": 20, "": 0}), ("2@a", {"0.001": 10, "0.01": 9, "": 1})):
            await beat(session, "redirect", instance, {"answers": answers})
    assert (await read(api))["redirect"] == {"answers": 100, "median_ms": 1.0, "p99_ms": 10.0}


def test_a_redirect_remembers_the_answers_of_five_minutes() -> None:
    meters = Meters()
    meters.answered(302, 0.0009)
    assert meters.lately()["answers"]["0.001"] == 1
    for _ in range(KEPT):
        latest = meters.lately()
    assert set(latest["answers"].values()) == {0}
    meters.answered(302, 7.0)
    assert meters.lately()["answers"][""] == 1
