"""What the API says of a fault is said in the words of a form."""

import pytest

from console.words.faults import detail_in_words, in_words

ID = "01a22d77-02b3-77da-91f9-33ad7355f53c"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("There is such a contact already; PUT changes it.", "There is such a contact already."),
        (f"ada@example.com is the contact {ID}.", "ada@example.com belongs to another contact."),
        (f"7 is the contact {ID}, whose phone is another.", "7 belongs to another contact, whose phone is another."),
        ("It expires: give an expires_at no later than 2030.", "It expires: choose a day, which is not later than 2030."),
        ('Write it, or set kind to "transactional" if so.', "Write it, or choose the kind Transactional if so."),
        (
            "Write an ISO 8601 duration such as PT30S or P3D, or a number of seconds.",
            "Write a number, such as 3, and choose its unit: 366 days at most.",
        ),
    ],
)
def test_a_sentence_has_no_word_that_only_programs_know(said: str, meant: str) -> None:
    assert in_words(said) == meant


def test_a_detail_begins_with_the_label_of_its_field() -> None:
    errors = [{"field": "email", "message": "This is not an address."}]
    assert detail_in_words("email: This is not an address.", errors) == "E-mail: This is not an address."
    assert detail_in_words("2 fields need a change.", errors) == "2 fields need a change."
    assert detail_in_words("email: This is not an address.", []) == "email: This is not an address."
