"""What a file of contacts may say about getting messages: it opts people out, and never makes anybody active again."""

from typing import Any
from uuid import uuid4

import pytest

from models.consent.consent import ConsentSource, ConsentState
from models.contacts.csv_rows import ImportOptions, count_rows, read_rows
from models.contacts.upsert import upsert_rows
from models.database import Database
from services.consent.imported import answers_of, record_imported
from services.consent.opt_out import EVERYTHING, Scope, record_consent
from tests.clicks import rows
from tests.sending import Sending

ADA = "ada@example.com"
WRITTEN = "SELECT state, medium, source FROM consent ORDER BY given_at, id"


async def take(sending: Sending, file: str) -> list[Any]:
    """Imports the file. Returns the outcome of each row."""
    count_rows(file, ImportOptions())
    page = list(read_rows(file, ImportOptions()))
    async with sending.database.transaction() as session:
        outcomes = await upsert_rows(session, sending.org_id, [each.contact for each in page])
        await record_imported(session, sending.org_id, uuid4(), answers_of(page, outcomes))
    return outcomes


async def says(sending: Sending, state: ConsentState, scope: Scope = EVERYTHING) -> None:
    """Ada is there, and has said this."""
    (ada,) = await sending.contacts(email=ADA)
    async with sending.database.transaction() as session:
        await record_consent(session, sending.org_id, [ada.id], state, scope, ConsentSource.UNSUBSCRIBE_LINK)


@pytest.mark.parametrize("column", ["consent", "consent_email", "Consent", "consent email"])
async def test_an_import_never_makes_an_opted_out_person_active_again(sending: Sending, database: Database, column: str) -> None:
    await says(sending, ConsentState.OPTED_OUT)
    await take(sending, f"email,{column}\n{ADA},opted_in\n")
    assert await rows(database, WRITTEN) == [("opted_out", None, "unsubscribe_link")]


async def test_an_opt_out_of_one_medium_says_nothing_about_the_other(sending: Sending, database: Database) -> None:
    await says(sending, ConsentState.OPTED_OUT, Scope("sms"))
    await take(sending, f"email,consent_sms,consent_email\n{ADA},yes,yes\n")
    assert await rows(database, WRITTEN) == [("opted_out", "sms", "unsubscribe_link"), ("opted_in", "email", "import")]


async def test_an_opt_out_of_one_medium_keeps_an_import_from_opting_in_to_all(sending: Sending, database: Database) -> None:
    await says(sending, ConsentState.OPTED_OUT, Scope("sms"))
    await take(sending, f"email,consent\n{ADA},opted_in\n")
    assert await rows(database, WRITTEN) == [("opted_out", "sms", "unsubscribe_link")]


async def test_people_who_have_never_answered_are_opted_in(sending: Sending, database: Database) -> None:
    await take(sending, f"email,consent\n{ADA},subscribed\nbob@example.com,\neve@example.com,unknown\n")
    assert await rows(database, WRITTEN) == [("opted_in", None, "import")]


async def test_an_opt_out_in_a_file_always_counts(sending: Sending, database: Database) -> None:
    await says(sending, ConsentState.OPTED_IN)
    await take(sending, f"email,consent\n{ADA},unsubscribed\n")
    assert [each[0] for each in await rows(database, WRITTEN)] == ["opted_in", "opted_out"]


async def test_an_opt_out_in_a_file_stops_the_enrollments_that_it_covers(sending: Sending, database: Database) -> None:
    (ada,) = await sending.contacts(email=ADA)
    enrollment = await sending.enrollment(ada)
    await take(sending, f"email,consent_email\n{ADA},no\n")
    assert await rows(database, "SELECT count(*) FROM command") == [0]
    await take(sending, f"email,consent_sms\n{ADA},no\n")
    assert await rows(database, "SELECT enrollment_id FROM command") == [enrollment.id]


async def test_of_several_rows_about_one_contact_the_last_one_counts(sending: Sending, database: Database) -> None:
    await take(sending, f"email,consent\n{ADA},yes\n{ADA},no\n")
    assert [each[0] for each in await rows(database, WRITTEN)] == ["opted_out"]


async def test_a_word_that_is_no_consent_is_named_and_the_row_is_written(sending: Sending, database: Database) -> None:
    (outcome,) = await take(sending, f"email,consent\n{ADA},perhaps\n")
    assert outcome.is_incomplete
    assert [each.field for each in outcome.errors] == ["consent"]
    assert await rows(database, WRITTEN) == []


async def test_consent_is_no_field_and_no_property_of_the_contact(sending: Sending, database: Database) -> None:
    await take(sending, f"email,consent,consent_sms\n{ADA},yes,no\n")
    assert await rows(database, "SELECT properties FROM contact") == [{}]
    assert await rows(database, WRITTEN) == [("opted_in", None, "import"), ("opted_out", "sms", "import")]
