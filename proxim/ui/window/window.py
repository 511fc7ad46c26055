"""The window: it makes the panels, passes each status to the panels that it is about, and binds the
shortcuts.
"""

from __future__ import annotations

import logging
import math
import time
import tkinter
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final

from proxim.core.errors import SENTENCES, Problem, Reason
from proxim.core.i18n import tr
from proxim.core.pairing.opening import Invitation, Networks, NoInvitation, ProofPolicy, ThisDevice
from proxim.ui.window.appearance import Appearance
from proxim.ui.window.attention import Attention, TroubleLine
from proxim.ui.window.drop import DropTarget
from proxim.ui.window.home import HomePage
from proxim.ui.window.pages import HOME, Pages
from proxim.ui.window.root import darken_title_bar, make_root, scale_of
from proxim.ui.window.theme import Theme, ThemeChoice
from proxim.ui.window.widgets import command_key, letter, next_second

# These are loaded with the first request, as the first paint needs no dialog and no intent.
if TYPE_CHECKING:
    from proxim.core import events as ev
    from proxim.core import status as st
    from proxim.core.files.manifest import TransferID
    from proxim.core.files.status import TransferStatus
    from proxim.core.handover import Handover
    from proxim.ui.window.closing import CloseQuestion
    from proxim.ui.window.fields import Fields
    from proxim.ui.window.files.incoming import IncomingQueue
    from proxim.ui.window.handover_bar import HandoverBar
    from proxim.ui.window.known.known import Known
    from proxim.ui.window.pairing.approval import ApprovalDialog
    from proxim.ui.window.screen.screens import Screens

__all__ = ["Window", "make_root"]

_log = logging.getLogger(__name__)

TITLE: Final = "Proxim"
# Milliseconds: what follows from a change has been laid out by then, however many steps that takes.
FIT_AFTER_MS: Final = 500
# Milliseconds after the first paint: it is on the screen by then, and nobody has typed yet.
FIELDS_AFTER_MS: Final = 50
# The tag of the root's own bindings.
_ROOT_TAG: Final = "ProximRoot"
# Widgets of these classes handle Control-C and Control-V themselves.
_EDITABLE: Final = frozenset({"Entry", "TEntry", "Text"})
# Milliseconds from the paint, which has reached the screen by then: X is asked about each widget,
# and would show the code 150 ms later. It is before anybody can type.
_INPUT_METHODS_MS: Final = 50


class Window:
    """The Tk window.

    The app passes every status from the bridge to `show`, and sets `on_close`.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        post: Callable[[ev.Intent], None],
        *,
        scale: float | None = None,
        theme: ThemeChoice = "system",
        clock: Callable[[], float] = time.monotonic,
        appearance: Appearance | None = None,
        folder: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.root = root
        self.on_close: Callable[[], None] = root.destroy
        self._post = post
        self._clock = clock
        # This returns the folder for received files, or None while it is not known.
        self._folder = folder
        self._closing = False
        # This is true while a failure of a callback is being shown.
        self._failing = False
        # An answered dialog stays in here, closed, until its request is over.
        self._dialogs: dict[str, ApprovalDialog] = {}
        # These transfers would be stopped by closing the window.
        self._running: dict[TransferID, TransferStatus] = {}
        self._close_question: CloseQuestion | None = None
        # It exists soon after the first paint.
        self.fields: Fields | None = None
        # The queue exists once files were announced.
        self._incoming: IncomingQueue | None = None
        # It exists once another program gave files to be sent.
        self.handover: HandoverBar | None = None
        # It exists once a peer knows what a screen is.
        self._screens: Screens | None = None
        # It exists once there is a known device, or a peer that can be one.
        self._known: Known | None = None
        root.report_callback_exception = self.callback_failed
        self.theme = Theme(
            root, theme, scale if scale is not None else scale_of(root), clock, appearance
        )
        self._build()
        self._bind_keys()
        root.protocol("WM_DELETE_WINDOW", self.close)
        if root.tk.call("tk", "windowingsystem") == "aqua":
            # The menu's Quit and Cmd+Q; Tk's own would end the program without a goodbye.
            root.createcommand("::tk::mac::Quit", self.close)
        # When a countdown that is seen next changes, by the clock, and the timer for it.
        self._counts_at: float | None = None
        self._count_timer: str | None = None
        self._fit_timer: str | None = None
        self._fields_timer: str | None = None
        root.bind("<Destroy>", self._destroyed, add=True)
        # A binding to the root itself would also be called for each widget inside.
        root.bindtags((*root.bindtags(), _ROOT_TAG))
        root.bind_class(_ROOT_TAG, "<Map>", lambda _event: self._page_changed())
        root.bind_class(_ROOT_TAG, "<Unmap>", lambda _event: self._look_for_devices())
        darken_title_bar(root, self.theme.is_dark)
        root.update_idletasks()
        self.home.arrange(self.home.wanted_size)
        self.pages.keep_size()
        root.deiconify()

    # --- interface for the app --------------------------------------------------------------------

    def painted(self) -> None:
        """Load what was not needed for the first paint, which is done."""
        self.root.after(_INPUT_METHODS_MS, self._begin_input_methods)
        if self._fields_timer is None:
            self._fields_timer = self.root.after(FIELDS_AFTER_MS, self._set_up_fields)

    def show(self, status: st.Status) -> None:
        """Show a status, which replaces the previous one about the same thing."""
        self.steps.handle(status)
        match status:
            case ThisDevice():
                self.device_bar.show(status)
            case Networks(networks):
                self.invite.show_networks(status)
                self.join.networks = networks
            case Invitation():
                self.invite.show_invitation(status)
                if not status.code_closed:
                    self.trouble.no_longer(SENTENCES[Reason.CODE_CLOSED])
            case NoInvitation():
                self.invite.show_no_invitation(status)
            case ProofPolicy():
                self.invite.show_policy(status)
            case _:
                self._show_other(status)
        self._fit_soon()
        self._plan_count()

    def _show_other(self, status: st.Status) -> None:
        """Show a status that is about more than this host and its code."""
        # These are imported late, as the first paint shows none.
        from proxim.core import status as st

        match status:
            case st.Prompts(shown):
                self._show_prompts(shown)
            case st.Prompt() | st.PairOutcome():
                # Prompts says which requests are shown.
                pass
            case st.LinkStatus():
                self._show_link(status)
            case st.TextReceived() | st.TextSent():
                self.pages.show_text(status)
            case st.Trouble():
                self._show_trouble(status)
            case st.Stopped():
                self._show_stopped()
            case st.FeatureStatus():
                self._show_feature(status)

    def come_to_front(self) -> None:
        """Show the window in front of all others, as the person wants to see it."""
        # This is imported late, as the window has just been opened in front.
        from proxim.ui.window.raising import raise_window

        question = self._question
        raise_window(self.root, None if question is None else question[1])
        self.attention.looked()

    def show_handover(self, handover: Handover, changed: Callable[[], None]) -> None:
        """Show what other programs gave to be sent and what waits for a device."""
        if self.handover is None:
            if handover.waiting is None:
                return
            # This is imported late, as most windows are given nothing.
            from proxim.ui.window.handover_bar import HandoverBar

            self.handover = HandoverBar(self.root, self.theme, handover, changed)
        if self.handover.refresh():
            self.handover.grid(row=3, column=0, sticky="ew")
        else:
            self.handover.grid_remove()
        self._fit_soon()

    def close(self) -> None:
        """Close the window, as the person asks; while transfers run, ask back first."""
        self.attention.looked()
        if not self._running:
            self._close_at_once()
            return
        if self._close_question is None:
            # This is imported late, as it is needed at the end at the earliest.
            from proxim.ui.window.closing import CloseQuestion

            self._close_question = CloseQuestion(
                self.root, self.theme, self._close_at_once, self._close_answered
            )
        self._show_running(self._close_question)
        self._close_question.open()

    def _show_running(self, question: CloseQuestion) -> None:
        from proxim.ui.window.closing import Unfinished

        links = {link: panel.status for link, panel in self.pages.links.items()}
        question.show(Unfinished.of(self._running.values(), links))

    def _close_answered(self) -> None:
        self._close_question = None

    def _close_at_once(self) -> None:
        self._closing = True
        self._close_dialogs()
        self.on_close()

    def callback_failed(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Log where a Tk callback raised an exception, and show the person that it did."""
        # This is imported late, as it is rarely needed and the window must show soon.
        from proxim.core.crash_log import describe_crash
        from proxim.core.status import Trouble

        _log.error("a callback failed: %s", describe_crash(error))
        if self._failing:
            # Showing the failure has failed as well; the log has both.
            return
        self._failing = True
        try:
            self.show(Trouble(Problem(Reason.INTERNAL, kind.__name__)))
        finally:
            self._failing = False

    # --- widgets ----------------------------------------------------------------------------------

    def _build(self) -> None:
        root, theme = self.root, self.theme
        root.columnconfigure(0, weight=1)
        root.rowconfigure(1, weight=1)
        # The pages say how large the window is (widgets.resize).
        root.grid_propagate(False)
        home = self.home = HomePage(root, theme, self._post, self._clock)
        home.grid(row=1, column=0, sticky="nsew")
        self.device_bar, self.invite = home.device_bar, home.invite
        self.join, self.steps = home.join, home.steps
        home.on_change = self._page_changed
        self.pages = Pages(
            root,
            theme,
            home,
            self._post,
            self._invite_another,
            self._answer,
            self._have_screens,
            self._have_known,
        )
        self.pages.on_turn = self._page_changed
        self.pages.on_resize = self._fit_soon
        self.trouble = TroubleLine(root, theme)
        self.trouble.grid(row=2, column=0, sticky="ew")
        self.trouble.grid_remove()
        self.attention = Attention(root, TITLE)
        self.drop = DropTarget(root, theme, self._offer_drop, self._dropped)

    def _begin_input_methods(self) -> None:
        # Each widget gets its own with its next event, before it gets the focus.
        self.root.tk.call("tk", "useinputmethods", True)

    def _set_up_fields(self) -> None:
        from proxim.ui.window.fields import Fields

        self.fields = Fields(self.root, self.theme)

    def _bind_keys(self) -> None:
        root, key = self.root, command_key(self.root)
        root.bind(f"<{key}-n>", lambda _event: self.invite.invite() if self.pages.at_home else None)
        root.bind(f"<{key}-j>", lambda _event: self._go_join())
        root.bind(f"<{key}-c>", self._copy_key)
        root.bind(f"<{key}-v>", self._paste_key)
        root.bind(f"<{key}-Shift-C>", lambda _event: self._copy_last())
        for forward in ("<Control-Tab>", "<Control-Next>"):
            root.bind(forward, lambda _event: self._turn(1))
        for back in ("<Control-Shift-Tab>", "<Control-Prior>"):
            root.bind(back, lambda _event: self._turn(-1))
        root.bind("<F2>", lambda _event: self.device_bar.rename() if self.pages.at_home else None)
        root.bind("<FocusIn>", lambda _event: root.after_idle(self._follow_system), add=True)
        if key == "Control":
            root.bind(f"<Alt-{letter('join.heading')}>", lambda _event: self._go_join())
        # Return presses the button that has the focus, as in every other toolkit.
        for kind, press in (("TButton", "<<Invoke>>"), ("TMenubutton", "<space>")):
            for enter in ("<Return>", "<KP_Enter>"):
                root.bind_class(
                    kind, enter, lambda event, press=press: event.widget.event_generate(press)
                )

    # --- statuses ---------------------------------------------------------------------------------

    def _show_prompts(self, shown: tuple[st.Prompt, ...]) -> None:
        """Open a dialog for each request that is to be shown, and close all others."""
        for session_id, dialog in list(self._dialogs.items()):
            if dialog.prompt not in shown:
                dialog.close()
                del self._dialogs[session_id]
        for prompt in shown:
            if prompt.session_id not in self._dialogs:
                self._open_dialog(prompt)
        self._ask_in_title()

    @property
    def _open_dialogs(self) -> list[ApprovalDialog]:
        return [dialog for dialog in self._dialogs.values() if dialog.is_open]

    def _open_dialog(self, prompt: st.Prompt) -> None:
        from proxim.ui.window.pairing.approval import ApprovalDialog

        # An open menu would lie over the dialog and keep the keyboard.
        self.invite.close_menus()
        if self._known is not None:
            self._known.close_menus()
        self._dialogs[prompt.session_id] = ApprovalDialog(
            self.root,
            self.theme,
            prompt,
            self._post,
            self._clock,
            answered=self._ask_in_title,
            beside=len(self._open_dialogs),
        )

    @property
    def _question(self) -> tuple[str, tkinter.Toplevel | None] | None:
        """What needs an answer first: the key of its words for the title, and its window."""
        screens, files, known = self._screens, self._incoming, self._known
        if screens is not None and screens.asks:
            return "screen.asksForScreen", screens.dialog.window if screens.dialog else None
        for request in self._open_dialogs:
            return "window.asksToJoin", request.window
        if files is not None and files.question is not None:
            return "window.filesForYou", files.question.window
        if known is not None and known.asks:
            # A person can close them and compare later.
            digits = [dialog.window for dialog in known.digits.values() if dialog.is_open]
            return "known.asksToCompare", digits[0] if digits else None
        return None

    def _ask_in_title(self) -> None:
        """Show in the title, and so in the task bar, what needs an answer."""
        question = self._question
        if question is not None:
            self.attention.ask(tr(question[0]))
        else:
            # Whoever is here without having been asked about is named as long as nothing is asked.
            self.attention.ask(self._known.let_in if self._known is not None else None)

    def _show_feature(self, status: st.FeatureStatus) -> None:
        # These are imported late, as files come with the first guest at the earliest, and known
        # devices after the first paint.
        from proxim.core.files.status import TransferStatus
        from proxim.core.known.status import KnownList, Remembering

        match status:
            case TransferStatus():
                self._show_transfer(status)
            case KnownList(devices=()) if self._known is None:
                # Most people have none.
                pass
            case KnownList():
                had_devices = self.home.devices is not None
                self._have_known().show(status)
                self.pages.show_known()
                if (self.home.devices is not None) != had_devices:
                    # The page has another size at once, so that it is not folded for a moment.
                    self.root.update_idletasks()
                    self.pages.keep_size()
            case Remembering():
                self._have_known().show(status)
            case _:
                self._have_screens().show(status)

    def _have_known(self) -> Known:
        if self._known is None:
            # This is imported late, as most people have no known devices.
            from proxim.ui.window.known.known import Known

            self._known = Known(
                self.root,
                self.theme,
                self.home,
                self._post,
                self.pages.links.get,
                self.pages.select,
                self._ask_in_title,
                self._folder,
            )
            self._look_for_devices()
        return self._known

    def _look_for_devices(self) -> None:
        """Let known devices be looked for while their list can be seen."""
        if self._known is not None and not self._closing:
            self._known.look(seen=self.pages.at_home and bool(self.root.winfo_viewable()))

    def _have_screens(self) -> Screens:
        if self._screens is None:
            # This is imported late, as most links are for text and files.
            from proxim.ui.window.screen.screens import Screens

            self._screens = Screens(
                self.root, self.theme, self._post, self.pages.links.get, self._ask_in_title
            )
        return self._screens

    @property
    def draws(self) -> bool:
        """Whether a screen is seen here, so that pictures come all the time."""
        return self._screens is not None and self._screens.looks

    def _show_transfer(self, status: TransferStatus) -> None:
        self._count_running(status)
        changed = self.pages.show_transfer(status)
        if status.needs_answer and self._incoming is None:
            # This is imported late, as files come with the first guest at the earliest.
            from proxim.ui.window.files.incoming import IncomingQueue

            self._incoming = IncomingQueue(
                self.root, self.theme, self._post, self._clock, self._ask_in_title, self._folder()
            )
        if self._incoming is not None:
            self._incoming.handle(status)
        if changed and (status.needs_answer or status.over):
            self.attention.call()

    def _count_running(self, status: TransferStatus) -> None:
        if status.running:
            self._running[status.transfer] = status
        else:
            self._running.pop(status.transfer, None)
        if self._close_question is None:
            return
        if self._running:
            self._show_running(self._close_question)
        else:
            self._close_question.close()

    def _answer(self, status: TransferStatus) -> None:
        if self._incoming is not None:
            self._incoming.answer(status)

    def _show_link(self, status: st.LinkStatus) -> None:
        # These are imported late, as links come with the first guest at the earliest.
        from proxim.ui.window.pairing.current_step import side_of
        from proxim.ui.window.pairing.steps import StepsSide

        connected = self.pages.show_link(status)
        if self._screens is not None:
            self._screens.follow(status)
        if status.known is not None or self._known is not None:
            self._have_known().follow(status)
        if connected and status.let_in:
            self.attention.call()
        elif connected:
            self.invite.close_menus()
        if connected and side_of(status) is StepsSide.GUEST:
            self.join.clear()

    def _show_trouble(self, status: st.Trouble) -> None:
        # This is imported late, as nothing can go wrong with files before the first guest.
        from proxim.ui.wording import problem_words, short_name

        sentence = problem_words(status.problem, short_name)
        panel = self.pages.links.get(status.link) if status.link is not None else None
        if panel is not None:
            panel.show_trouble(status)
            sentence = f"{panel.peer_name}: {sentence}"
        self.trouble.show(sentence)

    def _show_stopped(self) -> None:
        self._running.clear()
        self._close_dialogs()
        # Nobody asked for this end, so the network side has failed.
        if not self._closing:
            self.invite.no_invitation(SENTENCES[Reason.INTERNAL], again=False)
            self.trouble.show(SENTENCES[Reason.INTERNAL])

    def _close_dialogs(self) -> None:
        if self._close_question is not None:
            self._close_question.close()
        self._show_prompts(())
        if self._incoming is not None:
            self._incoming.clear()
        if self._screens is not None:
            self._screens.close()
        if self._known is not None:
            self._known.close()

    # --- actions of the person --------------------------------------------------------------------

    def _invite_another(self) -> None:
        self.pages.select(HOME)
        self.invite.invite()

    def _go_join(self) -> None:
        self.pages.select(HOME)
        self.join.focus_entry()

    def _turn(self, step: int) -> str:
        self.pages.turn(step)
        return "break"

    def _copy_key(self, event: tkinter.Event[tkinter.Misc]) -> None:
        if self.pages.at_home and event.widget.winfo_class() not in _EDITABLE:
            self.invite.copy_code.invoke()

    def _paste_key(self, event: tkinter.Event[tkinter.Misc]) -> None:
        if self.pages.link is not None and event.widget.winfo_class() not in _EDITABLE:
            self.pages.link.bar.send_clipboard()

    def _offer_drop(self) -> tuple[bool, str]:
        """Return whether files that are dropped now can be sent, and a sentence about it."""
        panel = self.pages.link
        if panel is None:
            return False, tr("window.dropNowhere")
        if not panel.bar.can_files:
            return False, tr("window.dropNotNow", name=panel.peer_name)
        return True, panel.drop_words

    def _dropped(self, paths: tuple[str, ...]) -> None:
        panel = self.pages.link
        if panel is not None and panel.bar.can_files:
            panel.send_paths(paths)

    def _copy_last(self) -> None:
        if self.pages.link is not None:
            self.pages.link.copy_last.invoke()

    def _follow_system(self) -> None:
        if not self.theme.follow_system():
            return
        darken_title_bar(self.root, self.theme.is_dark)
        self.home.restyle()
        self.pages.restyle()
        for dialog in self._open_dialogs:
            dialog.restyle()
        if self._incoming is not None:
            self._incoming.restyle()
        if self._close_question is not None:
            self._close_question.restyle()
        if self._screens is not None:
            self._screens.restyle()
        if self._known is not None:
            self._known.restyle()

    # --- what time changes ------------------------------------------------------------------------

    def _page_changed(self) -> None:
        """Follow a change that came without a status."""
        self.pages.align_tabs()
        self._fit_soon()
        self._count_down()
        self._look_for_devices()

    def _fit_soon(self) -> None:
        """Let the window follow the size of its content, which is laid out in several steps."""
        if self._fit_timer is None:
            self._fit_timer = self.root.after(FIT_AFTER_MS, self._fit)

    def _fit(self) -> None:
        self._fit_timer = None
        self.pages.keep_size()

    def _count_down(self) -> None:
        """Update the countdowns, and go on while the person can see one."""
        self.pages.tick()
        self._plan_count()

    def _plan_count(self) -> None:
        now = self._clock()
        seen = self.pages.deadlines if self.root.winfo_viewable() else ()
        changes = (next_second(deadline, now) for deadline in seen if deadline is not None)
        first = min((change for change in changes if change is not None), default=None)
        if first == self._counts_at:
            # The timer is right, or none is needed.
            return
        if self._count_timer is not None:
            self.root.after_cancel(self._count_timer)
            self._count_timer = None
        self._counts_at = first
        if first is not None:
            self._count_timer = self.root.after(math.ceil((first - now) * 1000), self._count)

    def _count(self) -> None:
        self._counts_at = self._count_timer = None
        self._count_down()

    def _destroyed(self, event: tkinter.Event[tkinter.Misc]) -> None:
        if event.widget is self.root:
            for timer in (self._fields_timer, self._count_timer, self._fit_timer):
                if timer is not None:
                    self.root.after_cancel(timer)
            self.pages.destroyed()
