"""Known devices as JSON lines: the events `known_devices` and `remembering`, and the commands about
known devices.

No key and nothing that is made from one is in any of them.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, ProximError, Reason
from proxim.core.json_text import JSONObject, MessageError, optional_text_field, text_field
from proxim.core.known import events as known_ev
from proxim.core.known import status as known_st
from proxim.core.known.choosing import chosen_device
from proxim.core.known.status import KnownEntry, RememberStage
from proxim.core.sanitize import MAX_NAME_BYTES, given_name
from proxim.ui.text.jsonlines import MAX_DEVICE_BYTES, read_link, read_path
from proxim.ui.text.model import FaceModel


def list_fields(status: known_st.KnownList) -> dict[str, object]:
    """Return the fields of a `known_devices` event."""
    fields: dict[str, object] = {
        "devices": [_entry_fields(entry) for entry in status.devices],
        "discovery": status.discovery,
    }
    return fields | ({} if status.trouble is None else {"trouble": status.trouble})


def _entry_fields(entry: KnownEntry) -> dict[str, object]:
    fields: dict[str, object] = {
        "device": entry.id,
        "name": entry.name,
        "verified": entry.verified,
        "since": _moment(entry.since),
        "lastSeen": _moment(entry.last_seen),
        "presence": entry.presence,
        "let_in": entry.let_in,
        "files_to": entry.files_to,
    }
    return fields | ({} if entry.link is None else {"link": entry.link})


def _moment(seconds: float) -> str:
    """Convert seconds since 1970 to ISO 8601 in UTC."""
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def folder_problem(folder: str) -> Reason | None:
    """Return why received files cannot be put into a folder, or None."""
    if not os.path.isdir(folder):
        return Reason.FOLDER_GONE
    return None if os.access(folder, os.W_OK | os.X_OK) else Reason.FOLDER_READ_ONLY


class KnownLines:
    """Writes what becomes of known devices, and carries out the commands about them.

    `event` writes an event of a kind; `moment` is how monotonic moments are written; `problem`
    writes an error.
    """

    def __init__(
        self,
        model: FaceModel,
        post: Callable[[ev.Intent], None],
        event: Callable[[str, dict[str, object]], None],
        moment: Callable[[float], str],
        problem: Callable[[Problem], None],
    ) -> None:
        self._model = model
        self._post = post
        self._event = event
        self._moment = moment
        self._problem = problem
        self._written: known_st.KnownList | None = None
        # Commands that came before the list of known devices.
        self._waiting: list[Callable[[], None]] = []
        # The digits of each link that wait for this side's answer.
        self._asked: dict[ev.LinkID, str | None] = {}

    # --- events -----------------------------------------------------------------------------------

    def show(self, status: known_st.KnownList | known_st.Remembering) -> None:
        """Write a new status."""
        match status:
            case known_st.KnownList():
                self._write_list(status)
                waiting, self._waiting = self._waiting, []
                for command in waiting:
                    command()
            case known_st.Remembering():
                self._write_remembering(status)

    def _write_list(self, status: known_st.KnownList) -> None:
        # Whoever knows no devices reads nothing of them.
        nothing = self._written is None and not status.devices and status.trouble is None
        if status != self._written and not nothing:
            self._written = status
            self._event("known_devices", list_fields(status))

    def _write_remembering(self, status: known_st.Remembering) -> None:
        if status.stage is RememberStage.COMPARE:
            self._asked[status.link] = status.digits
        else:
            self._asked.pop(status.link, None)
        fields: dict[str, object] = {
            "state": status.stage,
            "link": status.link,
            "ours": status.ours,
            "name": status.peer_name,
        }
        optional = {
            "digits": status.digits,
            "expiresAt": None if status.deadline is None else self._moment(status.deadline),
            "reason": status.reason,
            "device": status.device,
            "known_as": status.known_as,
        }
        fields |= {name: value for name, value in optional.items() if value is not None}
        self._event("remembering", fields)

    # --- commands ---------------------------------------------------------------------------------

    def command(self, kind: str, fields: JSONObject) -> bool:
        """Carry out a command; return False if there is none of this type. Raises MessageError."""
        command = _COMMANDS.get(kind)
        if command is None:
            return False
        command(self, fields)
        return True

    def _remember(self, fields: JSONObject) -> None:
        link = read_link(fields)
        links = [one.link for one in self._model.connected if link in (None, one.link)]
        if not links:
            self._problem(Problem(Reason.NOT_CONNECTED))
            return
        if len(links) > 1:
            # Nobody is made known to everybody because a field is missing.
            raise MessageError(Reason.BAD_MESSAGE, "link is needed while there are several")
        intent = known_ev.RememberDevice(links[0])
        reason = self._model.begin(intent, st.KNOWN, Reason.REMEMBER_UNSUPPORTED)
        if reason is not None:
            self._problem(Problem(reason))

    def _answer(self, fields: JSONObject) -> None:
        link, same = read_link(fields), _required_flag(fields, "same")
        digits = optional_text_field(fields, "digits", MAX_DEVICE_BYTES)
        asked = [
            one
            for one, shown in self._asked.items()
            if link in (None, one) and one in self._model.links and digits in (None, shown)
        ]
        if len(asked) > 1:
            raise MessageError(Reason.BAD_MESSAGE, "link is needed while there are several")
        if not asked:
            self._problem(Problem(Reason.PROMPT_GONE))
            return
        # A second answer finds that the first was given.
        shown = self._asked.pop(asked[0])
        self._post(known_ev.AnswerRemember(asked[0], same, shown))

    def _forget(self, fields: JSONObject) -> None:
        self._with_device(fields, lambda device: self._post(known_ev.ForgetDevice(device.id)))

    def _rename(self, fields: JSONObject) -> None:
        name = given_name(text_field(fields, "name", MAX_NAME_BYTES))
        if name is None:
            self._problem(Problem(Reason.NAME_UNUSABLE))
            return
        self._with_device(fields, lambda device: self._post(known_ev.RenameKnown(device.id, name)))

    def _let_in(self, fields: JSONObject) -> None:
        on = _required_flag(fields, "on")
        self._with_device(fields, lambda device: self._post(known_ev.SetLetIn(device.id, on)))

    def _files_to(self, fields: JSONObject) -> None:
        # A forgotten field must not take a stored choice back, nor make one.
        if "directory" not in fields:
            raise MessageError(Reason.BAD_MESSAGE, "directory must be a path or null")
        value = fields["directory"]
        folder = None if value is None else read_path(value, "directory")
        reason = None if folder is None else folder_problem(folder)
        if reason is not None:
            self._problem(Problem(reason))
            return
        self._with_device(fields, lambda device: self._post(known_ev.SetFilesTo(device.id, folder)))

    def _look(self, fields: JSONObject) -> None:
        self._post(known_ev.LookForDevices(_flag(fields, "on", absent=True)))
        known = self._model.known
        if known is not None:
            # A script that asks gets an answer, also if there is nothing in it.
            self._written = known
            self._event("known_devices", list_fields(known))

    def _discovery(self, fields: JSONObject) -> None:
        self._post(known_ev.SetDiscovery(_required_flag(fields, "on")))

    def _with_device(self, fields: JSONObject, act: Callable[[KnownEntry], None]) -> None:
        """Do this with the device that a command names, at the latest when the list is there."""
        typed = text_field(fields, "device", MAX_DEVICE_BYTES)

        def find_and_act() -> None:
            # The list is there by now.
            assert self._model.known is not None
            try:
                act(chosen_device(self._model.known.devices, typed))
            except ProximError as error:
                self._problem(error.problem)

        if self._model.known is None:
            self._waiting.append(find_and_act)
        else:
            find_and_act()


_COMMANDS: Final[dict[str, Callable[[KnownLines, JSONObject], None]]] = {
    "remember": KnownLines._remember,
    "answer_remember": KnownLines._answer,
    "forget": KnownLines._forget,
    "rename_device": KnownLines._rename,
    "let_in": KnownLines._let_in,
    "files_to": KnownLines._files_to,
    "look": KnownLines._look,
    "discovery": KnownLines._discovery,
}


def _required_flag(fields: JSONObject, name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be true or false")
    return value


def _flag(fields: JSONObject, name: str, *, absent: bool) -> bool:
    return absent if fields.get(name) is None else _required_flag(fields, name)
