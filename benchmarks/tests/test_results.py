from benchmarks.results import Row, summarise, table

ROW = Row("list", "ours", "bare", 0.85)
SAMPLES = {"ours": [90.0, 40.0, 300.0], "bare": [100.0, 50.0, 250.0]}


def test_a_ratio_is_of_one_round_and_the_median_is_of_ratios():
    found = summarise(ROW, SAMPLES)

    assert (found.median, found.least, found.most) == (0.9, 0.8, 1.2)
    assert (found.ours, found.baseline) == (90.0, 100.0)
    assert found.reached


def test_a_median_below_the_target_is_missed():
    assert not summarise(Row("list", "ours", "bare", 0.91), SAMPLES).reached


def test_the_table_shows_the_target_beside_what_was_measured():
    head, rule, line = table([summarise(ROW, SAMPLES)]).splitlines()

    assert [cell.strip() for cell in head.split("|")[1:-1]] == [
        "what", "baseline", "ours/s", "baseline/s", "ratio", "min - max", "target", "",
    ]  # fmt: skip
    assert set(rule) == {"|", "-", " "}
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "list", "bare", "90", "100", "0.90", "0.80 - 1.20", ">= 0.85", "reached",
    ]  # fmt: skip
