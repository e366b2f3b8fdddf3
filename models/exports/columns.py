"""The columns of exports, and how PostgreSQL writes a row of them as a line of JSON or CSV.

It writes whole pages of lines, so this process hands on one text for thousands of rows, and nobody waits for its event loop.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.errors import Invalid


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON_LINES = "jsonl"

    @property
    def line_end(self) -> str:
        """That of RFC 4180 for CSV, because spreadsheets expect it."""
        return "\r\n" if self is ExportFormat.CSV else "\n"


@dataclass(frozen=True)
class Column:
    """`sql` is its value. A `plain` one holds no text that somebody has written, so no cell of it can be a formula. `named` is
    the parameter that has the name of a property, and empty for all other columns."""

    name: str
    sql: str
    plain: bool = False
    named: str = ""


def plain(name: str, sql: str) -> Column:
    return Column(name, sql, plain=True)


def moment(name: str, sql: str) -> Column:
    """A time in the zone of the transaction, with its offset: `2026-11-30T09:00:00.000+01:00`."""
    return Column(name, f"""to_char({sql}, 'YYYY-MM-DD"T"HH24\\:MI\\:SS.MSTZH\\:TZM')""", plain=True)


PROPERTY = "properties."
"""Before the name of a contact's property in `columns`."""
MOST_COLUMNS = 45
"""PostgreSQL's functions take a hundred arguments, and JSON needs two for each column."""

CONTACT = (
    plain("contact_id", "contact.id"),
    Column("contact_external_id", "contact.external_id"),
    Column("contact_first_name", "contact.first_name"),
    Column("contact_last_name", "contact.last_name"),
    Column("contact_email", "contact.email"),
    Column("contact_phone", "contact.phone"),
)
OWNERS = (
    plain("campaign_id", "campaign.id"),
    Column("campaign_name", "campaign.name"),
    plain("sequence_id", "sequence.id"),
    Column("sequence_name", "sequence.name"),
)


def chosen(known: Sequence[Column], names: str | None) -> tuple[Column, ...]:
    """Returns the columns of these names, separated by commas, in their order; None means all. The first one is always `id`,
    behind which an export goes on. Raises Invalid for a name that is not known or is there twice."""
    if names is None:
        return tuple(known)
    by_name = {each.name: each for each in known}
    found = {"id": by_name["id"]}
    wanted = names.split(",")
    for name in wanted:
        if name.startswith(PROPERTY) and len(name) > len(PROPERTY):
            found[name] = Column(name, "contact.properties", named=f"property_{len(found)}")
        elif name in by_name:
            found[name] = by_name[name]
        else:
            choices = ", ".join([*by_name, f"{PROPERTY}<name of a property of the contact>"])
            raise Invalid.field("columns", f"There is no column {name!r}. Separate names by commas. The columns are: {choices}.")
    if len(set(wanted)) < len(wanted):
        raise Invalid.field("columns", "A column is named more than once: name it once.")
    if len(found) > MOST_COLUMNS:
        raise Invalid.field("columns", f"At most {MOST_COLUMNS} columns are possible.")
    return tuple(found.values())


def json_line(columns: Sequence[Column]) -> str:
    """SQL of a row as a JSON object."""
    return f"json_build_object({', '.join(f'{_key(each)}, {_json_value(each)}' for each in columns)})::text"


def csv_line(columns: Sequence[Column]) -> str:
    """SQL of a row as a line of CSV, without its end."""
    return f"concat_ws(',', {', '.join(f'''coalesce({_cell(each)}, '')''' for each in columns)})"


def csv_header(columns: Sequence[Column]) -> str:
    return ",".join(each.name if each.plain else _quoted(each.name) for each in columns)


# OWASP's list of what makes a spreadsheet take a cell for a formula, with the wide forms that it names.
SIGNS = r"=+\-@＝＋－＠"
AT_START = rf"^(?=[{SIGNS}\t\r\n])"
# Where spreadsheets divide cells by semicolons or tabs, a quote within a cell closes nothing: there such a sign, or a line end,
# begins another cell. Python and PostgreSQL read both patterns alike.
BEHIND_SEPARATOR = rf'([;\t\r\n])(?="*[{SIGNS}])'


def _quoted(text: str) -> str:
    """As `_cell` does it."""
    safe = re.sub(AT_START, "'", re.sub(BEHIND_SEPARATOR, r"\1'", text))
    return '"' + safe.replace('"', '""') + '"'


def _cell(column: Column) -> str:
    if column.plain:
        return f"({column.sql})::text"
    value = f"({column.sql} ->> CAST(:{column.named} AS text))" if column.named else f"({column.sql})"
    safe = rf"regexp_replace(regexp_replace({value}, '{BEHIND_SEPARATOR}', '\1''', 'g'), '{AT_START}', '''')"
    return f"""'"' || replace({safe}, '"', '""') || '"'"""


def _key(column: Column) -> str:
    return f"'{PROPERTY}' || CAST(:{column.named} AS text)" if column.named else f"'{column.name}'"


def _json_value(column: Column) -> str:
    return f"{column.sql} -> CAST(:{column.named} AS text)" if column.named else column.sql
