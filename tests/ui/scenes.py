"""The scenes of the window that tests look at: each function brings a window into one of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import status as file_st
from proxim.core.files.manifest import Direction, FailedFile
from proxim.core.handover import Handover, HandoverRequest
from proxim.core.known.status import KnownList, RememberStage
from proxim.core.pairing.devices import DeviceInfo, KnownID, Verified
from proxim.core.sanitize import display_name
from proxim.core.screen.status import ScreenStage
from proxim.ui.window.pages import WAITING
from tests.ui.asking import asking
from tests.ui.tk_support import DOCKER, LONG_NAME, WIFI, Bench, camera, link, transfer
from tests.ui.window.known.known_support import (
    LINK,
    app_link,
    entry,
    few,
    known,
    known_link,
    known_of,
    remembering,
)
from tests.ui.window.screen.screen_support import question, share

ARABIC = (
    "صور العطلة الصيفية في الجبال والبحر مع العائلة والأصدقاء سنة ألفين وستة وعشرين الجزء الأول.jpg"
)
# Far more marks over and under one letter than any language has.
MARKS = "".join(map(chr, range(0x300, 0x340)))
LONG = "Protokoll-der-ausserordentlichen-Mitgliederversammlung-vom-21-November-endgueltig2.docx"
CABLE: Final = ev.Network("192.168.178.21", 24, "Ethernet", virtual=False)


def show_long(bench: Bench) -> None:
    bench.window.show(st.ProofPolicy(required=True))
    bench.window.show(st.ThisDevice(DeviceInfo(LONG_NAME, "id")))
    bench.window.show(
        st.Networks(
            (ev.Network("10.20.30.123", 24, "Intel Ethernet I219-V", False), DOCKER), "10.20.30.123"
        )
    )
    bench.window.show(bench.invitation("HG2K-4QWX-91ZP", ev.SessionType.PERSISTENT, None))


def show_error(bench: Bench) -> None:
    bench.window.show(link(stage=st.Stage.CONNECTING, link_id="guest-1"))
    bench.window.show(st.Trouble(Problem(Reason.NETWORK_CHANGED)))
    bench.window.join.entry.insert(0, "02501-WK382")
    bench.window.join._read()


def show_dialog(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt()))
    bench.clock.now += 1
    bench.pump(lambda: bench.window._dialogs["session-1"].approve_button.instate(["!disabled"]))


def show_dialog_verified(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt(verified=Verified.CODE)))
    bench.clock.now += 1
    bench.pump(lambda: bench.window._dialogs["session-1"].approve_button.instate(["!disabled"]))


def show_dialog_qr(bench: Bench) -> None:
    bench.window.show(st.ProofPolicy(required=True))
    bench.window.show(asking(bench.prompt(verified=Verified.QR)))


def show_dialog_replaces(bench: Bench) -> None:
    bench.window.show(link("Grace's phone", st.Stage.WAITING))
    replaces = st.LostLink(ev.LinkID("host-1"), "Grace's phone")
    bench.window.show(asking(replace(bench.prompt(verified=Verified.QR), replaces=replaces)))


def show_dialog_marks(bench: Bench) -> None:
    """A name with as many marks as display_name leaves on each letter."""
    name = display_name("".join(f"{letter}{MARKS}" for letter in "Grace's phone"))
    bench.window.show(asking(bench.prompt(name, verified=Verified.CODE)))


def show_dialog_unnamed(bench: Bench) -> None:
    bench.window.show(asking(bench.prompt(display_name("...", "192.168.178.42"))))


def show_names_with_marks(bench: Bench) -> None:
    name = display_name("".join(f"{letter}{MARKS}" for letter in "Grace"))
    bench.window.show(link(name))
    files = ("plan.pdf", "".join(f"{letter}{MARKS}" for letter in "plan.pdf"), "…")
    for number, file in enumerate(files):
        bench.window.show(transfer(number, file))


def show_dialog_second_step(bench: Bench) -> None:
    show_dialog(bench)
    dialog = bench.window._dialogs["session-1"]
    dialog.approve()
    bench.clock.now += 1
    bench.pump(lambda: dialog.approve_button.instate(["!disabled"]))


def show_conversation(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(link(LONG_NAME, link_id="guest-2", verified=None))
    bench.window.pages.select(ev.LinkID("host-1"))
    for text in ("Hello!", "A longer text\nof two lines", "x" * 200):
        bench.window.show(st.TextReceived(ev.LinkID("host-1"), text))


def show_ipv6(bench: Bench) -> None:
    address = "2001:db8:85a3:1234:5678:8a2e:370:7334"
    bench.window.show(st.Networks((ev.Network(address, 64, "eth0", False),), address))
    bench.window.show(bench.invitation(code=None))


def show_no_network(bench: Bench) -> None:
    bench.window.show(st.Networks((), None))
    bench.window.show(st.NoInvitation(Reason.NO_NETWORK))


def show_no_transfers(bench: Bench) -> None:
    bench.window.show(link())


def show_transfers(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(st.TextReceived(ev.LinkID("host-1"), "Here are the photos"))
    tell = bench.window.show
    done = transfer(
        1, "a.jpg", "b.jpg", "c.jpg", state=file_st.TransferState.DONE, direction=Direction.IN
    )
    tell(replace(done, path="/home/ada/Downloads"))
    some = transfer(2, "a.txt", "b.txt", "c.txt", state=file_st.TransferState.DONE)
    tell(replace(some, failed=(FailedFile(1, Reason.FILE_CHANGED),)))
    tell(replace(transfer(3, state=file_st.TransferState.WAITING), moved=3_100_000))
    tell(transfer(4, "Report.pdf", state=file_st.TransferState.ANNOUNCED))
    tell(replace(transfer(5, "film.mkv", size=4_000_000_000), moved=1_300_000_000, speed=52e6))


def show_finished(bench: Bench) -> None:
    bench.window.show(link())
    tell = bench.window.show
    tell(replace(transfer(1, "a.iso", state=file_st.TransferState.FAILED), reason=Reason.DISK_FULL))
    tell(
        replace(transfer(2, "b.iso", state=file_st.TransferState.CANCELLED), reason=Reason.DECLINED)
    )
    tell(transfer(3, "c.iso", state=file_st.TransferState.CANCELLED, direction=Direction.IN))


def show_long_names(bench: Bench) -> None:
    bench.window.show(link(LONG_NAME))
    for number, name in enumerate((ARABIC, LONG, "W" * 200 + ".exe")):
        status = transfer(number, name, "b", "c", size=4_000_000_000)
        bench.window.show(replace(status, moved=1_234_567_890, speed=123_456, peer_name=LONG_NAME))


def show_question(bench: Bench) -> None:
    bench.window.show(link())
    names = (ARABIC, LONG, "photo\u202egpj.exe", "notes.txt")
    bench.window.show(
        transfer(1, *names, state=file_st.TransferState.ANNOUNCED, direction=Direction.IN)
    )
    alive(bench)
    bench.settle()
    queue = bench.window._incoming
    assert queue is not None
    assert queue.question is not None
    # All names fit into the list, at any scale.
    assert len(queue.question.list.lines()) == len(names)
    assert not queue.question.list._bar.winfo_viewable()


def show_question_of_20000(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(camera())
    alive(bench)
    bench.window._incoming.question.list.toggle(4)  # type: ignore[union-attr]


def alive(bench: Bench) -> None:
    queue = bench.window._incoming
    assert queue is not None
    bench.pump(lambda: queue.question)
    question = queue.question
    assert question is not None
    bench.clock.now += st.ANSWER_DELAY_SECONDS
    bench.pump(lambda: question.accept_button.instate(["!disabled"]))


def show_waiting_link(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.show(
        replace(transfer(3, state=file_st.TransferState.WAITING, link_id=None), moved=3_100_000)
    )
    bench.window.show(replace(transfer(4), moved=3_100_000))
    bench.window.show(
        replace(link(stage=st.Stage.WAITING), deadline=bench.clock.now + 108, was_connected=True)
    )


def show_lane(bench: Bench) -> None:
    bench.window.show(replace(link(LONG_NAME), via=st.Via.LANE, features=("text",)))
    bench.window.show(st.Trouble(Problem(Reason.NOTHING_TO_SEND), ev.LinkID("host-1")))


def show_waiting_tab(bench: Bench) -> None:
    bench.window.show(
        replace(transfer(1, state=file_st.TransferState.WAITING, link_id=None), moved=3_100_000)
    )
    bench.window.pages.select(WAITING)


def show_drop(bench: Bench) -> None:
    bench.window.show(link())
    bench.window.drop.enter()


def show_drop_without_link(bench: Bench) -> None:
    bench.window.drop.enter()


def show_home(bench: Bench) -> None:
    bench.settle()


def show_more(bench: Bench) -> None:
    bench.window.show(st.Networks((WIFI, CABLE), WIFI.address))
    bench.window.show(bench.invitation(kind=ev.SessionType.TEMPORARY, life=4 * 3600.0))
    bench.window.show(st.Trouble(Problem(Reason.SETTINGS_BROKEN, "settings.broken.json")))
    bench.window.show(st.Trouble(Problem(Reason.PORT_REFUSED)))


def show_closed_code(bench: Bench) -> None:
    bench.window.show(replace(bench.invitation(code=None), code_closed=True))
    bench.window.show(st.Trouble(Problem(Reason.CODE_CLOSED)))


def show_link_only(bench: Bench) -> None:
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
    bench.window.show(few())
    bench.settle()
    bench.clock.now += 1


def show_known_asks(bench: Bench) -> None:
    prompt = bench.prompt(LONG_NAME, verified=Verified.KNOWN)
    ask(bench, replace(prompt, known=KnownID("device-2")))


def show_known_settings(bench: Bench) -> None:
    folder = "/home/ada/" + "a folder/" * 12
    bench.window.show(known(entry(0, files_to=folder)))
    known_of(bench).set_up(KnownID("device-0"))


def show_known_warning(bench: Bench) -> None:
    show_known_settings(bench)
    bench.settle()
    known_of(bench).settings[KnownID("device-0")].let_in_button.invoke()


def show_known_forget(bench: Bench) -> None:
    bench.window.show(known(entry(2)))
    known_of(bench).ask_to_forget(KnownID("device-2"))


def show_known_digits(bench: Bench) -> None:
    bench.window.show(app_link(LONG_NAME))
    compare = remembering(bench, RememberStage.COMPARE, ours=False, name=LONG_NAME)
    bench.window.show(compare)


def show_known_waits(bench: Bench) -> None:
    show_known_digits(bench)
    bench.window.show(remembering(bench, RememberStage.WAITING, name=LONG_NAME))


def show_known_kept(bench: Bench) -> None:
    bench.window.show(app_link())
    bench.window.show(remembering(bench, RememberStage.KEPT))


def show_known_let_in(bench: Bench) -> None:
    one = entry(0, let_in=True, link=LINK)
    bench.window.show(known(one))
    bench.window.show(known_link(0, let_in=True))
    bench.window.pages.select(LINK)


def show_to_all(bench: Bench) -> None:
    for number, name in enumerate(("Ada's PC", LONG_NAME, "NAS"), start=1):
        bench.window.show(link(name, link_id=f"host-{number}"))
    bench.settle()
    page = bench.window.pages.link
    assert page is not None
    page.bar.all.invoke()


def show_program(bench: Bench) -> None:
    """A page with everything that it can have."""
    bench.window.show(app_link())
    bench.window.show(remembering(bench, RememberStage.FAILED))
    bench.window.show(share(ScreenStage.CONTROLLED, shows=True))
    show_transfers(bench)
    bench.window.show(app_link())


def show_screens_first(bench: Bench) -> None:
    """What a page gets later stands where it belongs."""
    bench.window.show(app_link())
    bench.window.show(share(ScreenStage.VIEWED, shows=True))
    bench.window.show(remembering(bench, RememberStage.PREPARING))
    bench.window.show(remembering(bench, RememberStage.COMPARE))
    # A person has put the digits away.
    assert bench.window._known is not None
    bench.window._known.digits[LINK].close()


def show_known_program(bench: Bench) -> None:
    bench.window.show(few())
    bench.window.show(known(entry(0, link=LINK, let_in=True)))
    bench.window.show(known_link(0, let_in=True))
    bench.window.pages.select(LINK)


def show_trouble(bench: Bench) -> None:
    show_handed_over(bench)
    bench.window.show(app_link())
    show_more(bench)
    bench.window.pages.select(LINK)


def show_screen_question(bench: Bench) -> None:
    bench.window.show(app_link())
    bench.window.show(question(bench, control=True))


SCENES: Final[dict[str, Callable[[Bench], None]]] = {
    "home": show_home,
    "long-names-several-networks": show_long,
    "error": show_error,
    "dialog": show_dialog,
    "dialog-verified": show_dialog_verified,
    "dialog-qr": show_dialog_qr,
    "dialog-replaces": show_dialog_replaces,
    "dialog-marks": show_dialog_marks,
    "dialog-unnamed": show_dialog_unnamed,
    "names-with-marks": show_names_with_marks,
    "dialog-second-step": show_dialog_second_step,
    "conversation": show_conversation,
    "ipv6": show_ipv6,
    "no-network": show_no_network,
    "files-none": show_no_transfers,
    "files": show_transfers,
    "files-finished": show_finished,
    "files-long-names": show_long_names,
    "files-question": show_question,
    "files-question-20000": show_question_of_20000,
    "files-link-waits": show_waiting_link,
    "files-lane": show_lane,
    "files-tab": show_waiting_tab,
    "files-drop": show_drop,
    "files-drop-nowhere": show_drop_without_link,
    "more": show_more,
    "closed-code": show_closed_code,
    "link-only": show_link_only,
    "no-code": show_no_code,
    "joined": show_joined,
    "far": show_far,
    "typo": show_typo,
    "asking": show_asking,
    "failed": show_failed,
    "lost": show_lost,
    "verified": show_verified,
    "scanned": show_scanned,
    "unverified": show_unverified,
    "warned": show_warned,
    "scanned-link": show_scanned_link,
    "link-by-link": show_link_by_link,
    "closed-link": show_closed_link,
    "handed-over": show_handed_over,
    "handed-over-to-choose": show_handed_over_to_choose,
    "known": show_known,
    "known-asks": show_known_asks,
    "known-settings": show_known_settings,
    "known-warning": show_known_warning,
    "known-forget": show_known_forget,
    "known-digits": show_known_digits,
    "known-waits": show_known_waits,
    "known-kept": show_known_kept,
    "known-let-in": show_known_let_in,
    "to-all": show_to_all,
    "program": show_program,
    "screens-first": show_screens_first,
    "known-program": show_known_program,
    "trouble": show_trouble,
    "screen-question": show_screen_question,
}
