"""Destinations with merge fields: judged at save, filled in so that no value leaves its place."""

import pytest

from tracking.links.destination import DestinationError
from tracking.templates.merge import judge, render_destination, without_fields
from tracking.templates.template import TemplateError


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("{{ contact.id }}", "begin with http"),
        ("ftp://x.test/{{ contact.id }}", "begin with http"),
        ("https://{{ contact.id }}", "host ends with a merge field"),
        ("https://x.test{{ contact.id }}", "host ends with a merge field"),
        ("https://x.test:{{ contact.id }}/", "host ends with a merge field"),
        ("https://{{ contact.id }}@x.test/", "user name"),
        ("https://x.test:8{{ contact.id }}0/", "valid host or port"),
        ("https://x.test/{% if contact.id %}a{% endif %}", "contains a tag"),
        ("https://x.test/{% raw %}a{% endraw %}", "contains a tag"),
        ("https://x.test/ {{ contact.id }}", "space"),
    ],
)
def test_a_destination_that_can_lead_nowhere_is_refused_at_save(written: str, reason: str) -> None:
    with pytest.raises(DestinationError, match=reason):
        judge(written)


@pytest.mark.parametrize(
    ("url", "contact_id"),
    [
        ("https://{{ contact.id }}.x.test/", "evil.test/"),
        ("https://{{ contact.id }}.x.test/", "evil.test#"),
        ("https://{{ contact.id }}.x.test/", "evil.test\\"),
        ("https://{{ contact.id }}.x.test/", "me@evil.test"),
        ("https://{{ contact.id }}.x.test/", "a:80"),
        ("https://{{ contact.id }}.x.test/", "a b"),
        ("https://{{ contact.id }}.x.test/", None),
        ("https://x.test/{{ contact.id }}", "a" * 8200),
    ],
)
def test_a_value_that_would_change_or_break_the_host_is_refused(url: str, contact_id: object) -> None:
    with pytest.raises(DestinationError):
        render_destination(url, contact={"id": contact_id})


@pytest.mark.parametrize("value", ["..", ".", "../admin", "a/../../b", "a/.", "./a"])
def test_a_value_that_would_climb_the_path_is_refused(value: str) -> None:
    with pytest.raises(TemplateError, match="only dots"):
        render_destination("https://x.test/a/{{ contact.id }}", contact={"id": value})


@pytest.mark.parametrize(
    ("url", "contact_id", "address"),
    [
        ("https://x.test/{{ contact.id }}/b", "a b", "https://x.test/a%20b/b"),
        ("https://x.test/{{ contact.id }}", "shoes/red?x#y", "https://x.test/shoes/red%3Fx%23y"),
        ("https://x.test/{{ contact.id }}", "//evil.test", "https://x.test///evil.test"),
        ("https://x.test/{{ contact.id }}", None, "https://x.test/"),
        ("https://x.test/{{ contact.id }}", 5, "https://x.test/5"),
        ("https://x.test/{{ contact.id }}", True, "https://x.test/true"),
        ("https://x.test/?a={{ contact.id }}&b=c", "1&b=2/ü#", "https://x.test/?a=1%26b%3D2%2F%C3%BC%23&b=c"),
        ("https://x.test/?a={{ contact.id }}", "..", "https://x.test/?a=.."),
        ("https://x.test/#{{ contact.id }}", "a b", "https://x.test/#a%20b"),
        ("https://x.test/?a={{ contact.id | url_encode }}", "a b&c", "https://x.test/?a=a+b%26c"),
        ("https://x.test/?a={{ contact.id | upcase | default: 'x' }}", "", "https://x.test/?a=x"),
        ("https://{{ contact.id }}.x.test/", "shop", "https://shop.x.test/"),
        ("https://{{ contact.id }}.x.test/", "bücher", "https://xn--bcher-kva.x.test/"),
        ("https://x.test/{{ contact.id }}", "a\r\nSet-Cookie: b", "https://x.test/a%0D%0ASet-Cookie%3A%20b"),
    ],
)
def test_values_are_encoded_for_their_place(url: str, contact_id: object, address: str) -> None:
    judge(url)
    assert render_destination(url, contact={"id": contact_id}) == address


def test_the_same_destination_has_the_same_key() -> None:
    assert judge("https://X.test").key == judge("https://x.test:443/").key
    assert judge("https://x.test/{{contact.id}}").key == judge("https://x.test/{{  contact.id  }}").key
    assert judge("https://x.test/{{ contact.id }}").key != judge("https://x.test/{{ contact.email }}").key


def test_what_is_stored_is_the_address_that_browsers_write_or_the_template() -> None:
    assert judge("https://X.test").url == "https://x.test/"
    assert judge("https://X.test").written == "https://X.test"
    assert judge("https://X.test/{{contact.id}}").url == "https://X.test/{{contact.id}}"


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [
        ("https://x.test/a?utm_term={{ contact.first_name }}&b=1", "https://x.test/a?utm_term=&b=1"),
        ("https://x.test/a?b={{ contact.id }}{{ contact.email }}#c", "https://x.test/a?b=#c"),
        ("https://x.test/{{ contact.id }}?b={{ contact.id }}", None),
        ("https://{{ contact.external_id }}.x.test/?b=1", None),
        ("https://x.test/?a=1#{{ contact.id }}", None),
        ("https://x.test/#a?b={{ contact.id }}", None),
    ],
)
def test_without_its_fields_a_link_leads_on_when_all_of_them_stand_in_the_query(url: str, leads_to: str | None) -> None:
    assert without_fields(url) == leads_to
