"""Judges where a link may lead. Every destination passes this one check, when it is saved and again before a redirect.

Addresses are parsed as browsers parse them (WHATWG URL, by `ada-url`), because a check that reads an address differently from the
browser that follows it can be bypassed.
"""

import re

from ada_url import URL, idna

MAX_LENGTH = 8192
MAX_HOST = 253  # RFC 1035, without the dot at the end

# White space, control characters and invisible characters that change the writing direction. Browsers drop or hide some of these,
# so an address that contains one is not the address that a person sees. The zero-width joiners stay, because scripts and emoji
# need them.
_SMUGGLED = re.compile(r"[\s\x00-\x20\x7f-\xa0\u061c\u180e\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\ufeff\ud800-\udfff]")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_AUTHORITY = re.compile(r"[^/\\?#]*")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


class DestinationError(ValueError):
    """The address cannot be a destination. The message is one sentence that says why, for the person who wrote it."""


def check_destination(url: str) -> str:
    """Returns the address as browsers write it: ASCII, at most 8,192 characters. This is what is stored and redirected to.

    Checking the result again gives the same text. Raises DestinationError for everything but `http` and `https` with a host,
    without a user name, password, white space or control characters.
    """
    if len(url) > MAX_LENGTH:
        raise DestinationError(f"The address is {len(url):,} characters long; at most {MAX_LENGTH:,} are possible.")
    if _SMUGGLED.search(url):
        raise DestinationError("The address contains a space or an invisible character; write a space as %20.")
    _check_written_form(url)
    try:
        parsed = URL(url)
    except ValueError as error:
        raise DestinationError("The address has no valid host or port.") from error
    if parsed.port == "0":
        raise DestinationError("The address has no valid host or port: nothing can be opened at port 0.")
    if not parsed.hostname.startswith("["):
        _check_name(parsed.hostname.removesuffix("."))
    href: str = parsed.href
    if len(href) > MAX_LENGTH:
        raise DestinationError(f"The address is {len(href):,} characters long when encoded; at most {MAX_LENGTH:,} are possible.")
    return href


def is_destination(url: str) -> bool:
    try:
        check_destination(url)
    except DestinationError:
        return False
    return True


def _check_written_form(url: str) -> None:
    """Refuses what browsers forgive but a person cannot have meant, such as `https:///host` or `https:host`."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise DestinationError("The address must begin with http:// or https://.")
    authority = _AUTHORITY.match(url, scheme.end())
    if authority is None or not authority[0]:
        raise DestinationError("The address has no host.")
    if "@" in authority[0]:
        raise DestinationError("The address contains a user name or password before the host; links must not carry one.")


def _check_name(host: str) -> None:
    """Refuses hosts that `ada-url` accepts although no name server can know them."""
    labels = host.split(".")
    if "" in labels:
        raise DestinationError("The address has no valid host: a part between two dots is empty.")
    if len(host) > MAX_HOST:
        raise DestinationError(f"The address has no valid host: it is longer than {MAX_HOST} characters.")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise DestinationError(
                "The address has no valid host: its parts are 1 to 63 letters, digits, - and _, with no - at the ends."
            )
        if label.startswith("xn--") and idna.decode(label) == label:
            raise DestinationError(f"The address has no valid host: {label} stands for no international name.")
