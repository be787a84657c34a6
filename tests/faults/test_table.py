"""What the command says about its rows."""

import pytest

from tests.faults import __main__ as command
from tests.faults import table
from tests.faults.table import Outcome, fault

WELL = Outcome(tries=3, requests=1000, lost=0, doubled=0, recovered=1.25, settled=4, repeated=2)


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch, tmp_path):
    monkeypatch.setattr(table, "registry", {})
    monkeypatch.setattr(command, "ROWS", ())
    monkeypatch.setattr(command, "VAR", tmp_path)


class Stage:
    def __init__(self, ends):
        self.ends = ends

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize(("lost", "doubled", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
def test_the_exit_code_tells_whether_anything_was_lost_or_doubled(monkeypatch, capsys, lost, doubled, code):
    monkeypatch.setattr(command, "Stage", Stage)
    fault("well")(lambda stage: WELL)
    fault("ill")(lambda stage: Outcome(tries=3, requests=9, lost=lost, doubled=doubled, recovered=0, settled=0))
    assert command.main([]) == code
    assert (
        "| well  | 3     | 1000     | 0    | 0       | 2        | 1.2 s        | 4.0 s       |"
        in capsys.readouterr().out
    )
    assert (command.VAR / "faults.json").exists()


def test_a_row_that_could_not_be_tried_is_no_success(monkeypatch, capsys):
    monkeypatch.setattr(command, "Stage", Stage)
    monkeypatch.setattr(command, "CHECKOUT", command.VAR)
    (command.VAR / "log").mkdir()

    @fault("stuck")
    def stuck(stage):
        raise TimeoutError("the end of all jobs: not within 5 seconds")

    fault("well")(lambda stage: WELL)
    assert command.main([]) == 1
    assert "not tried: stuck: the end of all jobs: not within 5 seconds" in capsys.readouterr().err
    assert command.main(["well"]) == 0
    assert command.main(["no such row"]) == 1


def test_two_rows_may_not_share_a_title():
    fault("twice")(lambda stage: WELL)
    with pytest.raises(ValueError, match="Two rows"):
        fault("twice")(lambda stage: WELL)
