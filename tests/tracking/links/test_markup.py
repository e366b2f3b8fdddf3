"""Reading HTML as browsers do, where it is SVG or MathML, and character references of any number."""

import pytest

from tracking.links.html import check_references
from tracking.links.markup import decode, impossible_reference, link_addresses
from tracking.templates.template import TemplateError

LINK = '<a href="https://shop.test/a">Shop</a>'


@pytest.mark.parametrize(
    "before",
    [
        "<svg><title/></svg>",
        "<svg><title/>",
        "<SVG><Style/></SVG>",
        "<svg><script/></svg>",
        "<svg><desc/><textarea/></svg>",
        "<svg><style>.a{}</style></svg>",
        "<svg/>",
        "<svg><title>Logo</title><path d='M0'/></svg>",
        "<svg><foreignObject><svg><style/></svg><title>x</title></foreignObject></svg>",
        "<math><mi>x</mi><annotation-xml encoding='text/html'><title></title></annotation-xml><style/></math>",
        "<math><annotation-xml><title/></annotation-xml></math>",
        "<svg><g></svg><title></title>",
        "<svg><p><title></title>",
        "<svg><![CDATA[ <!-- ]]></svg>",
        "</svg></p>",
    ],
)
def test_a_link_after_svg_or_mathml_is_seen(before: str) -> None:
    assert list(link_addresses(before + LINK)) == ["https://shop.test/a"]


@pytest.mark.parametrize(
    "before",
    [
        "<title/>",
        "<svg></svg><style/>",
        "<svg><foreignObject><style/>",
        "<svg><title><script/>",
        "<svg><p><title/>",
        "<math><mi><textarea/>",
        "<math><annotation-xml encoding='application/xhtml+xml'><style/>",
        "<svg a=b/><title/></svg><style>",
        "<svg/><title/>",
        "<svg><![CDATA[ ",
    ],
)
def test_a_link_in_an_element_that_hides_its_content_is_none(before: str) -> None:
    assert list(link_addresses(before + LINK)) == []


def test_a_slash_at_the_end_of_a_bare_value_closes_nothing() -> None:
    assert list(link_addresses(f"<svg><title lang=en/></title></svg>{LINK}")) == ["https://shop.test/a"]
    assert list(link_addresses(f"<svg><desc lang=en/><title></desc></svg>{LINK}")) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("&#65;", "A"),
        ("&#0000000000065;", "A"),
        ("&#" + "0" * 5_000 + "65;", "A"),
        ("&#x" + "0" * 5_000 + "41;", "A"),
        ("&#X1F389", "🎉"),
        ("&#0;", "\ufffd"),
        ("&#xD800;", "\ufffd"),
        ("&#x110000;", "\ufffd"),
        ("&#" + "9" * 4_301 + ";", "\ufffd"),
        ("&#x" + "F" * 50_000 + ";", "\ufffd"),
        ("&#128;", "€"),
        ("&#1;", "\x01"),
        ("&#xFDD0;", "\ufdd0"),
        ("&amp;", "&"),
        ("&copy=1", "&copy=1"),
        ("&#;&#x;", "&#;&#x;"),
    ],
)
def test_a_character_reference_is_read_whatever_its_number(written: str, meant: str) -> None:
    assert decode(written) == meant


def test_a_number_that_stands_for_no_character_is_found() -> None:
    assert impossible_reference("a&#65;&#x110000;") == 6
    assert impossible_reference("a&#1114111;&#xD800;&amp;") is None
    with pytest.raises(TemplateError, match="line 2, column 29: this number stands for no character"):
        check_references('<p>\n<a href="https://shop.test/?&#' + "9" * 4_301 + ';">')
    check_references('<p title="&#99999999;"><a href="https://shop.test/{{ contact.id }}&#65;">&#99999999;</a>')
