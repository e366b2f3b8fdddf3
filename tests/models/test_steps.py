"""Durations of steps: how they are written, and that whatever was stored can be read."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from models.steps import SequenceDefinition, WaitStep, iso_duration


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=366), "P366D"),
        (timedelta(days=365, seconds=90), "P365DT1M30S"),
        (timedelta(hours=1), "PT1H"),
        (timedelta(days=1, hours=12, minutes=5), "P1DT12H5M"),
        (timedelta(seconds=10), "PT10S"),
        (timedelta(days=3, seconds=1, milliseconds=50), "P3DT1.05S"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (timedelta(0), "PT0S"),
    ],
)
def test_a_duration_is_written_in_days_hours_minutes_and_seconds(duration: timedelta, text: str) -> None:
    assert iso_duration(duration) == text
    assert TypeAdapter(timedelta).validate_python(text) == duration


@pytest.mark.parametrize(("stored", "days"), [("P1Y1D", 366), ("P1Y", 365), ("P1M", 30), ("P30D", 30)])
def test_a_stored_duration_can_be_read_in_whatever_units_it_has(stored: str, days: int) -> None:
    definition = SequenceDefinition.model_validate({"steps": [{"kind": "wait", "key": "a", "duration": stored}]})
    again = SequenceDefinition.model_validate_json(definition.model_dump_json())
    assert again == definition == SequenceDefinition(steps=(WaitStep(key="a", duration=timedelta(days=days)),))
    assert definition.model_dump(mode="json")["steps"][0]["duration"] == f"P{days}D"
