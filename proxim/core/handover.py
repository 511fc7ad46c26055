"""Files that another program of the same person hands to the running window (`proxim send`), from
what is said on the local socket to the device that gets them.

One request and one answer are said, a line of JSON each. Whoever can speak there is the same
person's program (io/desktop/instance.py); it is read as strictly as a peer all the same.
"""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.files.events import SendPaths
from proxim.core.files.manifest import MAX_ENTRIES
from proxim.core.known.events import JoinKnown
from proxim.core.known.status import KnownEntry, KnownList
from proxim.core.pairing.devices import KnownID
from proxim.core.sanitize import display_name

# Bytes. A command line is shorter (Linux 2 MiB), and each byte of a path may take six characters.
MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
MAX_ANSWER_BYTES: Final = 4096
# Characters: no system has a longer path (Windows).
MAX_PATH_CHARACTERS: Final = 32_767
# Characters; a name that is shown has 40.
MAX_NAME_CHARACTERS: Final = 256
# Requests that wait for a device. Nobody remembers what more of them were about.
MAX_PARCELS: Final = 20
# Linked devices that an answer names. Nobody has more, and each takes some ten bytes.
MAX_NAMED: Final = 200
# It changes when an older Proxim could not read what is said.
_VERSION: Final = 1


class HandoverError(Exception):
    """What was said is no request, or no answer. The text is for developers."""


@dataclass(frozen=True, slots=True)
class HandoverRequest:
    """What another program wants of the running one: that its window is seen, and files are sent;
    or only to hear something.
    """

    # Absolute paths of files and folders to be sent.
    paths: tuple[str, ...] = field(default=(), repr=False)
    # The name of the device that gets them; None if the person is to choose.
    to: str | None = None
    # Which known devices are linked is all that it wants to hear; nothing else is done.
    asks_linked: bool = False


class Handed(StrEnum):
    """What becomes of a request."""

    # The window comes to the front, and there was nothing to send.
    RAISED = "raised"
    # `name` is asked to take them.
    SENDING = "sending"
    # The window asks to which device.
    ASKING = "asking"
    # The known device `name` is looked for, and gets them when it is linked.
    JOINING = "joining"
    # They are sent to the next device that is linked; with `name`, when that is linked.
    KEPT = "kept"
    # No device of that name is linked or known.
    NO_DEVICE = "no_device"
    # Several known devices have that name.
    SEVERAL = "several"
    # `devices` are linked; nothing was handed over.
    LINKED = "linked"
    # Too many requests wait already.
    FULL = "full"
    # The path with this number (from 1) is not there, or may not be read.
    PATH_GONE = "path_gone"
    PATH_UNREADABLE = "path_unreadable"
    # The running program did not understand, or its window does not answer.
    NOT_UNDERSTOOD = "not_understood"
    BUSY = "busy"


# The request was heard, and the window shows what comes of it.
TAKEN: Final = frozenset(
    {Handed.RAISED, Handed.SENDING, Handed.ASKING, Handed.JOINING, Handed.KEPT}
)


@dataclass(frozen=True, slots=True)
class HandoverAnswer:
    """What the running program answers."""

    outcome: Handed
    name: str | None = None
    number: int | None = None
    # The ids of known devices that are linked.
    devices: frozenset[KnownID] = frozenset()


# --- what is said ---------------------------------------------------------------------------------


def write_request(request: HandoverRequest) -> bytes:
    """Return a request as one line."""
    if request.asks_linked:
        # A program that does not know this question does not understand it, and does nothing.
        return _line({"v": _VERSION, "asks": Handed.LINKED})
    return _line({"v": _VERSION, "paths": list(request.paths), "to": request.to})


def read_request(line: bytes) -> HandoverRequest:
    """Return the request of a line. Raises HandoverError."""
    said = _said(line, MAX_REQUEST_BYTES)
    paths, to = said.get("paths"), said.get("to")
    if said.get("v") != _VERSION:
        raise HandoverError("another version")
    if said.get("asks") == Handed.LINKED:
        return HandoverRequest(asks_linked=True)
    if not isinstance(paths, list) or len(paths) > MAX_ENTRIES:
        raise HandoverError("no list of paths")
    if not all(_is_path(path) for path in paths):
        raise HandoverError("not a path")
    if to is not None and not _is_name(to):
        raise HandoverError("not a name")
    return HandoverRequest(tuple(paths), to)


def write_answer(answer: HandoverAnswer) -> bytes:
    """Return an answer as one line."""
    said = {"outcome": answer.outcome, "name": answer.name, "number": answer.number}
    devices = {"devices": sorted(answer.devices)[:MAX_NAMED]} if answer.devices else {}
    return _line(said | devices)


def read_answer(line: bytes) -> HandoverAnswer:
    """Return the answer of a line. Raises HandoverError."""
    said = _said(line, MAX_ANSWER_BYTES)
    outcome, name, number = said.get("outcome"), said.get("name"), said.get("number")
    if outcome not in tuple(Handed):
        raise HandoverError("an unknown outcome")
    if name is not None and not _is_name(name):
        raise HandoverError("not a name")
    if number is not None and type(number) is not int:
        raise HandoverError("not a number")
    devices = said.get("devices", [])
    if not isinstance(devices, list) or not all(map(_is_name, devices)):
        raise HandoverError("no list of devices")
    shown = None if name is None else display_name(name)
    return HandoverAnswer(Handed(outcome), shown, number, frozenset(map(KnownID, devices)))


def _line(said: dict[str, Any]) -> bytes:
    # A name of a file that is no UTF-8 has surrogates (PEP 383), which only escapes can carry.
    return json.dumps(said, ensure_ascii=True).encode("ascii") + b"\n"


def _said(line: bytes, most: int) -> dict[str, Any]:
    if len(line) > most:
        raise HandoverError("too long")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise HandoverError(type(error).__name__) from None
    if not isinstance(said, dict):
        raise HandoverError("not an object")
    return said


def _is_path(path: object) -> bool:
    return (
        isinstance(path, str)
        and len(path) <= MAX_PATH_CHARACTERS
        and "\0" not in path
        and os.path.isabs(path)
    )


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME_CHARACTERS


# --- who gets them --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parcel:
    """Files and folders that wait for their device."""

    paths: tuple[str, ...] = field(repr=False)
    # The name that was asked for; None if any device may get them.
    to: str | None = None
    # The device that gets them, once it is known which one `to` means.
    link: ev.LinkID | None = None
    known: KnownID | None = None


class Handover:
    """Finds the device for what is handed over, and keeps it until that is linked.

    A name alone decides only between devices that are linked or known at that moment, and those
    that become known later: another device that comes later may call itself anything.
    """

    def __init__(self, post: Callable[[ev.Intent], None]) -> None:
        self._post = post
        # All links that are not closed, oldest first.
        self._links: dict[ev.LinkID, st.LinkStatus] = {}
        # None until the list has come.
        self._known: tuple[KnownEntry, ...] | None = None
        # What waits, oldest first.
        self.parcels: list[Parcel] = []

    @property
    def waiting(self) -> Parcel | None:
        """What the person is told of, or asked about, now."""
        return self.parcels[0] if self.parcels else None

    @property
    def choices(self) -> tuple[st.LinkStatus, ...]:
        """The links over which files can go now, oldest first."""
        return tuple(
            link
            for link in self._links.values()
            if link.stage is st.Stage.CONNECTED and st.FILES in link.features
        )

    def hand(self, request: HandoverRequest) -> HandoverAnswer:
        """Send what is handed over, or keep it; return what becomes of it."""
        if request.asks_linked:
            linked = (device.id for device in self._known or () if device.link is not None)
            return HandoverAnswer(Handed.LINKED, devices=frozenset(linked))
        if not request.paths:
            return HandoverAnswer(Handed.RAISED)
        if len(self.parcels) >= MAX_PARCELS:
            return HandoverAnswer(Handed.FULL)
        parcel = Parcel(request.paths, request.to)
        if request.to is None:
            return self._hand_to_any(parcel)
        return self._hand_to_named(parcel, request.to)

    def note(self, status: st.Status) -> bool:
        """Take in a status; return whether what waits, or may be chosen, has changed."""
        before = (self.choices, tuple(self.parcels))
        match status:
            case st.LinkStatus():
                self._note_link(status)
            case KnownList():
                listed, self._known = self._known, status.devices
                if listed is None:
                    self._decide()
                else:
                    self._follow_known(listed)
            case st.Stopped():
                self._links.clear()
                self.parcels.clear()
            case _:
                return False
        return before != (self.choices, tuple(self.parcels))

    def choose(self, links: Iterable[ev.LinkID]) -> None:
        """Send what waits over these links."""
        if self.parcels:
            parcel = self.parcels.pop(0)
            for link in links:
                self._post(SendPaths(link, parcel.paths))

    def discard(self) -> None:
        """Send what waits to nobody."""
        del self.parcels[:1]

    def _hand_to(self, parcel: Parcel, links: Iterable[st.LinkStatus]) -> HandoverAnswer:
        """Send to the one link, or keep until it can be; several are a question."""
        found = list(links)
        if len(found) > 1:
            self.parcels.append(parcel)
            return HandoverAnswer(Handed.ASKING)
        link = found[0]
        if link in self.choices:
            self._post(SendPaths(link.link, parcel.paths))
            return HandoverAnswer(Handed.SENDING, link.peer_name)
        self.parcels.append(replace(parcel, link=link.link, known=link.known))
        return HandoverAnswer(Handed.KEPT, link.peer_name)

    def _hand_to_any(self, parcel: Parcel) -> HandoverAnswer:
        choices = self.choices
        if len(choices) == 1:
            return self._hand_to(parcel, choices)
        # What waits for the same decision is decided about at once.
        before = next((one for one in self.parcels if one.to is None), None)
        if before is None:
            self.parcels.append(parcel)
        else:
            together = replace(before, paths=(*before.paths, *parcel.paths))
            self.parcels[self.parcels.index(before)] = together
        return HandoverAnswer(Handed.ASKING if choices else Handed.KEPT)

    def _hand_to_named(self, parcel: Parcel, name: str) -> HandoverAnswer:
        devices = [device for device in self._known or () if _called(device.name, name)]
        # What a device is called here, and what others call themselves.
        links = [
            link
            for link in self._links.values()
            if _called(link.peer_name, name) or any(_is_with(link, one) for one in devices)
        ]
        absent = [one for one in devices if not any(_is_with(link, one) for link in links)]
        if absent and any(link in self.choices for link in links):
            # Anybody may call themselves as a known device that is not here, so the person chooses.
            self.parcels.append(parcel)
            return HandoverAnswer(Handed.ASKING)
        if links and not absent:
            return self._hand_to(parcel, links)
        return self._hand_to_known(parcel, name)

    def _hand_to_known(self, parcel: Parcel, name: str) -> HandoverAnswer:
        if self._known is None:
            self.parcels.append(parcel)
            return HandoverAnswer(Handed.KEPT, display_name(name))
        found = [device for device in self._known if _called(device.name, name)]
        if len(found) != 1:
            return HandoverAnswer(Handed.SEVERAL if found else Handed.NO_DEVICE)
        self.parcels.append(replace(parcel, known=found[0].id))
        self._post(JoinKnown(found[0].id))
        return HandoverAnswer(Handed.JOINING, found[0].name)

    def _decide(self) -> None:
        """Find the devices of what came before the list; the person sees what finds none."""
        undecided, self.parcels = self.parcels, []
        for parcel in undecided:
            name = None if parcel.link is not None or parcel.known is not None else parcel.to
            if name is None or self._hand_to_known(parcel, name).outcome not in TAKEN:
                self.parcels.append(parcel)

    def _follow_known(self, before: tuple[KnownEntry, ...]) -> None:
        """Follow what has changed in the list of the devices that something waits for.

        A device that was forgotten and remembered anew has another id. Only the person here puts
        devices into the list and names them, so a name counts that is new in it.
        """
        known = self._known or ()
        listed = {one.id for one in known}
        new = {(one.id, one.name) for one in known} - {(one.id, one.name) for one in before}
        for place, parcel in enumerate(self.parcels):
            device = parcel.known if parcel.known in listed else None
            if device is None and parcel.link is None and parcel.to is not None:
                called = [one for one in known if _called(one.name, parcel.to)]
                if len(called) == 1 and (called[0].id, called[0].name) in new:
                    device = called[0].id
            self.parcels[place] = replace(parcel, known=device)
        for link in self.choices:
            self._deliver(link, new=False)

    def _note_link(self, status: st.LinkStatus) -> None:
        new = status.link not in self._links or st.FILES not in self._links[status.link].features
        if status.resumes is not None:
            # The lost link gets no further status.
            self._links.pop(status.resumes, None)
            self.parcels = [
                replace(one, link=status.link) if one.link == status.resumes else one
                for one in self.parcels
            ]
        if status.stage is st.Stage.CLOSED:
            self._links.pop(status.link, None)
            self.parcels = [
                replace(one, link=None) if one.link == status.link else one for one in self.parcels
            ]
            return
        self._links[status.link] = status
        if status in self.choices:
            self._deliver(status, new=new)

    def _deliver(self, link: st.LinkStatus, *, new: bool) -> None:
        """Send over a link that can be used now what waited for it."""
        for parcel in [*self.parcels]:
            bound = parcel.link == link.link or (
                parcel.known is not None and self._is_with(link, parcel.known)
            )
            # Nobody thought of a device that was let in by itself just now, so the person is asked.
            next_one = parcel.to is None and new and not link.let_in and len(self.choices) == 1
            if bound or next_one:
                self.parcels.remove(parcel)
                self._post(SendPaths(link.link, parcel.paths))

    def _is_with(self, link: st.LinkStatus, device: KnownID) -> bool:
        entries = (one for one in self._known or () if one.id == device)
        return link.known == device or any(_is_with(link, one) for one in entries)


def _is_with(link: st.LinkStatus, device: KnownEntry) -> bool:
    """Whether a known device is at the other end, whatever proof has opened the link."""
    return link.known == device.id or link.link == device.link


def _called(name: str | None, asked: str) -> bool:
    """Whether a device that is shown by this name is meant."""
    return name is not None and name.casefold() == display_name(asked).casefold()
