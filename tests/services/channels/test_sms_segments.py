"""Segments are counted as 3GPP TS 23.038 and 23.040 say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channels.sms_segments import ALPHABET, GSM_EACH, UCS2_EACH, count_segments

GSM = st.text(alphabet=st.sampled_from(sorted(ALPHABET)), max_size=2000)
ANY = st.text(max_size=2000)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 150, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the escape and its character stay together, so one septet stays free
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("\N{WAVING HAND SIGN}" * 35, 1),
        ("\N{WAVING HAND SIGN}" * 36, 2),
        ("\N{WAVING HAND SIGN}" * 66, 2),
        ("\N{WAVING HAND SIGN}" * 67, 3),  # 33 in each of 67 units, because none is divided
        ("`", 1),
        ("a" * 70 + "`", 2),  # one character outside of the alphabet is enough
    ],
)
def test_known_texts(text: str, segments: int) -> None:
    assert count_segments(text) == segments


def test_the_alphabet_has_127_characters_and_the_10_of_its_extension() -> None:
    """128 positions, of which one is the escape."""
    assert len(ALPHABET) == 127 + 10


@given(GSM)
def test_a_text_of_the_alphabet_needs_no_more_segments_than_if_each_character_were_two_septets(text: str) -> None:
    assert -(-len(text) // GSM_EACH) <= count_segments(text) + 1
    assert count_segments(text) <= max(1, -(-2 * len(text) // (GSM_EACH - 1)))


@given(ANY)
def test_no_text_needs_more_segments_than_without_the_last_unit_of_each(text: str) -> None:
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    assert 1 <= count_segments(text) <= max(1, -(-units // (UCS2_EACH - 1)))


@given(ANY, ANY)
def test_a_longer_text_never_has_fewer_segments_in_the_same_alphabet(text: str, more: str) -> None:
    marked = "\N{WAVING HAND SIGN}" + text
    assert count_segments(marked) <= count_segments(marked + more)
