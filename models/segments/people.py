"""The people of a segment: how many they are, a page of them, and which of some contacts are among them. One statement each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.contacts.contact import NOT_ERASED, SIZE, SMALL_PAGE, Contact
from models.paging import PageRequest, cut_page, rows_that_fit
from models.segments.definition import Condition, alternatives, leaves, parts
from models.segments.limits import TO_COUNT, TO_READ_A_PAGE, limited
from models.segments.values import Values

COUNT = f"SELECT count(*) FROM contact WHERE contact.org_id = :org_id AND {NOT_ERASED} AND ({{condition}})"  # noqa: S608

MATCHING = f"""
SELECT contact.id FROM contact
WHERE contact.org_id = :org_id AND {NOT_ERASED} AND contact.id = ANY(:ids) AND ({{condition}})
"""  # noqa: S608 - a condition of ours

# Limits are written out, because the planner takes one that it does not know for a tenth of the table.
BY_CONTACT = """(SELECT contact.id FROM contact WHERE contact.org_id = :org_id AND {behind} AND ({condition})
    ORDER BY contact.id {direction} LIMIT {rows})"""

# Where one index alone has the people in their order, it is followed. The planner would often look at one contact after the other
# instead, although nobody may be found for a long time; OFFSET 0 keeps it from turning the order of the tables round.
BY_ROWS = """(SELECT contact.id FROM {found.table} CROSS JOIN LATERAL (
        SELECT contact.id FROM contact
        WHERE contact.id = {found.table}.contact_id AND contact.org_id = :org_id AND ({condition}) OFFSET 0
    ) AS contact
    WHERE {found.where} AND {behind} ORDER BY {found.table}.contact_id {direction} LIMIT {rows})"""

# Each alternative has its own page, of which the first ones are the page of all.
PAGE = """
SELECT {read} FROM contact WHERE contact.id = ANY(ARRAY(
    SELECT id FROM ({alternatives}) AS found ORDER BY id {direction} LIMIT {rows}
)) ORDER BY contact.id {direction}
"""


async def count_people(session: AsyncSession, org_id: UUID, definition: Condition, at: datetime) -> int:
    """`at` is the moment at which durations such as "within 30 days" end, here and in all that follows."""
    values = Values(org_id, at)
    statement = COUNT.format(condition=definition.sql(values))
    async with limited(session, TO_COUNT):
        return await session.scalar(text(statement), values.parameters) or 0


async def newest_people(
    session: AsyncSession, org_id: UUID, definition: Condition, at: datetime, page: PageRequest
) -> tuple[list[Contact], UUID | None]:
    """Returns a page, newest contacts first, and the id after which the next page begins, which is None on the last page. One of
    more than 50 ends as that of `list_contacts`."""
    values, order = Values(org_id, at), Order(page.limit + 1, page.after, newest_first=True)
    if page.limit <= SMALL_PAGE:
        statement = select(Contact).from_statement(_page(definition, values, order, "contact.*"))
        async with limited(session, TO_READ_A_PAGE):
            return cut_page(list(await session.scalars(statement, values.parameters)), page)
    async with limited(session, TO_READ_A_PAGE):
        found = (await session.execute(_page(definition, values, order, f"contact.id, {SIZE}"), values.parameters)).all()
        shown = found[: rows_that_fit(size for _, size in found[: page.limit])]
        wanted = select(Contact).where(col(Contact.id).in_([id for id, _ in shown])).order_by(col(Contact.id).desc())
        return list(await session.scalars(wanted)), shown[-1].id if len(found) > len(shown) else None


async def next_ids(
    session: AsyncSession, org_id: UUID, definition: Condition, at: datetime, after: UUID | None, limit: int
) -> Sequence[UUID]:
    """Returns the lowest ids behind `after` of people of the segment, in their order."""
    values = Values(org_id, at)
    async with limited(session, TO_READ_A_PAGE):
        return (await session.scalars(_page(definition, values, Order(limit, after), "contact.id"), values.parameters)).all()


async def matching_people(
    session: AsyncSession, org_id: UUID, definition: Condition, at: datetime, contact_ids: Collection[UUID]
) -> set[UUID]:
    """Returns those of the contacts who are in the segment. The caller's limits of time hold."""
    values = Values(org_id, at)
    statement = MATCHING.format(condition=definition.sql(values))
    return set(await session.scalars(text(statement), {**values.parameters, "ids": list(contact_ids)}))


@dataclass(frozen=True)
class Order:
    """Which ids a page has: `rows` of them behind `after`, in this direction."""

    rows: int
    after: UUID | None
    newest_first: bool = False

    @property
    def direction(self) -> str:
        return "DESC" if self.newest_first else "ASC"

    def behind(self, column: str, values: Values) -> str:
        if self.after is None:
            return "true"
        return f"{column} {'<' if self.newest_first else '>'} {values.add(self.after, 'uuid')}"


def pages_of_ids(definition: Condition, values: Values, order: Order, also: str = NOT_ERASED) -> list[str]:
    """Returns a statement for each of the alternatives of the definition, whose first ids together are the page of all. `also` is
    a condition on the contact that has to hold as well."""
    return [_page_of_ids(each, values, order, also) for each in alternatives(definition)]


def _page_of_ids(definition: Condition, values: Values, order: Order, also: str) -> str:
    indexed = [each for each in leaves(definition) if each.has_index()]
    found = indexed[0].rows(values) if len(indexed) == 1 else None
    where = {"direction": order.direction, "rows": order.rows}
    if found is None:
        condition = f"{also} AND ({definition.sql(values)})"
        return BY_CONTACT.format(condition=condition, behind=order.behind("contact.id", values), **where)
    others = [each.sql(values) for each in parts(definition) if each is not indexed[0]]
    condition = " AND ".join(f"({each})" for each in (also, *others))
    behind = order.behind(f"{found.table}.contact_id", values)
    return BY_ROWS.format(found=found, condition=condition, behind=behind, **where)


def _page(definition: Condition, values: Values, order: Order, read: str) -> TextClause:
    alternatives = " UNION ".join(pages_of_ids(definition, values, order))
    return text(PAGE.format(read=read, alternatives=alternatives, direction=order.direction, rows=order.rows))
