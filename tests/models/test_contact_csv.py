"""The CSV format: what is refused as a whole, and what a row says."""

import pytest

from models.contact_csv import MAX_CELL, MAX_COLUMNS, CsvRow, count_rows, decode_csv, read_rows
from models.contact_input import ContactInput
from models.errors import Invalid


def fields(row: CsvRow) -> list[str]:
    return [error.field for error in row.contact] if isinstance(row.contact, list) else []


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, "the header has none of the columns"),
        (b"name,city\nAda,London\n", 1, "the header has none of the columns"),
        (b"email;phone\na@example.com;\n", 1, "separated by commas"),
        (b"email\n", 2, "no rows"),
        (b"email\n\n\n", 2, "no rows"),
        (b"email,email\na@example.com,b@example.com\n", 1, "'email' is there twice"),
        (b"email,Email\na@example.com,b@example.com\n", 1, "'email' is there twice"),
        (b"email,\na@example.com,\n", 1, "column 2 has no name"),
        (b"email,Company name\na@example.com,x\n", 1, "'Company name' cannot be the name of a property"),
        (b"email" + b",x" * MAX_COLUMNS + b"\n", 1, f"{MAX_COLUMNS + 1} columns, {MAX_COLUMNS} are the most"),
        (b'email,note\na@example.com,"x\nb@example.com,y\n', 3, "not CSV"),
        (b'email,note\na@example.com,"x"y\n', 2, "not CSV"),
        (b"email\n" + b"x" * (MAX_CELL + 1) + b"\n", 2, "not CSV"),
        (b"email\na@example.com\nb\xff@example.com\n", 3, "not UTF-8"),
        ("email\na@example.com\n".encode("utf-16"), 1, "not UTF-8"),
        (b"email\na@example.com\nb\x00@example.com\n", 3, "NUL"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(content: bytes, line: int, problem: str) -> None:
    with pytest.raises(Invalid, match=problem) as refused:
        count_rows(decode_csv(content))
    assert [error.line for error in refused.value.errors] == [line]


@pytest.mark.parametrize("row", ["a@example.com", "a@example.com,Ada,x", "nobody,Ada", ",Ada"])
def test_a_row_that_is_wrong_is_a_row_with_errors(row: str) -> None:
    text = f"email,first_name\n{row}\n"
    assert count_rows(text) == 1
    assert [bool(fields(each)) for each in read_rows(text)] == [True]


def test_what_is_wrong_is_one_sentence() -> None:
    with pytest.raises(Invalid) as refused:
        count_rows("email,Company name\na@example.com,x\n")
    assert refused.value.detail.endswith("digits and _, not beginning with a digit.")


def test_a_wrong_tag_says_what_separates_tags() -> None:
    (row,) = read_rows('email,tags\na@example.com,"vip,newsletter"\n')
    assert isinstance(row.contact, list)
    assert [(error.field, error.message.endswith("Tags are separated by semicolons.")) for error in row.contact] == [
        ("tags[0]", True)
    ]


def test_a_row_has_the_line_where_it_begins() -> None:
    text = 'email,note\n\na@example.com,"one\ntwo"\n\n\nb@example.com,x\n'
    assert [row.line for row in read_rows(text)] == [3, 7]


def test_skipped_rows_are_counted_without_blank_lines() -> None:
    text = "email\n\na@example.com\n\nb@example.com\nc@example.com\n"
    assert count_rows(text) == 3
    assert [row.line for row in read_rows(text, skip=2)] == [6]
    assert list(read_rows(text, skip=3)) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_files_of_every_system_are_read(newline: str) -> None:
    text = decode_csv(("\ufeffEmail,City" + newline + "a@example.com, Zürich " + newline).encode())
    (row,) = read_rows(text)
    assert isinstance(row.contact, ContactInput)
    assert (row.line, row.contact.given()) == (2, {"email": "a@example.com", "properties": {"City": "Zürich"}})
