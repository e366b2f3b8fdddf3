"""What one rendering may cost, counted over the whole template."""

import time
from itertools import count

import pytest

from tracking.templates import budget
from tracking.templates.budget import MAX_CAPTURED, MAX_LOOPS, MAX_OUTPUT, MAX_STEPS, MESSAGE_SECONDS
from tracking.templates.template import TemplateError, TooMuch, check_rendering, check_template, render

CONTACT = {"tags": ["a"] * 600, "properties": {"big": "x" * 60_000, "tagged": "a<b " * 12_000}}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts are alone: on a slow machine, or while coverage is measured, the clock would come before them."""
    monkeypatch.setattr(budget, "MAX_SECONDS", 100.0)
    monkeypatch.setattr(budget, "MESSAGE_SECONDS", 100.0)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% for a in (1..1000) %}{% assign b = a | plus: 1 %}{% endfor %}" * 600, "loop iteration limit"),
        ("{% for a in (1..500) %}{% endfor %}{% for a in (1..501) %}{% endfor %}", "more than 1,000 rounds"),
        ("{% for a in (1..32) %}{% for b in (1..32) %}{% endfor %}{% endfor %}", "loop iteration limit"),
        ("{% tablerow a in (1..1000) %}{% endtablerow %}{% for a in (1..2) %}{% endfor %}", "loop iteration limit"),
        ("{% for a in (1..1000) %}" + "{% if 1 %}{% endif %}" * 50 + "{% endfor %}", f"more than {MAX_STEPS:,} steps"),
        ("{% case 1 %}{% when 1" + ",1" * 999 + " %}" + "{{ 1 }}" * 99 + "{% endcase %}", f"more than {MAX_STEPS:,} steps"),
        ("{% for a in (1..1000) %}" + "x" * 501 + "{% endfor %}", f"more than {MAX_OUTPUT:,} bytes"),
        (
            "{% for a in (1..50) %}{% capture b %}" + "x" * 50_000 + "{% endcapture %}{% endfor %}",
            f"{MAX_CAPTURED:,} bytes are captured",
        ),
    ],
)
def test_what_would_go_beyond_its_budget_for_everybody_is_known_before_it_is_sent(
    source: str, reason: str, patient: None
) -> None:
    check_template(source)
    for html in (False, True):
        with pytest.raises(TooMuch, match=reason):
            check_rendering(source, html=html)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% for a in contact.tags %}{% endfor %}" * 2, "loop iteration limit"),
        ("{% for a in (1..1000) %}{{ contact.properties.big | size }}{% endfor %}", "filters work on too much"),
        ("{{ contact.properties.tagged | strip_html | size }}" * 100, "filters work on too much"),
    ],
)
def test_what_goes_beyond_it_for_one_contact_fails_for_that_contact_alone(source: str, reason: str, patient: None) -> None:
    check_template(source)
    check_rendering(source)
    with pytest.raises(TooMuch, match=reason):
        render(source, contact=CONTACT)


def test_a_rendering_at_its_limits_is_done(patient: None) -> None:
    check_rendering("{% for a in (1..1000) %}" + "{{ a }}" * 40 + "{% endfor %}")
    check_rendering("{% for a in (1..2) %}{% for b in (1..499) %}{{ b }}{% endfor %}{% endfor %}")
    check_rendering("x" * 199_000)
    assert MAX_LOOPS == 1_000


def test_the_clock_ends_what_the_counts_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MESSAGE_SECONDS", -1.0)
    with pytest.raises(TooMuch, match="takes too long"):
        check_rendering("{{ 'a' | upcase }}")
    with pytest.raises(TooMuch, match="takes too long"):
        check_rendering("{{ 'a' }}" * 200)


def test_a_condition_on_a_long_text_is_watched_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads what no filter reads and no step counts."""
    monkeypatch.setattr(budget, "MAX_SECONDS", -1.0)
    with pytest.raises(TooMuch, match="takes too long"):
        render("{% if contact.properties.big contains 'b' %}{% endif %}", contact=CONTACT)


def test_the_texts_of_one_message_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = count()
    monkeypatch.setattr(time, "thread_time", lambda: 0.3 * MESSAGE_SECONDS * next(looks))
    text = "{{ 'a' | size }}"  # two looks at the clock
    render(text, contact=CONTACT)
    with budget.together():
        render(text, contact=CONTACT)
        with pytest.raises(TooMuch, match="takes too long"):
            render(text, contact=CONTACT)
    render(text, contact=CONTACT)


def test_what_depends_on_the_fields_of_a_contact_is_no_error_of_the_text() -> None:
    check_rendering("{{ 1 | divided_by: contact.properties.number }}{% if contact.first_name < 3 %}{% endif %}")


def test_a_value_that_is_assigned_again_counts_once() -> None:
    check_rendering("{% for a in (1..500) %}{% assign b = 'x' | append: contact.first_name %}{% endfor %}")
    with pytest.raises(TemplateError, match="local namespace limit"):
        render("".join(f"{{% assign a{number} = contact.properties.big %}}" for number in range(9)), contact=CONTACT)
