"""The waits between attempts."""

from models.retry import LAST_RETRY, retry_delay


def test_the_waits_between_attempts_grow_and_have_a_limit() -> None:
    assert [retry_delay(n).total_seconds() for n in (1, 2, 3)] == [1, 2, 4]
    assert retry_delay(10_000) == LAST_RETRY
