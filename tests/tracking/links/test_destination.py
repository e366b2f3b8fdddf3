"""What a link may lead to, judged as browsers read addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.links.destination import MAX_LENGTH, DestinationError, check_destination


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.test",
        "www.x.test",
        "//x.test",
        "/path",
        "#top",
        "ftp://x.test/",
        "javascript:alert(1)",
        "javascript://x.test/%0aalert(1)",
        "data:text/html,hi",
        "file:///etc/passwd",
        "mailto:a@x.test",
        "tel:+4930123",
        "myapp://open?url=https://x.test/",
        "blob:https://x.test/1",
        "view-source:https://x.test/",
        "httpss://x.test/",
        "http:x.test",
        "http:/x.test",
    ],
)
def test_anything_but_http_and_https_is_refused(url: str) -> None:
    with pytest.raises(DestinationError, match=r"must begin with http:// or https://\."):
        check_destination(url)


@pytest.mark.parametrize("url", ["https://", "https:///path", "http://?a", "http://#a", "https:////x.test", "https://\\x.test"])
def test_an_address_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(DestinationError, match="no host"):
        check_destination(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://a@x.test/",
        "https://a:b@x.test/",
        "https://:b@x.test/",
        "https://@x.test/",
        "https://bank.test@evil.test",
        "https://bank.test:443@evil.test/",
        "https://a@b@x.test/",
    ],
)
def test_a_user_name_or_password_is_refused(url: str) -> None:
    with pytest.raises(DestinationError, match="user name or password"):
        check_destination(url)


INVISIBLE = [0, 9, 10, 11, 13, 0x1F, 0x20, 0x7F, 0x85, 0xA0, 0x61C, 0x1680, 0x2003, 0x200B, 0x200E, 0x2028]
INVISIBLE += [0x202E, 0x2060, 0x2066, 0x3000, 0xD800, 0xFEFF]


@pytest.mark.parametrize("code", INVISIBLE, ids=hex)
@pytest.mark.parametrize(
    "pattern", ["{}https://x.test/", "https://x.test/{}", "ht{}tps://x.test/", "https://x{}.test/", "https://x.test/a{}b?c"]
)
def test_white_space_and_invisible_characters_are_refused_wherever_they_hide(code: int, pattern: str) -> None:
    with pytest.raises(DestinationError, match="space or an invisible character"):
        check_destination(pattern.format(chr(code)))


@pytest.mark.parametrize(
    "url",
    [
        "https://x.test:99999/",
        "https://x.test:port/",
        "https://[::1",
        "https://[x]/",
        "https://a%00b/",
        "https://a%40b/",
        "https://a%2fb/",
        "https://a|b/",
        "https://a<b/",
        "https://1.2.3.256/",
        "https://a..b/",
        "https://./",
        "https://.x.test/",
        "https://x.test:0/",
        "http://-a.test/",
        "http://a-.test/",
        "https://x.-/",
        "https://(/",
        "https://*.x.test/",
        "https://xn--/",
        "https://xn--a.test/",
        "https://xn--abc-.test/",
        "https://x.test.xn--zzzzzz99999/",
        f"https://{'a' * 64}.test/",
        f"https://{'a.' * 127}test/",
        "https://" + "ü" * 63,
    ],
)
def test_a_host_or_port_that_nothing_can_open_is_refused(url: str) -> None:
    with pytest.raises(DestinationError, match="valid host"):
        check_destination(url)


def test_a_very_long_address_is_refused_as_written_or_when_encoding_makes_it_long() -> None:
    start = "https://x.test/"
    longest = start + "a" * (MAX_LENGTH - len(start))
    assert check_destination(longest) == longest
    with pytest.raises(DestinationError, match=r"8,193 characters long; at most 8,192"):
        check_destination(longest + "a")
    with pytest.raises(DestinationError, match="when encoded"):
        check_destination(start + "ü" * 2000)


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://x.test", "https://x.test/"),
        ("HTTPS://X.Test/Path", "https://x.test/Path"),
        ("https://x.test:443/", "https://x.test/"),
        ("http://x.test:8080/a", "http://x.test:8080/a"),
        ("https://x.test/a?b=c&b=d#e", "https://x.test/a?b=c&b=d#e"),
        ("https://x.test/?a=%20+%2B&amp;b", "https://x.test/?a=%20+%2B&amp;b"),
        ("https://x.test/%0d%0aSet-Cookie:a", "https://x.test/%0d%0aSet-Cookie:a"),
        ("https://x.test/a@b:c", "https://x.test/a@b:c"),
        ("https://x.test\\@evil.test/", "https://x.test/@evil.test/"),
        ("https://x.test/a/../b", "https://x.test/b"),
        ("https://bücher.test/größe?q=ü#ä", "https://xn--bcher-kva.test/gr%C3%B6%C3%9Fe?q=%C3%BC#%C3%A4"),
        ("https://例え.テスト/日本", "https://xn--r8jz45g.xn--zckzah/%E6%97%A5%E6%9C%AC"),
        ("https://faß.de/", "https://xn--fa-hia.de/"),
        ("https://ｅxample.com/", "https://example.com/"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
        ("http://0xC0.0.513/", "http://192.0.2.1/"),
        ("http://[2001:DB8:0:0::1]:81/", "http://[2001:db8::1]:81/"),
        ("http://localhost:3000/", "http://localhost:3000/"),
        ("https://my_shop.test./", "https://my_shop.test./"),
        ("https://r3---_a.test/", "https://r3---_a.test/"),
        ("https://💩.test/", "https://xn--ls8h.test/"),
        (f"https://{'a' * 63}.test/", f"https://{'a' * 63}.test/"),
        (f"https://{'a.' * 125}com./", f"https://{'a.' * 125}com./"),
        ("https://x.test/👨\u200d👩", "https://x.test/%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9"),
    ],
)
def test_the_stored_form_is_the_one_that_browsers_write(url: str, stored: str) -> None:
    assert check_destination(url) == stored
    assert check_destination(stored) == stored


@given(st.text(max_size=60).map(lambda tail: "https://x.test/" + tail) | st.text(max_size=40).map(lambda host: "http://" + host))
def test_what_is_accepted_is_ascii_without_spaces_and_stays_the_same_when_judged_again(url: str) -> None:
    try:
        stored = check_destination(url)
    except DestinationError:
        return
    assert stored.isascii()
    assert stored.isprintable()
    assert " " not in stored
    assert check_destination(stored) == stored
