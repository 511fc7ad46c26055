from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.pairing.devices import DeviceInfo
from tests.ui.tk_support import LONG_NAME, Bench


def test_a_device_is_renamed_by_keyboard(bench: Bench) -> None:
    bar = bench.window.device_bar
    bench.focus(bar.button)
    bar.button.event_generate("<Return>")
    assert bar._entry is not None
    bench.focus(bar._entry)
    assert bar._entry.get() == "Ada's laptop"
    bar._entry.delete(0, "end")
    bar._entry.insert(0, "  Grace  ")
    bench.key(bar._entry, "<Return>")
    assert bench.posted == [ev.Rename("Grace")]
    assert bar._entry is None
    # The name does not change before the new status comes.
    assert bar._label.cget("text") == "Ada's laptop"
    bench.window.show(st.ThisDevice(DeviceInfo("Grace", "id")))
    assert bar._label.cget("text") == "Grace"


def test_escape_and_an_unchanged_or_empty_name_rename_nothing(bench: Bench) -> None:
    bar = bench.window.device_bar
    for text, how in (("Other", "<Escape>"), ("Ada's laptop", "<Return>"), ("   ", "<Return>")):
        bar.rename()
        assert bar._entry is not None
        bench.focus(bar._entry)
        bar._entry.delete(0, "end")
        bar._entry.insert(0, text)
        bench.key(bar._entry, how)
        assert bar._entry is None
    assert bench.posted == []


def test_a_name_that_cannot_be_taken_is_explained_below_its_field(bench: Bench) -> None:
    bar = bench.window.device_bar
    for end in ("<Escape>", "<Return>"):
        bar.rename()
        assert bar._entry is not None
        bench.focus(bar._entry)
        bar._entry.delete(0, "end")
        bar._entry.insert(0, "X" * 300)
        bar.button.invoke()
        bar.button.invoke()
        assert bar.trouble is not None
        assert bar.trouble.cget("text") == SENTENCES[Reason.NAME_UNUSABLE]
        bench.pump(bar.trouble.winfo_viewable)
        bench.picture("device-bar-name")
        bar._entry.delete(0, "end")
        bar._entry.insert(0, "Grace\u202e")
        bench.key(bar._entry, end)
        assert bar._entry is None
        assert bar.trouble is None
    assert bench.posted == [ev.Rename("Grace")]


def test_the_save_button_saves(bench: Bench) -> None:
    bar = bench.window.device_bar
    bar.button.invoke()
    assert bar._entry is not None
    bar._entry.insert("end", "!")
    bar.button.invoke()
    assert bench.posted == [ev.Rename("Ada's laptop!")]


def test_a_long_name_neither_widens_the_window_nor_hides_the_button(bench: Bench) -> None:
    width = bench.root.winfo_width()
    bench.window.show(st.ThisDevice(DeviceInfo("W" * 64, "id")))
    bench.settle()
    bar = bench.window.device_bar
    assert bench.root.winfo_width() == width
    assert str(bar._label.cget("text")).endswith("…")
    assert bar.button.winfo_x() + bar.button.winfo_width() <= bar.winfo_width()
    bench.window.show(st.ThisDevice(DeviceInfo(LONG_NAME, "id")))
    assert bar._label.cget("text") == LONG_NAME


def test_a_name_is_shown_without_what_cannot_be_seen(bench: Bench) -> None:
    bench.window.show(st.ThisDevice(DeviceInfo("Ada\u202e\n laptop", "id")))
    assert bench.window.device_bar._label.cget("text") == "Ada laptop"


def test_the_field_moves_nothing(bench: Bench) -> None:
    before = bench.window.invite.winfo_y()
    bench.window.device_bar.rename()
    bench.settle()
    assert abs(bench.window.invite.winfo_y() - before) <= 1
