"""UTM parameters: where they go, who wins, and that nothing else of the address changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.links.destination import DestinationError, check_destination
from tracking.links.links import compile_text
from tracking.links.utm import add_utm, check_utm_value, with_utm
from tracking.templates.merge import render_destination
from tracking.templates.template import TemplateError

UTM = {"utm_source": "linkwake", "utm_campaign": "spring sale & more"}
BOTH = "utm_source=linkwake&utm_campaign=spring%20sale%20%26%20more"


@pytest.mark.parametrize(
    "value", ["{{ contact.nope }}", "{{ links.offer }}", "{{ unsubscribe_url }}", "{% if contact.id %}a{% endif %}", "{{"]
)
def test_a_value_that_is_not_text_with_fields_is_refused(value: str) -> None:
    with pytest.raises(TemplateError):
        check_utm_value(value)


def test_an_address_that_gets_too_long_is_refused() -> None:
    (link,) = compile_text("https://x.test/" + "a" * 8100).links
    with pytest.raises(DestinationError):
        with_utm(link, {"utm_source": "ü" * 50})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.test/", f"https://x.test/?{BOTH}"),
        ("https://x.test/#a?b=1", f"https://x.test/?{BOTH}#a?b=1"),
        ("https://x.test/?", f"https://x.test/?{BOTH}"),
        ("https://x.test/?#", f"https://x.test/?{BOTH}#"),
        ("https://x.test/?a=1", f"https://x.test/?a=1&{BOTH}"),
        ("https://x.test/?a=1&", f"https://x.test/?a=1&{BOTH}"),
        ("https://x.test/?a=%2f+%2B&&b=c?d#e#f", f"https://x.test/?a=%2f+%2B&&b=c?d&{BOTH}#e#f"),
        ("https://x.test/?UTM_SOURCE=a", f"https://x.test/?UTM_SOURCE=a&{BOTH}"),
        ("https://x.test/?utm_source=", "https://x.test/?utm_source=&" + BOTH.split("&", 1)[1]),
        ("https://x.test/?utm%5Fsource", "https://x.test/?utm%5Fsource&" + BOTH.split("&", 1)[1]),
        ("https://x.test/?a={{ contact.id | append: '&utm_source=#?' }}", None),
    ],
)
def test_what_is_there_already_wins_and_the_rest_goes_before_the_fragment(url: str, expected: str | None) -> None:
    assert add_utm(url, UTM) == (expected or f"{url}&{BOTH}")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.test/?utm_source=a&b=1&utm_source=c", "https://x.test/?utm_source=new&b=1"),
        ("https://x.test/?b=1&utm%5fsource=a#c", "https://x.test/?b=1&utm_source=new#c"),
        ("https://x.test/?b=1", "https://x.test/?b=1&utm_source=new"),
        ("https://x.test/?utm_source={{ contact.id }}&b={{contact.id}}", "https://x.test/?utm_source=new&b={{contact.id}}"),
    ],
)
def test_with_overwrite_a_parameter_is_replaced_where_it_stands(url: str, expected: str) -> None:
    assert add_utm(url, {"utm_source": "new"}, overwrite=True) == expected


def test_a_merge_field_in_a_parameter_makes_the_link_one_for_each_recipient() -> None:
    (link,) = compile_text("https://x.test/a#b").links
    tagged = with_utm(link, {"utm_content": "plan {{ contact.properties.plan }}"})
    assert tagged.merge
    assert tagged.written == "https://x.test/a#b"
    contact = {"properties": {"plan": "a&b=c#"}}
    assert render_destination(tagged.url, contact=contact) == "https://x.test/a?utm_content=plan%20a%26b%3Dc%23#b"


def test_without_parameters_to_add_the_link_stays_as_it_is() -> None:
    (link,) = compile_text("https://x.test/?utm_source=a").links
    assert with_utm(link, {"utm_source": "b"}) is link
    assert with_utm(link, {}) is link


PARTS = st.text(alphabet="ab=&?#%+/ü{}2", max_size=20)


@given(PARTS, st.text(min_size=1, max_size=10).filter(lambda value: "{" not in value and "}" not in value), st.booleans())
def test_only_the_query_grows_and_the_address_stays_one_that_browsers_write(tail: str, value: str, overwrite: bool) -> None:
    try:
        url = check_destination("https://x.test/" + tail)
        value.encode()
    except (DestinationError, UnicodeEncodeError):
        return
    if "{{" in url or "{%" in url:
        return
    tagged = add_utm(url, {"utm_source": value}, overwrite)
    assert check_destination(tagged) == tagged
    before, mark, after = url.partition("#")
    assert tagged.startswith(before)
    assert tagged.endswith(mark + after)
