"""Which clicks a report is about, besides their scope, verdict and time: where they were made, with what, and by whom."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class Where:
    """All that are given hold together. A city and a region are compared as they are, in whatever country unless that is given
    too. `tag` is one that the clicking contact has now; it needs the `org_id` whose tag it is."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    device_type: str | None = None
    browser: str | None = None
    os: str | None = None
    tag: str | None = None
    org_id: UUID | None = None

    def given(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if name != "org_id" and value is not None}

    def dimension(self) -> tuple[str, str] | None:
        """Returns the one dimension whose counters know these clicks, with the condition on its values, or None when no single
        one does. The counters of cities and regions know the country as well."""
        given = self.given()
        if "tag" in given or not given:
            return None
        finer = given.keys() - {"country"}
        if not finer:
            return "country", "value = :country"
        if len(finer) > 1:
            return None
        (name,) = finer
        if name in ("city", "region"):
            return name, OF_COUNTRY.format(name=name) if "country" in given else ANYWHERE.format(name=name)
        return (name, f"value = :{name}") if len(given) == 1 else None


EVERYWHERE = Where()

OF_COUNTRY = "value = CAST(:country AS text) || '/' || CAST(:{name} AS text)"
ANYWHERE = "substr(value, strpos(value, '/') + 1) = :{name} AND value <> ''"

# People with the tag are found by it when they are few, and otherwise each click is asked whether its contact has it.
FEW_PEOPLE = 1000
HAS_TAG = """AND EXISTS (
    SELECT FROM contact_tag tagged WHERE tagged.org_id = :org_id AND tagged.tag = :tag AND tagged.contact_id = click.contact_id
)"""
BY_TAG = """AND click.contact_id = ANY(ARRAY(
    SELECT contact_id FROM contact_tag WHERE contact_tag.org_id = :org_id AND contact_tag.tag = :tag
))"""
PEOPLE_WITH_TAG = f"""
SELECT count(*) FROM (SELECT FROM contact_tag WHERE org_id = :org_id AND tag = :tag LIMIT {FEW_PEOPLE + 1}) AS tagged
"""  # noqa: S608 - a number of ours


async def has_few_people(session: AsyncSession, where: Where) -> bool:
    """Whether the people with the tag are so few that their clicks are found by them, however many clicks there are."""
    if where.tag is None:
        return False
    values = {"org_id": where.org_id, "tag": where.tag}
    return (await session.scalar(text(PEOPLE_WITH_TAG), values) or 0) <= FEW_PEOPLE


def conditions(where: Where, by_tag: bool = False) -> str:
    """On `click` and its `metadata`. The parameters are those of `given` and the `org_id`. `by_tag` begins with the people."""
    given = where.given()
    found = [f"AND metadata.{name} = :{name}" for name in given if name != "tag"]
    if "tag" in given:
        found.append(BY_TAG if by_tag else HAS_TAG)
    return " ".join(found)
