"""docs/why.md explains every rule, and no other."""

import re
from pathlib import Path

from api.why.sentences import WORDS
from services.gate import RULES

PAGE = (Path(__file__).parents[3] / "docs" / "why.md").read_text()
FIRST_CELLS = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
EXPLAINED = [word for cell in FIRST_CELLS for word in re.findall(r"`([a-z_]+)`", cell)]
OF_DIAGNOSTICS = {"trigger_fired"}
"""Its sentence is the conversation's."""


def test_every_rule_is_explained_once() -> None:
    assert sorted(EXPLAINED) == sorted({*WORDS, *OF_DIAGNOSTICS})


def test_the_rules_of_the_gate_stand_in_their_order() -> None:
    assert [word for word in EXPLAINED if word in RULES] == list(RULES)
