from proxim.io.system.sleep import slept_seconds


def test_nobody_sleeps_between_two_looks() -> None:
    before = slept_seconds()
    assert abs(slept_seconds() - before) < 0.5
