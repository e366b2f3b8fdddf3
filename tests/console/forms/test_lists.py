"""A page carries a bounded number of choices, and every field can get its list."""

from console.forms.lists import MOST, Lists

HUNDRED = range(100)


def test_the_lists_behind_the_first_ones_are_not_whole_but_short_ones_are() -> None:
    lists = Lists("save")
    whole = [lists.is_whole(f"triggers[{row}].segment_id", HUNDRED) for row in range(MOST // 100 + 5)]
    assert whole == [True] * (MOST // 100) + [False] * 5
    assert lists.is_whole("triggers[0].when", range(2))


def test_the_list_of_the_field_whose_button_was_pressed_is_whole() -> None:
    for name in ("triggers[30].segment_id", "q.triggers[30].segment_id", "s12.triggers[3].actions[4].target"):
        lists = Lists(Lists.button(name))
        for row in range(100):
            lists.is_whole(f"other[{row}]", HUNDRED)
        assert lists.is_whole(name, HUNDRED)
        assert not lists.is_whole("triggers[31].segment_id", HUNDRED)


def test_the_button_says_first_whose_triggers_they_are() -> None:
    assert Lists.button("triggers[0].link") == "choices:triggers[0].link"
    assert Lists.button("s1.triggers[0].link") == "s1.choices:triggers[0].link"
