"""The columns of a file of contacts that say who may be written to: `consent` about all messages, `consent_sms` and
`consent_email` about those of one medium."""

from collections.abc import Sequence

from models.consent.consent import ConsentState
from models.contacts.columns import CONSENT_COLUMNS, FALSE, TRUE, Column
from models.errors import FieldError

WORDS = {
    **dict.fromkeys([*TRUE, "opted_in", "opted in", "subscribed"], ConsentState.OPTED_IN),
    **dict.fromkeys([*FALSE, "opted_out", "opted out", "unsubscribed"], ConsentState.OPTED_OUT),
}
PROBLEM = "This is no consent: write opted_in or opted_out, or leave the cell empty."

Answers = dict[str | None, ConsentState]
"""What a row says, by medium; None stands for all media."""


def read_consent(columns: Sequence[Column], cells: Sequence[str]) -> tuple[Answers, tuple[FieldError, ...]]:
    """Returns the answers of a row, and an error for each cell that is not an answer. An empty cell and `unknown` say nothing."""
    answers, errors = Answers(), list[FieldError]()
    for column, cell in zip(columns, cells, strict=False):
        word = cell.strip().lower()
        if column.field not in CONSENT_COLUMNS or word in ("", "unknown"):
            continue
        if word in WORDS:
            answers[CONSENT_COLUMNS[column.field]] = WORDS[word]
        else:
            errors.append(FieldError(column.field, PROBLEM))
    return answers, tuple(errors)
