"""The face for scripts and tests: one JSON object on each line, events on stdout and commands on
stdin.

This is a public interface. docs/json-lines.md lists every field, and no documented field may go.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.files import events as file_ev
from proxim.core.files import status as file_st
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    Direction,
    Entry,
    TransferID,
    count_files,
    title,
)
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    optional_text_field,
    read_object,
    text_field,
    write_object,
)
from proxim.core.known import status as known_st
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.host_code import CodeError, JoinTarget, parse_target
from proxim.core.sanitize import is_encodable
from proxim.ui.text.model import (
    Change,
    ExitStatus,
    FaceModel,
    FaceOptions,
    LinkChange,
    Role,
    TransferChange,
)
from proxim.ui.text.output import Output

# Shared screens and known devices are loaded when there is one.
if TYPE_CHECKING:
    from proxim.ui.text.known.jsonlines import KnownLines
    from proxim.ui.text.screen.jsonlines import ScreenLines

# This many bytes are enough for any path: Windows allows 32,767 characters, Linux 4096 bytes.
_MAX_PATH_BYTES: Final = 32 * 1024
# JSON may contain these characters unescaped, but some readers treat them as the end of a line
# (str.splitlines, JavaScript before ES2019), terminals obey some (C1), and UTF-8 cannot encode lone
# surrogates.
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A name that a person gave a known device, which may be longer than one that a device gives itself,
# or its id.
MAX_DEVICE_BYTES: Final = 256
# A link has about 150 bytes; a whole message that somebody pasted may stand around it.
_MAX_TARGET_BYTES: Final = 16 * 1024
# The size of a text is not checked here: core knows the limit of the link and reports
# text_too_long.
_ANY_LENGTH: Final = sys.maxsize
# This many seconds pass at least between two progress events of a transfer, which makes about ten a
# second.
_TRANSFER_SECONDS: Final = 0.09
_LINK_STAGES: Final = frozenset(
    {st.Stage.CONNECTING, st.Stage.CONNECTED, st.Stage.WAITING, st.Stage.CLOSED}
)
_JOIN_STAGES: Final = frozenset({st.Stage.DIALING, st.Stage.ASKING})


def transfer_fields(status: file_st.TransferStatus, *, whole: bool) -> dict[str, object]:
    """Return the fields of a `transfer` event, with the list of files if `whole` is true and an
    incoming transfer is announced.
    """
    fields: dict[str, object] = {
        "transferID": status.transfer,
        "direction": status.direction,
        "name": title(status.entries),
        "size": status.size,
        "bytes": status.moved,
        "state": status.state,
        "count": count_files(status.entries),
    }
    optional = {
        "sha256": status.sha256,
        "path": status.path,
        "via": status.via,
        "reason": status.reason,
        "speed": None if status.speed is None else round(status.speed),
        "link": status.link,
        "peer": status.peer_name,
    }
    fields |= {name: value for name, value in optional.items() if value is not None}
    if status.failed:
        fields["failed"] = [
            {"path": status.entries[one.index].path, "reason": one.reason}
            for one in status.failed
            if one.index < len(status.entries)
        ]
    if status.left_out and (whole or status.over):
        fields["left_out"] = [{"path": one.path, "reason": one.reason} for one in status.left_out]
    if status.renamed:
        fields["renamed"] = [{"path": one.path, "name": one.name} for one in status.renamed]
    # The list is given of a transfer that is accepted without asking, too.
    if (
        whole
        and status.direction is Direction.IN
        and (status.state is file_st.TransferState.ANNOUNCED)
    ):
        fields["files"] = [_entry_fields(entry) for entry in status.entries]
    return fields


def _entry_fields(entry: Entry) -> dict[str, object]:
    fields: dict[str, object] = {"path": entry.path, "size": entry.size}
    return fields | ({"directory": True} if entry.directory else {})


# --- commands -------------------------------------------------------------------------------------


def read_transfer(fields: JSONObject) -> TransferID:
    """Return the transfer that a command names. Raises MessageError."""
    return TransferID(text_field(fields, "transferID", pair_msg.MAX_ID_BYTES))


def read_paths(fields: JSONObject) -> tuple[str, ...]:
    """Return the absolute paths that a `send` command names. Raises MessageError."""
    paths = fields.get("paths")
    if not isinstance(paths, list) or not paths or len(paths) > MAX_ENTRIES:
        raise _bad("paths must be a list of paths")
    return tuple(read_path(path, "paths") for path in paths)


def read_answer(fields: JSONObject, status: file_st.TransferStatus) -> file_ev.AcceptTransfer:
    """Return the acceptance of the transfer that `status` announced. Raises MessageError."""
    declined = fields.get("declined", [])
    if not isinstance(declined, list) or not all(type(one) is int for one in declined):
        raise _bad("declined must be a list of integers")
    if not all(0 <= one < len(status.entries) for one in declined):
        raise _bad("declined must hold places in files, counted from 0")
    always = fields.get("always", False)
    if not isinstance(always, bool):
        raise _bad("always must be true or false")
    directory = fields.get("directory")
    folder = None if directory is None else read_path(directory, "directory")
    return file_ev.AcceptTransfer(status.transfer, tuple(sorted(set(declined))), folder, always)


def read_link(fields: JSONObject) -> ev.LinkID | None:
    """Return the link that a command names, or None. Raises MessageError."""
    link = optional_text_field(fields, "link", pair_msg.MAX_ID_BYTES)
    return None if link is None else ev.LinkID(link)


def read_path(value: object, name: str) -> str:
    """Return the absolute path that a field of this name holds. Raises MessageError."""
    if not isinstance(value, str) or not value or "\0" in value or not is_encodable(value):
        raise _bad(f"{name} must be a path")
    if len(value.encode()) > _MAX_PATH_BYTES:
        raise _bad(f"{name} is longer than any path")
    return os.path.abspath(value)


def _bad(detail: str) -> MessageError:
    return MessageError(Reason.BAD_MESSAGE, detail)


def event_line(kind: str, fields: dict[str, object], *, ascii_only: bool) -> str:
    """Return an event as a line; with `ascii_only` everything else is escaped."""
    named = {"event": kind, **fields}
    line = json.dumps(named, separators=(",", ":")) if ascii_only else write_object(named)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", line) + "\n"


def is_unicode(encoding: str | None) -> bool:
    """Return whether a stream can carry every character; StringIO has no encoding and can."""
    return encoding is None or encoding.lower().replace("-", "").replace("_", "").startswith("utf")


class JsonLinesFace:
    """Writes each status as a JSON line, and reads commands as JSON lines.

    `wall_clock` returns seconds since 1970 (time.time).
    """

    def __init__(
        self,
        options: FaceOptions,
        post: Callable[[ev.Intent], None],
        out: TextIO,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.model = FaceModel(options, post, clock)
        self._post = post
        self._clock = clock
        self._output = Output(out, self.model)
        self._wall_clock = wall_clock
        self._ascii_only = not is_unicode(getattr(out, "encoding", None))
        self._invitation: st.Invitation | None = None
        # The first has the time when each unfinished transfer was last shown, the second the newest
        # status of each transfer whose newest status has not been shown.
        self._shown_at: dict[TransferID, float] = {}
        self._left_out: dict[TransferID, file_st.TransferStatus] = {}
        self._screens: ScreenLines | None = None
        self._devices: KnownLines | None = None
        # The address at which this host was last said to wait for known devices.
        self._ready: str | None = None
        self._input_ended = False

    # --- events -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the face; a guest that was given its host joins it."""
        if self.model.options.role is Role.JOIN and self.model.options.target is not None:
            self._join_or_refuse(self.model.options.target)

    def show(self, status: st.Status) -> None:
        """Show a new status."""
        change = self.model.note(status)
        if change is not None:
            self._show(change)
        for problem in self.model.follow_up(status):
            self._show_problem(problem)
        self._say_ready()
        if self._input_ended:
            # The list may not have had the device to join.
            self._end_without_host()

    def catch_up(self) -> None:
        """Show what has become due although nothing happened."""
        for problem in self.model.overdue():
            self._show_problem(problem)
        self._write_progress()

    def _show(self, change: Change) -> None:
        match change:
            case LinkChange(status, before):
                self._show_link(status, before)
            case TransferChange(status, before):
                self._show_transfer(status, before)
            case st.Invitation():
                self._session(change)
            case st.NoInvitation(reason):
                self._invitation = None
                if reason is not None:
                    self._show_problem(Problem(reason))
            case st.Prompt(
                session_id, device, address, verified, deadline, number, replaces, known
            ):
                self._event(
                    "pair_prompt",
                    sessionID=session_id,
                    deviceInfo={"name": device.name, "id": device.id},
                    verified=verified,
                    address=address,
                    expiresAt=self._moment(deadline),
                    **_given(request=number, replaces=replaces and replaces.link, known=known),
                )
            case st.PairOutcome(session_id, approved, reason):
                status_name = "approved" if approved else "rejected"
                self._event(
                    "pair_result", sessionID=session_id, status=status_name, **_given(reason=reason)
                )
            case st.TextReceived(link, text):
                self._event("text", text=text, link=link)
            case st.Trouble(problem, link):
                self._show_problem(problem, **_given(link=link))
            case st.TextSent():
                # The script knows what it sent.
                pass
            case known_st.KnownList() | known_st.Remembering():
                self._known_lines().show(change)
            case st.FeatureStatus():
                self._screen_lines().show(change)

    def _session(self, invitation: st.Invitation) -> None:
        if invitation == self._invitation:
            return
        self._invitation = invitation
        self._event(
            "session",
            sessionID=invitation.session_id,
            uuid=invitation.uuid,
            code=invitation.code,
            url=invitation.url,
            type=invitation.type,
            expiresAt=None if invitation.expires is None else self._moment(invitation.expires),
        )

    def _show_link(self, status: st.LinkStatus, before: st.LinkStatus | None) -> None:
        if before is not None and before.stage is status.stage:
            return
        if status.stage in _JOIN_STAGES:
            self._event(
                "join",
                state=status.stage,
                address=status.peer_address,
                **_given(known=status.known),
            )
        elif status.stage in _LINK_STAGES:
            self._event(
                "link",
                state=status.stage,
                via=status.via,
                verified=status.verified,
                **_given(reason=status.reason),
                link=status.link,
                sessionID=status.session_id,
                **_given(
                    name=status.peer_name,
                    resumes=status.resumes,
                    replaces=status.replaces,
                    expiresAt=self._waiting_until(status),
                    known=status.known,
                    digits_differed=status.digits_differed or None,
                    # Only the host knows whether it asked.
                    let_in=None if status.known is None or status.as_guest else status.let_in,
                ),
            )
        failed_to_join = (
            self.model.options.role is Role.JOIN
            and status.stage is st.Stage.CLOSED
            and not status.was_connected
        )
        if failed_to_join and status.reason is not None:
            known = status.known is not None
            self._show_problem(Problem(status.reason, known=known), link=status.link)

    def _waiting_until(self, status: st.LinkStatus) -> str | None:
        waits = status.stage is st.Stage.WAITING and status.deadline is not None
        return self._moment(status.deadline or 0.0) if waits else None

    def _show_transfer(
        self, status: file_st.TransferStatus, before: file_st.TransferStatus | None
    ) -> None:
        self._left_out[status.transfer] = status
        if before is None or before.state is not status.state:
            self._write_transfer(status, whole=True)
        else:
            self._write_progress()

    def _write_progress(self) -> None:
        """Write the newest progress of each transfer, at most once in _TRANSFER_SECONDS."""
        due = self._clock() - _TRANSFER_SECONDS
        for status in list(self._left_out.values()):
            # One that ended and is published once more has no moment.
            if self._shown_at.get(status.transfer, due) <= due:
                self._write_transfer(status, whole=False)

    def _write_transfer(self, status: file_st.TransferStatus, *, whole: bool) -> None:
        self._event("transfer", **transfer_fields(status, whole=whole))
        self._left_out.pop(status.transfer, None)
        if status.over:
            self._shown_at.pop(status.transfer, None)
        else:
            self._shown_at[status.transfer] = self._clock()

    def _screen_lines(self) -> "ScreenLines":
        if self._screens is None:
            from proxim.ui.text.screen.jsonlines import ScreenLines

            self._screens = ScreenLines(
                self.model,
                self._post,
                self._clock,
                lambda fields: self._event("screen", **fields),
                self._moment,
                self._show_problem,
            )
        return self._screens

    def _known_lines(self) -> "KnownLines":
        if self._devices is None:
            from proxim.ui.text.known.jsonlines import KnownLines

            self._devices = KnownLines(
                self.model,
                self._post,
                lambda kind, fields: self._event(kind, **fields),
                self._moment,
                self._show_problem,
            )
        return self._devices

    def _say_ready(self) -> None:
        ready = self.model.ready
        if ready != self._ready and not self.model.closing:
            self._ready = ready
            known = self.model.known
            if ready is not None and known is not None:
                self._event("ready", address=ready, devices=len(known.devices))

    def _show_problem(self, problem: Problem, **more: object) -> None:
        self._event(
            "error",
            code=problem.reason,
            message=problem.sentence,
            **_given(detail=problem.detail),
            **more,
        )

    def _event(self, kind: str, **fields: object) -> None:
        self._output.write(event_line(kind, fields, ascii_only=self._ascii_only))

    def _moment(self, monotonic: float) -> str:
        """Convert a monotonic moment to ISO 8601 in UTC, such as "2025-06-01T12:00:40Z"."""
        seconds = self._wall_clock() + (monotonic - self._clock())
        return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- commands ---------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Handle a line of stdin, with or without its line break."""
        line = text.rstrip("\r\n")
        if self.model.closing or not line.strip():
            return
        try:
            fields = read_object(line)
            kind = text_field(fields, "type", pair_msg.MAX_ID_BYTES)
            command = _COMMANDS.get(kind)
            if command is not None:
                command(self, fields)
            elif kind.startswith("screen_"):
                if not self._screen_lines().command(kind, fields):
                    raise MessageError(Reason.BAD_MESSAGE, "type is not one of a command")
            elif not self._known_lines().command(kind, fields):
                raise MessageError(Reason.BAD_MESSAGE, "type is not one of a command")
        except CodeError as error:
            self._show_problem(error.problem)
        except MessageError as error:
            # The detail names a field and quotes nothing that the script wrote.
            self._show_problem(Problem(Reason.BAD_COMMAND, error.problem.detail))

    def line_was_cut(self) -> None:
        """Refuse a line that the terminal has cut."""
        if not self.model.closing:
            self._show_problem(Problem(Reason.LINE_CUT))

    def end_of_input(self) -> None:
        """Stop a guest that has not been given a host; otherwise the links go on without new
        commands.
        """
        self._input_ended = True
        self._end_without_host()

    def _end_without_host(self) -> None:
        if self.model.needs_code and not self.model.closing:
            self._show_problem(Problem(Reason.CODE_MISSING))
            self.model.close(ExitStatus.USAGE)

    def _join_or_refuse(self, target: JoinTarget) -> None:
        """Join, or end because nobody can be asked for their consent."""
        for caution in self.model.cautions(target)[:1]:
            self._show_problem(Problem(caution, target.authority))
            self.model.close(ExitStatus.USAGE)
            return
        self.model.join(target)

    def _pair_response(self, fields: JSONObject) -> None:
        session_id = text_field(fields, "sessionID", pair_msg.MAX_SESSION_ID_BYTES)
        approved = fields.get("approved")
        if not isinstance(approved, bool):
            raise MessageError(Reason.BAD_MESSAGE, "approved must be true or false")
        if self.model.options.role is Role.JOIN:
            self._show_problem(Problem(Reason.PROMPT_GONE))
        else:
            self._post(ev.Decide(session_id, approved, _request_number(fields)))

    def _text(self, fields: JSONObject) -> None:
        text, link = text_field(fields, "text", _ANY_LENGTH), read_link(fields)
        if not self.model.send_text(text, link):
            self._show_problem(Problem(Reason.NOT_CONNECTED))

    def _join_command(self, fields: JSONObject) -> None:
        device = optional_text_field(fields, "device", MAX_DEVICE_BYTES)
        if device is not None and "code" in fields:
            raise MessageError(Reason.BAD_MESSAGE, "join takes a code or a device, not both")
        typed = "" if device is not None else text_field(fields, "code", _MAX_TARGET_BYTES)
        allowed = fields.get("yes", False)
        if not isinstance(allowed, bool):
            raise MessageError(Reason.BAD_MESSAGE, "yes must be true or false")
        if self.model.options.role is Role.HOST:
            raise MessageError(Reason.BAD_MESSAGE, "join is a command of proxim join")
        if not self.model.needs_code:
            raise CodeError(Reason.JOIN_BUSY)
        if device is not None:
            problem = self.model.join_device(device)
            if problem is not None:
                self._show_problem(problem)
            return
        target = parse_target(typed)
        for caution in () if allowed else self.model.cautions(target):
            raise CodeError(caution, target.authority)
        self.model.join(target)

    def _send_command(self, fields: JSONObject) -> None:
        paths, link = read_paths(fields), read_link(fields)
        reason = self.model.send_paths(paths, link)
        if reason is not None:
            self._show_problem(Problem(reason))

    def _accept_command(self, fields: JSONObject) -> None:
        status = self._asked_about(read_transfer(fields))
        if status is not None:
            self.model.accept(read_answer(fields, status))

    def _decline_command(self, fields: JSONObject) -> None:
        status = self._asked_about(read_transfer(fields))
        if status is not None:
            self.model.decline(status.transfer)

    def _asked_about(self, transfer: TransferID) -> file_st.TransferStatus | None:
        """Return the transfer if it still needs an answer; otherwise report TRANSFER_GONE and
        return None.
        """
        status = self.model.transfers.get(transfer)
        if status is not None and self.model.needs_answer(status):
            return status
        self._show_problem(Problem(Reason.TRANSFER_GONE), transferID=transfer)
        return None

    def _cancel_command(self, fields: JSONObject) -> None:
        transfer = read_transfer(fields)
        status = self.model.transfers.get(transfer)
        if status is None or status.over:
            self._show_problem(Problem(Reason.TRANSFER_GONE), transferID=transfer)
        else:
            self._post(file_ev.CancelTransfer(transfer))

    def _retry_command(self, fields: JSONObject) -> None:
        transfer = read_transfer(fields)
        status = self.model.transfers.get(transfer)
        if status is None or not status.over or status.direction is not Direction.OUT:
            self._show_problem(Problem(Reason.TRANSFER_GONE), transferID=transfer)
        else:
            self._post(file_ev.RetryTransfer(transfer))

    def _new_code(self, fields: JSONObject) -> None:
        invite = _invite(fields, self.model.options.invite)
        if self.model.options.role is Role.JOIN:
            raise MessageError(Reason.BAD_MESSAGE, "new_code is a command of proxim host")
        self._post(invite)

    def _close_command(self, fields: JSONObject) -> None:
        link = read_link(fields)
        if link is None:
            self.model.close()
        elif not self.model.disconnect(link):
            self._show_problem(Problem(Reason.NOT_CONNECTED))


_COMMANDS: Final[dict[str, Callable[[JsonLinesFace, JSONObject], None]]] = {
    "pair_response": JsonLinesFace._pair_response,
    "text": JsonLinesFace._text,
    "join": JsonLinesFace._join_command,
    "new_code": JsonLinesFace._new_code,
    "send": JsonLinesFace._send_command,
    "accept": JsonLinesFace._accept_command,
    "decline": JsonLinesFace._decline_command,
    "cancel": JsonLinesFace._cancel_command,
    "retry": JsonLinesFace._retry_command,
    "close": JsonLinesFace._close_command,
}


def _request_number(fields: JSONObject) -> int | None:
    """Return the number of the request that a pair_response answers, or None if the script omits
    it.

    Raises MessageError.
    """
    number = fields.get("request")
    if number is not None and type(number) is not int:
        raise MessageError(Reason.BAD_MESSAGE, "request must be an integer")
    return number


def _invite(fields: JSONObject, usual: ev.Invite) -> ev.Invite:
    """Return the invitation that a new_code command asks for; `usual` if it sets nothing. Raises
    MessageError.
    """
    kind, lifetime = (
        optional_text_field(fields, "sessionType", pair_msg.MAX_ID_BYTES),
        fields.get("lifetime"),
    )
    if kind is not None and kind not in tuple(ev.SessionType):
        raise MessageError(
            Reason.BAD_MESSAGE, "sessionType must be one-time, temporary or persistent"
        )
    if lifetime is None:
        return usual if kind is None else ev.Invite(ev.SessionType(kind))
    if kind not in (None, ev.SessionType.TEMPORARY):
        raise MessageError(Reason.BAD_MESSAGE, "only a temporary session has a lifetime to choose")
    if (
        type(lifetime) is not int
        or not ev.MIN_LIFETIME_SECONDS <= lifetime <= ev.MAX_LIFETIME_SECONDS
    ):
        raise MessageError(Reason.BAD_MESSAGE, "lifetime must be whole seconds, 1 minute to 7 days")
    return ev.Invite(ev.SessionType.TEMPORARY, float(lifetime))


def _given(**fields: object) -> dict[str, object]:
    """Return only the fields that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
