"""Who wrote: providers write a sender in many ways, and contacts have one form of each address."""

import re
from contextlib import suppress
from email.utils import parseaddr

import phonenumbers

from models.channels.channel import Medium
from models.contacts.input import normal_email
from models.contacts.phone import normal_phone

_BEFORE = re.compile(r"^\+?(whatsapp|sms|smsto|mms|rcs|tel|sip):", re.IGNORECASE)


def possible_senders(medium: Medium, address: str, to_address: str | None, country: str | None) -> list[str]:
    """Returns the addresses, as contacts have them, that a provider can mean by this one, the likeliest first. It is empty for a
    sender whom nobody can be, such as `BANK`.

    A number without a country code is dialled in `country` (ISO 3166-1), or in the country of our own number `to_address`.
    """
    if medium == Medium.EMAIL:
        return _mailbox(address)
    written = _number(address)
    with suppress(ValueError):
        return [normal_phone(written)]
    digits = written.removeprefix("+").strip()
    abroad = _normal(f"+{digits}")
    at_home = _normal(digits, country or _country_of(to_address))
    likely_first = [abroad, at_home] if abroad and phonenumbers.is_valid_number(phonenumbers.parse(abroad)) else [at_home, abroad]
    return list(dict.fromkeys(each for each in likely_first if each))


def _mailbox(address: str) -> list[str]:
    """Reads `Ada <ada@example.com>`, `mailto:ada@example.com` and `ada@example.com (Ada)` too."""
    for each in (address, parseaddr(address)[1]):
        with suppress(ValueError):
            return [normal_email(each)]
    return []


def _number(address: str) -> str:
    return _BEFORE.sub("", address.strip()).partition("@")[0].strip()


def _normal(written: str, country: str | None = None) -> str | None:
    try:
        return normal_phone(written, country)
    except ValueError:
        return None


def _country_of(to_address: str | None) -> str | None:
    """Returns the country of one of our own numbers; None for a short code, a name and a number that is in no single country."""
    ours = _normal("+" + _number(to_address or "").removeprefix("+"))
    country = phonenumbers.region_code_for_number(phonenumbers.parse(ours)) if ours else None
    return country if country in phonenumbers.SUPPORTED_REGIONS else None
