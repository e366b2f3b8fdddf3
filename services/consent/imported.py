"""Takes over what a file of contacts says about getting messages, without ever making somebody active again.

An opt-out always counts. An opt-in counts only for people who have never answered about this medium.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.consent.consent import ConsentSource, ConsentState
from models.consent.current import never_answered
from models.consent.lock import lock_people
from models.contacts.csv_consent import Answers
from models.contacts.csv_rows import CsvRow
from models.contacts.match import Outcome
from services.consent.opt_out import Scope, record_consent


def answers_of(page: Sequence[CsvRow], outcomes: Sequence[Outcome]) -> dict[UUID, Answers]:
    """Returns the answers by contact. Of several rows about one contact and medium, the last one counts. A row that failed says
    nothing."""
    answers: dict[UUID, Answers] = {}
    for row, outcome in zip(page, outcomes, strict=True):
        if row.consent and outcome.contact_id is not None:
            answers[outcome.contact_id] = answers.get(outcome.contact_id, {}) | row.consent
    return answers


async def record_imported(session: AsyncSession, org_id: UUID, import_id: UUID, answers: Mapping[UUID, Answers]) -> None:
    """Call it in the transaction that writes the contacts. The worker's sweeper tells enrollments of an opt-out."""
    if not answers:
        return
    await lock_people(session, org_id, list(answers))
    people: defaultdict[tuple[ConsentState, str | None], list[UUID]] = defaultdict(list)
    for contact_id, of_contact in answers.items():
        for medium, state in of_contact.items():
            people[state, medium].append(contact_id)
    proof = {"import_id": str(import_id)}
    # Opt-ins come first, so that an opt-out of everything in the same row is the newer one and counts.
    for state in (ConsentState.OPTED_IN, ConsentState.OPTED_OUT):
        mediums = [medium for each, medium in people if each == state]
        new = {medium: await _new(session, state, medium, people[state, medium]) for medium in mediums}
        for medium, contact_ids in new.items():
            await record_consent(session, org_id, contact_ids, state, Scope(medium), ConsentSource.IMPORT, proof=proof)


async def _new(session: AsyncSession, state: ConsentState, medium: str | None, contact_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Returns those of the contacts for whom this answer may be taken over."""
    return await never_answered(session, contact_ids, medium) if state == ConsentState.OPTED_IN else contact_ids
