"""All that the window has about shared screens: it passes each status to the question, the bar,
the page or the window that it is about.
"""

import tkinter
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.i18n import tr
from proxim.core.screen import events as screen_ev
from proxim.core.screen.events import Grant
from proxim.core.screen.sight import PicturesReady, ScreenSight
from proxim.core.screen.status import (
    PanicChord,
    PanicKeys,
    ScreenAnswered,
    ScreenCopied,
    ScreenQuestion,
    ScreenShare,
    ScreenStage,
    needs_second_step,
)
from proxim.ui.window.screen.bar import ScreenBar
from proxim.ui.window.screen.link_screen import ScreenActions
from proxim.ui.window.screen.question import Asked, ScreenDialog
from proxim.ui.window.screen.shield import DialogShield
from proxim.ui.window.screen.viewer import ScreenViewer
from proxim.ui.window.screen.words import reason_words
from proxim.ui.window.theme import Theme

_CHORDS: Final = {
    PanicChord.CTRL_ALT_ESCAPE: "screen.ctrlAltEsc",
    PanicChord.CTRL_ALT_SHIFT_ESCAPE: "screen.ctrlAltShiftEsc",
}


class Page(Protocol):
    """The page of a link, as this module uses it."""

    @property
    def status(self) -> st.LinkStatus:
        """How the link is now."""

    def show_share(self, share: ScreenShare, /) -> None:
        """Show how a screen is shared now."""

    def show_notice(self, sentence: str, /) -> None:
        """Show why something has ended."""


class Screens:
    """The shared screens of all links.

    `page_of` returns the page of a link, or None once it was closed. `asking` is called when a
    question opens or closes.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        page_of: Callable[[ev.LinkID], Page | None],
        asking: Callable[[], None],
    ) -> None:
        self._root = root
        self._theme = theme
        self._post = post
        self._page_of = page_of
        self._asking = asking
        self._shield = DialogShield(root, post)
        # Questions that nobody answered yet, the oldest first; the first one is asked.
        self._questions: list[ScreenQuestion] = []
        self._asked: ScreenQuestion | None = None
        # The link whose peer the person is about to let control.
        self._letting: ev.LinkID | None = None
        self.dialog: ScreenDialog | None = None
        self._shown: dict[ev.LinkID, ScreenShare] = {}
        self._seen: dict[ev.LinkID, ScreenShare] = {}
        self.bars: dict[ev.LinkID, ScreenBar] = {}
        self.viewers: dict[ev.LinkID, ScreenViewer] = {}
        # The links whose screen the person here has asked for: their window opens by itself.
        self._wanted: set[ev.LinkID] = set()
        self._panic_keys: str | None = None
        self.actions = ScreenActions(self.ask_control, self.look, self.stop_looking)

    @property
    def asks(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._asked is not None

    @property
    def looks(self) -> bool:
        """Whether a screen is seen here, so that pictures come all the time."""
        return any(viewer.is_looking for viewer in self.viewers.values())

    def show(self, status: st.FeatureStatus) -> None:
        """Show a status about a screen; others are not for this class."""
        match status:
            case PicturesReady(link):
                if (viewer := self.viewers.get(link)) is not None:
                    viewer.pictures_ready()
            case ScreenShare(shows=True):
                self._show_shown(status)
            case ScreenShare():
                self._show_seen(status)
            case ScreenSight(link, sight):
                if (viewer := self.viewers.get(link)) is not None:
                    viewer.show_sight(sight)
            case ScreenQuestion():
                self._questions.append(status)
                self._ask()
            case ScreenCopied(link):
                if (viewer := self.viewers.get(link)) is not None:
                    viewer.show_copied(status)
            case ScreenAnswered(link, number):
                self._answered(link, number)
            case PanicKeys(chord):
                self._panic_keys = None if chord is None else tr(_CHORDS[chord])
                for bar in self.bars.values():
                    bar.show_panic_keys(self._panic_keys)

    def follow(self, status: st.LinkStatus) -> None:
        """Go on with a link that was lost and is taken up again as another."""
        before, now = status.resumes, status.link
        if before is not None and (viewer := self.viewers.pop(before, None)) is not None:
            self.viewers[now] = viewer
            viewer.link = now
        if (bar := self.bars.get(now)) is not None:
            bar.show_differed(differed=status.digits_differed)
        viewer = self.viewers.get(now)
        if viewer is not None and viewer.was_lost and st.SCREEN in status.features:
            # The other side allowed it, and is not asked again.
            viewer.ask_again()

    def restyle(self) -> None:
        """Apply the current palette."""
        if self.dialog is not None and self.dialog.is_open:
            self.dialog.restyle()
        for bar in self.bars.values():
            bar.restyle()
        for viewer in self.viewers.values():
            viewer.restyle()

    def close(self) -> None:
        """Close all windows, as nobody is left to answer to."""
        self._questions.clear()
        self._close_dialog()
        for bar in self.bars.values():
            bar.close()
        self.bars.clear()
        for viewer in list(self.viewers.values()):
            viewer.close()
        self._shield.watch(on=False)

    # --- questions --------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask the oldest question, unless one is open."""
        if not self._questions or (self.dialog is not None and self.dialog.is_open):
            return
        question = self._asked = self._questions[0]
        asked = Asked(
            question.peer_name,
            question.verified,
            view=question.link not in self._shown,
            control=question.control,
            second_step=question.second_step,
            deadline=question.deadline,
            differed=self._differed(question.link),
        )
        self.dialog = ScreenDialog(self._root, self._theme, asked, partial(self._answer, question))
        self._asking()

    def _differed(self, link: ev.LinkID) -> bool:
        page = self._page_of(link)
        return page is not None and page.status.digits_differed

    def _answer(self, question: ScreenQuestion, grant: Grant, knowing: bool) -> None:
        self._post(screen_ev.AnswerScreen(question.link, question.number, grant, knowing))
        self._forget(question)

    def _answered(self, link: ev.LinkID, number: int) -> None:
        for question in self._questions:
            if (question.link, question.number) == (link, number):
                if question is self._asked:
                    self._close_dialog()
                self._forget(question)
                return

    def _forget(self, question: ScreenQuestion) -> None:
        self._questions.remove(question)
        if question is self._asked:
            self._asked = None
        self._ask()
        self._asking()

    def ask_control(self, link: ev.LinkID) -> None:
        """Ask the person here whether the peer of this link may control this device."""
        page = self._page_of(link)
        if page is None:
            return
        if self.dialog is not None and self.dialog.is_open:
            # One question at a time.
            self.dialog.window.lift()
            return
        asked = Asked(
            page.status.peer_name,
            page.status.verified,
            view=False,
            control=True,
            second_step=needs_second_step(page.status.verified),
            differed=page.status.digits_differed,
        )
        self._letting = link
        self.dialog = ScreenDialog(self._root, self._theme, asked, partial(self._let, link))

    def _let(self, link: ev.LinkID, grant: Grant, knowing: bool) -> None:
        self._letting = None
        if grant is Grant.CONTROL:
            self._post(screen_ev.LetControl(link, knowing))
        self._ask()

    def _close_dialog(self) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = None
        self._asked = self._letting = None

    # --- this device's screen ---------------------------------------------------------------------

    def _show_shown(self, share: ScreenShare) -> None:
        link, page = share.link, self._page_of(share.link)
        if share.stage is ScreenStage.ENDED:
            self._shown.pop(link, None)
            if (bar := self.bars.pop(link, None)) is not None:
                bar.close()
            if link == self._letting:
                # What the person was about to allow makes no sense any more.
                self._close_dialog()
                self._ask()
        else:
            self._shown[link] = share
            bar = self.bars.get(link)
            if bar is None:
                status = None if page is None else page.status
                bar = self.bars[link] = ScreenBar(
                    self._root,
                    self._theme,
                    link,
                    None if status is None else status.peer_name,
                    None if status is None else status.verified,
                    self._post,
                    below=len(self.bars),
                )
                bar.show_panic_keys(self._panic_keys)
                bar.show_differed(differed=self._differed(link))
            bar.show(share)
        self._shield.watch(on=bool(self._shown))
        self._tell_page(page, share)

    # --- the other sides' screens -----------------------------------------------------------------

    def _show_seen(self, share: ScreenShare) -> None:
        link, page = share.link, self._page_of(share.link)
        viewer = self.viewers.get(link)
        match share.stage:
            case ScreenStage.ASKING:
                self._wanted.add(link)
                self._seen[link] = share
            case ScreenStage.ENDED:
                self._wanted.discard(link)
                self._seen.pop(link, None)
            case _:
                self._seen[link] = share
                if viewer is None and link in self._wanted:
                    self._wanted.discard(link)
                    self.look(link)
        if viewer is not None:
            viewer.show_share(share)
        self._tell_page(page, share)

    def look(self, link: ev.LinkID) -> None:
        """Open the window in which this screen is seen, or bring it to the front."""
        viewer, share, page = self.viewers.get(link), self._seen.get(link), self._page_of(link)
        if viewer is None and share is not None:
            name = None if page is None else page.status.peer_name
            viewer = ScreenViewer(self._root, self._theme, link, name, self._post, self._closed)
            self.viewers[link] = viewer
            viewer.show_share(share)
        if viewer is not None:
            viewer.lift()

    def stop_looking(self, link: ev.LinkID) -> None:
        """Close the window in which this screen is seen, and end that."""
        viewer = self.viewers.get(link)
        if viewer is not None:
            viewer.end()
        else:
            self._post(screen_ev.StopScreen(link, shows=False))

    def _closed(self, viewer: ScreenViewer) -> None:
        self.viewers.pop(viewer.link, None)

    def _tell_page(self, page: Page | None, share: ScreenShare) -> None:
        if page is None:
            return
        page.show_share(share)
        why = reason_words(share, page.status.peer_name)
        # The page says by itself that a link was lost.
        known = share.reason is Reason.PEER_VANISHED
        # So does the window in which it was seen.
        known = known or (not share.shows and share.link in self.viewers)
        if why is not None and not known:
            page.show_notice(why)
