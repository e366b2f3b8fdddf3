"""The HTML part of an e-mail: what becomes a tracked link, what never does, and that nothing else is touched."""

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.links.html import compile_html
from tracking.links.links import CompiledText, compile_text
from tracking.links.named_links import LinkError
from tracking.links.spelling import AsWritten
from tracking.templates.template import TemplateError, render

OFFER = {"offer": "https://x.test/offer"}


def urls(compiled: CompiledText) -> list[str]:
    return [link.url for link in compiled.links]


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ('<p>\n<a href="https://me:secret@x.test/">', (2, 10), "user name"),
        ('<a href="https://x.test:99999/">', (1, 10), "valid host or port"),
        ('<a href="https://x.test/a\nb">', (1, 10), "contains a space"),
        ('<a href="https://x.test/&#x202e;a">', (1, 10), "invisible"),
        ('<a href="https://x.test/?a=&#123;&#123; contact.id }}">', (1, 10), "write { as %7B"),
        ('<a href="https://x.test/{&#37; if %}">', (1, 10), "write { as %7B"),
        ('<a href="https://x.test/{% if contact.id %}a{% endif %}">', (1, 10), "a tag cannot be part"),
        ('<a href="{% if contact.id %}https://a.test{% else %}https://b.test{% endif %}/c">', (1, 10), "a tag cannot be part"),
        ('<a href="{% if contact.id %}https://a.test{% endif %}{{ contact.id }}">', (1, 10), "a tag cannot be part"),
        ('<a href={% if contact.id %}"https://a.test"{% else %}"https://b.test"{% endif %}>', (1, 9), "outside of the tags"),
        ('<a href="{% for t in contact.tags %}https://x.test/{{ t }}{% endfor %}">', (1, 55), "made by the text"),
        ('<a href="{{ links.nope }}">', (1, 10), "no link named nope"),
        ('<a href="{{ links.offer }}?a=1">', (1, 27), "nothing can be added"),
        ('<a data-linkwake="of" href="https://x.test">', (1, 1), '"off" or "unsubscribe"'),
        ('<a data-linkwake="{{ contact.id }}" href="https://x.test">', (1, 1), '"off" or "unsubscribe"'),
        ('<div data-linkwake="off"><a href="https://x.test">', (1, 1), "belongs to an <a>"),
    ],
)
def test_a_link_that_cannot_be_tracked_is_refused_with_its_place(source: str, place: tuple[int, int], reason: str) -> None:
    with pytest.raises(LinkError) as caught:
        compile_html(source, OFFER)
    assert (caught.value.line, caught.value.column) == place
    assert reason in caught.value.message


def test_a_name_that_no_part_uses_is_refused() -> None:
    with pytest.raises(LinkError, match="the named link offer is not in the text"):
        compile_html("<p>", OFFER)


@pytest.mark.parametrize("source", ["{{ contact.nope }}", "{% if", "{{ contact.first_name | safe }}"])
def test_a_wrong_template_is_refused_as_one(source: str) -> None:
    with pytest.raises(TemplateError):
        compile_html(source)


def test_more_than_31_links_in_both_parts_are_refused() -> None:
    text = compile_text(" ".join(f"https://x.test/{n}" for n in range(20)), every_name=False)
    with pytest.raises(LinkError, match="more than 31"):
        compile_html("".join(f"<a href=https://y.test/{n}>" for n in range(12)), links=text.links)


NEVER_TRACKED = [
    '<a href="mailto:a@x.test?body=https://x.test">',
    '<a href="tel:+4912">',
    '<a href="sms:+4912">',
    '<a href="myapp://open?url=https://x.test">',
    '<a href="#top">',
    '<a href="">',
    "<a href>",
    "<a>",
    '<a href="/path">',
    '<a href="//x.test">',
    '<a href="https://x.test/unsubscribe?a=1&amp;b=2">',
    '<a href="{{ unsubscribe_url }}">',
    '<a href="https://x.test/?u={{ unsubscribe_url }}">',
    '<a href="{{ contact.properties.invoice_url }}">',
    '<a href="https://x.test" data-linkwake="off">',
    "<area data-linkwake=off href='https://x.test'>",
    '<a DATA-LINKWAKE=" Unsubscribe " href="https://x.test">',
    '{% untracked %}<a href="https://x.test">{% enduntracked %}',
    '<a href="{% untracked %}https://x.test{% enduntracked %}">',
    '<a {% untracked %}href="https://x.test"{% enduntracked %}>',
    '{% raw %}<a href="https://x.test">{% endraw %}',
    '{% comment %}<a href="https://x.test">{% endcomment %}',
    '<!-- <a href="https://x.test"> -->',
    '<!--[if mso]><a href="https://x.test"><![endif]-->',
    '<!-- never closed <a href="https://x.test">',
    "<? <a href='https://x.test'?>",
    '<!doctype "<a href=https://x.test">',
    "<script>'<a href=\"https://x.test\">'</script>",
    "<script><!-- <script></script> <a href='https://x.test'> --></script>",
    "<script><!-- <script> <a href='https://x.test'>",
    '<STYLE><a href="https://x.test"></Style >',
    '<style></styles><a href="https://x.test">',
    '<title><a href="https://x.test"></title>',
    '<textarea><a href="https://x.test">',
    '<plaintext><a href="https://x.test">',
    "<a title=\"<a href='https://x.test'>\">",
    '</a href="https://x.test">',
    '<img src="https://x.test/a.png">',
    '<img src="data:image/png;base64,iVBORw0KGgo=">',
    '<link href="https://x.test/a.css">',
    '<base href="https://x.test/">',
    '<form action="https://x.test">',
    '<abbr href="https://x.test">',
    '<{{ contact.id }} href="https://x.test">',
    '<a data-href="https://x.test" hrefs="https://x.test">',
    '<a href="https://x.test',
    "<a href='https://x.test",
    "<a href=https://x.test",
    '< a href="https://x.test">',
    "https://x.test",
]


@pytest.mark.parametrize("source", NEVER_TRACKED)
def test_what_is_no_link_or_is_never_tracked_stays_as_it_is(source: str) -> None:
    compiled = compile_html(source)
    assert compiled == (source, ())


@pytest.mark.parametrize(
    ("source", "template", "url"),
    [
        ('<a href="https://x.test/a">', '<a href="{}">', "https://x.test/a"),
        ("<A\n HREF = 'HTTPS://x.test' CLASS=b >", "<A\n HREF = '{}' CLASS=b >", "https://x.test/"),
        ("<a href=https://x.test/>a</a>", "<a href={}>a</a>", "https://x.test/"),
        ("<area shape=rect href=https://x.test alt=''/>", "<area shape=rect href={} alt=''/>", "https://x.test/"),
        ('<a href=" \n https://x.test\t">', '<a href=" \n {}\t">', "https://x.test/"),
        ('<a href="https://x.test" href="https://y.test">', '<a href="{}" href="https://y.test">', "https://x.test/"),
        ('<a/href="https://x.test"/>', '<a/href="{}"/>', "https://x.test/"),
        ('<a b=">" c href="https://x.test">', '<a b=">" c href="{}">', "https://x.test/"),
        ('<a =" href="https://x.test">', '<a =" href="{}">', "https://x.test/"),
        ('<!--><a href="https://x.test">-->', '<!--><a href="{}">-->', "https://x.test/"),
        ('<!-- a --!><a href="https://x.test">', '<!-- a --!><a href="{}">', "https://x.test/"),
        ('<![if !mso]><a href="https://x.test"><![endif]>', '<![if !mso]><a href="{}"><![endif]>', "https://x.test/"),
        ('<script><!--></script><a href="https://x.test">', '<script><!--></script><a href="{}">', "https://x.test/"),
        ('<script><script></script><a href="https://x.test">', '<script><script></script><a href="{}">', "https://x.test/"),
        ('<a href="&#32;h&#116;tps&colon;//x.test">', '<a href="{}">', "https://x.test/"),
        ('<style><!-- </style><a href="https://x.test">', '<style><!-- </style><a href="{}">', "https://x.test/"),
        ('a < b <a href="https://x.test">', 'a < b <a href="{}">', "https://x.test/"),
        ('<a href="https://x.test/?a=1&amp;b=2">', '<a href="{}">', "https://x.test/?a=1&b=2"),
        ('<a href="https://x.test/?a=1&b=2">', '<a href="{}">', "https://x.test/?a=1&b=2"),
        ('<a href="https://x.test/?a=1&amp;amp;b=2">', '<a href="{}">', "https://x.test/?a=1&amp;b=2"),
        ('<a href="https://x.test/?a=1&copy=2&lt=3">', '<a href="{}">', "https://x.test/?a=1&copy=2&lt=3"),
        ('<a href="https://x.test/?a=&eacute;&#38;b=&#x41">', '<a href="{}">', "https://x.test/?a=%C3%A9&b=A"),
        ('<a {% if contact.id %}href="https://x.test"{% endif %}>', None, "https://x.test/"),
        ('<a class="{% if contact.id %}b{% endif %}" href="https://x.test">', None, "https://x.test/"),
        ('<a href="https://x.test/{{ contact.properties["a>b"] }}">', '<a href="{}">', None),
        ('<a href="{{ links.offer }}">', '<a href="{}">', "https://x.test/offer"),
    ],
)
def test_a_links_address_is_replaced_and_nothing_else(source: str, template: str | None, url: str | None) -> None:
    compiled = compile_html(source, OFFER if "links.offer" in source else None)
    if template is not None:
        assert compiled.template == template.replace("{}", "{{ tracked_links[0] }}")
    assert len(compiled.links) == 1
    if url is not None:
        assert urls(compiled) == [url]


def test_each_branch_of_an_address_is_a_link() -> None:
    source = '<a href="{% if contact.id %}https://a.test{% elsif contact.email %}mailto:x{% else %}https://b.test{% endif %}">'
    compiled = compile_html(source)
    assert urls(compiled) == ["https://a.test/", "https://b.test/"]


def test_both_parts_share_the_link_of_one_destination() -> None:
    text = compile_text("https://x.test/?a=1&b={{contact.id}} https://y.test", every_name=False)
    page = compile_html(
        '<a href="https://y.test/"><a href="https://x.test/?a=1&amp;b={{ contact.id }}"><a href="https://z.test">',
        links=text.links,
    )
    sent = render(page.template, contact={}, tracked_links=["L", "M", "N"], html=True)
    assert sent == '<a href="M"><a href="L"><a href="N">'
    assert page.links[:2] == text.links


def test_untracked_each_spelling_of_an_address_goes_out_as_it_was_written() -> None:
    text = compile_text("https://x.test/?a=1&b=2", every_name=False)
    source = (
        '<a href="https://x.test/?a=1&amp;b=2"><a href="HTTPS://X.test/?a=1&amp;b=2"><a href="https://x.test:443/?a=1&amp;b=2">'
    )
    page = compile_html(source, links=text.links)
    assert len(page.links) == 1
    untracked = [AsWritten(link.written) for link in page.links]
    assert render(page.template, contact={}, tracked_links=untracked, html=True) == source


def test_a_name_may_be_used_in_one_part_only() -> None:
    text = compile_text("no link", OFFER, every_name=False)
    page = compile_html('<a href="{{ links.offer }}">', OFFER, text.links)
    assert [link.name for link in page.links] == ["offer"]


def test_values_of_a_contact_are_escaped_in_html_and_not_in_text() -> None:
    contact = {"first_name": "<b>\"Tom\" & 'Ann'</b>"}
    source = "{{ contact.first_name }} {{ contact.first_name | append: '<br>' }}"
    assert "<b>" not in render(source, contact=contact, html=True)
    assert "<br>" in render(source, contact=contact, html=True)
    assert render("{{ contact.first_name }}", contact=contact) == contact["first_name"]


ATTRIBUTES = st.sampled_from(['class="b"', "id=c", "title='<a href=\"https://t.test\">'", "disabled", 'data-x="&amp;&copy"'])
ADDRESSES = st.sampled_from(["https://a.test/", "https://b.test/?x=1&y=2", "https://c.test/ü?q={{ contact.id }}&z=%20#f"])
MARKUP = ["<p>", "</p>", "<br/>", "<!-- <a href='https://q.test'> -->", "<style>a<b{}</style>", "<a href=mailto:x@y.test>", "<a"]
OTHER = st.sampled_from(
    [*MARKUP, "a & b", "\r\n", "<", "ü", '"', "'", "\x0b", "<img src=data:image/png;base64,aGk=>", "{% if contact.id %}"]
)


@st.composite
def anchors(draw: st.DrawFn) -> str:
    name, quote = draw(st.sampled_from(["a", "A", "area"])), draw(st.sampled_from(['"', "'"]))
    before, after = " ".join(draw(st.lists(ATTRIBUTES, max_size=2))), " ".join(draw(st.lists(ATTRIBUTES, max_size=2)))
    return f"<{name} {before} href={quote}{draw(ADDRESSES).replace('&', '&amp;')}{quote} {after}>"


@given(st.lists(st.one_of(OTHER, anchors(), st.text(alphabet="<>/='\"a !-\n", max_size=8)), max_size=12).map("".join))
def test_with_the_original_addresses_the_original_bytes_come_back(source: str) -> None:
    try:
        compiled = compile_html(source)
    except (LinkError, TemplateError):
        return
    template = compiled.template
    for link in compiled.links:
        template = template.replace(f"{{{{ tracked_links[{link.position}] }}}}", link.written.replace("&", "&amp;"))
    assert template == source


@given(st.text(alphabet="abc <>&\"'ü\n", max_size=40))
def test_rendering_writes_addresses_as_an_attribute_needs_them(text: str) -> None:
    source = f'{text}<br><a href="https://x.test/?a=1&amp;b=2">{{{{ contact.id }}}}</a>'
    compiled = compile_html(source)
    rendered = render(compiled.template, contact={"id": text}, tracked_links=[link.written for link in compiled.links], html=True)
    if compiled.links:  # the text may have opened a tag or an attribute
        assert rendered == source.replace("{{ contact.id }}", escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"))


@given(st.text(alphabet="<>/='\"a!-? \nhrefstyle{}%", max_size=60))
def test_no_markup_is_too_wrong_to_be_read(source: str) -> None:
    try:
        compiled = compile_html(source)
    except TemplateError:
        return
    assert compiled.template == source
