"""The CSV format: what is refused as a whole, and what a row says."""

import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contacts.columns import MAX_COLUMNS
from models.contacts.csv_file import MAX_CELL, _lines, decode_csv, find_delimiter
from models.contacts.csv_rows import CsvRow, ImportOptions, count_rows, read_rows
from models.contacts.input import ContactInput
from models.errors import Invalid
from tracking.templates.sandbox import ENVIRONMENT


def options(text: str, **given: Any) -> ImportOptions:
    return ImportOptions(delimiter=find_delimiter(text), **given)


def count(text: str, **given: Any) -> int:
    return count_rows(text, options(text, **given))


def rows(text: str, skip: int = 0, **given: Any) -> list[CsvRow]:
    return list(read_rows(text, options(text, **given), skip))


def contact(text: str, **given: Any) -> ContactInput:
    (row,) = rows(text, **given)
    assert row.contact.contact, row.contact.errors
    return row.contact.contact


def fields(row: CsvRow) -> list[str]:
    return [error.field for error in row.contact.errors]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, "the file is empty"),
        (b"\xef\xbb\xbf \n", 1, "the file is empty"),
        (b"name;city\nAda;London\n", 1, "commas, semicolons, tabs or bars"),
        (b"sep=;\nCustomer No;E-Mail\n1;a@example.com\n", 2, "'Customer No' cannot be the name of a property"),
        (b"sep=;\nemail\n", 3, "no rows"),
        (b"email;phone\n;\n ; \n", 2, "no rows"),
        (b"name,city\nAda,London\n", 1, "the header has none of the columns"),
        (b"email\n", 2, "no rows"),
        (b"email\n\n\n", 2, "no rows"),
        (b"email,email\na@example.com,b@example.com\n", 1, "'email' is there twice"),
        (b"email,Email\na@example.com,b@example.com\n", 1, "'email' is there twice"),
        (b"email,\na@example.com,\n", 1, "column 2 has no name"),
        (b"email,Company name\na@example.com,x\n", 1, "'Company name' cannot be the name of a property"),
        (b"email,age:integer\na@example.com,1\n", 1, "write one of text, number, boolean, date"),
        (b"email,phone:text\na@example.com,1\n", 1, "only properties have a type"),
        (
            b"email" + b"".join(b",x%d" % n for n in range(MAX_COLUMNS)) + b"\n",
            1,
            f"{MAX_COLUMNS + 1} columns, {MAX_COLUMNS} are",
        ),
        (b'email,note\na@example.com,"x\nb@example.com,y\n', 3, "not CSV"),
        (b'email,note\na@example.com,"x"y\n', 2, "not CSV"),
        (b"email\n" + b"x" * (MAX_CELL + 1) + b"\n", 2, "not CSV"),
        (b"email\na@example.com\nb\x81@example.com\n", 3, "not CP1252"),
        ("email,name\na@example.com,Zo\u00eb Gr\u00fc\u00df\n".encode() + b"b@example.com,\xff\n", 3, "not UTF-8"),
        (b"email\na@example.com\nb\x00@example.com\n", 3, "NUL"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(content: bytes, line: int, problem: str) -> None:
    with pytest.raises(Invalid, match=problem) as refused:
        count(decode_csv(content)[0])
    assert [error.line for error in refused.value.errors] == [line]


def test_all_faults_of_a_header_are_told_together() -> None:
    with pytest.raises(Invalid) as refused:
        count("Customer No;;plan;plan;age:int;No. 2\n1;;;;;\n", columns={"Missing": "email", "No. 2": "first name"})
    messages = [error.message for error in refused.value.errors]
    for part in (
        "'Missing'",
        "'Customer No'",
        "column 2",
        "'plan' is there twice",
        "'age:int'",
        "'first name'",
        "none of the columns",
    ):
        assert sum(part in each for each in messages) == 1, (part, messages)
    assert refused.value.detail == "Line 1: 7 things need a change."


def test_the_caller_says_what_columns_become() -> None:
    columns = {"Customer No": "external_id", "Tel.": "phone", "Since": "since:date", "Internal notes": None}
    text = "Customer No;E-Mail;First Name;Tel.;Since;Internal notes\n7;a@example.com;Ada;0151 12345678;31.12.2025;x\n"
    assert contact(text, columns=columns, default_country="DE").given() == {
        "external_id": "7",
        "email": "a@example.com",
        "first_name": "Ada",
        "phone": "+4915112345678",
        "properties": {"since": "2025-12-31"},
    }


def test_a_column_can_say_the_country_of_each_phone_number() -> None:
    found = rows("phone,Country\n0660 1234567,at\n0151 12345678,\n", columns={"Country": "default_country"}, default_country="DE")
    assert [row.contact.contact and row.contact.contact.phone for row in found] == ["+436601234567", "+4915112345678"]


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("vip", "false", False),
        ("vip", "TRUE", True),
        ("vip", "no", "no"),
        ("vip", "0", "0"),
        ("vip:text", "false", "false"),
        *(("vip:boolean", cell, False) for cell in ("false", "FALSE", "no", "0", "Nein", "FALSCH")),
        *(("vip:boolean", cell, True) for cell in ("true", "Yes", "1", "WAHR")),
        ("age:number", "42", 42),
        ("age:number", "-4.5", -4.5),
        ("age:number", "4,5", 4.5),
        ("zip", "01234", "01234"),
        ("since:date", "2026-03-31", "2026-03-31"),
        ("since:date", "31.03.2026", "2026-03-31"),
    ],
)
def test_a_column_can_have_a_type(column: str, cell: str, value: Any) -> None:
    (found,) = contact(f"email;{column}\na@example.com;{cell}\n").properties.values()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("vip:boolean", "maybe"),
        ("age:number", "1,234"),
        ("age:number", "1.234,5"),
        ("age:number", "x"),
        ("since:date", "03/04/2026"),
    ],
)
def test_a_cell_that_is_not_of_its_type_is_named_and_left_out(column: str, cell: str) -> None:
    (row,) = rows(f"email;{column};plan\na@example.com;{cell};gold\n")
    assert fields(row) == [column.partition(":")[0]]
    assert row.contact.contact
    assert row.contact.contact.given() == {"email": "a@example.com", "properties": {"plan": "gold"}}


def test_a_typed_false_is_false_in_a_text() -> None:
    properties = contact("email,vip:boolean\na@example.com,no\n").properties
    text = "{% if contact.properties.vip %}VIP{% else %}guest{% endif %}"
    assert ENVIRONMENT.from_string(text).render(contact={"properties": properties}) == "guest"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encoding_and_delimiter_are_found(delimiter: str, encoding: str) -> None:
    text = delimiter.join(("email", "City", "Name")) + "\n" + delimiter.join(("a@example.com", "Zürich", "Zoë")) + "\n"
    found, name = decode_csv(text.encode(encoding))
    assert (find_delimiter(found), name) == (delimiter, encoding.removesuffix("-sig"))
    assert contact(found).properties == {"City": "Zürich", "Name": "Zoë"}


def test_the_charset_that_is_said_counts_before_a_guess() -> None:
    assert decode_csv("Łódź".encode("windows-1250"), "windows-1250")[0] == "Łódź"


def test_the_line_of_a_spreadsheet_that_names_the_delimiter_is_read() -> None:
    (row,) = rows("sep=;\r\nemail;tags\r\na@example.com;vip,new\r\n")
    assert (row.line, row.contact.contact and row.contact.contact.tags_add) == (3, ["vip", "new"])


def test_a_phone_number_that_cannot_be_read_is_named_and_the_rest_is_imported() -> None:
    first, second = rows("email;phone;first_name\na@example.com;call me;Ada\n;call me;Bob\n")
    assert (fields(first), first.contact.contact and first.contact.contact.first_name) == (["phone"], "Ada")
    assert (fields(second), second.contact.contact) == (["phone"], None)


@pytest.mark.parametrize("row", ["a@example.com", "a@example.com,Ada,x", "nobody,Ada", ",Ada"])
def test_a_row_that_is_wrong_is_a_row_with_errors(row: str) -> None:
    text = f"email,first_name\n{row}\n"
    assert count(text) == 1
    assert [bool(fields(each)) for each in rows(text)] == [True]


def test_a_row_has_the_line_where_it_begins() -> None:
    text = 'email,note\n\na@example.com,"one\ntwo"\n\n\nb@example.com,x\n'
    assert [row.line for row in rows(text)] == [3, 7]


def test_skipped_rows_are_counted_without_blank_lines() -> None:
    text = "email\n\na@example.com\n\nb@example.com\nc@example.com\n"
    assert count(text) == 3
    assert [row.line for row in rows(text, skip=2)] == [6]
    assert rows(text, skip=3) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_files_of_every_system_are_read(newline: str) -> None:
    text, _ = decode_csv(("\ufeffEmail,City" + newline + "a@example.com, Zürich " + newline).encode())
    (row,) = rows(text)
    assert row.contact.contact
    assert (row.line, row.contact.contact.given()) == (2, {"email": "a@example.com", "properties": {"City": "Zürich"}})


def test_a_file_is_read_without_a_copy_of_it() -> None:
    content = "external_id,first_name\n" + "import,Noise\n" * 100_000
    tracemalloc.start()
    try:
        assert count_rows(content, ImportOptions()) == 100_000
        assert find_delimiter(content) == ","
        assert tracemalloc.get_traced_memory()[1] < len(content) / 4
    finally:
        tracemalloc.stop()


@given(st.text('a\r\n;"é\u2028\x0b\x85'))
def test_lines_end_where_python_ends_them(content: str) -> None:
    assert list(_lines(content)) == list(io.StringIO(content, newline=""))


def test_lines_of_separators_are_skipped_like_blank_lines() -> None:
    text = "email;phone;first_name\n;;\na@example.com;;Ada\n\n ;; \n;;;;;\nb@example.com;;Bob\n;;\n"
    assert count(text) == 2
    assert [(row.line, row.contact.errors) for row in rows(text)] == [(3, ()), (7, ())]
    assert [row.line for row in rows(text, skip=1)] == [7]


def test_tags_of_a_file_are_added_unless_the_caller_replaces_them() -> None:
    text = "email,tags\na@example.com,vip;new\n"
    added = contact(text)
    assert (added.tags_add, "tags" in added.model_fields_set) == (["vip", "new"], False)
    replaced = contact(text, tags="replace")
    assert (replaced.tags, replaced.tags_add) == (["vip", "new"], [])


def test_tags_can_be_removed_by_a_column_of_their_own() -> None:
    found = contact("email,tags,Tags Remove\na@example.com,vip,old|cold\n")
    assert (found.tags_add, found.tags_remove) == (["vip"], ["old", "cold"])


def test_the_callers_word_clears_a_cell_and_an_empty_cell_does_not() -> None:
    text = "external_id,email,first_name,last_name,tags,plan,age:number\na,NULL,NULL,,NULL,NULL,NULL\n"
    found = contact(text, clear="NULL")
    assert found.given() == {
        "external_id": "a",
        "email": None,
        "first_name": None,
        "tags": [],
        "properties": {"plan": None, "age": None},
    }
    assert contact("external_id,first_name\na,null\n", clear="NULL").first_name == "null"
    assert contact("external_id,first_name\na,NULL\n").first_name == "NULL"
