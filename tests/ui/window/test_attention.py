import pytest

from proxim.ui.window.attention import Attention
from tests.ui.tk_support import Bench


@pytest.fixture
def attention(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Attention:
    """Another program's window is in front until a test sets the focus."""
    made = Attention(bench.root, "Proxim")
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: None)
    return made


def test_what_happens_behind_is_counted_until_one_looks(bench: Bench, attention: Attention) -> None:
    attention.call()
    attention.call()
    assert bench.root.title() == "(2) Proxim"
    bench.focus(bench.window.join.entry)
    bench.pump(lambda: bench.root.title() == "Proxim")


def test_in_front_nothing_needs_to_be_said(
    bench: Bench, attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.root, "focus_displayof", lambda: bench.root)
    attention.call()
    assert bench.root.title() == "Proxim"


def test_an_open_menu_of_ours_is_in_front_too(
    bench: Bench, attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> None:
        raise KeyError("a menu's clone")

    monkeypatch.setattr(bench.root, "focus_displayof", unknown)
    assert attention.in_front


def test_a_question_stands_beside_the_number(bench: Bench, attention: Attention) -> None:
    attention.ask("Files for you")
    attention.call()
    assert bench.root.title() == "(1) Files for you - Proxim"
    attention.ask(None)
    assert bench.root.title() == "(1) Proxim"
