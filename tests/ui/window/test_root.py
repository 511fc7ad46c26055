import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxim.app.language import speak
from proxim.ui.window import root as root_module
from proxim.ui.window.root import PLAIN_DPI, POINTS_PER_INCH, installed, make_root, scale_of
from proxim.ui.window.window import Window
from tests.ui.tk_support import Bench, MakeBench

on_x11 = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X resources are X11's")


pytestmark = pytest.mark.usefixtures("no_tk_garbage")


def set_resources(display: str, resources: bytes) -> None:
    """Give a screen its X resources, as `xrdb -load` does."""
    # They are imported late, because only Linux has them.
    import xcffib
    from xcffib import xproto

    connection = xcffib.connect(display)
    connection.core.ChangeProperty(
        xproto.PropMode.Replace,
        connection.get_setup().roots[0].root,
        xproto.Atom.RESOURCE_MANAGER,
        xproto.Atom.STRING,
        8,
        len(resources),
        resources,
        is_checked=True,
    ).check()
    connection.disconnect()


def scale_now(dpi: float) -> float:
    root = make_root()
    try:
        return scale_of(root)
    finally:
        # Tk keeps the scaling for the screen, so the next root begins with it.
        root.tk.call("tk", "scaling", dpi / POINTS_PER_INCH)
        root.destroy()


def test_the_root_is_named_and_hidden_until_it_is_filled(
    plain_screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    root = make_root()
    assert root.winfo_class() == "Proxim"
    assert root.title() == "Proxim"
    assert root.state() == "withdrawn"
    Window(root, lambda _intent: None, theme="light")
    assert root.state() == "normal"
    root.destroy()


@on_x11
def test_a_screen_of_192_dpi_is_a_scale_of_two(
    fine_screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", fine_screen)
    assert scale_now(192) == pytest.approx(2.0, rel=0.02)


@on_x11
def test_the_desktop_says_how_large(fine_screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", fine_screen)
    own = scale_now(2 * PLAIN_DPI)
    said = {
        b"Xcursor.size:\t24\nXft.dpi:\t144\n": 1.5,
        b"Xft.dpi: 120.5\n": 1.255,
        b"Xft.dpi: often\n": own,
        b"Xft.dpi: 1\n": own,
        b"Xft.dpi: nan\n": own,
        b"Xft.dpi: -inf\n": own,
        b"Xft.dpi: 1e400\n": own,
        b"Xft.dpi:\n": own,
        b"\377": own,
        b"": own,
    }
    scales = {}
    for resources in said:
        set_resources(fine_screen, resources)
        scales[resources] = scale_now(2 * PLAIN_DPI)
    assert scales == pytest.approx(said, rel=0.02)


@on_x11
def test_without_the_library_of_x_the_screen_s_own_size_counts(
    fine_screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", fine_screen)
    set_resources(fine_screen, b"Xft.dpi: 96\n")

    def no_library(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    with monkeypatch.context() as without:
        without.setattr("ctypes.CDLL", no_library)
        assert scale_now(2 * PLAIN_DPI) == pytest.approx(2.0, rel=0.02)
    set_resources(fine_screen, b"")


@on_x11
def test_without_a_display_tk_says_so() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    program = (
        "import tkinter\nfrom proxim.ui.window.root import make_root\ntry: make_root()\nexcept "
        "tkinter.TclError: print('none')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "none\n"


def test_programs_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not installed("some-program")
    (tmp_path / "some-program").write_text("")
    (tmp_path / "some-program").chmod(0o755)
    assert installed("some-program")


def test_the_window_has_an_icon_from_the_package(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root_module._set_icon(bench.root)
    assert not caplog.records
    monkeypatch.setattr(root_module, "__file__", str(tmp_path / "root.py"))
    (tmp_path / "proxim.png").write_text("no picture")
    root_module._set_icon(bench.root)
    assert "unreadable" in caplog.text


@pytest.mark.parametrize(("language", "word"), [("de", "Ö&ffnen"), ("en", "&Open")])
def test_tks_own_dialogs_speak_the_language_in_use(
    language: str, word: str, make_bench: MakeBench
) -> None:
    speak(language)
    bench = make_bench("light")
    tk = bench.root.tk
    # Tk's language is set soon after the first paint.
    bench.pump(lambda: tk.eval("::msgcat::mclocale") == language)
    assert tk.eval('namespace eval ::tk {::msgcat::mc "&Open"}') == word


def test_a_tk_that_knows_no_languages_shows_its_window(bench: Bench) -> None:
    bench.root.tk.eval("rename ::msgcat::mclocale ::msgcat::gone")
    root_module._after_first_paint(bench.root)
    bench.settle()
    assert bench.root.winfo_viewable()


@on_x11
def test_input_methods_begin_after_the_first_paint(
    plain_screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plain_screen:
        monkeypatch.setenv("DISPLAY", plain_screen)
    root = make_root()
    window = Window(root, lambda intent: None)
    window.root.update()

    def in_use() -> bool:
        return bool(root.tk.getboolean(root.tk.call("tk", "useinputmethods")))

    assert not in_use()
    window.painted()
    # The paint comes first.
    assert not in_use()
    while not in_use():
        root.tk.dooneevent(0)
    root.destroy()
