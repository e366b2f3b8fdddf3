"""Cutting a template into tokens: what python-liquid's own lexer says, in time that grows with the length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid.exceptions import LiquidSyntaxError
from liquid.lex import get_lexer
from liquid.token import TOKEN_CONTENT

from tracking.templates.lexer import MAX_BRACKETS, MAX_EXPRESSION, MAX_SPACES, MAX_TAGS, tokens
from tracking.templates.template import TemplateError, check_template, render

PARTS = [
    *(
        "a",
        " ",
        "-",
        "{",
        "}",
        "%",
        "%}",
        "}}",
        "x y",
        "{{ a }}",
        "{{- a -}}",
        "{{}}",
        "{{-}}",
        "{{--}}",
        "{{ }}",
        "{{ a | b: '}' }}",
    ),
    *(
        "{% if a %}",
        "{%- if a -%}",
        "{%if%}",
        "{%-if-%}",
        "{% # b %}",
        "{%#%}",
        "{% comment %}",
        "{% endcomment -%}",
        "{%%}",
        "{% - %}",
    ),
    *("{% raw %}", "{% endraw %}", "{%- raw -%}", "{% doc %}", "{% enddoc %}", "{{", "{%", "{% liquid\nassign a = 1\necho a %}"),
]


def merged(found: list[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Texts beside each other are one: the library cuts some of them at their end."""
    row: list[tuple[str, str, int]] = []
    for kind, value, start in found:
        if row and kind == TOKEN_CONTENT == row[-1][0]:
            row[-1] = (kind, row[-1][1] + value, row[-1][2])
        else:
            row.append((kind, value, start))
    return row


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_the_tokens_are_those_of_the_library(source: str) -> None:
    try:
        expected = merged([(token.kind, token.value, token.start_index) for token in get_lexer()(source)])
    except LiquidSyntaxError as error:
        with pytest.raises(LiquidSyntaxError, match=str(error.message)):
            list(tokens(source))
        return
    found = merged([(token.kind, token.value, token.start_index) for token in tokens(source)])
    assert [each[:2] for each in found] == [each[:2] for each in expected]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 'a' -}} b\n", "ab\n"),  # the library loses the line end
        ("{% raw %}a{% endraw -%} b", "ab"),
        ("{% raw -%} a{% endraw %} b", " a b"),
    ],
)
def test_white_space_is_left_out_where_the_dashes_say_so(source: str, text: str) -> None:
    assert render(source, contact={}) == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ 1 }}" * (MAX_TAGS + 1), "more than 2,000 outputs and tags"),
        ("{% liquid" + "\nassign a = 1" * (MAX_TAGS + 1) + " %}", "more than 2,000 outputs and tags"),
        ("{{ '" + "a" * MAX_EXPRESSION + "' }}", "4,002 characters long; at most 4,000"),
        ("{% liquid\nassign a = '" + "a" * MAX_EXPRESSION + "' %}", "4,013 characters long; at most 4,000"),
        ("{{ a" + "[0]" * (MAX_BRACKETS + 1) + " }}", "more than 50 brackets"),
        ("{{ a" + " " * (MAX_SPACES + 1) + "| b }}", "more than 100 spaces"),
        ("{{" * 5_000, "expected '}}'"),
        ("{% raw %}" + "a" * 90_000, "unexpected tag 'raw'"),
        ("{% if 1" + " and 1" * 600 + " %}{% endif %}", "not valid|parsing error"),
    ],
)
def test_what_is_beyond_the_limits_is_refused_by_name(source: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        check_template(source)


def test_what_is_at_the_limits_is_read() -> None:
    check_template("{{ 1 }}" * MAX_TAGS)
    check_template("{{ '" + "a" * (MAX_EXPRESSION - 2) + "' }}")
    check_template("{{ contact.tags" + "[0]" * MAX_BRACKETS + " }}")
    check_template("{% # " + "a" * 50_000 + " %}{% comment %}" + "{{ (" * 10_000 + "{% endcomment %}")
