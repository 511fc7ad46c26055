"""Tests of a known device's settings."""

import tkinter
from tkinter import filedialog

import pytest

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.known import events as known_ev
from proxim.core.known.status import KnownEntry, Presence
from proxim.core.pairing.devices import KnownID
from proxim.ui.window.known.settings import DeviceSettings
from tests.ui.tk_support import LONG_NAME, Bench
from tests.ui.window.known.known_support import entry, known, known_of

DEVICE = KnownID("device-0")


def open_settings(bench: Bench, one: KnownEntry) -> DeviceSettings:
    bench.window.show(known(one))
    known_of(bench).set_up(one.id)
    settings = known_of(bench).settings[one.id]
    bench.pump(settings.window.winfo_viewable)
    bench.settle()
    return settings


@pytest.fixture
def settings(bench: Bench) -> DeviceSettings:
    """Return the settings of a device as it is remembered at first."""
    return open_settings(bench, entry(0, Presence.REACHABLE))


def intents(bench: Bench) -> list[ev.Intent]:
    return [one for one in bench.posted if not isinstance(one, known_ev.LookForDevices)]


def test_it_says_what_is_kept(bench: Bench, settings: DeviceSettings) -> None:
    assert settings.window.title() == "Proxim: Ada's PC"
    assert settings.name.get() == "Ada's PC"
    words = str(settings._since.cget("text"))
    assert words.startswith("Known since 20")
    assert "verified by its code and by six digits" in words
    assert settings._where.cget("text") == "Last seen today · reachable now"
    bench.picture("known-settings")


def test_it_is_asked_about_at_first(settings: DeviceSettings) -> None:
    assert settings.ask_button.instate(["selected"])
    assert not settings.let_in_button.instate(["selected"])
    assert not settings.takes.instate(["selected"])
    assert not settings._warning.winfo_viewable()
    assert not settings.folder_button.winfo_viewable()


def test_its_name_can_be_changed(bench: Bench, settings: DeviceSettings) -> None:
    settings.name.delete(0, "end")
    settings.name.insert(0, "  Study ")
    bench.focus(settings.name)
    bench.key(settings.name, "<Return>")
    assert intents(bench) == [known_ev.RenameKnown(DEVICE, "Study")]
    bench.window.show(known(entry(0, Presence.REACHABLE, name="Study")))
    assert settings.window.title() == "Proxim: Study"
    assert settings.name.get() == "Study"
    for nothing in ("", "  ", "Study", "Stu\u202edy"):
        settings.name.delete(0, "end")
        settings.name.insert(0, nothing)
        settings.save_button.invoke()
    assert len(intents(bench)) == 1


def test_a_name_that_cannot_be_taken_is_explained_beside_its_field(
    bench: Bench, settings: DeviceSettings
) -> None:
    for bad in ("X" * 300, "..."):
        settings.name.delete(0, "end")
        settings.name.insert(0, bad)
        settings.save_button.invoke()
        bench.pump(settings.name_trouble.winfo_viewable)
        # What was typed can be shortened there.
        assert settings.name.get() == bad
    assert settings.name_trouble.cget("text") == SENTENCES[Reason.NAME_UNUSABLE]
    bench.picture("known-settings-name")
    assert intents(bench) == []
    settings.name.delete(0, "end")
    settings.name.insert(0, "Anna\u202e PC")
    settings.save_button.invoke()
    assert intents(bench) == [known_ev.RenameKnown(DEVICE, "Anna PC")]
    bench.pump(lambda: not settings.name_trouble.winfo_viewable())


def test_what_is_being_typed_survives_a_status(bench: Bench, settings: DeviceSettings) -> None:
    settings.name.insert("end", " at home")
    bench.window.show(known(entry(0, Presence.AWAY)))
    assert settings.name.get() == "Ada's PC at home"
    assert settings._where.cget("text") == "Last seen today · not seen now"
    # Nor does the old name come back under the hands of who clears the field for another one.
    settings.name.delete(0, "end")
    bench.window.show(known(entry(0, Presence.REACHABLE)))
    assert settings.name.get() == ""
    settings.save_button.invoke()
    assert settings.name.get() == "Ada's PC"
    assert intents(bench) == []


def test_letting_in_needs_a_second_yes_after_its_meaning_was_read(
    bench: Bench, settings: DeviceSettings
) -> None:
    settings.let_in_button.invoke()
    bench.pump(settings._warning.winfo_viewable)
    bench.wait_for_focus(settings.stay_button)
    bench.picture("known-let-in")
    settings.sure_button.invoke()
    settings.let_in()
    assert intents(bench) == []
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.settle()
    settings.sure_button.invoke()
    assert intents(bench) == [known_ev.SetLetIn(DEVICE, let_in=True)]
    assert not settings._warning.winfo_viewable()
    bench.window.show(known(entry(0, Presence.REACHABLE, let_in=True)))
    assert settings.let_in_button.instate(["selected"])


def test_it_stays_at_asking_otherwise(bench: Bench, settings: DeviceSettings) -> None:
    settings.let_in_button.invoke()
    bench.clock.now += 1
    bench.settle()
    bench.wait_for_focus(settings.stay_button)
    bench.key(settings.stay_button, "<Return>")
    assert settings.ask_button.instate(["selected"])
    settings.let_in_button.invoke()
    settings.ask_button.invoke()
    assert not settings._warning.winfo_viewable()
    settings.let_in_button.invoke()
    settings.close()
    assert intents(bench) == []


def test_a_status_does_not_answer_the_warning(bench: Bench, settings: DeviceSettings) -> None:
    settings.let_in_button.invoke()
    bench.window.show(known(entry(0, Presence.AWAY)))
    bench.settle()
    assert settings._warning.winfo_viewable()
    assert settings.let_in_button.instate(["selected"])


def test_asking_again_needs_no_second_step(bench: Bench) -> None:
    settings = open_settings(bench, entry(0, let_in=True))
    settings.ask_button.invoke()
    assert intents(bench) == [known_ev.SetLetIn(DEVICE, let_in=False)]
    # Until it is so, it shows what is true.
    assert settings.let_in_button.instate(["selected"])


def test_its_files_go_into_a_folder_that_is_chosen(
    bench: Bench, settings: DeviceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["", "/home/ada/Inbox/"])
    monkeypatch.setattr(filedialog, "askdirectory", lambda **_options: next(answers))
    settings.takes.invoke()
    assert intents(bench) == []
    assert not settings.takes.instate(["selected"])
    settings.takes.invoke()
    assert intents(bench) == [known_ev.SetFilesTo(DEVICE, "/home/ada/Inbox")]
    bench.window.show(known(entry(0, files_to="/home/ada/Inbox")))
    bench.pump(settings.folder_button.winfo_viewable)
    bench.settle()
    assert settings._into.cget("text") == "Into /home/ada/Inbox"
    settings.takes.invoke()
    assert intents(bench)[1:] == [known_ev.SetFilesTo(DEVICE, None)]


def test_a_long_folder_is_cut_in_the_middle(bench: Bench) -> None:
    folder = "/home/ada/" + "/".join(["a folder in a folder"] * 6) + "/last"
    settings = open_settings(bench, entry(2, let_in=True, files_to=folder, name=LONG_NAME))
    bench.settle()
    shown = str(settings._into.cget("text"))
    assert "…" in shown
    assert shown.endswith("/last")
    end = settings.folder_button.winfo_rootx() + settings.folder_button.winfo_width()
    assert end <= settings.window.winfo_rootx() + settings.window.winfo_width()
    bench.picture("known-settings-long")


def test_forgetting_is_one_click_and_closes_it(bench: Bench, settings: DeviceSettings) -> None:
    settings.forget_button.invoke()
    assert intents(bench) == [known_ev.ForgetDevice(DEVICE)]
    assert not settings.window.winfo_exists()
    assert known_of(bench).settings == {}


def test_it_opens_once_and_comes_to_the_front(bench: Bench, settings: DeviceSettings) -> None:
    known_of(bench).set_up(DEVICE)
    assert known_of(bench).settings == {DEVICE: settings}
    known_of(bench).set_up(KnownID("nobody"))
    bench.focus(settings.name)
    bench.key(settings.name, "<Escape>")
    assert known_of(bench).settings == {}


def test_the_keyboard_reaches_everything_from_top_to_bottom(settings: DeviceSettings) -> None:
    order: list[tkinter.Misc] = [settings.name]
    while order[-1] is not settings.close_button:
        following = order[-1].tk_focusNext()
        assert following is not None
        order.append(following)
        assert len(order) < 9
    assert order[1:] == [
        settings.save_button,
        settings.ask_button,
        settings.let_in_button,
        settings.takes,
        settings.forget_button,
        settings.close_button,
    ]


def test_on_a_low_screen_it_scrolls(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tkinter.Misc, "winfo_screenheight", lambda _self: 400)
    settings = open_settings(bench, entry(0))
    assert settings.window.winfo_height() <= 400 - 72
    assert settings.area.scrolls
    settings.let_in_button.invoke()
    bench.settle()
    end = settings.stay_button.winfo_rooty() + settings.stay_button.winfo_height()
    assert end <= settings.area.winfo_rooty() + settings.area.winfo_height()
