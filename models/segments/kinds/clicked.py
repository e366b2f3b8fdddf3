"""Whether a person has clicked. Clicks of machines, and suspects that were not decided to be people, do not count."""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from models.segments.kinds.base import Leaf, Reference, Rows, optional
from models.segments.kinds.clicks import engaged
from models.segments.values import Values
from models.sequences.steps.base import LinkName


class ClickedCondition(Leaf):
    """Whether the contact has clicked, or has not: any link of any message, of the campaign or of the sequence, or one link."""

    kind: Literal["clicked", "not_clicked"]
    campaign_id: UUID | None = optional(description="Links of this campaign's message.")
    sequence_id: UUID | None = optional(description="Links of all messages of this sequence, in all its versions.")
    link_id: UUID | None = optional(description="This link.")
    link: LinkName | None = optional(description="The links of the campaign or the sequence that have this name.")

    def model_post_init(self, _context: object) -> None:
        if sum(each is not None for each in (self.campaign_id, self.sequence_id, self.link_id)) > 1:
            raise ValueError("give only one of campaign_id, sequence_id and link_id")
        if self.link is not None and self.campaign_id is None and self.sequence_id is None:
            raise ValueError("a link's name needs the campaign_id or the sequence_id that has the link")

    def references(self) -> Iterator[Reference]:
        for field in ("campaign_id", "sequence_id", "link_id"):
            if (id := getattr(self, field)) is not None:
                yield Reference(field, field.removesuffix("_id"), id, self.link)

    def has_index(self) -> bool:
        return self.kind == "clicked" and self.link is None

    def rows(self, values: Values) -> Rows | None:
        return self._clicks(values) if self.has_index() else None

    def sql(self, values: Values) -> str:
        return ("NOT " if self.kind == "not_clicked" else "") + self._clicks(values).of_contact()

    def _clicks(self, values: Values) -> Rows:
        for scope, id in (("campaign", self.campaign_id), ("sequence", self.sequence_id), ("link", self.link_id)):
            if id is None:
                continue
            given = values.add(id, "uuid")
            if self.link is None:
                return Rows("click_first", FIRST.format(scope=scope, ids=f"= {given}"))
            named = NAMED_LINKS.format(owner=f"{scope}_id", id=given, name=values.add(self.link))
            return Rows("click_first", FIRST.format(scope="link", ids=f"= ANY(ARRAY({named}))"))
        return engaged("clicks > 0")


FIRST = "scope = '{scope}' AND scope_id {ids} AND click_first.verdict = 'human'"

NAMED_LINKS = """SELECT content_link.id FROM content JOIN content_link ON content_link.content_id = content.id
    WHERE content.{owner} = {id} AND content.org_id = :org_id AND content_link.name = {name}"""
