"""Whoever follows the demo in a file or a pipe sees it move."""

import pytest

from demo.stages import stages


def test_each_stage_says_when_it_begins_and_when_it_ends_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    reached: dict[str, int] = {}
    with stages(reached) as begin:
        stage = begin("Campaign: clicks", 75)
        assert capsys.readouterr().err == "Campaign: clicks: 75 to do\n"
        stage.report(40)
        assert capsys.readouterr().err == ""
        for _ in range(2):
            stage.report(75)
        assert capsys.readouterr().err == "Campaign: clicks: all 75 done\n"
    assert capsys.readouterr().err == ""
    assert reached == {"Campaign: clicks": 75}
