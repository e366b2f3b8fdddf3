"""The step language: what a sequence is made of. Data, not code; a published version never changes.

A step runs, then the step named by `next` runs, or the one that stands after it in the list; after the last one the sequence
ends. Durations are ISO 8601 (`"P3D"`, `"PT30S"`) or seconds. What is stored may have years (`"P1Y1D"`: 366 days), what comes in
by the API may not: see `api/sequence_models.py`.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from models.text import Form, Text

_WORD = Form(r"^[a-z][a-z0-9_]{0,62}$", "Write small letters a-z, digits and _, beginning with a letter: 63 at most.")

StepKey = Annotated[str, Field(examples=["welcome"]), _WORD]
LinkName = Annotated[str, Field(examples=["offer"]), _WORD]
Subject = Annotated[
    Text, Field(min_length=1, max_length=500), Form(r"^[^\r\n]*$", "A subject is one line: leave out the line breaks.")
]
Body = Annotated[Text, Field(min_length=1, max_length=20_000), Form(r"\S", "There is nothing to read in it: write a text.")]


def iso_duration(duration: timedelta) -> str:
    """In days, hours, minutes and seconds. Pydantic would write 366 days as `P1Y1D`, which nobody may send."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    exact = f"{seconds}.{duration.microseconds:06}".rstrip("0").rstrip(".")
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (exact, "S")) if str(number) != "0")
    days = f"{duration.days}D" if duration.days else ""
    return f"P{days}T{time}" if time else f"P{days or 'T0S'}"


Duration = Annotated[
    timedelta,
    Field(ge=timedelta(seconds=1), le=timedelta(days=366), examples=["P3D"], json_schema_extra={"format": "duration"}),
    PlainSerializer(iso_duration, when_used="json"),
]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MessageTemplate(Frozen):
    """The text of a message, a Liquid template. `links` gives names to addresses: write the address or `{{ links.NAME }}`.

    An e-mail can have an HTML part too; `body` is its text part then.
    """

    subject: Subject | None = Field(None, description="E-mail only; one line.")
    body: Body = Field(examples=["Hello {{ contact.first_name }}, look at this: {{ links.offer }}"])
    html: Text | None = Field(
        None,
        min_length=1,
        max_length=200_000,
        description="E-mail only: the HTML part. The links of its <a> and <area> are tracked; values are escaped.",
        examples=['<p>Hello {{ contact.first_name }}, <a href="{{ links.offer }}">look at this</a>.</p>'],
    )
    links: dict[LinkName, Text] = Field(
        default_factory=dict, max_length=32, examples=[{"offer": "https://www.example.com/offer?from=message"}]
    )


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


class SendStep(Frozen):
    """Send one message by a channel; goes on when the channel has accepted it, or at once when the contact cannot get it."""

    kind: Literal["send"] = "send"
    key: StepKey
    channel: Text = Field(description="Name of a channel.", examples=["simulator-sms"])
    message: MessageTemplate
    next: StepKey | None = None


class WaitStep(Frozen):
    """Wait for a time."""

    kind: Literal["wait"] = "wait"
    key: StepKey
    duration: Duration
    next: StepKey | None = None


class WaitForClickStep(Frozen):
    """Wait until the contact clicks, at most `timeout`, and branch.

    Without `link`: any link of the message sent last. With `link`: the link of that name in any message sent so far. A click
    before the wait counts. Each link of a message wakes once: a click that has led to a branch is used up.
    """

    kind: Literal["wait_for_click"] = "wait_for_click"
    key: StepKey
    link: LinkName | None = None
    timeout: Duration
    on_click: StepKey
    on_timeout: StepKey


class EndStep(Frozen):
    """The sequence is over for this contact, with a word for reports."""

    kind: Literal["end"] = "end"
    key: StepKey
    outcome: Text = Field("completed", min_length=1, max_length=63)


Step = Annotated[SendStep | WaitStep | WaitForClickStep | EndStep, Field(discriminator="kind")]


class SequenceDefinition(Frozen):
    """The steps in order; the first one is where an enrollment starts. `utm`: for the links of all its messages."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=100)
    utm: Utm | None = None
    utm_overwrite: bool = False

    def step(self, key: str) -> Step:
        """KeyError when there is none (a published version has all)."""
        return next_or_key_error(self.steps, key)

    def after(self, step: SendStep | WaitStep) -> str | None:
        """The key of the step that follows; None: the sequence ends."""
        if step.next is not None:
            return step.next
        place = self.steps.index(step) + 1
        return self.steps[place].key if place < len(self.steps) else None


def next_or_key_error(steps: tuple[Step, ...], key: str) -> Step:
    for step in steps:
        if step.key == key:
            return step
    raise KeyError(key)
