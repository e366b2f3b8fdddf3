"""Names in the Temporal UI are text: whatever they contain, they are no Markdown."""

import pytest

from models.texts.temporal_text import ATTRIBUTE_CHARACTERS, SUMMARY_BYTES, attribute, escaped, summary


@pytest.mark.parametrize(
    ("name", "markdown"),
    [
        ("Spring sale, 20 % off (2026)", "Spring sale, 20 % off (2026)"),
        ("![x](https://x.test/pixel.gif)", r"\!\[x\](https\://x.test/pixel.gif)"),
        ("[all is well](javascript:alert(1))", r"\[all is well\](javascript\:alert(1))"),
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("**sent**, ~~failed~~, `code`, _i_", r"\*\*sent\*\*, \~\~failed\~\~, \`code\`, \_i\_"),
        ("# A\n\n| b |", r"\# A \| b \|"),
        ("www.x.test &lt; a@x.test", r"www\.x.test \&lt; a\@x.test"),
        ("a\\*b", r"a\\\*b"),
    ],
)
def test_a_name_is_text_and_no_markdown(name: str, markdown: str) -> None:
    assert escaped(name) == markdown


def test_a_summary_is_cut_between_characters() -> None:
    assert summary("ä" * SUMMARY_BYTES) == "ä" * (SUMMARY_BYTES // 2)
    assert summary("short") == "short"


def test_a_search_attribute_is_one_line_that_fits_its_column() -> None:
    assert attribute("Welcome\n series *") == "Welcome series *"
    assert len(attribute("ä" * 300)) == ATTRIBUTE_CHARACTERS
