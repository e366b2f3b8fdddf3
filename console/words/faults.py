"""What the API says of a fault, in the words of a page: a page has fields and choices, where the API has parameters."""

_LENGTH = "Write a number, such as 3, and choose its unit: 366 days at most."
INSTEAD = {
    "or give default_country": "or choose the country of numbers without +",
    "Write an ISO 8601 duration such as PT30S or P3D, or a number of seconds.": _LENGTH,
    "This has to be a duration, such as P3D, PT30S or a number of seconds.": _LENGTH,
}


def in_words(sentence: str) -> str:
    for said, meant in INSTEAD.items():
        sentence = sentence.replace(said, meant)
    return sentence
