"""Phone numbers in one form, E.164, whatever they were copied from."""

import re
import unicodedata
from typing import Annotated

import phonenumbers
from pydantic import AfterValidator, Field

from models.texts.plain_text import plain

WRITE = "write + and the country code, then the number, such as +12025550123"

# Letters stand for digits in advertisements only, and a sender cannot dial an extension.
_NUMBER = re.compile(r"\+?[0-9 ().\-/]+")
# Texts that spreadsheets and addresses put before a number: tel:, and the apostrophe that marks a cell as text.
_BEFORE = re.compile(r"^(tel:|')+", re.IGNORECASE)
_BRACKETED = re.compile(r"^\((\+[0-9]+)\)")
_ROUNDED = re.compile(r"\+?[0-9][.,][0-9]+E\+?[0-9]+", re.IGNORECASE)
_DASHES = {"\u2212", "\u30fc"}


def _country(text: str) -> str:
    code = plain(text).upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("Write the two letters of the country by ISO 3166-1, such as DE.")
    return code


Country = Annotated[str, Field(max_length=40), AfterValidator(_country)]
"""ISO 3166-1 alpha-2, in capitals."""


def normal_phone(text: str, country: str | None = None) -> str:
    """Returns the number in E.164. `country` is the country in which a number without a country code is dialled; with None such a
    number is refused.

    International numbers are checked for length only, because ranges that are unused today, or kept for films, are numbers too. A
    national number that does not begin as it is dialled there has to be a number that exists.
    """
    written = _ascii(text)
    if _ROUNDED.fullmatch(written):
        raise ValueError(f"A spreadsheet has rounded this number: format the column as text, and {WRITE}.")
    if not _NUMBER.fullmatch(written):
        raise ValueError(f"This is not a phone number: {WRITE}.")
    if written.startswith("00") and not _is_dialled_so(written, country):
        written = "+" + written[2:]
    number = _national(written, country) if not written.startswith("+") else _parsed(written, None)
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError("No phone number of this country has that number of digits.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _ascii(text: str) -> str:
    """Writes digits of every script and dashes of every length as those of ASCII."""
    written = "".join(_digit_or_dash(each) for each in plain(text))
    return _BRACKETED.sub(r"\1", _BEFORE.sub("", written).strip())


def _digit_or_dash(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return "-" if character in _DASHES or unicodedata.category(character) == "Pd" else character


def _is_dialled_so(written: str, country: str | None) -> bool:
    """Australia dials 0011 before a country code, where others dial 00."""
    if country is None:
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, country))
    except phonenumbers.NumberParseException:
        return False


def _national(written: str, country: str | None) -> phonenumbers.PhoneNumber:
    if country is None:
        raise ValueError(f"This number has no country code: {WRITE}, or give default_country.")
    number = _parsed(written, country)
    digits = re.sub(r"\D", "", written)
    prefix = phonenumbers.ndd_prefix_for_region(country, strip_non_digits=True)
    if prefix == "0" and digits.startswith("0"):
        return number
    if not phonenumbers.is_valid_number(number):
        raise ValueError(f"There is no such number in the country {country}: {WRITE}.")
    if _reads_as_international(digits, number):
        raise ValueError(f"This is a number with and without a country code: {WRITE}.")
    return number


def _reads_as_international(digits: str, number: phonenumbers.PhoneNumber) -> bool:
    """Refuses numbers such as `49 151 12345678` in Germany, which is a number of the town with the area code 0491, or one with
    the plus left out."""
    code = str(number.country_code)
    if not digits.startswith(code) or str(number.national_number) != digits:
        return False
    return phonenumbers.is_valid_number(_parsed(f"+{digits}", None))


def _parsed(written: str, country: str | None) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        raise ValueError(f"This is not a phone number: {WRITE}.") from None
