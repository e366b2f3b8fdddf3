"""The rate of recording on machines of every speed."""

from bench.record import BURST, seconds_for_all


def test_the_clicks_that_were_recorded_before_the_first_look_have_their_share() -> None:
    assert seconds_for_all(6.0, before=BURST // 3) == 9.0


def test_a_machine_that_records_all_between_two_looks_has_no_rate() -> None:
    assert seconds_for_all(0.0, before=BURST) is None
