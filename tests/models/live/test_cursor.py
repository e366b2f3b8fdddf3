"""A cursor says the same when it is read again, and nothing else is a cursor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.live.cursor import Cursor, Snapshot, read_cursor

numbers = st.integers(min_value=1, max_value=2**40)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    low = draw(numbers)
    high = low + draw(st.integers(min_value=0, max_value=500))
    running = draw(st.sets(st.integers(min_value=low, max_value=high - 1), max_size=20)) if high > low else set()
    return Snapshot(low, high, tuple(sorted(running)))


@given(st.integers(min_value=0, max_value=2**33), snapshots(), snapshots(), st.tuples(numbers, numbers))
def test_a_cursor_is_read_as_it_was_written(at: int, seen: Snapshot, until: Snapshot, last: tuple[int, int]) -> None:
    whole = Cursor("0a1b2c3d", at, seen)
    assert read_cursor(str(whole)) == whole
    inside = Cursor("0a1b2c3d", at, seen, until, last)
    assert read_cursor(str(inside)) == (inside if until.xmax >= seen.xmax else None)


@given(snapshots())
def test_a_snapshot_of_postgresql_is_read(snapshot: Snapshot) -> None:
    written = f"{snapshot.xmin}:{snapshot.xmax}:{','.join(map(str, snapshot.running))}"
    assert Snapshot.of_postgres(written) == snapshot


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "1.5-9",
        "0a1b2c3.1.5-9",
        "0A1B2C3D.1.5-9",
        "0a1b2c3d.1.5",
        "0a1b2c3d.1.5-4",
        "0a1b2c3d.1.0-5",
        "0a1b2c3d.1.5-9-4",
        "0a1b2c3d.1.5-9-2-1",
        "0a1b2c3d.1.5-9-1-1",
        "0a1b2c3d.1.5-9.5-8.1.1",
        "0a1b2c3d.1.5-9.5-9.1",
        "0a1b2c3d.1.5-9.5-9.1.99999999999999999999",
        "0a1b2c3d.1.5-9999999999999999999",
        "0a1b2c3d.1.5-9 ",
        "0a1b2c3d.१.5-9",
        "0a1b2c3d.1.5-9.5-9.9999999999999999999.1",
        "0a1b2c3d.1.5-99" + "-1" * 9_000,
        "'; DROP TABLE live_event; --",
    ],
)
def test_nothing_else_is_a_cursor(text: str) -> None:
    assert read_cursor(text) is None
