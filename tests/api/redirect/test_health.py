"""What the redirect's readiness names, and what it forgets again."""

from unittest.mock import Mock

import pytest

from api.redirect.health import Health
from api.redirect.keeping.journal import Counts


def degraded(counts: Counts) -> dict[str, str]:
    quiet = Mock(problem=None, snapshot=None, spool=Mock(state=None))
    journal = Mock(counts=counts, problem=None, spool=Mock(state=None))
    return dict(Health(quiet, quiet, journal, quiet, quiet, quiet).degraded())


@pytest.mark.parametrize(("lost", "rescued", "named"), [(0, 0, None), (5, 5, None), (5, 3, "2 clicks since the start")])
def test_clicks_that_were_rescued_are_not_lost_any_more(lost: int, rescued: int, named: str | None) -> None:
    assert degraded(Counts(lost=lost, rescued=rescued)).get("lost") == named
