"""What people type, and what is read of it later, costs what its length says: names, tags, replies, YAML and texts that a page
shows."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.messages.links import addresses_with_token
from console.areas.sequences.yaml_text import Unreadable, read
from console.areas.sequences.yaml_writing import dump
from console.words.messages import addresses_marked
from models.texts.plain_text import plain
from services.inbound.words import read_words
from services.notifications.text import harmless
from tests.growth import LIMIT, SUBJECTS, growth


def read_yaml(text: str) -> object:
    try:
        return read(text)
    except Unreadable:
        return None


READERS: list[Callable[[str], object]] = [
    plain,
    read_words,
    harmless,
    addresses_marked,
    read_yaml,
    lambda text: list(addresses_with_token(text)),
    lambda text: dump({"text": text, "list": [{"text": text}]}),
]
PIECES = [
    *SUBJECTS,
    "- a\n",
    "a: ",
    "{",
    "please ",
    "stop ",
    "don't ",
    "\u00ad",
    "\uff11",
    "x \n",
    "'",
    "http://a.b/",
    "http://a.b/0123456789abcd",
]


@pytest.mark.parametrize("pattern", PIECES)
def test_one_piece_repeated_costs_what_its_length_says(pattern: str) -> None:
    for reader in READERS:
        assert growth(reader, pattern) <= LIMIT


@settings(max_examples=40)
@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=5).map("".join), st.sampled_from(READERS))
def test_any_mixture_costs_what_its_length_says(pattern: str, reader: Callable[[str], object]) -> None:
    assert growth(reader, pattern) <= LIMIT


@pytest.mark.parametrize(
    ("before", "pattern"), [("steps:\n", "- {kind: end, key: a}\n"), ("", "a\u0301: 1\n"), ("a: |\n", "  b\n")]
)
def test_yaml_of_many_parts_costs_what_its_length_says(before: str, pattern: str) -> None:
    assert growth(read_yaml, pattern, before) <= LIMIT
