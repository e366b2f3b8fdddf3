"""Durations of steps: how they are written and read."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from models.sequences.steps.base import in_words, iso_duration
from models.sequences.steps.definition import SequenceDefinition
from models.sequences.steps.wait import WaitStep


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


def test_a_stored_duration_is_read_as_it_was_written() -> None:
    definition = SequenceDefinition(steps=(WaitStep(key="a", duration=timedelta(days=366)),))
    assert SequenceDefinition.model_validate(definition.model_dump(mode="json")) == definition


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(days=2, minutes=30, seconds=1), "2 days 30 minutes 1 second"),
    ],
)
def test_a_duration_in_a_sentence_is_in_words(duration: timedelta, text: str) -> None:
    assert in_words(duration) == text
