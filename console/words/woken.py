"""What clicks have woken, as a sentence that no two numbers can contradict: one click can wake several workflows."""

from collections.abc import Mapping
from typing import Any

from console.words.numbers import plural
from console.words.times import duration
from models.reports.delays import MOST_CLICKS


def woken_by(delays: Mapping[str, Any]) -> str:
    """Goes on after a number of workflows: `by 2 clicks: one can wake several`. Says so when not all clicks were looked at."""
    if not delays["clicks"]:
        return "no click by a person"
    if any(each["clicks"] >= MOST_CLICKS for each in delays["series"]):
        said = f"by the last {MOST_CLICKS} clicks of each {duration(delays['interval_seconds'])}"
    else:
        said = f"by {plural(delays['clicks'], 'click')}"
    return f"{said}: one can wake several" if delays["woken"] > delays["clicks"] else said
