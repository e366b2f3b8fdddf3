"""Comments are found wherever YAML has them, and nowhere else."""

import pytest

from console.areas.sequences.yaml_comments import Comment, comments
from console.areas.sequences.yaml_writing import dump


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1", []),
        ("a: b#c", []),
        ("a: 'it''s # no'", []),
        ('a: "# no"', []),
        ("a: 'one # no\n  two # no' # yes", ["# yes"]),
        ("a: |\n  # no\n  no # no", []),
        ("a: >- # yes\n  # no\n\n  no\n# yes too\nb: 1", ["# yes", "# yes too"]),
        ("a: |\n  x\n  # no\n # yes\nb: 1", ["# yes"]),
        ("#\na: 1 #", ["#", "#"]),
        ("a: [1, # one\n 2] # two", ["# one", "# two"]),
        ("'# no': {'# no': \"# no\"} # yes", ["# yes"]),
        ("a: 1\t# tab", ["# tab"]),
        ("a: '\N{RIGHT-TO-LEFT OVERRIDE} \U0001f600 #' # \U0001f600", ["# \U0001f600"]),
    ],
)
def test_what_is_a_comment(text: str, found: list[str]) -> None:
    assert [each.text for each in comments(text)] == found


def test_a_comment_has_its_line_and_may_stand_alone() -> None:
    assert comments("  # one\na: 1 # two\n") == [Comment(1, "# one", is_alone=True), Comment(2, "# two", is_alone=False)]


@pytest.mark.parametrize("value", ["# x", "a # b", "a\n# b\n", " # ", "#", {"# a": ["# b", "c\n\n# d"]}])
def test_what_is_written_as_a_value_is_no_comment(value: object) -> None:
    assert comments(dump({"a": value})) == []
