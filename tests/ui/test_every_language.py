"""Tests of the window in every language but English: each scene fits and nothing is cut off, at 100
and 200 %.

Pictures are kept for people to look at, as test_pictures.py does in English.
"""

import tkinter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise, product
from tkinter import ttk
from typing import Final

import pytest

from proxim.app.language import speak
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.handover import Handover, HandoverRequest
from proxim.core.i18n import ENGLISH, LANGUAGES
from proxim.core.known.status import KnownList, RememberStage
from proxim.core.pairing.devices import KnownID, Verified
from proxim.ui.window.pairing.steps import STEPS
from proxim.ui.window.theme import ThemeChoice
from proxim.ui.window.widgets import WrapLabel
from tests.ui import test_pictures
from tests.ui.asking import asking
from tests.ui.tk_support import LONG_NAME, WIFI, Bench, MakeBench, link
from tests.ui.window.known import known_support

OTHERS: Final = [language for language in LANGUAGES if language != ENGLISH]
# The window has this limit at 100 %, as in English.
WIDEST: Final = (640, 680)
# So much more with four known devices and their heading.
DEVICES_HEIGHT: Final = 190
# This is in pixels: Tk's canvas returns boxes that are a little too large (its manual, `bbox`).
_SLACK: Final = 2
CABLE: Final = ev.Network("192.168.178.21", 24, "Ethernet", virtual=False)


def show_home(bench: Bench) -> None:
    bench.settle()


def show_more(bench: Bench) -> None:
    bench.window.show(st.Networks((WIFI, CABLE), WIFI.address))
    bench.window.show(bench.invitation(kind=ev.SessionType.TEMPORARY, life=4 * 3600.0))
    bench.window.show(st.Trouble(Problem(Reason.SETTINGS_BROKEN)))
    bench.window.show(st.Trouble(Problem(Reason.PORT_REFUSED)))


def show_closed_code(bench: Bench) -> None:
    bench.window.show(replace(bench.invitation(code=None), code_closed=True))
    bench.window.show(st.Trouble(Problem(Reason.CODE_CLOSED)))


def show_ipv6(bench: Bench) -> None:
    bench.window.show(bench.invitation(code=None, kind=ev.SessionType.PERSISTENT, life=None))


def show_no_code(bench: Bench) -> None:
    bench.window.show(st.NoInvitation(Reason.NO_NETWORK))


def show_joined(bench: Bench) -> None:
    bench.window.show(st.NoInvitation(None))


def show_far(bench: Bench) -> None:
    # Everything that a person may have to agree to.
    bench.window.join.entry.insert(
        0,
        "http://203.0.113.7:47800/#.AAAAAAAAAAAAAAAAAAAAAA.6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11",
    )
    bench.window.join.join()


def show_typo(bench: Bench) -> None:
    bench.window.join.entry.insert(0, "02501-WK380")
    bench.window.join.join()


def guest(stage: st.Stage) -> st.LinkStatus:
    return replace(link(stage=stage, link_id="guest-1"), peer_name=None)


def show_asking(bench: Bench) -> None:
    bench.window.show(replace(guest(st.Stage.ASKING), deadline=bench.clock.now + 40))


def show_failed(bench: Bench) -> None:
    bench.window.show(guest(st.Stage.DIALING))
    bench.window.show(replace(guest(st.Stage.CLOSED), reason=Reason.ICE_FAILED))


def show_lost(bench: Bench) -> None:
    bench.window.show(replace(guest(st.Stage.WAITING), deadline=bench.clock.now + 108))


def ask(bench: Bench, prompt: st.Prompt) -> None:
    bench.window.show(asking(prompt))
    bench.settle()


def show_verified(bench: Bench) -> None:
    ask(bench, bench.prompt(verified=Verified.CODE))


def show_scanned(bench: Bench) -> None:
    ask(bench, bench.prompt(verified=Verified.QR))


def show_unverified(bench: Bench) -> None:
    ask(bench, bench.prompt())


def show_warned(bench: Bench) -> None:
    ask(bench, bench.prompt())
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    (dialog,) = bench.window._dialogs.values()
    dialog.approve()
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.pump(lambda: dialog.approve_button.instate(["!disabled"]))


def show_scanned_link(bench: Bench) -> None:
    bench.window.show(link(verified=Verified.QR))


def show_link_by_link(bench: Bench) -> None:
    bench.window.show(link(link_id="guest-1", verified=Verified.QR))


def show_closed_link(bench: Bench) -> None:
    bench.window.show(link(verified=None))
    bench.window.show(
        replace(link(stage=st.Stage.CLOSED, verified=None), reason=Reason.PEER_VANISHED)
    )


def show_handed_over(bench: Bench) -> None:
    handover = Handover(bench.posted.append)
    handover.hand(HandoverRequest(("/a", "/b"), "Wolfgang-Amadeus-Mozarts-uralter-Rechner"))
    handover.note(KnownList((), discovery=True))
    bench.window.show_handover(handover, lambda: None)


def show_handed_over_to_choose(bench: Bench) -> None:
    handover = Handover(bench.posted.append)
    for name in ("host-1", "host-2"):
        one = link(link_id=name)
        bench.window.show(one)
        handover.note(one)
    handover.hand(HandoverRequest(("/a", "/b")))
    bench.window.show_handover(handover, lambda: None)


def show_known(bench: Bench) -> None:
    bench.window.show(known_support.few())
    bench.settle()
    bench.clock.now += 1


def show_known_asks(bench: Bench) -> None:
    prompt = bench.prompt(LONG_NAME, verified=Verified.KNOWN)
    ask(bench, replace(prompt, known=KnownID("device-2")))


def show_known_settings(bench: Bench) -> None:
    folder = "/home/ada/" + "a folder/" * 12
    bench.window.show(known_support.known(known_support.entry(0, files_to=folder)))
    known_support.known_of(bench).set_up(KnownID("device-0"))


def show_known_warning(bench: Bench) -> None:
    show_known_settings(bench)
    bench.settle()
    known_support.known_of(bench).settings[KnownID("device-0")].let_in_button.invoke()


def show_known_forget(bench: Bench) -> None:
    bench.window.show(known_support.known(known_support.entry(2)))
    known_support.known_of(bench).ask_to_forget(KnownID("device-2"))


def show_known_digits(bench: Bench) -> None:
    bench.window.show(known_support.app_link(LONG_NAME))
    compare = known_support.remembering(bench, RememberStage.COMPARE, ours=False, name=LONG_NAME)
    bench.window.show(compare)


def show_known_waits(bench: Bench) -> None:
    show_known_digits(bench)
    bench.window.show(known_support.remembering(bench, RememberStage.WAITING, name=LONG_NAME))


def show_known_kept(bench: Bench) -> None:
    bench.window.show(known_support.app_link())
    bench.window.show(known_support.remembering(bench, RememberStage.KEPT))


def show_known_let_in(bench: Bench) -> None:
    one = known_support.entry(0, let_in=True, link=known_support.LINK)
    bench.window.show(known_support.known(one))
    bench.window.show(known_support.known_link(0, let_in=True))
    bench.window.pages.select(known_support.LINK)


def show_to_all(bench: Bench) -> None:
    for number, name in enumerate(("Ada's PC", LONG_NAME, "NAS"), start=1):
        bench.window.show(link(name, link_id=f"host-{number}"))
    bench.settle()
    page = bench.window.pages.link
    assert page is not None
    page.bar.all.invoke()


HOME: Final[dict[str, Callable[[Bench], None]]] = {
    function.__name__.removeprefix("show_"): function
    for function in (
        *(
            show_home,
            show_more,
            show_closed_code,
            show_ipv6,
            show_no_code,
            show_joined,
            show_far,
            show_typo,
        ),
        *(
            show_asking,
            show_failed,
            show_lost,
            show_verified,
            show_scanned,
            show_unverified,
            show_warned,
        ),
        *(show_scanned_link, show_link_by_link, show_closed_link),
        *(show_handed_over, show_handed_over_to_choose),
        *(show_known, show_known_asks, show_known_settings, show_known_warning, show_known_forget),
        *(show_known_digits, show_known_waits, show_known_kept, show_known_let_in, show_to_all),
    )
}
SCENES: Final = HOME | {
    name: scene
    for name, scene in test_pictures.SCENES_OF_FILES.items()
    if name != "files-long-names"
}


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_cut_at_100_percent(scene: str, make_bench: MakeBench) -> None:
    themes: tuple[ThemeChoice, ...] = ("light", "dark")
    for language, theme in product(OTHERS, themes):
        speak(language)
        bench = make_bench(theme)
        look_at(bench, scene, f"{language}-{scene}-{theme}-100")
        bench.root.destroy()


@pytest.mark.parametrize("scene", SCENES)
def test_nothing_is_cut_at_200_percent(
    scene: str, fine_screen: str, make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", fine_screen)
    for language in OTHERS:
        speak(language)
        bench = make_bench("light")
        look_at(bench, scene, f"{language}-{scene}-light-200")
        bench.root.destroy()


def look_at(bench: Bench, scene: str, name: str) -> None:
    SCENES[scene](bench)
    bench.wait_until_whole()
    root = bench.root
    bench.pump(lambda: not list(cut(root)), f"{name}: nothing is cut: {list(cut(root))}")
    bench.picture(name)
    width, height = map(bench.window.theme.px, WIDEST)
    if bench.window.home.devices is not None:
        height += bench.window.theme.px(DEVICES_HEIGHT)
    assert (root.winfo_width() <= width, root.winfo_height() <= height) == (True, True), name


def cut(window: tkinter.Misc) -> Iterator[str]:
    """Yield visible widgets that have less room than their text needs; a text that may be shortened
    needs almost none.
    """
    for widget in every(window):
        if widget.winfo_viewable() and isinstance(
            widget, ttk.Label | ttk.Button | ttk.Checkbutton | ttk.Menubutton
        ):
            room = (widget.winfo_width(), widget.winfo_height())
            wanted = (widget.winfo_reqwidth(), widget.winfo_reqheight())
            if room[0] < wanted[0] or room[1] < wanted[1]:
                yield f"{widget.cget('text')!r}: {room} of {wanted}"
        if widget.winfo_viewable() and isinstance(widget, WrapLabel):
            padding = widget.tk.splitlist(
                ttk.Style(widget).lookup(str(widget.cget("style")), "padding")
            )
            line = int(str(widget.cget("wraplength"))) + 2 * (
                int(str(padding[0])) if padding else 0
            )
            if line > widget.winfo_width():
                yield f"{widget.cget('text')!r}: lines of {line} in {widget.winfo_width()}"


def every(widget: tkinter.Misc) -> Iterator[tkinter.Misc]:
    yield widget
    for child in widget.winfo_children():
        yield from every(child)


def test_the_steps_stand_beside_each_other(make_bench: MakeBench) -> None:
    for language, side in product(LANGUAGES, STEPS):
        speak(language)
        bench = make_bench("light")
        if side == "guest":
            show_asking(bench)
        bench.settle()
        canvas = bench.window.steps._canvas
        texts = [item for item in canvas.find_all() if str(canvas.type(item)) == "text"]
        boxes = [canvas.bbox(item) for item in texts]
        name = f"{language} {side}"
        assert len(boxes) == 5, name
        assert boxes[0][0] >= -_SLACK, name
        assert boxes[-1][2] <= canvas.winfo_width() + _SLACK, name
        gap = bench.window.theme.px(6)
        assert all(left[2] + gap <= right[0] for left, right in pairwise(boxes)), name
        bench.root.destroy()


def test_what_is_cut_is_found(make_bench: MakeBench) -> None:
    for language in OTHERS:
        speak(language)
        bench = make_bench("light")
        assert list(cut(bench.root)) == [], language
        bench.window.invite.new_code.configure(width=2)
        bench.window.invite.refuse.place(x=0, y=0, width=20)
        bench.settle()
        assert len(list(cut(bench.root))) == 1, language
        bench.root.destroy()
