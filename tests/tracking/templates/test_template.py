"""Templates: wrong ones are refused at save with their place, the others are filled in and bounded."""

import pytest

from tracking.templates.template import CONTACT_FIELDS, MAX_SOURCE, TemplateError, check_template, render

ANNA = {
    "id": "c1",
    "first_name": "Anna",
    "last_name": None,
    "tags": ["a", "b"],
    "properties": {"vip": True, "city": "Köln", "n": 3},
}


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("Hi {{ contact.first_name", (1, 4), "expected '}}'"),
        ("Hi\n {{ }}", (2, 2), "expected a primitive expression"),
        ("a\nb {% if contact.id %}c", (2, 3), "expected tag endif"),
        ("a {% untracked %}c", (1, 3), "expected tag enduntracked"),
        ("a {% for x in contact.tags %}{% if x %}{% endif %}", (1, 3), "expected tag endfor"),
        ("\n\n{% nope %}", (3, 4), "unexpected tag 'nope'"),
        ("{% endif %}", (1, 4), "unexpected tag 'endif'"),
        ("{% raw %}a", (1, 4), "unexpected tag 'raw'"),
        ("{% comment %}a", (1, 4), "never closed"),
        ("{% if contact.id == %}a{% endif %}", (1, 1), "expected a primitive"),
        ("{% if", (1, 1), "missing tag name"),
        ("{{ 'a }}", (1, 4), 'unexpected "\'"'),
        ("{{ contact.id | nope }}", (1, 17), "no filter nope"),
        ("{{ contact.id | append }}", (1, 17), "missing a required argument"),
        ("{{ contact.id | upcase: 1 }}", (1, 17), "too many positional arguments"),
        ("{{ contact.id | default: 1, nope: 2 }}", (1, 17), "unexpected keyword argument"),
        ("{% assign a = contact.id | nope %}", (1, 28), "no filter nope"),
        ("{% include 'x' %}", (1, 4), "unexpected tag 'include'"),
        ("{% render 'x' %}", (1, 4), "unexpected tag 'render'"),
        ("Hi {{ first_name }}", (1, 7), "no merge field first_name"),
        ("Hi {{ contact.frist_name }}", (1, 7), "no merge field contact.frist_name"),
        ("{% if contact.nope %}{% endif %}", (1, 7), "no merge field contact.nope"),
        ("{{ organization.id }}", (1, 4), "no merge field organization.id"),
        ("{{ tracked_links[0] }}", (1, 4), "no merge field tracked_links"),
        ("{% assign contact = 1 %}", (1, 11), "contact is reserved"),
        ("{% capture links %}{% endcapture %}", (1, 12), "links is reserved"),
        ("{% for tracked_links in contact.tags %}{% endfor %}", (1, 8), "tracked_links is reserved"),
        ("{% increment organization %}", (1, 14), "organization is reserved"),
        ("{% for i in (1..2000) %}{% endfor %}", (1, 13), "at most 1,000 numbers"),
        ("{% for i in (1..contact.properties.n) %}{% endfor %}", (1, 13), "from one whole number"),
        ("{{ (1..1000000000) | join }}", (1, 4), "at most 1,000 numbers"),
    ],
)
def test_a_wrong_template_is_refused_with_its_place(source: str, place: tuple[int, int], reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        check_template(source)
    assert (caught.value.line, caught.value.column) == place
    assert reason in caught.value.message


def test_a_very_long_template_is_refused() -> None:
    check_template("a" * MAX_SOURCE)
    with pytest.raises(TemplateError, match="200,001 characters"):
        check_template("a" * (MAX_SOURCE + 1))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ 1 | divided_by: contact.properties.none }}", "divide by 0"),
        ("{% if 1 < contact.first_name %}{% endif %}", "not supported between"),
        ("{% break %}", "break"),
        ("{% for a in (1..100) %}{% for b in (1..100) %}{% endfor %}{% endfor %}", "loop iteration limit"),
        ("{% assign a = 'aaaaaaaa' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}", "longer than"),
        ("{% assign a = 'aaaaaaaa' %}{% for i in (1..99) %}{% assign a = a | replace: '', a %}{% endfor %}", "longer than"),
        (
            "{% assign a = 'a,b' | split: ',' %}{% for i in (1..99) %}{% assign a = a | concat: a %}{% endfor %}",
            "local namespace limit",
        ),
        (
            "{% assign a = 'a,b' | split: ',' %}{% for i in (1..99) %}{% assign b = a | join: b | append: b %}{% endfor %}",
            "longer than",
        ),
        ("{% assign a = 9 %}{% for i in (1..99) %}{% assign a = a | times: a %}{% endfor %}", "longer than"),
        ("{% for i in (1..1000) %}" + "0123456789" * 100 + "{% endfor %}", "output stream limit"),
        ("{{ contact.last_name }}{{ contact.properties.bad }}", "could not be filled in"),
    ],
)
def test_what_goes_wrong_while_filling_in_is_a_template_error(source: str, reason: str) -> None:
    check_template(source)
    with pytest.raises(TemplateError, match=reason):
        render(source, contact={**ANNA, "properties": {"bad": "\ud800"}})


@pytest.mark.parametrize("field", sorted(CONTACT_FIELDS))
def test_every_field_of_a_contact_can_be_used(field: str) -> None:
    check_template(f"{{{{ contact.{field} }}}}")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ contact.first_name }}!", "Hi Anna!"),
        ("[{{ contact.last_name }}{{ contact.email }}{{ contact.properties.none.deep }}]", "[]"),
        ("{{ contact.last_name | default: 'there' }}", "there"),
        ("{{ contact.properties.city | upcase }} {{ contact.properties['n'] | plus: 1 }}", "KÖLN 4"),
        ("{% if contact.properties.vip %}VIP{% else %}you{% endif %}", "VIP"),
        ("{% for tag in contact.tags %}{{ forloop.index }}{{ tag }} {% endfor %}", "1a 2b "),
        ("{% assign a = contact.tags | first %}{{ a }}", "a"),
        ("a\r\nb\n", "a\r\nb\n"),
        ("{% for a in contact.tags %}{% if seen %}again{% endif %}{% assign seen = true %}{% endfor %}", "again"),
        ("{% capture a %}x\r\ny{% endcapture %}{{ a }}", "x\r\ny"),
        ("{% raw %}{{ contact.id }}{% endraw %}", "{{ contact.id }}"),
        ("{% comment %}{{ nope }}{% endcomment %}", ""),
        ("a {% untracked %}{{ contact.id }} {% if contact.id %}b{% endif %}{% enduntracked %}", "a c1 b"),
        ("{{ '<b>' }} & 'x'", "<b> & 'x'"),
        ("{{ organization.name }}: {{ unsubscribe_url }}", "Shop: https://x.test/u"),
        ("{{ enrollment.variables.offer }}{{ enrollment.variables.none }} {{ enrollment.variables.off | plus: 1 }}", "spring 11"),
    ],
)
def test_a_template_is_filled_in(source: str, text: str) -> None:
    check_template(source)
    shop, enrollment = {"name": "Shop"}, {"variables": {"offer": "spring", "off": 10}}
    assert render(source, contact=ANNA, organization=shop, enrollment=enrollment, unsubscribe_url="https://x.test/u") == text


def test_an_enrollment_has_variables_and_nothing_else() -> None:
    with pytest.raises(TemplateError, match=r"no merge field enrollment\.state; known for enrollment are: variables\."):
        check_template("{{ enrollment.state }}")
    assert render("[{{ enrollment.variables.offer }}]", contact=ANNA) == "[]"


def test_links_are_filled_in_by_their_position() -> None:
    assert render("{{ tracked_links[1] }} {{ tracked_links[0] }}", contact={}, tracked_links=("a", "b")) == "b a"


def test_further_fields_are_possible_and_replace_no_documented_one() -> None:
    check_template("{{ order.total }} {{ contact.id }}", extra={"order"})
    with pytest.raises(
        TemplateError, match=r"no merge field order; known are: contact, enrollment, links, organization, unsubscribe_url\."
    ):
        check_template("{{ order.total }}")
    assert render("{{ order.total }} {{ contact.id }}", contact=ANNA, extra={"order": {"total": 5}, "contact": {}}) == "5 c1"


def test_a_template_is_parsed_once() -> None:
    from tracking.templates.template import parse

    assert parse("{{ contact.id }}") is parse("{{ contact.id }}")
