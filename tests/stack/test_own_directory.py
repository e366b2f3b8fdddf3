"""Nothing large is left behind by a run, however it ended."""

from pathlib import Path

from stack.own_directory import own_directory
from tests.stack.dummies import kill_and_wait, python

HOLDS = """
import sys, time
from pathlib import Path
from stack.own_directory import own_directory

with own_directory("bench", Path(sys.argv[1])) as directory:
    (directory / "data").touch()
    print("there", flush=True)
    time.sleep(600)
"""


def names(parent: Path) -> list[str]:
    return sorted(each.name for each in parent.iterdir())


def test_what_a_killed_run_has_left_is_removed_by_the_next_one_of_its_kind(tmp_path: Path) -> None:
    with python(HOLDS, str(tmp_path)) as run:
        assert run.stdout is not None
        run.stdout.readline()
        with own_directory("bench", tmp_path) as beside:
            assert len(names(tmp_path)) == 2, "the other one is alive"
        assert not beside.exists()
        (left,) = names(tmp_path)
        kill_and_wait(run, [])
    with own_directory("drill", tmp_path) as other:
        assert names(tmp_path) == sorted([left, other.name])
    with own_directory("bench", tmp_path) as directory:
        assert names(tmp_path) == [directory.name]
    assert names(tmp_path) == []


def test_directories_of_others_stay(tmp_path: Path) -> None:
    for name in ("linkwake-bench-x1", "linkwake-benchmarks", "other"):
        (tmp_path / name).mkdir()
    with own_directory("bench", tmp_path):
        pass
    assert names(tmp_path) == ["linkwake-bench-x1", "linkwake-benchmarks", "other"]
