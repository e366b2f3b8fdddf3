"""Compiling a message: what becomes a tracked link, what never does, and what its author is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.links.links import CompiledText, Link, compile_text
from tracking.links.named_links import LinkError
from tracking.links.spelling import AsWritten
from tracking.templates.source import SourceError
from tracking.templates.template import TemplateError, render

OFFER = {"offer": "https://x.test/offer"}


def urls(compiled: CompiledText) -> list[str]:
    return [link.url for link in compiled.links]


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("a\nb https://user:secret@x.test/", (2, 3), "user name or password"),
        ("see https://x.test:99999/", (1, 5), "valid host or port"),
        ("see https://a..b/", (1, 5), "part between two dots"),
        ("see https:// now", (1, 5), "no host"),
        ("see https://{% if contact.id %}x.test{% endif %}", (1, 5), "no host"),
        ("see http://[::1 now", (1, 5), "valid host or port"),
        ("see http://-a.test.", (1, 5), "no - at the ends"),
        ("see https://x.test/" + "a" * 9000, (1, 5), "at most 8,192"),
        ("see https://x.test{{ contact.id }}", (1, 5), "host ends with a merge field"),
        ("{% for t in contact.tags %}https://x.test/{{ t }}{% endfor %}", (1, 46), "t is made by the text"),
        ("{% assign a = contact.id %}https://x.test/{{ a }}", (1, 46), "a is made by the text"),
        ("https://x.test/{% if contact.id %}a{% endif %}", (1, 16), "a tag cannot be part of a link"),
        ("https://x.test/{% if contact.id %}{{ contact.id }}{% endif %}", (1, 16), "a tag cannot be part of a link"),
        ("https://x.test/{% echo contact.id %}", (1, 16), "a tag cannot be part of a link"),
        ("{{ links.nope }}", (1, 1), "no link named nope; known names: offer"),
        ("{{ links.offer | upcase }}", (1, 4), "stands by itself"),
        ("{{ links['offer'] }}", (1, 4), "stands by itself"),
        ("{{ links }}", (1, 4), "stands by itself"),
        ("{{ links.offer.url }}", (1, 4), "stands by itself"),
        ("{% if links.offer %}{{ links.offer }}{% endif %}", (1, 7), "stands by itself"),
        ("{% assign a = links.offer %}", (1, 15), "stands by itself"),
        ("{% echo links.offer %}", (1, 9), "stands by itself"),
        ("{{ contact.id | append: links.offer }}", (1, 25), "stands by itself"),
        ("{{ links.offer }}?utm_source=sms", (1, 18), "nothing can be added"),
        ("{{ links.offer }}{{ contact.id }}", (1, 18), "nothing can be added"),
        ("https://y.test/?u={{ links.offer }}", (1, 1), "part of another address"),
        ("https://y.test/?u={{ contact.id | append: links.offer }}", (1, 1), "part of another address"),
        ("{% untracked %}{{ links.offer }}{% enduntracked %}", (1, 16), "always tracked"),
    ],
)
def test_a_link_that_cannot_be_tracked_is_refused_with_its_place(source: str, place: tuple[int, int], reason: str) -> None:
    with pytest.raises(LinkError) as caught:
        compile_text(source, OFFER)
    assert (caught.value.line, caught.value.column) == place
    assert reason in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("use", "column"),
    [
        ("{{ z | upcase }}", 4),
        ("{{ contact.id | append: z }}", 25),
        ("{% assign y = z %}", 15),
        ("{% echo z %}", 9),
        ("{% capture y %}{{ z }}{% endcapture %}{{ y | truncate: 9 }}", 42),
        ("{% capture y %}{{ z | url_encode }}{% endcapture %}", 19),
        ("{% if z == '' %}{{ z | upcase }}{% endif %}", 20),
    ],
)
@pytest.mark.parametrize("link", ["https://x.test/{{ contact.id }}", "{{ links.offer }}"])
def test_a_captured_link_cannot_be_changed(link: str, use: str, column: int) -> None:
    with pytest.raises(
        LinkError, match=r"has a link in it, which must not be changed; put it out by itself, as \{\{ [yz] \}\}\."
    ) as caught:
        compile_text(f"{{%- capture z -%}}See {link} {{% endcapture %}}\n{use}", OFFER, every_name=False)
    assert (caught.value.line, caught.value.column, len(caught.value.more)) == (2, column, 0)


@pytest.mark.parametrize(
    "source",
    [
        "{% capture z %}https://x.test{% endcapture %}{{ z }}, {{- z }}{% if z != '' %}{{z}}{% endif %}",
        "{% capture z %}https://x.test{% endcapture %}{% capture y %}a{% endcapture %}{{ z }}{{ y | upcase }}",
        "{% capture y %}a{% endcapture %}https://x.test {{ y | upcase }}",
        "{% capture z %}{% untracked %}https://x.test{% enduntracked %}{% endcapture %}https://x.test {{ z | upcase }}",
    ],
)
def test_a_captured_link_can_be_put_out_as_it_is(source: str) -> None:
    text = render(compile_text(source).template, contact={}, tracked_links=["http://l.test/aB"])
    assert "http://l.test/aB" in text


def test_everything_that_is_wrong_with_the_links_of_a_text_is_told_at_once() -> None:
    source = "https:// {{ links.offer | upcase }} {{ links.b }} https://y.test/?{{ links.offer }}/\nhttps://z.test {{links.nope}}"
    with pytest.raises(LinkError) as caught:
        compile_text(source, {**OFFER, "b": "b.test", "c": "https://x.test/offer"})
    assert [(error.name, error.line, error.column) for error in (caught.value, *caught.value.more)] == [
        ("b", None, None),
        ("c", None, None),
        (None, 1, 1),
        (None, 1, 13),
        (None, 1, 51),
        (None, 2, 16),
    ]


@pytest.mark.parametrize("source", ["{{ contact.nope }}", "{% if", "{{ tracked_links[0] }}", "{% assign links = 1 %}"])
def test_a_wrong_template_is_refused_as_one(source: str) -> None:
    with pytest.raises(TemplateError):
        compile_text(source)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"Offer": "https://x.test/"}, "is not possible"),
        ({"": "https://x.test/"}, "is not possible"),
        ({"1a": "https://x.test/"}, "is not possible"),
        ({"a-b": "https://x.test/"}, "is not possible"),
        ({"a\n": "https://x.test/"}, "is not possible"),
        ({"a" * 64: "https://x.test/"}, "is not possible"),
        ({"a": "x.test"}, "named link a: The address must begin"),
        ({"a": "https://u@x.test/"}, "named link a: The address contains a user name"),
        ({"a": "https://x.test/{{ contact.nope }}"}, "named link a: line 1, column 19: there is no merge field"),
        ({"a": "https://x.test/{% if %}"}, "named link a: line 1"),
        ({"a": "https://x.test/{% raw %}{% endraw %}"}, "named link a: The address contains a tag"),
        ({"a": "https://x.test/{{ links.b }}", "b": "https://x.test/"}, "named link a: Other links"),
        ({"a": "https://x.test", "b": "https://x.test/"}, "a and b have the same destination"),
        ({"a": "https://x.test", "b": "https://y.test/"}, "named link b is not in the text"),
    ],
)
def test_a_wrong_name_is_refused(named: dict[str, str], reason: str) -> None:
    with pytest.raises(LinkError, match=reason) as caught:
        compile_text("https://x.test/", named)
    assert caught.value.line is None


def test_a_name_that_is_only_in_text_that_is_not_tracked_is_refused() -> None:
    for source in ("{% untracked %}https://x.test/offer{% enduntracked %}", "{% raw %}{{ links.offer }}{% endraw %}"):
        with pytest.raises(LinkError, match="offer is not in the text"):
            compile_text(source, OFFER)


def test_at_most_31_links_fit_into_a_message() -> None:
    links = [f"https://x.test/{number}" for number in range(32)]
    assert len(compile_text(" ".join(links[:31] + links[:31])).links) == 31
    with pytest.raises(LinkError, match="more than 31 links"):
        compile_text(" ".join(links))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "no link",
        "www.x.test and x.test",
        "mailto:a@x.test tel:+49123 sms:+49123 myapp://open?u=https://x.test/",
        "{% untracked %}https://x.test/ {{ contact.id }}{% enduntracked %}",
        "{% untracked %}https://{% enduntracked %} is how addresses begin",
        "{% raw %}https://x.test/ {{ links.offer }}{% endraw %}",
        "{% comment %}https://user@x.test/ {{ links.nope }}{% endcomment %}",
        "{% comment %}{% comment %}a{% endcomment %}https://x.test/{% endcomment %}",
        "https://x.test/unsubscribe",
        "See HTTPS://X.TEST/mail/Unsubscribe.php?id=7#a.",
        "https://x.test/opt-out/7, https://x.test/opt_out https://x.test/a/OptOut/",
        "{{ unsubscribe_url }}",
        "https://x.test/u?to={{ unsubscribe_url }}",
        "{{ contact.properties.url }}",
        "{{ contact.properties.url | default: 'https://x.test/' }}",
        "{% assign a = 'https://x.test/' %}{{ a }}",
    ],
)
def test_what_is_never_tracked_stays_as_it_is(source: str) -> None:
    assert compile_text(source) == CompiledText(source, ())


@pytest.mark.parametrize(
    "source",
    ["https://unsubscribe.test/", "https://x.test/?a=/unsubscribe", "https://x.test/#/opt-out", "https://x.test/unsubscribed"],
)
def test_an_address_that_only_looks_like_one_for_unsubscribing_is_tracked(source: str) -> None:
    assert compile_text(source).template == "{{ tracked_links[0] }}"


def test_fields_of_an_address_for_unsubscribing_cannot_leave_their_place() -> None:
    compiled = compile_text("https://x.test/{{ contact.id }}/unsubscribe?m={{ contact.email }}&a={{ contact.id | url_encode }}")
    assert compiled.links == ()
    text = render(compiled.template, contact={"id": "a/1 b", "email": "a+b@x.test&c=d"})
    assert text == "https://x.test/a/1%20b/unsubscribe?m=a%2Bb%40x.test%26c%3Dd&a=a%2F1+b"


def test_an_address_for_unsubscribing_cannot_be_a_named_link() -> None:
    with pytest.raises(LinkError, match="named link a: An address for unsubscribing is never tracked"):
        compile_text("{{ links.a }}", {"a": "https://x.test/unsubscribe"})


def test_links_are_numbered_in_the_order_of_the_text_and_the_rest_stays() -> None:
    compiled = compile_text(
        "Hi {{ contact.first_name }},\r\nhttps://b.test/x. (https://a.test) {% if contact.id %}https://c.test{% endif %}!"
    )
    assert compiled.template == (
        "Hi {{ contact.first_name }},\r\n{{ tracked_links[0] }}. ({{ tracked_links[1] }}) "
        "{% if contact.id %}{{ tracked_links[2] }}{% endif %}!"
    )
    assert compiled.links == (
        Link(0, None, "https://b.test/x", False, "https://b.test/x"),
        Link(1, None, "https://a.test/", False, "https://a.test"),
        Link(2, None, "https://c.test/", False, "https://c.test"),
    )


def test_the_same_destination_is_one_link_however_it_is_written() -> None:
    source = "https://x.test HTTPS://X.TEST:443/ https://x.test/?a {{ links.home }}"
    compiled = compile_text(source, {"home": "https://x.test/"})
    assert render(compiled.template, contact={}, tracked_links=["L", "M"]) == "L L M L"
    assert [(link.name, link.url) for link in compiled.links] == [("home", "https://x.test/"), (None, "https://x.test/?a")]


@pytest.mark.parametrize(
    "source",
    [
        "https://x.test HTTPS://X.TEST:443/ https://x.test",
        "https://x.test/a'b%20c HTTPS://x.test/a'b%20c https://x.test/ü https://x.test/%C3%BC",
    ],
)
def test_untracked_each_spelling_of_an_address_goes_out_as_it_was_written(source: str) -> None:
    compiled = compile_text(source)
    untracked = [AsWritten(link.written) for link in compiled.links]
    assert render(compiled.template, contact={}, tracked_links=untracked) == source


def test_a_name_is_given_by_its_field_or_by_its_address() -> None:
    by_field = compile_text("Get it: {{links.offer}}.", OFFER)
    by_address = compile_text("Get it: https://x.test/offer.", OFFER)
    assert (
        by_field == by_address == ("Get it: {{ tracked_links[0] }}.", (Link(0, "offer", OFFER["offer"], False, OFFER["offer"]),))
    )


def test_white_space_control_of_a_named_link_stays() -> None:
    compiled = compile_text("a {{- links.offer -}} b {{ links.offer -}} c", OFFER)
    assert compiled.template == "a {{- tracked_links[0] -}} b {{ tracked_links[0] -}} c"
    assert render(compiled.template, contact={}, tracked_links=["L"]) == "aLb Lc"


def test_merge_fields_belong_to_the_address() -> None:
    source = "See https://x.test/{{ contact.id }}?a={{contact.email}}, or https://x.test/{{contact.id}}?a={{ contact.email }}."
    compiled = compile_text(source)
    assert compiled.template == "See {{ tracked_links[0] }}, or {{ tracked_links[0] }}."
    assert compiled.links[0].merge
    assert urls(compiled) == ["https://x.test/{{ contact.id }}?a={{contact.email}}"]


def test_a_named_link_can_have_merge_fields() -> None:
    compiled = compile_text("{{ links.a }} https://x.test/{{contact.id}}", {"a": "https://x.test/{{ contact.id }}"})
    assert compiled.links == (Link(0, "a", "https://x.test/{{ contact.id }}", True, "https://x.test/{{ contact.id }}"),)


def test_a_field_before_a_link_does_not_belong_to_it() -> None:
    assert compile_text("{{ contact.first_name }}https://x.test/").template == "{{ contact.first_name }}{{ tracked_links[0] }}"


def test_a_tag_ends_a_link() -> None:
    compiled = compile_text(
        "{% if contact.id %}https://a.test/{% else %}https://b.test/{% endif %}{% if contact.id %}. a{% endif %}"
    )
    assert urls(compiled) == ["https://a.test/", "https://b.test/"]


def test_fields_of_the_caller_can_be_in_an_address() -> None:
    assert compile_text("https://x.test/{{ order.id }}", extra={"order"}).links[0].merge


def test_a_thousand_links_to_one_place_compile_at_once() -> None:
    compiled = compile_text("https://x.test/{{ contact.id }} " * 1000)
    assert len(compiled.links) == 1
    assert compiled.template.count("tracked_links[0]") == 1000


PARTS = [
    "a",
    " ",
    "\n",
    ". ",
    "https://x.test/a",
    "https://y.test",
    "HTTPS://Y.test/",
    "{{ contact.id }}",
    "{% if contact.id %}",
    "{% endif %}",
    "查",
    "(",
]
PARTS += [
    "{% untracked %}",
    "{% enduntracked %}",
    "{{ links.offer }}",
    "mailto:a@x.test",
    "{% raw %}",
    "{% endraw %}",
    "{{ unsubscribe_url }}",
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_sent_with_its_own_addresses_a_compiled_text_reads_as_it_was_written(source: str) -> None:
    try:
        compiled = compile_text(source)
    except SourceError:
        return
    contact = {"id": "7"}
    own = [AsWritten(render(link.written, contact=contact)) for link in compiled.links]
    original = render(source, contact=contact, unsubscribe_url="https://u.test")
    assert render(compiled.template, contact=contact, tracked_links=own, unsubscribe_url="https://u.test") == original
