"""Forms whose fields are named as the API names them, and lengths of time as a number and a unit."""

import pytest

from console.typed import comma_list, duration_of, nested, typed_duration


def test_names_say_objects_and_lists_in_their_order_without_gaps() -> None:
    fields = [
        ("a.b", "1"),
        ("list[7].x", "late"),
        ("list[2].x", "early"),
        ("list[2].y[0]", "z"),
        ("a.b", "2"),
        ("text", "a\r\nb"),
    ]
    assert nested(fields) == {
        "a": {"b": "2"},
        "list": [{"x": "early", "y": ["z"]}, {"x": "late"}],
        "text": "a\nb",
    }


@pytest.mark.parametrize("name", ["", ".", "a.", "[0]", "a[", "a[x]", "A", "a b", "a[99999]", "a" + ".a" * 9, "__class__.x y"])
def test_names_of_another_form_are_left_out(name: str) -> None:
    assert nested([(name, "x"), ("ours", "y")]) == {"ours": "y"}


def test_a_name_that_is_a_text_and_an_object_breaks_nothing() -> None:
    assert nested([("a", "x"), ("a.b", "y"), ("a[0].c", "z")]) == {"a": "x"}


@pytest.mark.parametrize(
    ("said", "number", "unit"),
    [
        ("P3D", "3", "D"),
        ("PT36H", "36", "H"),
        ("P1DT12H", "36", "H"),
        ("PT90M", "90", "M"),
        ("PT1H30M", "90", "M"),
        ("P2W", "2", "W"),
        ("P1W1D", "8", "D"),
        ("P14D", "14", "D"),
        ("PT1.5H", "1.5", "H"),
        ("P1DT12H30M", "P1DT12H30M", "D"),
        ("P1000000000W", "1000000000", "W"),
        ("P" + "9" * 6_000 + "D", "9" * 6_000, "D"),
        ("PT90S", "90", "S"),
        ("P7D", "7", "D"),
    ],
)
def test_a_length_of_time_is_typed_in_the_largest_unit_that_fits(said: str, number: str, unit: str) -> None:
    assert typed_duration(said) == {"number": number, "unit": unit}
    assert typed_duration(duration_of({"number": number, "unit": unit})) == {"number": number, "unit": unit}


@pytest.mark.parametrize(
    ("number", "unit", "said"),
    [
        ("", "D", None),
        (" ", "W", None),
        (" 3 ", "D", "P3D"),
        ("3", "", "P3D"),
        ("3", "<script>", "P3D"),
        ("3", "W", "P3W"),
        ("soon", "H", "soon"),
        ("-3", "D", "-3"),
        ("\N{ARABIC-INDIC DIGIT THREE}", "D", "\N{ARABIC-INDIC DIGIT THREE}"),
        ("P1DT1S", "W", "P1DT1S"),
    ],
)
def test_what_is_no_number_stays_for_the_api_to_refuse(number: str, unit: str, said: str | None) -> None:
    assert duration_of({"number": number, "unit": unit}) == said


@pytest.mark.parametrize("said", [None, "", "P", "PT", "P1Y", "soon", "\x00", "P-3D"])
def test_what_is_no_length_of_time_keeps_its_text(said: str | None) -> None:
    assert typed_duration(said) == {"number": said or "", "unit": "D"}
    assert duration_of(typed_duration(said)) == (said or None)


def test_tags_are_parted_by_commas_and_lines() -> None:
    assert comma_list(" a , b c,\n,d ") == ["a", "b c", "d"]
