"""The terminal's question whether to accept files that another device announced.

Transfers are asked about one at a time, in order of arrival. An answer counts for the transfer
whose question was there when it was typed. In the first moment it does not count, as it may have
been meant for something else.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import MAX_ENTRIES, Entry, TransferID
from proxim.core.i18n import tr
from proxim.ui.text.console import Lines
from proxim.ui.text.files import NAMES_SHOWN, described, entry_words, listed
from proxim.ui.text.terminal_words import answers

_SOME: Final = re.compile(r"(\w+)((?:[\s,]+[0-9]{1,5}(?:-[0-9]{1,5})?)+)")
_SPAN: Final = re.compile(r"([0-9]+)(?:-([0-9]+))?")


class FileQuestions:
    """Asks about announced files, one transfer at a time.

    `accept` and `decline` are called with the decision, `decline` also with the reason that the
    sender is told; `clock` is monotonic.
    """

    def __init__(
        self,
        lines: Lines,
        clock: Callable[[], float],
        accept: Callable[[file_ev.AcceptTransfer], None],
        decline: Callable[[TransferID, Reason], None],
    ) -> None:
        self._lines = lines
        self._clock = clock
        self._accept = accept
        self._decline = decline
        self._waiting: dict[TransferID, file_st.TransferStatus] = {}
        self._introduced: TransferID | None = None
        self._introduced_at = 0.0
        # The list of that transfer is made only once, as it may have 20,000 entries.
        self._listed: list[tuple[int, Entry]] = []

    def put(self, status: file_st.TransferStatus) -> None:
        """Add a transfer to ask about."""
        self._waiting[status.transfer] = status

    def remove(self, transfer: TransferID) -> None:
        """Remove a transfer that needs no answer any more."""
        self._waiting.pop(transfer, None)

    @property
    def open(self) -> file_st.TransferStatus | None:
        """Return the transfer whose question is being asked."""
        return None if self._introduced is None else self._waiting.get(self._introduced)

    def postpone(self) -> None:
        """Withdraw the question, because another one comes first; it is asked again afterwards."""
        self._introduced = None

    def turn_down(self) -> None:
        """Decline everything, because nobody can answer: whoever sends it learns so at once."""
        waiting, self._waiting = [*self._waiting.values()], {}
        for one in waiting:
            self._say(one)
            self._decline(one.transfer, Reason.UNATTENDED)

    def introduce(self) -> None:
        """Describe the transfer that the next question is about, unless that was done."""
        first = next(iter(self._waiting.values()), None)
        if first is None or first.transfer == self._introduced:
            return
        self._introduced = first.transfer
        self._introduced_at = self._clock()
        entries = self._listed = listed(first.entries)
        self._lines.blank()
        if len(entries) > 1:
            peer = first.peer_name or tr("device.otherFirst")
            self._lines.say(tr("terminal.wantsToSendList", name=peer, what=described(first)))
            self._list(entries[:NAMES_SHOWN])
        else:
            self._say(first)
        if len(entries) > NAMES_SHOWN:
            self._lines.say(tr("terminal.listMore", count=len(entries) - NAMES_SHOWN), "      ")
        self._lines.say(self._help())

    def _say(self, one: file_st.TransferStatus) -> None:
        peer = one.peer_name or tr("device.otherFirst")
        self._lines.say(tr("terminal.wantsToSend", name=peer, what=described(one)))

    @property
    def question(self) -> str | None:
        """Return the text of the question, which stands at the end of the last line."""
        if self.open is None:
            return None
        return tr("terminal.take" if len(self._listed) <= NAMES_SHOWN else "terminal.takeList")

    def answer(self, text: str) -> None:
        """Handle the answer that was typed behind the question."""
        one = self.open
        # The caller has checked that a question is open.
        assert one is not None
        entries = self._listed
        yes, no, always = (
            answers("terminal.yes"),
            answers("terminal.no"),
            answers("terminal.always"),
        )
        if text in answers("terminal.list"):
            self._list(entries)
            return
        some = _SOME.fullmatch(text)
        if (some is not None and some[1] not in yes) or (
            some is None and text not in yes | no | always
        ):
            self._lines.say(tr("terminal.pleaseAnswer", help=self._help()))
        elif self._clock() < self._introduced_at + st.ANSWER_DELAY_SECONDS:
            self._lines.say(tr("terminal.tooSoon"))
        elif some is None:
            self.remove(one.transfer)
            if text in no:
                self._decline(one.transfer, Reason.DECLINED)
            else:
                self._accept(file_ev.AcceptTransfer(one.transfer, always=text in always))
        else:
            self._accept_some(one, [place for place, _ in entries], set(_numbers(some[2])))

    def _accept_some(
        self, one: file_st.TransferStatus, places: list[int], numbers: set[int]
    ) -> None:
        if not numbers or not all(1 <= number <= len(places) for number in numbers):
            self._lines.say(tr("terminal.toChooseFrom", last=len(places)))
            return
        self.remove(one.transfer)
        self._accept(
            file_ev.AcceptTransfer(
                one.transfer, _others(one.entries, {places[number - 1] for number in numbers})
            )
        )

    def _help(self) -> str:
        return tr("terminal.takeHelp" if len(self._listed) > 1 else "terminal.takeHelpOne")

    def _list(self, entries: list[tuple[int, Entry]]) -> None:
        for number, (_, entry) in enumerate(entries, 1):
            self._lines.say(entry_words(entry), f"{number:>5}  ")


def _numbers(text: str) -> Iterable[int]:
    for match in _SPAN.finditer(text):
        first = int(match[1])
        yield from range(first, min(int(match[2] or first), MAX_ENTRIES) + 1)


def _others(entries: tuple[Entry, ...], chosen: set[int]) -> tuple[int, ...]:
    """Return the indices of all entries that are not chosen and that are no folders around a chosen
    one.
    """
    needed = set()
    for place in chosen:
        folder = entries[place].path.rpartition("/")[0]
        while folder:
            needed.add(folder)
            folder = folder.rpartition("/")[0]
    return tuple(
        place for place, one in enumerate(entries) if place not in chosen and one.path not in needed
    )
