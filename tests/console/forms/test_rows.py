"""A form with more rows than the thing may have is refused before any of it is drawn."""

import pytest

from console.forms.rows import refuse_too_many_rows
from console.refused import Refused


def triggers(count: int, actions: int = 0, kind: str = "tag", owner: str = "") -> list[tuple[str, str]]:
    rows = [(f"{owner}triggers[{row}].key", "") for row in range(count)]
    return rows + [(f"{owner}triggers[{row}].actions[{each}].kind", kind) for row in range(count) for each in range(actions)]


TOO_MANY = {
    "triggers": triggers(21),
    "triggers of a sequence": triggers(21, owner="q."),
    "triggers of a step": triggers(21, owner="s3."),
    "actions": triggers(1, 21),
    "actions, some of them with zeros before their numbers": [
        (f"triggers[{'0' * (row % 2)}0].actions[{row}].kind", "tag") for row in range(21)
    ],
    "actions that send": triggers(11, 10, "send"),
    "links of a message": [(f"message.links[{row}].name", "") for row in range(33)],
    "links of all messages": [
        (f"triggers[{row}].actions[{each}].message.links[{link}].name", "")
        for row in range(5)
        for each in range(5)
        for link in range(20)
    ],
    "segments": [(f"audience.segment_ids[{row}]", "") for row in range(13)],
    "properties": [(f"property-{row}", "") for row in range(401)],
    "comparisons": [("compare:0", "")] * 21,
    "values of comparisons": [("value:0", "")] * 21,
}


@pytest.mark.parametrize("what", TOO_MANY)
def test_more_rows_than_there_may_be_are_refused_with_the_limit(what: str) -> None:
    with pytest.raises(Refused, match="too many rows") as refused:
        refuse_too_many_rows(TOO_MANY[what])
    assert refused.value.status == 422
    assert "at most" in refused.value.text


def test_as_many_as_there_may_be_are_taken() -> None:
    refuse_too_many_rows(triggers(20, 20))
    refuse_too_many_rows(triggers(10, 10, "send"))
    refuse_too_many_rows([*triggers(20, owner="q."), *triggers(20, owner="s0."), *triggers(20, owner="s1.")])
    refuse_too_many_rows([("message.body", "x"), ("property-1", ""), *[("compare:0", "")] * 20, *[("compare:1", "")] * 20])


def test_names_of_another_form_are_no_rows() -> None:
    refuse_too_many_rows([(f"triggers[{'9' * 5_000}{row}]", "") for row in range(30)])
