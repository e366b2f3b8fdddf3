"""YAML as people type it: what is read, at which line everything stands, and what is refused."""

import time

import pytest

from console.areas.sequences.yaml_text import DEEPEST, LONGEST, Unreadable, read

TEXT = """\
name: Welcome   # a note
utm: { source: linkwake, medium: sms }
steps:
  - kind: send
    key: hello
    message:
      body: |
        Hi,
        {{ links.guide }}
      links:
        guide: htps://example.com

  # the wait
  - kind: wait_for_click
    key: wait
    timeout: P3D
  - {kind: end, key: over}
"""


def test_everything_has_a_line() -> None:
    root = read(TEXT)
    lines = {
        "name": 1,
        "utm.medium": 2,
        "steps": 3,
        "steps[0].key": 5,
        "steps[0].message.links.guide": 11,
        "steps[1].timeout": 16,
        "steps[1].on_click": 14,
        "steps[2].outcome": 17,
        "steps[7].key": 3,
        "nothing": 1,
    }
    assert {path: root.line_of(path) for path in lines} == lines
    body = root.at("steps[0].message.body")
    assert body is not None
    assert body.text_line == 8


def test_a_name_of_nothing_but_dots_ends_at_what_there_is() -> None:
    assert read("steps:\n  - change:\n      a: 1\n").line_of("steps[0].change" + "." * 400) == 2


def test_names_with_dots_are_found() -> None:
    root = read("steps:\n  - change:\n      a: 1\n      a.b: 2\n")
    assert (root.line_of("steps[0].change.a.b"), root.line_of("steps[0].change.a")) == (4, 3)


def test_words_are_words_and_numbers_are_numbers() -> None:
    given = "a: no\nb: on\nc: 1:30\nd: 2026-01-01\ne: 12\nf: 1.5\ng: true\nh: null\ni:\nj: '12'\nk: 007\n"
    assert list(read(given).value.values()) == ["no", "on", "1:30", "2026-01-01", 12, 1.5, True, None, None, "12", "007"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "nothing here"),
        ("a: 1\nb: [", 3, "no YAML"),
        ("a: 1\nb: {{ x }}", 2, "quotes"),
        ("a: 1\n\tb: 2", 2, "no YAML"),
        ("a: 1\na: 2", 2, "twice"),
        ("a: &x 1\nb: *x", 1, "Anchors"),
        ("a: !!python/object:os.system 1", 1, "Tags"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("\x00", 1, "characters"),
        ("a: 1\nb: 'x\u2028y'", 2, "U+2028"),
        ("a: 1 # x\x85\nb: 2", 1, "U+0085"),
        ("a: x\ry", 1, "U+000D"),
        ("x" * (LONGEST + 1), 1, "longer"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), 1, "levels"),
        ("[" * 100_000, 1, "levels"),
        ("a: [" + "1," * 50_000 + "1]", 1, "parts"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(text)
    assert refused.value.fault.line == line
    assert words in refused.value.fault.message


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    began = time.process_time()
    with pytest.raises(Unreadable):
        read("\n".join(["a0: &a0 lol", *levels]))
    assert time.process_time() - began < 1
