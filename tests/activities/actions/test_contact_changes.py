"""The actions that change the contact: tags, fields and properties, for all firings at once."""

import pytest

from models.database import Database
from tests.clicks import rows
from tests.rows import Rows
from tests.triggers import ACTIONS, SET, TAG, Machine, fire


async def test_tags_are_given_and_taken(database: Database, made: Rows, machine: Machine) -> None:
    await fire(made, [TAG, {"kind": "tag", "tags": ["cold", "hot"]}, {"kind": "untag", "tags": ["hot", "never"]}], people=2)
    await machine.run()
    assert await rows(database, "SELECT tags FROM contact") == [["cold"]] * 2
    assert [each[2] for each in await rows(database, ACTIONS)] == ["done"] * 6


async def test_what_is_there_already_is_done_too_and_says_so(database: Database, made: Rows, machine: Machine) -> None:
    await fire(made, [SET, SET])
    await machine.run()
    assert await rows(database, "SELECT outcome, detail FROM firing_action ORDER BY position") == [
        ("done", {}),
        ("done", {"unchanged": True}),
    ]


@pytest.mark.parametrize(
    ("field", "value", "column", "found"),
    [
        ("first_name", "Ann", "first_name", "Ann"),
        ("time_zone", "Europe/London", "time_zone", "Europe/London"),
        ("properties.plan", "gold", "properties ->> 'plan'", "gold"),
        ("properties.plan", None, "properties", {}),
    ],
)
async def test_a_field_or_a_property_is_set(
    database: Database, made: Rows, machine: Machine, field: str, value: object, column: str, found: object
) -> None:
    await fire(made, [{"kind": "set_field", "field": field, "value": value}])
    await machine.run()
    assert await rows(database, f"SELECT {column} FROM contact") == [found]  # noqa: S608


async def test_properties_that_would_be_too_large_fail_and_change_nothing(
    database: Database, made: Rows, machine: Machine
) -> None:
    long = [{"kind": "set_field", "field": f"properties.p{n}", "value": "x" * 900} for n in range(20)]
    await fire(made, long)
    await machine.run()
    outcomes = [(each[2], each[3]) for each in await rows(database, ACTIONS)]
    assert outcomes[0] == ("done", None)
    assert outcomes[-1] == ("failed", "the contact's properties would be too large")
