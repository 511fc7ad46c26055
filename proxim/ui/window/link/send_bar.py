"""The buttons that send chosen files, a folder, or what is on the clipboard, and the box that sends
everything to all linked devices.
"""

import logging
import time
import tkinter
from collections.abc import Callable
from tkinter import filedialog, ttk
from typing import Final

from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import tr
from proxim.ui.window.clipboard import (
    Copied,
    CopiedFiles,
    CopiedPicture,
    CopiedText,
    NotCopied,
    PictureFolder,
    copied,
    copied_text,
)
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import WrapLabel, set_lettered, set_text

_log = logging.getLogger(__name__)

# Pixels at 100 %.
_WRAP: Final = 480


class SendBar(ttk.Frame):
    """The buttons that send files, a folder or the clipboard.

    `show_problem` is called with a sentence if there is nothing to send, and with None once
    something is sent. Copied pictures become files in `pictures`. `chosen` is called when the
    person says whether all linked devices are meant.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        send_paths: Callable[[tuple[str, ...]], None],
        send_text: Callable[[str], None],
        show_problem: Callable[[str | None], None],
        pictures: PictureFolder,
        chosen: Callable[[], None],
    ) -> None:
        super().__init__(master)
        self._send_paths = send_paths
        self._send_text = send_text
        self._show_problem = show_problem
        self._pictures = pictures
        self.can_files = False
        self.can_text = False
        gap = (0, theme.px(8))
        self.files = ttk.Button(self, command=self.choose_files)
        self.files.grid(row=0, column=0, padx=gap)
        self.folder = ttk.Button(self, command=self.choose_folder)
        self.folder.grid(row=0, column=1, padx=gap)
        self.clipboard = ttk.Button(self, command=self.send_clipboard)
        self.clipboard.grid(row=0, column=2, padx=gap)
        for button, key in zip(
            self.buttons, ("link.sendFiles", "link.sendFolder", "link.sendClipboard"), strict=True
        ):
            set_lettered(button, key)
        self.columnconfigure(3, weight=1)
        self._to_all = tkinter.BooleanVar(self, value=False)
        self.all = ttk.Checkbutton(self, variable=self._to_all, command=chosen)
        self.all.grid(row=0, column=3, sticky="e")
        self.all.grid_remove()
        # Who gets it is read before it is sent.
        self._who = WrapLabel(self, style="Blue.Line.TLabel", wraplength=theme.px(_WRAP))
        self._who.grid(row=1, column=0, columnspan=4, sticky="ew", pady=(theme.px(6), 0))
        self._who.grid_remove()
        self.allow(files=False, text=False)

    @property
    def to_all(self) -> bool:
        """Whether all linked devices are meant."""
        return bool(self._to_all.get())

    def offer_all(self, count: int, who: str) -> None:
        """Offer to send to so many devices, which `who` names; one is no offer."""
        if count < 2:
            self._to_all.set(False)
            self.all.grid_remove()
        else:
            set_text(self.all, tr("known.toAll", count=count))
            self.all.grid()
        if self.to_all:
            set_text(self._who, who)
            self._who.grid()
        else:
            self._who.grid_remove()

    def choose_one(self) -> None:
        """Mean the device of this page only, until the person says otherwise again."""
        self._to_all.set(False)

    @property
    def buttons(self) -> list[ttk.Button]:
        """All buttons."""
        return [self.files, self.folder, self.clipboard]

    def allow(self, *, files: bool, text: bool) -> None:
        """Enable the buttons for what the link can carry now."""
        self.can_files, self.can_text = files, text
        for button, able in (
            (self.files, files),
            (self.folder, files),
            (self.clipboard, files or text),
        ):
            button.state(["!disabled" if able else "disabled"])

    def choose_files(self) -> None:
        """Let the person choose files, and send them."""
        chosen = filedialog.askopenfilenames(
            parent=self.winfo_toplevel(), title=tr("link.chooseFiles")
        )
        self._send(tuple(map(str, chosen)) if chosen else ())

    def choose_folder(self) -> None:
        """Let the person choose a folder, and send it."""
        chosen = filedialog.askdirectory(
            parent=self.winfo_toplevel(), title=tr("link.chooseFolder"), mustexist=True
        )
        self._send((str(chosen),) if chosen else ())

    def send_clipboard(self) -> None:
        """Send what is on the clipboard: files, text or a picture."""
        if self.can_files or self.can_text:
            self.send_copied(self.copied())

    def copied(self) -> Copied:
        """Read the clipboard. A device that takes no files gets the text beside them."""
        if not self.can_files and (text := copied_text(self)):
            return CopiedText(text)
        return copied(self)

    def send_copied(self, found: Copied) -> None:
        """Send what was on the clipboard, or show why that is impossible."""
        match found:
            case CopiedText(text) if self.can_text and text.strip():
                self._show_problem(None)
                self._send_text(text)
            case CopiedFiles(paths) if self.can_files:
                self._send(paths)
            case CopiedPicture() if self.can_files:
                self._send_picture(found)
            case CopiedFiles() | CopiedPicture():
                self._show_problem(SENTENCES[Reason.FILES_UNSUPPORTED])
            case NotCopied(sentence):
                self._show_problem(sentence)
            case CopiedText():
                self._show_problem(tr("link.nothingCopied"))

    def _send_picture(self, picture: CopiedPicture) -> None:
        # No system refuses a name with these characters.
        moment = time.strftime("%Y-%m-%d %H.%M.%S")
        try:
            path = self._pictures.save(picture, moment)
        except OSError as error:
            _log.warning("a copied picture cannot be saved: %s", type(error).__name__)
            self._show_problem(tr("link.pictureNotSaved"))
            return
        self._send((path,))

    def _send(self, paths: tuple[str, ...]) -> None:
        # The link may have ended while the person was choosing.
        if paths and self.winfo_exists() and self.can_files:
            self._show_problem(None)
            self._send_paths(paths)
