"""What runs in one process when the tests run in several."""

from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from tests.by_file import TOGETHER, ByFile, group_of

ROOT = Path(__file__).parent.parent


def test_the_tests_of_a_file_stay_together_whatever_they_are_called_with() -> None:
    for test in ("test_a", "test_a[b::c]", "TestA::test_b"):
        assert group_of(f"tests/test_words.py::{test}") == "tests/test_words.py"
    assert group_of("tests/console/test_typed.py::test_a") == "tests/console/test_typed.py"


def test_the_files_that_share_a_stack_and_a_browser_stay_together() -> None:
    files = [str(each.relative_to(ROOT)) for each in (ROOT / "tests/console/browser").glob("test_*.py")]
    assert len(files) > 1
    assert {group_of(f"{file}::test_a") for file in files} == {"tests/console/browser"}
    assert all((ROOT / folder).is_dir() for folder in TOGETHER)


def test_the_distribution_asks_for_the_group() -> None:
    assert "_split_scope" in vars(LoadScopeScheduling)  # it is a method of xdist that we take the place of
    assert ByFile._split_scope(object.__new__(ByFile), "tests/console/browser/test_live.py::test_a") == "tests/console/browser"
