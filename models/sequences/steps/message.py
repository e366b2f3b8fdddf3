"""The text of a message as its author writes it, and the UTM parameters of its links."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.sequences.steps.base import Duration, Frozen, LinkName
from models.texts.text import Form, Text

Subject = Annotated[
    Text, Field(min_length=1, max_length=500), Form(r"^[^\r\n]*$", "A subject is one line: leave out the line breaks.")
]
LONGEST_BODY = 20_000
Body = Annotated[Text, Field(min_length=1, max_length=LONGEST_BODY), Form(r"\S", "There is nothing to read in it: write a text.")]


class MessageTemplate(Frozen):
    """The text of a message, a Liquid template. `links` gives names to addresses: write the address or `{{ links.NAME }}`.

    An e-mail can have an HTML part too; `body` is its text part then, and is made from the HTML when it is left out
    (`services/contents/text_of_html.py`).
    """

    kind: Literal["marketing", "transactional"] = Field(
        "marketing", description="marketing needs the person's consent; transactional is what they expect, such as a receipt."
    )
    valid_for: Duration | None = Field(
        None,
        description="How long after it was due the message is still worth sending; null: a day after its first refusal.",
        examples=["PT4H"],
    )
    subject: Subject | None = Field(None, description="E-mail only; one line.")
    body: Body | None = Field(
        None,
        description="The text. An e-mail with html can leave it out: then it is made from the HTML.",
        examples=["Hello {{ contact.first_name }}, look at this: {{ links.offer }}"],
    )
    html: Text | None = Field(
        None,
        min_length=1,
        max_length=200_000,
        description="E-mail only: the HTML part. The links of its <a> and <area> are tracked; values are escaped.",
        examples=['<p>Hello {{ contact.first_name }}, <a href="{{ links.offer }}">look at this</a>.</p>'],
    )
    # Published versions may have 32 of them. A text that is published now has at most 31 links (`tracking/links/links.py`).
    links: dict[LinkName, Text] = Field(
        default_factory=dict, max_length=32, examples=[{"offer": "https://www.example.com/offer?from=message"}]
    )

    @model_validator(mode="after")
    def _has_a_text(self) -> Self:
        if self.body is None and self.html is None:
            raise ValueError("a message needs a body; an e-mail with html can leave it out.")
        return self


UtmValue = Annotated[Text, Field(min_length=1, max_length=200)]


class Utm(Frozen):
    """Parameters that are added to the query of every tracked address, for web analytics. Merge fields are possible."""

    source: UtmValue | None = Field(None, examples=["linkwake"])
    medium: UtmValue | None = Field(None, examples=["sms"])
    campaign: UtmValue | None = Field(None, examples=["spring"])
    term: UtmValue | None = None
    content: UtmValue | None = Field(None, examples=["{{ contact.properties.plan }}"])

    def parameters(self) -> dict[str, str]:
        """As they stand in a query: {"utm_source": "linkwake"}."""
        return {f"utm_{name}": value for name, value in self if value is not None}
