"""The pace as the settings of a channel have it."""

import pytest
from pydantic import ValidationError

from models.channels.channel import Medium
from services.pacing.pace import Pace, PaceUnit


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"per_second": 0},
        {"per_second": -1},
        {"per_second": 1001},
        {"per_second": 1e-15},
        {"domain_per_second": 5e-324},
        {"per_second": "nan"},
        {"domain_per_second": 0},
        {"per_second": 1, "unit": "letters"},
        {"per_second": 1, "a_minute": 60},
    ],
)
def test_a_pace_that_cannot_be_kept_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Pace.model_validate(given)


def test_a_second_can_go_at_once_and_a_part_of_it_is_left_to_people() -> None:
    rate = Pace(per_second=100).rate()
    assert rate is not None
    assert (rate.rate, rate.burst, rate.reserve) == (100, 100, 20)


@pytest.mark.parametrize(("unit", "burst", "reserve"), [(PaceUnit.MESSAGE, 2, 1), (PaceUnit.SEGMENT, 6, 3)])
def test_a_slow_channel_has_something_for_one_person_beside_a_campaign(unit: PaceUnit, burst: int, reserve: int) -> None:
    rate = Pace(per_second=0.5, unit=unit).rate()
    assert rate is not None
    assert (rate.burst, rate.reserve) == (burst, reserve)


def test_a_pace_for_domains_alone_leaves_the_channel_free() -> None:
    pace = Pace(domain_per_second=3)
    assert pace.rate() is None
    assert pace.domain_rate() is not None


def test_segments_are_counted_for_sms_only() -> None:
    long = "x" * 200
    assert Pace(per_second=1, unit=PaceUnit.SEGMENT).cost(Medium.SMS, long) == 2
    assert Pace(per_second=1, unit=PaceUnit.SEGMENT).cost(Medium.EMAIL, long) == 1
    assert Pace(per_second=1).cost(Medium.SMS, long) == 1
    assert Pace(per_second=1, unit=PaceUnit.SEGMENT).cost(Medium.SMS, "") == 1
