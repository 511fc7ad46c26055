import sys
from collections.abc import Callable

import pytest

from proxim.core import events as ev
from proxim.core.files import events as file_ev
from proxim.ui.window.drop import LOAD_AFTER_MS, DropTarget
from tests.ui.tk_support import Bench, link


@pytest.fixture
def drop(bench: Bench) -> DropTarget:
    """Return the window's drop target once it is ready."""
    bench.clock.now += LOAD_AFTER_MS / 1000
    bench.pump(lambda: bench.window.drop.ready)
    return bench.window.drop


def tell(bench: Bench, event: str, data: str = "") -> str:
    """Evaluate the script bound to an event as the extension does, with the data as one word."""
    script = str(bench.root.tk.call("bind", bench.root, event))
    bench.root.tk.call("set", "dropped", data)
    return str(bench.root.tk.eval(script.replace("%D", str(bench.root.tk.eval("list $dropped")))))


def test_files_dropped_on_a_link_are_sent(bench: Bench, drop: DropTarget) -> None:
    bench.window.show(link())
    assert tell(bench, "<<DropEnter>>") == "copy"
    bench.settle()
    assert "Grace's phone" in str(drop.sign.cget("text"))
    assert drop.sign.winfo_viewable()
    assert drop.sign.winfo_width() == bench.root.winfo_width()
    assert tell(bench, "<<Drop>>", "{/tmp/a b} /tmp/\\{x /tmp/\\[exit\\] {/tmp/$y}") == "copy"
    bench.settle()
    assert bench.posted == [
        file_ev.SendPaths(ev.LinkID("host-1"), ("/tmp/a b", "/tmp/{x", "/tmp/[exit]", "/tmp/$y"))
    ]
    assert not drop.sign.winfo_viewable()


def test_what_a_file_manager_hands_over_are_paths(bench: Bench, drop: DropTarget) -> None:
    if bench.root.tk.call("tk", "windowingsystem") != "x11":
        pytest.skip("lists of URIs are X11's")
    bench.window.show(link())
    uris = "file:///tmp/a%20b.txt\r\nfile:///tmp/%C3%BC%7Bx%7D%5B%24HOME.jpg\r\n"
    bench.root.tk.call("set", "uris", uris)
    given = bench.root.tk.eval("::tkdnd::xdnd::normalise_data text/uri-list $uris")
    assert tell(bench, "<<Drop>>", given) == "copy"
    bench.settle()
    assert bench.posted == [
        file_ev.SendPaths(ev.LinkID("host-1"), ("/tmp/a b.txt", "/tmp/ü{x}[$HOME.jpg"))
    ]


def test_a_web_link_is_no_file(bench: Bench, drop: DropTarget) -> None:
    bench.window.show(link())
    assert tell(bench, "<<Drop>>", "http://example.com/a") == "refuse_drop"
    bench.settle()
    assert bench.posted == []


def test_without_a_link_it_says_so_and_takes_nothing(bench: Bench, drop: DropTarget) -> None:
    assert tell(bench, "<<DropEnter>>") == "refuse_drop"
    bench.settle()
    assert "connect" in str(drop.sign.cget("text"))
    assert tell(bench, "<<Drop>>", "/tmp/a") == "refuse_drop"
    bench.settle()
    assert bench.posted == []
    assert not drop.sign.winfo_viewable()


@pytest.mark.parametrize("event", ["<Motion>", "<Button-1>"])
def test_the_sign_goes_with_the_drag_however_that_ended(
    bench: Bench, drop: DropTarget, event: str
) -> None:
    tell(bench, "<<DropEnter>>")
    tell(bench, "<<DropLeave>>")
    bench.settle()
    assert not drop.sign.winfo_viewable()
    tell(bench, "<<DropEnter>>")
    bench.settle()
    drop.sign.event_generate(event, x=5, y=5)
    bench.settle()
    assert not drop.sign.winfo_viewable()


@pytest.mark.parametrize("fault", [ImportError, RuntimeError])
def test_a_system_without_the_extension_has_its_buttons(
    make_bench: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    if fault is ImportError:
        monkeypatch.setitem(sys.modules, "tkinterdnd2", None)
    else:

        def fail(_root: object) -> None:
            raise RuntimeError("Unable to load tkdnd library.")

        monkeypatch.setattr("tkinterdnd2.TkinterDnD.require", fail)
    bench = make_bench("light")
    bench.window.drop.load()
    assert not bench.window.drop.ready
    bench.window.show(link())
    assert bench.window.pages.links[ev.LinkID("host-1")].bar.files.instate(["!disabled"])
