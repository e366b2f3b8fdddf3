"""SMS segments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.links.segments import count_segments


@pytest.mark.parametrize(
    ("text", "encoding", "segments", "units"),
    [
        ("", "GSM-7", 0, 0),
        ("a", "GSM-7", 1, 1),
        ("a" * 160, "GSM-7", 1, 160),
        ("a" * 161, "GSM-7", 2, 161),
        ("a" * 306, "GSM-7", 2, 306),
        ("a" * 307, "GSM-7", 3, 307),
        ("€" * 80, "GSM-7", 1, 160),
        ("€" * 81, "GSM-7", 2, 162),
        ("a" * 159 + "€", "GSM-7", 2, 161),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3, 306),  # the escaped character moves to the second segment as a whole
        ("[{^~|\\}]\f", "GSM-7", 1, 18),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", "GSM-7", 1, 44),
        ("`", "UCS-2", 1, 1),
        ("ç", "UCS-2", 1, 1),
        ("„Hallo“", "UCS-2", 1, 7),
        ("ы" * 70, "UCS-2", 1, 70),
        ("ы" * 71, "UCS-2", 2, 71),
        ("ы" * 134, "UCS-2", 2, 134),
        ("ы" * 135, "UCS-2", 3, 135),
        ("😀" * 35, "UCS-2", 1, 70),
        ("😀" * 36, "UCS-2", 2, 72),
        ("ы" * 66 + "😀" + "ы" * 66, "UCS-2", 3, 134),  # the pair moves to the second segment as a whole
    ],
)
def test_known_texts(text: str, encoding: str, segments: int, units: int) -> None:
    assert count_segments(text) == (encoding, len(text), segments, units)


def test_one_character_outside_the_alphabet_changes_the_whole_text() -> None:
    assert count_segments("a" * 100).segments == 1
    assert count_segments("a" * 100 + "’").segments == 2


@given(st.text(max_size=400))
def test_segments_are_never_fewer_than_the_units_need_nor_many_more(text: str) -> None:
    encoding, characters, segments, units = count_segments(text)
    single, each = (160, 153) if encoding == "GSM-7" else (70, 67)
    assert characters == len(text) <= units
    assert (segments <= 1) == (units <= single)
    if segments > 1:
        assert -(-units // each) <= segments <= -(-units // (each - 1))
