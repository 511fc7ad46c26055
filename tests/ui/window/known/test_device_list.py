"""Tests of the list of known devices on the home page."""

import os
import tkinter
from dataclasses import replace

import pytest
from PIL import ImageGrab

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Reason
from proxim.core.known import events as known_ev
from proxim.core.known.status import KnownList, Presence
from proxim.core.pairing.devices import KnownID
from proxim.ui.window.home import Fold
from proxim.ui.window.known.device_list import DeviceRow
from tests.ui.tk_support import Bench
from tests.ui.window.known.known_support import (
    LINK,
    entry,
    few,
    known,
    known_link,
    known_of,
    list_of,
    many,
)
from tests.ui.window.test_home import bottom, resize, seen

FIRST, SECOND, THIRD = (KnownID(f"device-{number}") for number in range(3))


@pytest.fixture
def listed(bench: Bench) -> Bench:
    """Return a window that shows a few known devices."""
    show(bench, few())
    return bench


def show(bench: Bench, status: KnownList) -> None:
    bench.window.show(status)
    bench.settle()
    bench.clock.now += 1
    bench.settle()


def row(bench: Bench, device: KnownID = FIRST) -> DeviceRow:
    return list_of(bench).rows[device]


def text(one: DeviceRow) -> tuple[str, str, str]:
    return (
        str(one._sign.cget("text")),
        str(one._name.cget("text")),
        str(one._words.cget("text")),
    )


def intents(bench: Bench) -> list[ev.Intent]:
    return [one for one in bench.posted if not isinstance(one, known_ev.LookForDevices)]


def screen() -> bytes:
    return ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).tobytes()


# --- what is shown --------------------------------------------------------------------------------


def buttons(bench: Bench) -> list[list[str]]:
    """The buttons that are seen beside each device; each has to be seen whole."""
    found = []
    for one in list_of(bench).rows.values():
        visible = [button for button in (*one.buttons, one.menu_button) if button.winfo_ismapped()]
        right = one.winfo_rootx() + one.winfo_width()
        assert all(button.winfo_rootx() + button.winfo_width() <= right for button in visible)
        found.append([str(button.cget("text")) for button in visible])
    return found


def test_a_narrow_window_leaves_the_less_likely_buttons_to_the_menu(listed: Bench) -> None:
    more = "⋯"
    wide = [["Connect", more], ["Open", "Disconnect", more], *[["Connect", more]] * 3]
    listed.wait_until_whole()
    assert buttons(listed) == wide
    resize(listed, listed.window.theme.px(340), listed.root.winfo_height())
    narrow = [["Connect", more], ["Open", more], *[["Connect", more]] * 2, [more]]
    listed.pump(lambda: buttons(listed) == narrow)
    resize(listed, listed.window.theme.px(700), listed.root.winfo_height())
    listed.pump(lambda: buttons(listed) == wide)


def test_nothing_changes_for_who_knows_no_device(bench: Bench) -> None:
    bench.wait_until_whole()
    before = screen()
    bench.window.show(known())
    bench.settle()
    assert screen() == before
    assert bench.posted == []
    assert bench.window._known is None


def test_it_says_in_signs_and_words_where_each_is(listed: Bench) -> None:
    shown = [text(one) for one in list_of(listed).rows.values()]
    assert [sign for sign, _, _ in shown] == ["●", "✓", "●", "○", "○"]
    assert [words for _, _, words in shown][:4] == [
        "reachable now",
        "connected",
        "reachable now",
        "not seen now",
    ]
    assert shown[4][2].startswith("last seen 20")
    listed.picture("known-few")


def test_a_device_that_was_seen_today_or_yesterday(bench: Bench) -> None:
    show(bench, known(entry(0, Presence.UNKNOWN), entry(1, Presence.UNKNOWN)))
    assert text(row(bench))[2] == "last seen today"
    assert text(row(bench, SECOND))[2] == "last seen yesterday"


def test_a_long_name_is_cut_and_moves_nothing(listed: Bench) -> None:
    resize(listed, 480, 700)
    long = row(listed, THIRD)
    assert text(long)[1].endswith("…")
    edge = listed.root.winfo_rootx() + listed.root.winfo_width()
    for one in list_of(listed).rows.values():
        end = one.menu_button.winfo_rootx() + one.menu_button.winfo_width()
        assert end < edge
    assert len({one.menu_button.winfo_rootx() for one in list_of(listed).rows.values()}) == 1


def test_it_follows_each_change_without_losing_its_place(listed: Bench) -> None:
    listed.focus(row(listed, SECOND))
    show(listed, known(entry(1), entry(0, Presence.AWAY, name="Zoe")))
    assert list(list_of(listed).rows) == [SECOND, FIRST]
    assert text(row(listed))[1:] == ("Zoe", "not seen now")
    assert listed.focused() is row(listed, SECOND)


def test_the_focus_goes_on_when_its_device_is_forgotten(listed: Bench) -> None:
    list_of(listed).choose(SECOND)
    listed.focus(row(listed, SECOND))
    show(listed, known(entry(0), entry(2)))
    listed.wait_for_focus(row(listed, THIRD))


def test_the_last_device_takes_the_list_with_it(listed: Bench) -> None:
    show(listed, known())
    assert listed.window.home.devices is None
    assert known_of(listed).list is None
    assert listed.window.home._fold is Fold.NOTHING
    assert not any("devicelist" in str(one) for one in listed.window.home.winfo_children())
    show(listed, few())
    assert row(listed).winfo_viewable()


def test_it_says_why_nobody_is_found(bench: Bench) -> None:
    show(bench, known(entry(), trouble=Reason.NO_MULTICAST))
    note = list_of(bench)._note
    assert note.winfo_viewable()
    assert note.cget("text") == SENTENCES[Reason.NO_MULTICAST]
    assert bottom(bench) >= 0
    show(bench, known(entry(), discovery=False, trouble=Reason.NO_MULTICAST))
    assert not note.winfo_viewable()


# --- what a person does ---------------------------------------------------------------------------


def test_one_click_connects(listed: Bench) -> None:
    row(listed).buttons[0].invoke()
    assert intents(listed) == [known_ev.JoinKnown(FIRST)]


def test_who_is_linked_is_one_click_away(listed: Bench) -> None:
    listed.window.show(known_link(1))
    listed.window.pages.select("")
    listed.settle()
    to_page, end = row(listed, SECOND).buttons
    end.invoke()
    # All of its links end, also those of other programs of that device.
    assert intents(listed) == [known_ev.DisconnectDevice(SECOND)]
    to_page.invoke()
    assert listed.window.pages.open == LINK


def test_an_attempt_is_shown_and_can_be_cancelled(listed: Bench) -> None:
    listed.window.show(known_link(0, st.Stage.DIALING, "guest-1"))
    assert text(row(listed))[2] == "connecting…"
    assert "Looking for Ada's PC" in str(listed.window.steps._sentence.cget("text"))
    (cancel,) = row(listed).buttons
    cancel.invoke()
    assert intents(listed) == [ev.Disconnect(ev.LinkID("guest-1"))]
    listed.window.show(known_link(0, st.Stage.CLOSED, "guest-1"))
    assert text(row(listed))[2] == "reachable now"


@pytest.mark.parametrize(
    "reason", [Reason.DEVICE_NOT_FOUND, Reason.NOT_RECOGNISED, Reason.FORGOTTEN]
)
def test_why_it_failed_stands_in_the_state_line_with_its_name(
    listed: Bench, reason: Reason
) -> None:
    listed.window.show(known_link(0, st.Stage.DIALING, "guest-1"))
    closed = replace(known_link(0, st.Stage.CLOSED, "guest-1"), reason=reason, was_connected=False)
    listed.window.show(closed)
    assert listed.window.steps._sentence.cget("text") == f"Ada's PC: {SENTENCES[reason]}"


def test_the_switch_shows_what_is_true_and_asks_for_the_other(listed: Bench) -> None:
    switch = list_of(listed).discovery
    switch.invoke()
    assert intents(listed) == [known_ev.SetDiscovery(on=False)]
    assert switch.instate(["selected"])
    show(listed, known(entry(), discovery=False))
    assert not switch.instate(["selected"])
    switch.invoke()
    assert intents(listed)[1:] == [known_ev.SetDiscovery(on=True)]


# --- keys -----------------------------------------------------------------------------------------


def test_it_is_one_stop_of_the_tab_key_between_the_code_and_the_join_field(
    listed: Bench,
) -> None:
    home = listed.window.home
    order: list[tkinter.Misc] = [home.invite.refuse]
    while order[-1] is not home.join.entry:
        following = order[-1].tk_focusNext()
        assert following is not None
        order.append(following)
        assert len(order) < 6
    assert order[1:-1] == [list_of(listed).discovery, row(listed)]


def test_arrows_choose_and_return_connects(listed: Bench) -> None:
    first = row(listed)
    listed.focus(first)
    listed.key(first, "<Down>", "<Down>")
    listed.wait_for_focus(row(listed, THIRD))
    listed.key(row(listed, THIRD), "<Up>", "<End>")
    last = list(list_of(listed).rows.values())[-1]
    listed.wait_for_focus(last)
    listed.key(last, "<Down>", "<Home>")
    listed.wait_for_focus(first)
    listed.key(first, "<Return>")
    assert intents(listed) == [known_ev.JoinKnown(FIRST)]
    # Tab comes back to the row that was chosen last.
    assert [bool(one.cget("takefocus")) for one in list_of(listed).rows.values()].count(True) == 1


def test_the_focus_can_be_seen(listed: Bench) -> None:
    one = row(listed)
    listed.window.join.focus_entry()
    listed.settle()
    image = ImageGrab.grab(xdisplay=os.environ["DISPLAY"])
    place = (one.winfo_rootx(), one.winfo_rooty() + one.winfo_height() // 2)
    before = image.getpixel(place)
    listed.focus(one)
    listed.settle()
    assert ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).getpixel(place) != before


def test_the_menu_has_what_the_buttons_have_and_more(listed: Bench) -> None:
    devices = list_of(listed)
    devices.fill_menu(SECOND)
    menu = devices.menu
    labels = [
        str(menu.entrycget(at, "label"))
        for at in range(int(menu.index("end") or 0) + 1)
        if menu.type(at) == "command"
    ]
    assert labels == ["Open", "Disconnect", "Settings…", "Forget…"]
    menu.invoke(3)
    listed.pump(lambda: SECOND in known_of(listed).settings)


def test_the_menu_key_opens_it(listed: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[int, int]] = []
    menu = list_of(listed).menu
    monkeypatch.setattr(menu, "tk_popup", lambda x, y: opened.append((x, y)))
    listed.focus(row(listed))
    listed.key(row(listed), "<Shift-F10>", "<Menu>")
    row(listed).menu_button.invoke()
    assert len(opened) == 3


def test_delete_asks_before_it_forgets(listed: Bench) -> None:
    listed.focus(row(listed))
    listed.key(row(listed), "<Delete>")
    question = known_of(listed).question
    assert question is not None
    listed.pump(question.window.winfo_viewable)
    listed.wait_for_focus(question.keep_button)
    listed.picture("known-forget")
    assert intents(listed) == []
    listed.key(question.keep_button, "<Return>")
    assert known_of(listed).question is None
    assert intents(listed) == []
    listed.focus(row(listed))
    listed.key(row(listed), "<Delete>")
    again = known_of(listed).question
    assert again is not None
    again.forget_button.invoke()
    assert intents(listed) == [known_ev.ForgetDevice(FIRST)]


# --- the place it takes ---------------------------------------------------------------------------


def test_forty_devices_scroll_and_the_focus_stays_in_sight(bench: Bench) -> None:
    show(bench, many())
    devices = list_of(bench)
    assert devices.area.scrolls
    assert devices.winfo_height() < 240
    last = KnownID("device-39")
    devices.choose(last)
    bench.focus(row(bench, last))
    bench.settle()
    end = row(bench, last).winfo_rooty() + row(bench, last).winfo_height()
    assert end <= devices.area.winfo_rooty() + devices.area.winfo_height()
    assert row(bench, last).winfo_rooty() >= devices.area.winfo_rooty()
    bench.picture("known-many")


def test_every_size_shows_the_list_or_its_menu(bench: Bench) -> None:
    bench.window.show(many())
    folds = set()
    for width in (360, 480, 610, 900):
        for height in range(900, 260, -37):
            resize(bench, width, height)
            assert seen(bench), (width, height)
            devices, home = list_of(bench), bench.window.home
            folds.add(home._fold)
            if home._fold is Fold.DEVICES:
                assert devices.menu_button.winfo_viewable(), (width, height)
                assert not devices.winfo_viewable(), (width, height)
            else:
                assert devices.winfo_viewable(), (width, height)
                assert devices.area.winfo_height() >= 2 * devices._row_height, (width, height)
                assert not devices.menu_button.winfo_viewable(), (width, height)
    assert folds == set(Fold)
    resize(bench, 900, 1200)
    assert bench.window.home._fold is Fold.NOTHING
    # A high window shows more of them.
    assert list_of(bench).area.winfo_height() > 8 * list_of(bench)._row_height


def test_the_menu_that_stands_for_the_list(bench: Bench) -> None:
    bench.window.show(few())
    resize(bench, 610, 330)
    devices = list_of(bench)
    assert bench.window.home._fold is Fold.DEVICES
    assert devices.menu_button.cget("text") == "Known: 2 reachable"
    bench.picture("known-menu")
    devices._fill_all()
    assert devices._all.entrycget(0, "label") == "● Ada's PC: reachable now"
    devices._all.invoke(0)
    assert intents(bench) == [known_ev.JoinKnown(FIRST)]
    submenu(devices._all, "Settings").invoke(3)
    assert KnownID("device-3") in known_of(bench).settings


def submenu(menu: tkinter.Menu, label: str) -> tkinter.Menu:
    """Return the menu that an entry opens."""
    found = menu.nametowidget(menu.entrycget(label, "menu"))
    assert isinstance(found, tkinter.Menu)
    return found


def labels(menu: tkinter.Menu) -> list[str]:
    """Return the entries of a menu."""
    last = menu.index("end")
    assert last is not None
    kinds = [menu.type(at) for at in range(last + 1)]
    return [
        "" if kind == "separator" else menu.entrycget(at, "label") for at, kind in enumerate(kinds)
    ]


def test_a_menu_of_many_devices_fits_beside_its_button(bench: Bench) -> None:
    bench.window.show(many(40))
    resize(bench, 610, 330)
    devices = list_of(bench)
    devices._fill_all()
    first = labels(devices._all)
    # What can be reached comes first, and no device is missing.
    assert all("reachable" in label for label in first[:14])
    assert first[14:] == ["26 more", "", "Settings", "Find them on this network"]
    found, menu, more = first[:14], devices._all, "26 more"
    while more.endswith("more"):
        menu = submenu(menu, more)
        found += [label for label in labels(menu) if not label.endswith("more")]
        more = labels(menu)[-1]
    assert len({*found}) == 40
    assert devices._all.winfo_reqheight() < bench.root.winfo_screenheight() / 2
    assert devices._all.winfo_reqwidth() < bench.window.theme.px(610)
    # It opens to the side where it has room, and so never under the pointer.
    assert str(devices.menu_button.cget("direction")) == "below"
    bench.root.geometry(f"+0+{bench.root.winfo_screenheight() - bench.root.winfo_height()}")
    bench.pump(lambda: bench.root.winfo_rooty() > 0)
    devices._fill_all()
    assert str(devices.menu_button.cget("direction")) == "above"


@pytest.mark.parametrize("height", [330, 420, 620])
def test_devices_that_come_while_another_page_is_open(bench: Bench, height: int) -> None:
    resize(bench, 610, height)
    bench.window.show(known_link(1))
    bench.settle()
    bench.window.show(many(3))
    bench.settle()
    bench.window.show(many(40))
    bench.settle()
    bench.window.pages.select("")
    bench.settle()
    bench.pump(lambda: bottom(bench) >= 0)
    assert list_of(bench).winfo_viewable() or list_of(bench).menu_button.winfo_viewable()


# --- looking for them -----------------------------------------------------------------------------


def looks(bench: Bench) -> list[bool]:
    return [one.looking for one in bench.posted if isinstance(one, known_ev.LookForDevices)]


def test_they_are_looked_for_while_the_list_can_be_seen(bench: Bench) -> None:
    show(bench, few())
    assert looks(bench) == [True]
    bench.window.show(known_link(1))
    assert looks(bench) == [True, False]
    bench.window.pages.select("")
    assert looks(bench) == [True, False, True]
    bench.root.withdraw()
    bench.pump(lambda: looks(bench) == [True, False, True, False])
    bench.root.deiconify()
    bench.pump(lambda: looks(bench) == [True, False, True, False, True])
    show(bench, known())
    assert looks(bench) == [True, False, True, False, True, False]


def test_a_window_that_closes_posts_nothing_more(bench: Bench) -> None:
    show(bench, few())
    bench.window.on_close = bench.root.withdraw
    bench.window.close()
    bench.settle()
    assert looks(bench) == [True]
