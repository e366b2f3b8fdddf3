"""Addresses in running text, as people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.links.urls import FIELD, MAX_ENCLOSED, find_urls


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in find_urls(text)]


@pytest.mark.parametrize(
    "text",
    [
        "no link at all",
        "x.test",
        "www.x.test",
        "//x.test/",
        "ftp://x.test/",
        "mailto:a@x.test",
        "mailto:a@x.test?body=https://x.test/",
        "tel:+4930123456",
        "sms:+4930123456?body=https://x.test/",
        "SMSTO:+49:https://x.test/",
        "myapp://open?url=https://x.test/",
        "intent://x.test/#Intent;scheme=https;S.browser_fallback_url=https://x.test/;end",
        "view-source:https://x.test/",
        "javascript:open('https://x.test/')",
        "svn+https://x.test/",
        "foohttps://x.test/",
        "httpss://x.test/",
        "https:/x.test/",
    ],
)
def test_other_schemes_and_bare_names_are_not_found(text: str) -> None:
    assert found(text) == []


X = "https://x.test/a"


@pytest.mark.parametrize(
    "tail", [".", ",", ";", ":", "!", "?", "...", "…", "!?", ").", "”", "»", "'", '"', "。", "，", "」", "）", "．", "、"]
)
def test_the_punctuation_of_the_sentence_is_not_part_of_the_link(tail: str) -> None:
    assert found(f"See {X}{tail}") == [X]
    assert found(f"See {X}{tail} More text.") == [X]
    assert found(f"https://x.test{tail} More") == ["https://x.test"]


@pytest.mark.parametrize(
    "around",
    [
        "({})",
        "[{}]",
        "{{{}}}",
        "<{}>",
        '"{}"',
        "'{}'",
        "“{}”",
        "„{}“",
        "«{}»",
        "‹{}›",
        "（{}）",
        "「{}」",
        "*{}*",
        "_{}_",
        "~{}~",
        "`{}`",
        "|{}|",
    ],
)
def test_brackets_quotes_and_chat_marks_around_a_link_are_not_part_of_it(around: str) -> None:
    assert found(f"Look: {around.format(X)} here") == [X]
    assert found(around.format("https://x.test")) == ["https://x.test"]


@pytest.mark.parametrize(
    "url",
    [
        "https://x.test/a_(b)",
        "https://x.test/a(b)c?d=[1]",
        "https://x.test/a'b",
        "https://x.test/a,b;c!d",
        "https://x.test/a.b..c",
        "https://x.test/a_",
        "https://x.test/a-",
        "https://x.test/*",
        "https://x.test/a?b=c&d=e#f",
        "https://x.test?b=c",
        "https://x.test#f",
        "https://x.test/~user/a:b@c",
        "https://x.test:8443/a",
        "https://x.test./a",
        "http://localhost:3000/a",
        "http://192.0.2.1/a",
        "http://[2001:db8::1]:81/a",
        "https://my_shop.x.test/",
        "https://web.archive.org/web/2020/https://y.test/a",
        "https://x.test/?u=https://y.test/&v=1",
        "https://bücher.test/größe",
        "https://例え.テスト/路径",
        "https://www.日本語.jp",
        "https://abc日本.jp/a",
        "https://ja.wikipedia.org/wiki/日本語",
        "https://пример.test/путь",
        "https://x.test/%E2%82%AC",
        "HTTPS://X.TEST/A",
        f"https://x.test/{FIELD}/{FIELD}?a={FIELD}",
        f"https://{FIELD}.x.test/",
        "https://x.test:99999/",  # wrong, but found, so that its author is told
    ],
)
def test_a_whole_address_is_found(url: str) -> None:
    assert found(url) == [url]
    assert found(f"Go to {url}, now.") == [url]
    assert found(f"({url})") == [url]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("点击https://x.test/abc查看", ["https://x.test/abc"]),
        ("请看https://x.test查看", ["https://x.test"]),
        ("详情：https://x.test/a。谢谢", [X]),
        ("こちらhttps://x.test/aをご覧ください", [X]),
        ("링크https://x.test/a에서", [X]),
        ("คลิกhttps://x.test/aที่นี่", [X]),
        (f"点击https://x.test/{FIELD}查看", [f"https://x.test/{FIELD}"]),
        ("https://x.test/a👍", [X]),
        ("👉https://x.test/a👈", [X]),
        ("https://x.test/🎉", ["https://x.test/"]),
        ("https://x.test👍", ["https://x.test"]),
        *((f"详情https://x.test{mark}邮箱a@b.test", ["https://x.test"]) for mark in "，。、；"),
        ("https://x.test/a，联系a@b.test", [X]),
        ("https://x.test和a@b.test", ["https://x.test"]),
        ("https://x.test:8443或发邮件a.b@c.test", ["https://x.test:8443"]),
        ("https://x.test👉a@b.test", ["https://x.test"]),
        ("at https://x.test/a—it is good", [X]),
        ("\u200fhttps://x.test/a\u200f עוד", [X]),
    ],
)
def test_neighbours_without_a_space_are_not_part_of_the_link(text: str, links: list[str]) -> None:
    assert found(text) == links


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://a.test https://b.test", ["https://a.test", "https://b.test"]),
        (
            "https://a.test/x,https://b.test/y;https://c.test/z|https://d.test",
            ["https://a.test/x", "https://b.test/y", "https://c.test/z", "https://d.test"],
        ),
        ("https://a.test/x\nhttps://b.test/y\r\n\thttp://c.test", ["https://a.test/x", "https://b.test/y", "http://c.test"]),
        ("[a](https://a.test/) and [b](https://b.test/)", ["https://a.test/", "https://b.test/"]),
        ('<a href="https://a.test/">https://b.test/</a>', ["https://a.test/", "https://b.test/"]),
        ("myapp://x?u=https://a.test https://b.test", ["https://b.test"]),
        ("Link:https://x.test/a", [X]),
        ("Tel:https://x.test/a", [X]),
        ("more...https://x.test/a", [X]),
        ("shop-https://x.test/a", [X]),
        (f"{FIELD}https://x.test/a", [X]),
        ("mail a@b.test or https://x.test/a", [X]),
    ],
)
def test_several_links_and_words_that_touch_them(text: str, links: list[str]) -> None:
    assert found(text) == links


@pytest.mark.parametrize(
    "url",
    [
        "https://a:b@x.test/",
        "https://a@x.test",
        "https://@x.test",
        "https://a:b:c%40@x.test:80/",
        "https://用户@x.test",
        "https://me用户@x.test",
    ],
)
def test_an_address_with_a_user_name_is_found_so_that_it_can_be_refused(url: str) -> None:
    assert found(f"See {url} now") == [url[: url.rindex("@") + 1]]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("see https:// now", ["https://"]),
        ("https://... or http://-", ["https://", "http://"]),
        ("(http://[::1 b)", ["http://[::1"]),
        ("https:///x.test, too", ["https:///x.test"]),
        ("“https://{x}/”", ["https://{x}/"]),
        ("https://\nx.test", ["https://"]),
    ],
)
def test_what_begins_like_an_address_and_is_none_is_found_so_that_it_can_be_refused(text: str, wrong: list[str]) -> None:
    assert found(text) == wrong


@given(
    st.sampled_from(["https://x.test", "https://x.test/a", "http://shop.x.test:8080", "https://例え.テスト"]),
    st.sampled_from("，。、；：！？）」』》”—…"),
    st.text("邮箱联系我或ご質問はเมล메일", max_size=5),
    st.sampled_from(["a@b.test", "first.last+tag@mail.b.test"]),
    st.sampled_from(["", "。", " more"]),
)
def test_a_mail_address_behind_a_link_is_no_user_name(url: str, mark: str, words: str, mail: str, rest: str) -> None:
    assert found(f"详情{url}{mark}{words}{mail}{rest}") == [url]


def test_a_very_long_address_is_found_whole() -> None:
    url = "https://x.test/" + "a/b?c=d&" * 2500 + "e"
    assert found(f"See {url}.") == [url]


@pytest.mark.parametrize("pair", ["()", "[]", "{}"])
def test_brackets_in_an_address_enclose_at_most_1000_characters(pair: str) -> None:
    longest = f"{X}{pair[0]}{'b' * MAX_ENCLOSED}{pair[1]}c"
    assert found(longest) == [longest]
    assert found(longest.replace("b", "bb", 1)) == [X]


@pytest.mark.parametrize(
    "hostile",
    [
        *(f"https://x.test/{mark}" * 20_000 for mark in ("(", "[", "{", '"', "'", ",", "👍", "a查")),
        "https://x.test/" + "(" * 40_000,
        "https://x.test/" + "." * 60_000 + "a",
        "https://x.test/" + '"a' * 20_000,
        "https://x.test/" + ".," * 20_000 + " ",
        "https://x.test/" + "!" * 40_000 + " a",
        "https://" + "a." * 30_000,
        "https://x" * 8_000,
        "a." * 32_000,
        "mailto:" * 9_000,
        "https://" + "a." * 30_000 + "@",
        "https://" + "a.bc" * 15_000 + "查@",
        "myapp://x " * 6_000 + "https://x.test " * 4_000,
    ],
)
def test_hostile_text_does_not_hold_us_up(hostile: str) -> None:
    assert all(0 <= start < end <= len(hostile) for start, end in find_urls(hostile))  # quadratic work would not come back
