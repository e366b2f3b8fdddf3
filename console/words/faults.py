"""What the API says of a fault, in the words of a page: a page has fields and choices, where the API has parameters."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from console.words.fields import label_of

_LENGTH = "Write a number, such as 3, and choose its unit: 366 days at most."
INSTEAD = {
    "or give default_country": "or choose the country of numbers without +",
    "Write an ISO 8601 duration such as PT30S or P3D, or a number of seconds.": _LENGTH,
    "This has to be a duration, such as P3D, PT30S or a number of seconds.": _LENGTH,
    "give an expires_at no later than": "choose a day, which is not later than",
    'set kind to "transactional"': "choose the kind Transactional",
    "There is such a contact already; PUT changes it.": "There is such a contact already.",
}
_CONTACT = re.compile(r"\bis the contact [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def in_words(sentence: str) -> str:
    """People have names, so an id of the API is left out."""
    for said, meant in INSTEAD.items():
        sentence = sentence.replace(said, meant)
    return _CONTACT.sub("belongs to another contact", sentence)


def detail_in_words(detail: str, errors: Sequence[Mapping[str, Any]]) -> str:
    """The API begins with the name of the field when only one is wrong. Here it has its label."""
    if errors and detail.startswith(f"{errors[0]['field']}: "):
        field = errors[0]["field"]
        detail = f"{label_of(field)}: {detail[len(field) + 2 :]}"
    return in_words(detail)
