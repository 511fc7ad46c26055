"""All that the window has about known devices: it passes each status to the list, the digits, the
settings and the page that it is about, and says while the list can be seen.
"""

import time
import tkinter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.i18n import tr
from proxim.core.known import events as known_ev
from proxim.core.known.status import KnownEntry, KnownList, Remembering, RememberStage
from proxim.core.pairing.devices import KnownID
from proxim.ui.window.home import HomePage
from proxim.ui.window.known.device_list import DeviceActions, DeviceList
from proxim.ui.window.known.forget import ForgetQuestion
from proxim.ui.window.known.link_known import KnownActions
from proxim.ui.window.known.remember import DigitsDialog
from proxim.ui.window.known.settings import DeviceSettings
from proxim.ui.window.theme import Theme


class Page(Protocol):
    """The page of a link, as this module uses it."""

    @property
    def status(self) -> st.LinkStatus:
        """How the link is now."""

    def show_remembering(self, status: Remembering, /) -> None:
        """Show what becomes of the wish that the two devices know each other."""


class Known:
    """The known devices of this installation.

    `page_of` returns the page of a link, or None once it was closed, and `turn_to` opens it.
    `asking` is called when the digits appear or go, and when a device was let in or has left.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        theme: Theme,
        home: HomePage,
        post: Callable[[ev.Intent], None],
        page_of: Callable[[ev.LinkID], Page | None],
        turn_to: Callable[[ev.LinkID], None],
        asking: Callable[[], None],
        folder: Callable[[], str | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._theme = theme
        self._home = home
        self._post = post
        self._page_of = page_of
        self._turn_to = turn_to
        self._asking = asking
        self._folder = folder
        self._clock = clock
        self._entries: dict[KnownID, KnownEntry] = {}
        # The newest statuses of links that are not over.
        self._links: dict[ev.LinkID, st.LinkStatus] = {}
        self._known: KnownList | None = None
        # It exists while there is a known device.
        self.list: DeviceList | None = None
        self.settings: dict[KnownID, DeviceSettings] = {}
        self.question: ForgetQuestion | None = None
        self.digits: dict[ev.LinkID, DigitsDialog] = {}
        # The digits that are being compared.
        self._compared: dict[ev.LinkID, Remembering] = {}
        self._seen = False
        self._looking = False
        self.actions = KnownActions(self.set_up, self.show_digits)

    @property
    def asks(self) -> bool:
        """Whether somebody waits for this person to compare digits."""
        return any(one.stage is RememberStage.COMPARE for one in self._compared.values())

    @property
    def let_in(self) -> str | None:
        """The words for devices that are here without having been asked about; None if none is."""
        names = [
            status.peer_name or tr("device.otherFirst")
            for status in self._links.values()
            if status.let_in
        ]
        if not names:
            return None
        key = "known.letInOne" if len(names) == 1 else "known.letInMore"
        return tr(key, name=names[0], number=len(names))

    def show(self, status: st.FeatureStatus) -> None:
        """Show a status about known devices; others are not for this class."""
        match status:
            case KnownList():
                self._show_list(status)
            case Remembering():
                self._show_remembering(status)

    def follow(self, status: st.LinkStatus) -> None:
        """Show what this says about a known device."""
        before = self.asks, self.let_in
        if status.resumes is not None:
            self._links.pop(status.resumes, None)
        if status.stage is st.Stage.CLOSED:
            self._links.pop(status.link, None)
            self._forget_digits(status.link)
        else:
            self._links[status.link] = status
        if status.known is not None:
            self._refresh()
        if (self.asks, self.let_in) != before:
            self._asking()

    def entry_of(self, status: st.LinkStatus, before: KnownID | None) -> KnownEntry | None:
        """Return what is kept of the device at the other end of a link; None if it is unknown.

        `before` is the device that it was while the link was open, if it became known on it.
        """
        known = before if status.known is None else status.known
        if known in self._entries:
            return self._entries[known]
        return next((one for one in self._entries.values() if one.link == status.link), None)

    def look(self, *, seen: bool) -> None:
        """Say whether the place of the list can be seen by a person now."""
        self._seen = seen
        looking = seen and self.list is not None
        if looking != self._looking:
            self._looking = looking
            self._post(known_ev.LookForDevices(looking))

    def close_menus(self) -> None:
        """Close open menus."""
        if self.list is not None:
            self.list.close_menus()

    def close(self) -> None:
        """Close all dialogs, as nobody is left to answer to."""
        self._compared.clear()
        for dialog in self._dialogs():
            dialog.close()

    def restyle(self) -> None:
        """Apply the current palette."""
        for dialog in self._dialogs():
            dialog.restyle()

    def _dialogs(self) -> Iterator[DigitsDialog | DeviceSettings | ForgetQuestion]:
        yield from [dialog for dialog in self.digits.values() if dialog.is_open]
        yield from [*self.settings.values()]
        if self.question is not None:
            yield self.question

    # --- the list ---------------------------------------------------------------------------------

    def _show_list(self, known: KnownList) -> None:
        self._known = known
        self._entries = {entry.id: entry for entry in known.devices}
        if known.devices and self.list is None:
            actions = DeviceActions(
                self._connect,
                self._end,
                self._disconnect,
                self._turn_to,
                self.set_up,
                self.ask_to_forget,
                self._set_discovery,
            )
            home = self._home
            self.list = DeviceList(home, home.join, self._theme, self._clock, actions)
            self._refresh()
            home.put_devices(self.list)
        elif not known.devices and self.list is not None:
            self._home.drop_devices()
            self.list = None
        else:
            self._refresh()
        for device, window in list(self.settings.items()):
            entry = self._entries.get(device)
            if entry is None:
                window.close()
            else:
                window.show(entry)
        self.look(seen=self._seen)

    def _refresh(self) -> None:
        if self.list is not None and self._known is not None:
            self.list.show(self._known, self._links)

    def _connect(self, device: KnownID) -> None:
        self._post(known_ev.JoinKnown(device))

    def _end(self, link: ev.LinkID) -> None:
        self._post(ev.Disconnect(link))

    def _disconnect(self, device: KnownID) -> None:
        self._post(known_ev.DisconnectDevice(device))

    def _set_discovery(self, on: bool) -> None:
        self._post(known_ev.SetDiscovery(on))

    # --- one device -------------------------------------------------------------------------------

    def set_up(self, device: KnownID) -> None:
        """Open the settings of a device, or bring them to the front."""
        window, entry = self.settings.get(device), self._entries.get(device)
        if window is not None:
            window.lift()
        elif entry is not None:
            self.settings[device] = DeviceSettings(
                self._root,
                self._theme,
                entry,
                self._post,
                self._clock,
                self._folder,
                partial(self._settings_closed, device),
            )

    def _settings_closed(self, device: KnownID) -> None:
        self.settings.pop(device, None)
        self._back_to(device)

    def ask_to_forget(self, device: KnownID) -> None:
        """Ask whether to forget a device."""
        entry = self._entries.get(device)
        if entry is None:
            return
        if self.question is not None:
            self.question.close()
        forget = partial(self._post, known_ev.ForgetDevice(device))
        self.question = ForgetQuestion(
            self._root,
            self._theme,
            entry.name,
            entry.link is not None,
            forget,
            partial(self._question_closed, device),
        )

    def _question_closed(self, device: KnownID) -> None:
        self.question = None
        self._back_to(device)

    def _back_to(self, device: KnownID) -> None:
        """Give the focus back to the row from which a dialog was opened."""
        if self.list is not None and self.list.winfo_viewable():
            self.list.choose(device)

    # --- the digits -------------------------------------------------------------------------------

    def _show_remembering(self, status: Remembering) -> None:
        link, page = status.link, self._page_of(status.link)
        dialog = self.digits.get(link)
        if status.stage in (RememberStage.COMPARE, RememberStage.WAITING):
            before = self._compared.get(link)
            self._compared[link] = status
            new = before is None or before.digits != status.digits
            if new and dialog is not None:
                # An answer to the digits before would count for these.
                dialog.close()
            if dialog is not None and dialog.is_open:
                dialog.show(status)
            elif new and status.stage is RememberStage.COMPARE:
                self.show_digits(link)
        else:
            self._forget_digits(link)
        if page is not None:
            page.show_remembering(status)
        self._asking()

    def show_digits(self, link: ev.LinkID) -> None:
        """Open the digits of a link, or bring them to the front."""
        status, dialog, page = self._compared.get(link), self.digits.get(link), self._page_of(link)
        if status is None:
            return
        if dialog is not None and dialog.is_open:
            dialog.lift()
            return
        verified = None if page is None else page.status.verified
        answer = partial(self._answer, link, status.digits)
        self.digits[link] = DigitsDialog(self._root, self._theme, status, verified, answer)

    def _answer(self, link: ev.LinkID, digits: str | None, same: bool) -> None:
        self._post(known_ev.AnswerRemember(link, same, digits))

    def _forget_digits(self, link: ev.LinkID) -> None:
        self._compared.pop(link, None)
        dialog = self.digits.pop(link, None)
        if dialog is not None:
            dialog.close()
