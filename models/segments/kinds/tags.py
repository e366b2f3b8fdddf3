"""The tags of a contact."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from models.contacts.input import MAX_TAGS, Tag, without_repeats
from models.segments.kinds.base import Leaf, Rows
from models.segments.values import Values


class TagsCondition(Leaf):
    """Whether the contact has any, all or none of the tags."""

    kind: Literal["tags"]
    has: Literal["any", "all", "none"] = "any"
    tags: Annotated[list[Tag], Field(min_length=1, max_length=MAX_TAGS), AfterValidator(without_repeats)]

    def has_index(self) -> bool:
        return self.has != "none" and len(self.tags) == 1

    def rows(self, values: Values) -> Rows | None:
        return self._rows(values) if self.has_index() else None

    def sql(self, values: Values) -> str:
        if self.has == "all":  # an index finds those with the first tag, and each contact knows the others
            first = self.each()[0]._rows(values).of_contact()
            return f"{first} AND contact.tags @> {values.add(self.tags, 'text[]')}" if len(self.tags) > 1 else first
        return ("NOT " if self.has == "none" else "") + self._rows(values).of_contact()

    def each(self) -> list["TagsCondition"]:
        """The same condition for each tag by itself."""
        return [self.model_copy(update={"tags": [tag]}) for tag in self.tags]

    def _rows(self, values: Values) -> Rows:
        wanted = f"= {values.add(self.tags[0])}" if len(self.tags) == 1 else f"= ANY({values.add(self.tags, 'text[]')})"
        return Rows("contact_tag", f"contact_tag.org_id = :org_id AND contact_tag.tag {wanted}")
