"""What the API says of a fault, in the words of a page: a page has fields and choices, where the API has parameters."""

INSTEAD = {"or give default_country": "or choose the country of numbers without +"}


def in_words(sentence: str) -> str:
    for said, meant in INSTEAD.items():
        sentence = sentence.replace(said, meant)
    return sentence
