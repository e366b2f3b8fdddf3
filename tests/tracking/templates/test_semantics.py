"""Templates give the results that Shopify documents for Liquid: comparisons, and every filter that a template can use."""

from typing import Any

import pytest

from tracking.templates.sandbox import ENVIRONMENT
from tracking.templates.template import check_template, render

CONTACT: dict[str, Any] = {
    "first_name": "",
    "last_name": None,
    "tags": [],
    "properties": {
        "none": None,
        "space": " \n",
        "text": "abc",
        "zero": 0,
        "no": False,
        "yes": True,
        "list": ["b", None, "a"],
        "people": [{"n": "Bo", "x": True}, {"n": "al", "x": False}, {"n": "Bo"}],
    },
}

NOTHING = ("contact.last_name", "contact.properties.none", "contact.properties.missing", "contact.email", "nothing", "nil")
"""Null and missing, stored and made up by the template itself."""


def rendered(source: str) -> str:
    return render("{% assign nothing = nil %}" + source, contact=CONTACT)


def holds(condition: str) -> bool:
    return rendered(f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}") == "yes"


@pytest.mark.parametrize("nothing", NOTHING)
def test_what_is_missing_or_null_is_blank_and_nil_and_neither_empty_nor_an_empty_text(nothing: str) -> None:
    for literal, equals in {
        "blank": True,
        "nil": True,
        "null": True,
        "empty": False,
        '""': False,
        "false": False,
        "0": False,
    }.items():
        assert holds(f"{nothing} == {literal}") is equals, literal
        assert holds(f"{literal} == {nothing}") is equals, literal
        assert holds(f"{nothing} != {literal}") is not equals, literal


@pytest.mark.parametrize(
    ("value", "equal_to"),
    [
        ("contact.first_name", {"blank", "empty", '""'}),
        ("contact.properties.space", {"blank"}),
        ("contact.properties.text", set()),
        ("contact.properties.zero", {"0"}),
        ("contact.properties.no", {"blank", "false"}),
        ("contact.properties.yes", {"true"}),
        ("contact.tags", {"blank", "empty"}),
        ("blank", {"blank"}),
        ("empty", {"empty"}),
    ],
)
def test_a_value_is_blank_or_empty_as_it_says(value: str, equal_to: set[str]) -> None:
    literals = ["blank", "empty", "nil", '""', "false", "true", "0", "1"]
    skipped = {"blank": {"empty", '""', "nil", "false"}, "empty": {"blank", '""'}}.get(value, set())
    assert {literal for literal in literals if literal not in skipped and holds(f"{value} == {literal}")} == equal_to


def test_somebody_without_a_last_name_is_not_greeted_by_it() -> None:
    assert rendered("{% if contact.last_name == blank %}nobody{% else %}somebody{% endif %}") == "nobody"
    assert rendered("{% unless contact.last_name != blank %}nobody{% endunless %}") == "nobody"
    assert rendered("{% case contact.last_name %}{% when blank %}nobody{% else %}somebody{% endcase %}") == "nobody"
    assert rendered("{% if contact.last_name %}somebody{% endif %}{{ contact.last_name }}") == ""


@pytest.mark.parametrize("nothing", NOTHING)
def test_no_filter_writes_none_for_what_is_missing_or_null(nothing: str) -> None:
    for name in sorted(ENVIRONMENT.filters):
        for arguments in ("", ": 1", ": 'a'", ": 'a', 'b'", f": {nothing}", f": 'a', {nothing}"):
            source = f"{{{{ {nothing} | {name}{arguments} }}}}{{{{ 'text' | {name}{arguments} }}}}"
            try:
                check_template("{% assign nothing = nil %}" + source)
                text = rendered(source)
            except ValueError:
                continue  # takes other arguments
            assert "None" not in text
            assert "Undefined" not in text


FILTERS = {
    "abs": {"-17 | abs": "17", "4 | abs": "4", "'-19.86' | abs": "19.86"},
    "append": {"'/my/fancy/url' | append: '.html'": "/my/fancy/url.html", "'a' | append: contact.properties.yes": "atrue"},
    "as_spelled": {},  # ours, see tests/tracking/links/test_links.py
    "at_least": {"4 | at_least: 5": "5", "4 | at_least: 3": "4"},
    "at_most": {"4 | at_most: 5": "4", "4 | at_most: 3": "3"},
    "base64_decode": {"'b25lIHR3byB0aHJlZQ==' | base64_decode": "one two three"},
    "base64_encode": {"'one two three' | base64_encode": "b25lIHR3byB0aHJlZQ=="},
    "base64_url_safe_decode": {"'b25lIHR3byB0aHJlZQ==' | base64_url_safe_decode": "one two three"},
    "base64_url_safe_encode": {"'one two three' | base64_url_safe_encode": "b25lIHR3byB0aHJlZQ=="},
    "capitalize": {"'title' | capitalize": "Title", "'MY GREAT TITLE' | capitalize": "My great title"},
    "ceil": {"1.2 | ceil": "2", "2.0 | ceil": "2", "183.357 | ceil": "184", "'3.5' | ceil": "4"},
    "compact": {"contact.properties.list | compact | join: ','": "b,a"},
    "concat": {"contact.properties.list | compact | concat: contact.properties.list | join: ','": "b,a,b,,a"},
    "date": {
        "'March 14, 2016' | date: '%b %d, %y'": "Mar 14, 16",
        "'2015-07-17T15:04:07Z' | date: '%a, %b %d, %y'": "Fri, Jul 17, 15",
        "'2015-07-17' | date: '%Y'": "2015",
        "'no date' | date: '%Y'": "no date",
        "'' | date: '%Y'": "",
    },
    "default": {
        "nothing | default: 2.99": "2.99",
        "'' | default: 2.99": "2.99",
        "4.99 | default: 2.99": "4.99",
        "0 | default: 2.99": "0",
        "false | default: true, allow_false: true": "false",
        "contact.tags | default: 'none'": "none",
    },
    "divided_by": {"16 | divided_by: 4": "4", "5 | divided_by: 3": "1", "20 | divided_by: 7.0": "2.857142857142857"},
    "downcase": {"'Parker Moore' | downcase": "parker moore"},
    "escape": {
        """"Have you read 'James & the Giant Peach'?" | escape""": "Have you read &#39;James &amp; the Giant Peach&#39;?",
        "'Tetsuro Takara' | escape": "Tetsuro Takara",
        "'<p>&quot;' | escape": "&lt;p&gt;&amp;quot;",
    },
    "escape_once": {
        "'1 < 2 & 3' | escape_once": "1 &lt; 2 &amp; 3",
        "'1 &lt; 2 &amp; 3' | escape_once": "1 &lt; 2 &amp; 3",
        "'&#39;&#x27;' | escape_once": "&#39;&#x27;",
    },
    "escapejs": {},  # of python-liquid alone
    "find": {"contact.properties.people | find: 'n', 'Bo' | map: 'x'": "true"},
    "find_index": {"contact.properties.people | find_index: 'n', 'al'": "1"},
    "first": {"'Ground control to Major Tom.' | split: ' ' | first": "Ground"},
    "floor": {"1.2 | floor": "1", "2.0 | floor": "2", "183.357 | floor": "183", "'3.5' | floor": "3"},
    "has": {"contact.properties.people | has: 'n', 'al'": "true", "contact.properties.people | has: 'n', 'Zed'": "false"},
    "join": {"'John, Paul' | split: ', ' | join: ' and '": "John and Paul", "contact.properties.list | join": "b  a"},
    "json": {
        "'a\"b' | json": '"a\\"b"',
        "contact.properties.missing | json": "null",
        "contact.properties.list | compact | json": '["b", "a"]',
    },
    "last": {"'Ground control to Major Tom.' | split: ' ' | last": "Tom."},
    "lstrip": {"'  a b  ' | lstrip": "a b  "},
    "map": {"contact.properties.people | map: 'n' | join: ','": "Bo,al,Bo"},
    "minus": {"4 | minus: 2": "2", "16 | minus: 4": "12", "183.357 | minus: 12": "171.357"},
    "modulo": {"3 | modulo: 2": "1", "24 | modulo: 7": "3", "183.357 | modulo: 12": "3.357", "-1.5 | modulo: 2": "0.5"},
    "newline_to_br": {"contact.properties.space | newline_to_br": " <br />\n"},
    "plus": {"4 | plus: 2": "6", "16 | plus: 4": "20", "183.357 | plus: 12": "195.357"},
    "prepend": {"'apples' | prepend: 'Some fruit: '": "Some fruit: apples"},
    "reject": {"contact.properties.people | reject: 'n', 'Bo' | map: 'n'": "al"},
    "remove": {"'I strained to see the train through the rain' | remove: 'rain'": "I sted to see the t through the "},
    "remove_first": {"'the train the rain' | remove_first: 'rain'": "the t the rain"},
    "remove_last": {"'the train the rain' | remove_last: 'rain'": "the train the ", "'rain' | remove_last: 'rain'": ""},
    "replace": {"'my time, my way' | replace: 'my', 'your'": "your time, your way"},
    "replace_first": {"'my time, my way' | replace_first: 'my', 'your'": "your time, my way"},
    "replace_last": {"'my time, my way' | replace_last: 'my', 'your'": "my time, your way", "'a' | replace_last: 'a', 'b'": "b"},
    "reverse": {"'a,b,c' | split: ',' | reverse | join: ','": "c,b,a"},
    "round": {
        "1.2 | round": "1",
        "2.7 | round": "3",
        "183.357 | round: 2": "183.36",
        "4.5 | round": "5",
        "2.5 | round": "3",
        "-4.5 | round": "-5",
        "2.675 | round: 2": "2.68",
        "7 | round": "7",
        "7 | round: 2": "7",
        "'4.5' | round": "5",
        "nothing | round": "0",
    },
    "rstrip": {"'  a b  ' | rstrip": "  a b"},
    "size": {"'Ground control to Major Tom.' | size": "28", "contact.properties.list | size": "3", "nothing | size": "0"},
    "slice": {
        "'Liquid' | slice: 0": "L",
        "'Liquid' | slice: 2": "q",
        "'Liquid' | slice: 2, 5": "quid",
        "'Liquid' | slice: -3, 2": "ui",
        "'John,Paul,George' | split: ',' | slice: 1, 2 | join: ' '": "Paul George",
        "contact.last_name | slice: 0": "",
    },
    "sort": {"'zebra,octopus,giraffe,Sally' | split: ',' | sort | join: ','": "Sally,giraffe,octopus,zebra"},
    "sort_natural": {"'zebra,octopus,giraffe,Sally' | split: ',' | sort_natural | join: ','": "giraffe,octopus,Sally,zebra"},
    "split": {
        "'a, b, c' | split: ', ' | join: '|'": "a|b|c",
        "'a,b,,' | split: ',' | size": "2",
        "'abc' | split: '' | join: '-'": "a-b-c",
    },
    "squish": {"'  a   b  ' | squish": "a b"},
    "strip": {"'  a b  ' | strip": "a b"},
    "strip_html": {
        "'Have <em>you</em> read <strong>Ulysses</strong>?' | strip_html": "Have you read Ulysses?",
        "'a<script>b</script>c<!-- d > -->e<style>f</style>g' | strip_html": "aceg",
        "'1 < 2' | strip_html": "1 < 2",
    },
    "strip_newlines": {"contact.properties.space | strip_newlines": " "},
    "sum": {"'1,2,3' | split: ',' | sum": "6"},
    "times": {"3 | times: 2": "6", "24 | times: 7": "168", "183.357 | times: 12": "2200.284"},
    "truncate": {
        "'Ground control to Major Tom.' | truncate: 20": "Ground control to...",
        "'Ground control to Major Tom.' | truncate: 25, ', and so on'": "Ground control, and so on",
        "'Ground control to Major Tom.' | truncate: 20, ''": "Ground control to Ma",
        "'Clara' | truncate: 5": "Clara",
        "'Clara' | truncate: 4": "C...",
        "'Clara' | truncate: 2": "...",
    },
    "truncatewords": {
        "'Ground control to Major Tom.' | truncatewords: 3": "Ground control to...",
        "'Ground control to Major Tom.' | truncatewords: 3, '--'": "Ground control to--",
        "'Ground control to Major Tom.' | truncatewords: 3, ''": "Ground control to",
        "'Red wool scarf' | truncatewords: 3": "Red wool scarf",
        "'Red wool scarf' | truncatewords: 0": "Red...",
        "'Red  wool' | truncatewords": "Red  wool",
    },
    "uniq": {
        "'ants,bugs,bees,bugs,ants' | split: ',' | uniq | join: ','": "ants,bugs,bees",
        "contact.properties.people | uniq: 'n' | size": "2",
    },
    "upcase": {"'Parker Moore' | upcase": "PARKER MOORE"},
    "url_decode": {"'%27Stop%21%27+said+Fred' | url_decode": "'Stop!' said Fred"},
    "url_encode": {"'john@liquid.com' | url_encode": "john%40liquid.com", "'Tetsuro Takara' | url_encode": "Tetsuro+Takara"},
    "url_host": {},  # ours, see tests/tracking/templates/test_merge.py
    "url_path": {},
    "url_query": {},
    "where": {
        "contact.properties.people | where: 'n', 'Bo' | size": "2",
        "contact.properties.people | where: 'x' | map: 'n'": "Bo",
    },
}


@pytest.mark.parametrize(("expression", "text"), [each for examples in FILTERS.values() for each in examples.items()])
def test_a_filter_gives_the_documented_result(expression: str, text: str) -> None:
    assert rendered(f"{{{{ {expression} }}}}") == text


def test_every_filter_that_a_template_can_use_is_in_the_table() -> None:
    assert set(ENVIRONMENT.filters) == set(FILTERS)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ '<b>' | escape }}", "&lt;b&gt;"),
        ("{{ contact.first_name | escape }}", "&lt;i&gt;&amp;"),
        ("{{ contact.first_name | escape_once }}", "&lt;i&gt;&amp;"),
        ("{{ contact.first_name | truncate: 2, '' }}", "&lt;i"),
        ("{{ contact.first_name | replace_last: '&', '!' }}", "&lt;i&gt;!"),
        ("{{ contact.tags | join: ',' }}{{ contact.tags | uniq }}", "&lt;u&gt;&lt;u&gt;"),
        ("{{ contact.first_name | strip_html }}", "&amp;"),
        ("{{ contact.first_name | date: contact.first_name }}", "&lt;i&gt;&amp;"),
    ],
)
def test_in_html_what_a_contact_typed_is_never_markup(source: str, text: str) -> None:
    assert render(source, contact={"first_name": "<i>&", "tags": ["<u>"]}, html=True) == text
