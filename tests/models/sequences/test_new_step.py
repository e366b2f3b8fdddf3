"""A new kind of step needs its file and its line in the registry, and an effect a second pair; everything else takes the kinds
from there."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from models.errors import FieldError
from models.field_errors import field_errors
from models.sequences.check import check_sequence
from models.sequences.steps.base import Decided, Duration, Effect, StepKey, Wait
from models.sequences.steps.definition import Arrival, SequenceDefinition
from models.sequences.steps.end import EndStep
from models.sequences.steps.registry import KINDS, Step

ROOT = Path(__file__).parents[3]
CODE = ("models", "services", "activities", "workflows", "api")
STEPS, DOING = "models/sequences/steps", "activities/steps"
ACTIONS = ("trigger", "activities/actions/", "services/channels/")
"""The actions of triggers have kinds of their own, some of which have the same word, and so have the steps of a channel's test:
their files have this in their names."""

# Files beside the kind's own that name it, with the reason. Whoever adds a line here makes the next kind dearer.
NAMES_THE_WORD = {
    "send": {"api/sequences/views.py"},  # the example of a request
    "wait_for_click": {"api/sequences/views.py", "api/reports/sequences.py"},  # examples
    "wait": {"api/sequences/views.py", "services/notifications/services.py"},  # a key in the example; a parameter of apprise
    "end": {"api/sequences/views.py", "workflows/sequence_enrollment.py"},  # the example; a word of a turn's summary
}
IMPORTS_THE_MODEL = {
    # Sending has texts, which are compiled, checked for links and left out of a workflow's input.
    "send": {
        "models/sequences/check.py",
        "models/triggers/placed.py",
        "services/publish.py",
        "services/published.py",
        "api/diagnostics/routes.py",
    },
    # A target that is not there is found at publish.
    "notify": {"services/publish.py"},
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for part in CODE:
        for path in sorted((ROOT / part).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_file_knows_a_kinds_word(kind: str) -> None:
    others = [(name, tree) for name, tree in sources() if not any(part in name for part in ACTIONS)]
    found = {name for name, tree in others for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == kind}
    line = {f"{DOING}/registry.py"} if issubclass(KINDS[kind], Effect) else set()
    assert found == {f"{STEPS}/{kind}.py", *line, *NAMES_THE_WORD.get(kind, set())}


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_file_imports_a_kinds_model(kind: str) -> None:
    module = KINDS[kind].__module__
    found = {
        name for name, tree in sources() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == module
    }
    assert module == f"{STEPS}/{kind}".replace("/", ".")
    doing = {f"{DOING}/{kind}.py"} if issubclass(KINDS[kind], Effect) else set()
    assert found == {f"{STEPS}/registry.py", *doing, *IMPORTS_THE_MODEL.get(kind, set())}


class Pause(Wait):
    """A kind that the product does not have: everything that is true of waits is true of it."""

    kind: Literal["pause"] = "pause"
    key: StepKey
    pause: Duration
    next: StepKey

    def lasts(self) -> timedelta:
        return self.pause

    def when_over(self) -> Decided:
        return Decided("rested", self.next)


class Wider(SequenceDefinition):
    steps: tuple[Annotated[Step | Pause, Field(discriminator="kind")], ...]  # type: ignore[assignment] # one kind more


@pytest.fixture
def with_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "pause", Pause)


def wider(*steps: dict[str, object]) -> Wider:
    return Wider.model_validate({"steps": steps})


def test_a_made_up_kind_is_walked_and_checked_like_the_others() -> None:
    pause: dict[str, object] = {"kind": "pause", "key": "rest", "pause": "PT1H", "next": "over"}
    definition = wider(pause, {"kind": "end", "key": "over"})
    assert definition.walk("rest") == Arrival((), Pause(key="rest", pause=timedelta(hours=1), next="over"))
    assert check_sequence(definition, {}) == []
    assert isinstance(definition.step("over"), EndStep)
    lost = wider({**pause, "next": "nowhere"})
    assert [error.field for error in check_sequence(lost, {})] == ["steps[0].next"]


@pytest.mark.usefixtures("with_pause")
def test_an_error_in_a_made_up_kind_names_the_field_as_the_caller_wrote_it() -> None:
    with pytest.raises(ValidationError) as refused:
        wider({"kind": "pause", "key": "rest", "pause": "1 day", "next": "over"})
    wanted = "Write an ISO 8601 duration such as PT30S or P3D, or a number of seconds."
    assert field_errors(refused.value.errors()) == [FieldError("steps[0].pause", wanted)]
