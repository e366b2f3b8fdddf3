"""The text in which addresses are looked for, and the way back to the source."""

from tracking.links.urls import FIELD
from tracking.templates.masked import MaskedText


def test_fields_are_letters_and_what_is_not_to_be_touched_is_a_line_end() -> None:
    source = "a{{ b }}c{% if d %}e{% endif %}{% raw %}f{% endraw %}g"
    assert MaskedText(source).masked == f"a{FIELD}c\ne\n\ng"


def test_what_is_untracked_is_not_looked_at_however_deep() -> None:
    source = "a{% untracked %}b{% untracked %}{{ c }}{% enduntracked %}d{% enduntracked %}e{{ f }}"
    text = MaskedText(source)
    assert [character for character in text.masked if character != "\n"] == ["a", "e", FIELD]
    assert [piece.inner for piece in text.untracked_outputs] == ["c"]
    assert [piece.inner for piece in text.outputs] == ["f"]


def test_a_place_in_the_masked_text_leads_back_to_the_source() -> None:
    source = "ab {{ contact.id }}cd"
    text = MaskedText(source)
    start, end = text.span(text.masked.index(FIELD), len(text.masked) - 1)
    assert source[start:end] == "{{ contact.id }}c"
