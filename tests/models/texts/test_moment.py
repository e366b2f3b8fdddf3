"""Times as callers write them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from models.texts.moment import Moment

MOMENT: TypeAdapter[object] = TypeAdapter(Moment)


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_is_in_no_year_of_utc_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(ValidationError, match="between the years 1 and 9999 in UTC"):
        MOMENT.validate_python(written)


@pytest.mark.parametrize("written", ["1767225600", 1767225600, "2026-03-01T09:00:00"])
def test_a_number_and_a_time_without_a_zone_are_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(written)


@pytest.mark.parametrize("offset", ["05:45", "0545"])
@pytest.mark.parametrize("time", ["2026-11-29T21:40:00", "2026-11-29T21:40", "2026-11-29t21:40:00.123", "2026-11-29 21:40:00"])
def test_a_time_whose_plus_sign_became_a_space_is_refused_with_how_to_write_it(time: str, offset: str) -> None:
    MOMENT.validate_python(f"{time}+{offset}")
    with pytest.raises(ValidationError, match="write %2B for the plus sign"):
        MOMENT.validate_python(f"{time} {offset}")


@pytest.mark.parametrize("written", ["2026-11-29 21:40", "2026-11-29T21:40:00 Z", "soon", "2026-11-29 21"])
def test_a_time_without_an_offset_is_not_said_to_have_lost_a_plus_sign(written: str) -> None:
    with pytest.raises(ValidationError) as refused:
        MOMENT.validate_python(written)
    assert "%2B" not in str(refused.value)


def test_the_last_second_of_the_calendar_is_a_time() -> None:
    MOMENT.validate_python("9999-12-31T23:59:59Z")
