"""The buttons that send chosen files, a folder, or what is on the clipboard."""

import logging
import time
import tkinter
from collections.abc import Callable
from tkinter import filedialog, ttk

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
from proxim.ui.window.widgets import set_lettered

_log = logging.getLogger(__name__)


class SendBar(ttk.Frame):
    """The buttons that send files, a folder or the clipboard.

    `show_problem` is called with a sentence if there is nothing to send, and with None once
    something is sent. Copied pictures become files in `pictures`.
    """

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        send_paths: Callable[[tuple[str, ...]], None],
        send_text: Callable[[str], None],
        show_problem: Callable[[str | None], None],
        pictures: PictureFolder,
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
        self.allow(files=False, text=False)

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
