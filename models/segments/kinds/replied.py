"""Whether a contact has written back."""

from typing import Literal

from models.segments.kinds.base import Leaf, Rows
from models.segments.values import Values


class RepliedCondition(Leaf):
    """Whether the contact has ever written to one of the channels. Words such as STOP and HELP are no replies."""

    kind: Literal["replied"]

    def sql(self, values: Values) -> str:  # noqa: ARG002
        return Rows("inbound_message", REPLIES).of_contact()


REPLIES = "inbound_message.org_id = :org_id AND inbound_message.meaning IN ('reply', 'perhaps_refusal')"
