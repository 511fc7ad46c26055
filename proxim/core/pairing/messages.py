"""The signaling messages: frozen dataclasses, strict reading, writing, limits.

The first protocol document defines five messages, and docs/protocol.md adds the others. A reader
ignores unknown fields. A message's repr may be logged: it leaves out session ids, proofs and
descriptions (they carry ICE passwords).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from proxim.core.errors import Reason
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    check_size,
    object_field,
    optional_text_field,
    read_object,
    text_field,
    write_object,
)
from proxim.core.pairing.devices import DeviceInfo, Verified
from proxim.core.sanitize import MAX_NAME_BYTES

# An SDP of 32 KiB fits with its JSON escapes and some room.
MAX_MESSAGE_BYTES: Final = 64 * 1024
# aiortc's SDP has 1 KiB, a browser's 1-2 KiB with only a data channel, and 10 KiB with media.
MAX_SDP_BYTES: Final = 32 * 1024
# RFC 8839 has the grammar; the longest candidate seen in browsers has about 200 bytes.
MAX_CANDIDATE_BYTES: Final = 512
# A UUID has 36.
MAX_ID_BYTES: Final = 64
# Our own ids have 22.
MAX_SESSION_ID_BYTES: Final = 64
# RFC 8843 asks for at most 16.
MAX_MID_BYTES: Final = 64
# 33 bytes are 44 characters in base64url.
MAX_PROOF_BYTES: Final = 128
MAX_SENTENCE_BYTES: Final = 1024
# This limits versions and m-line indices; JSON itself would allow 4300 digits.
MAX_SMALL_INTEGER: Final = 255


# A peer may send a reason that we do not know.
ReasonText = str
# A WebSocket closes with these by itself when bytes are no frame, no UTF-8, or too many (RFC 6455,
# 7.4.1). No program sends such bytes.
UNREADABLE_CODES: Final = frozenset({1002, 1007, 1009})


class CloseCode(IntEnum):
    """Our own WebSocket close codes, in the private range 4000-4999 (RFC 6455, 7.4.2)."""

    SESSION_ENDED = 4000
    LINK_FAILED = 4001
    BAD_MESSAGES = 4400
    # The guest closes with it when a message under the host's name was not the host's.
    TAMPERED = 4401
    # The guest closes with it when the two programs are linked already (Program).
    LINKED_ALREADY = 4002


class SDPType(StrEnum):
    """The values of RTCSdpType that Proxim uses."""

    OFFER = "offer"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Auth:
    """A proof's part on the wire: version, method, share `y`, tag `t` (docs/protocol.md, proof)."""

    v: int | None = None
    m: str | None = None
    y: str | None = field(default=None, repr=False)
    t: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PairRequest:
    """Client to server: the guest asks to join."""

    session_id: str = field(repr=False)
    device: DeviceInfo
    auth: Auth | None = None


@dataclass(frozen=True, slots=True)
class PairPrompt:
    """Server to host: a guest asks to join."""

    session_id: str = field(repr=False)
    device: DeviceInfo
    verified: Verified | None = None


@dataclass(frozen=True, slots=True)
class PairResponse:
    """Host to server: the person's decision; it is never accepted from a socket."""

    session_id: str = field(repr=False)
    approved: bool


@dataclass(frozen=True, slots=True)
class PairResult:
    """Server to client: the decision."""

    session_id: str = field(repr=False)
    approved: bool
    reason: ReasonText | None = None
    auth: Auth | None = None


@dataclass(frozen=True, slots=True)
class PairChallenge:
    """Server to client: the host's share of the proof."""

    session_id: str = field(repr=False)
    auth: Auth


@dataclass(frozen=True, slots=True)
class PairConfirm:
    """Client to server: the guest's tag."""

    session_id: str = field(repr=False)
    auth: Auth


@dataclass(frozen=True, slots=True)
class Description:
    """An SDP; `type` is None if a peer that knows only the first protocol document left it out."""

    sdp: str = field(repr=False)
    type: SDPType | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate line (with or without `candidate:`); empty means end of candidates."""

    candidate: str
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """Both ways after approval: one description or one candidate."""

    session_id: str = field(repr=False)
    payload: Description | Candidate
    mac: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """Server to client: a message was refused, and nothing has changed."""

    code: ReasonText
    message: str
    session_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """Server to client: this session is over."""

    session_id: str = field(repr=False)
    reason: ReasonText


Message = (
    PairRequest
    | PairPrompt
    | PairResponse
    | PairResult
    | PairChallenge
    | PairConfirm
    | Signal
    | ErrorMessage
    | SessionEnded
)


# --- reading --------------------------------------------------------------------------------------


def _session_id(fields: JSONObject) -> str:
    return text_field(fields, "sessionID", MAX_SESSION_ID_BYTES)


def _optional_small_integer(fields: JSONObject, name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    # isinstance would accept a bool as an int.
    if type(value) is not int or not 0 <= value <= MAX_SMALL_INTEGER:
        raise MessageError(Reason.BAD_MESSAGE, f"{name} must be a small integer")
    return value


def _device(fields: JSONObject) -> DeviceInfo:
    info = object_field(fields, "deviceInfo")
    return DeviceInfo(
        text_field(info, "name", MAX_NAME_BYTES), text_field(info, "id", MAX_ID_BYTES)
    )


def _auth(fields: JSONObject) -> Auth:
    auth = object_field(fields, "auth")
    return Auth(
        _optional_small_integer(auth, "v"),
        optional_text_field(auth, "m", MAX_PROOF_BYTES),
        optional_text_field(auth, "y", MAX_PROOF_BYTES),
        optional_text_field(auth, "t", MAX_PROOF_BYTES),
    )


def _optional_auth(fields: JSONObject) -> Auth | None:
    return None if fields.get("auth") is None else _auth(fields)


def _approved(fields: JSONObject) -> bool:
    approved = fields.get("approved")
    if not isinstance(approved, bool):
        raise MessageError(Reason.BAD_MESSAGE, "approved must be true or false")
    return approved


def _status(fields: JSONObject) -> bool:
    status = text_field(fields, "status", MAX_ID_BYTES)
    if status not in ("approved", "rejected"):
        raise MessageError(Reason.BAD_MESSAGE, "status must be approved or rejected")
    return status == "approved"


def _verified(fields: JSONObject) -> Verified | None:
    verified = optional_text_field(fields, "verified", MAX_ID_BYTES)
    if verified is not None and verified not in tuple(Verified):
        raise MessageError(Reason.BAD_MESSAGE, "verified must be code, qr, known or null")
    return None if verified is None else Verified(verified)


def _description(payload: JSONObject) -> Description:
    # Browsers' clients often send the whole RTCSessionDescription under "sdp".
    holder = payload["sdp"] if isinstance(payload["sdp"], dict) else payload
    kind = optional_text_field(holder, "type", MAX_ID_BYTES)
    if kind is not None and kind not in tuple(SDPType):
        raise MessageError(Reason.BAD_MESSAGE, "type must be offer or answer")
    sdp = text_field(holder, "sdp", MAX_SDP_BYTES)
    if not sdp.strip():
        raise MessageError(Reason.BAD_MESSAGE, "sdp is empty")
    return Description(sdp, None if kind is None else SDPType(kind))


def _candidate(payload: JSONObject) -> Candidate:
    # Browsers' clients often send the whole RTCIceCandidate under "candidate"; null means end of
    # candidates.
    holder = payload["candidate"] if isinstance(payload["candidate"], dict) else payload
    return Candidate(
        (optional_text_field(holder, "candidate", MAX_CANDIDATE_BYTES) or "").strip(),
        optional_text_field(holder, "sdpMid", MAX_MID_BYTES),
        _optional_small_integer(holder, "sdpMLineIndex"),
    )


def _signal(fields: JSONObject) -> Signal:
    payload = object_field(fields, "payload")
    mac = optional_text_field(payload, "mac", MAX_PROOF_BYTES)
    described = payload.get("sdp") is not None
    if described == (payload.get("candidate") is not None) and (
        described or "candidate" not in payload
    ):
        raise MessageError(Reason.BAD_MESSAGE, "payload must have either sdp or candidate")
    content = _description(payload) if described else _candidate(payload)
    return Signal(_session_id(fields), content, mac)


_READERS: Final[dict[str, Callable[[JSONObject], Message]]] = {
    "pair_request": lambda fields: PairRequest(
        _session_id(fields), _device(fields), _optional_auth(fields)
    ),
    "pair_prompt": lambda fields: PairPrompt(
        _session_id(fields), _device(fields), _verified(fields)
    ),
    "pair_response": lambda fields: PairResponse(_session_id(fields), _approved(fields)),
    "pair_result": lambda fields: PairResult(
        _session_id(fields),
        _status(fields),
        optional_text_field(fields, "reason", MAX_ID_BYTES),
        _optional_auth(fields),
    ),
    "pair_challenge": lambda fields: PairChallenge(_session_id(fields), _auth(fields)),
    "pair_confirm": lambda fields: PairConfirm(_session_id(fields), _auth(fields)),
    "signal": _signal,
    "error": lambda fields: ErrorMessage(
        text_field(fields, "code", MAX_ID_BYTES),
        text_field(fields, "message", MAX_SENTENCE_BYTES),
        optional_text_field(fields, "sessionID", MAX_SESSION_ID_BYTES),
    ),
    "session_ended": lambda fields: SessionEnded(
        _session_id(fields), text_field(fields, "reason", MAX_ID_BYTES)
    ),
}


def parse_message(text: str) -> Message:
    """Read one text frame.

    Raises MessageError: TOO_LARGE, BAD_JSON, UNKNOWN_TYPE or BAD_MESSAGE. Its detail names the
    field, never the value.
    """
    # A lone surrogate passes here; the field that contains it is refused later.
    check_size(text, MAX_MESSAGE_BYTES)
    fields = read_object(text)
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise MessageError(Reason.BAD_MESSAGE, "type must be a string")
    reader = _READERS.get(kind)
    if reader is None:
        raise MessageError(Reason.UNKNOWN_TYPE, "")
    return reader(fields)


# --- writing --------------------------------------------------------------------------------------


def _auth_fields(auth: Auth) -> JSONObject:
    named = {"v": auth.v, "m": auth.m, "y": auth.y, "t": auth.t}
    return {name: value for name, value in named.items() if value is not None}


def _device_fields(device: DeviceInfo) -> JSONObject:
    return {"name": device.name, "id": device.id}


def _payload_fields(signal: Signal) -> JSONObject:
    payload = signal.payload
    if isinstance(payload, Description):
        named: JSONObject = {"sdp": payload.sdp, "type": payload.type}
    else:
        named = {
            "candidate": payload.candidate,
            "sdpMid": payload.sdp_mid,
            "sdpMLineIndex": payload.sdp_mline_index,
        }
    return {
        name: value for name, value in {**named, "mac": signal.mac}.items() if value is not None
    }


def message_fields(message: Message) -> JSONObject:
    """Return the message as the wire's JSON object."""
    fields: JSONObject
    auth: Auth | None = None
    match message:
        case PairRequest(session_id, device, auth):
            fields = {
                "type": "pair_request",
                "sessionID": session_id,
                "deviceInfo": _device_fields(device),
            }
        case PairPrompt(session_id, device, verified):
            fields = {
                "type": "pair_prompt",
                "sessionID": session_id,
                "deviceInfo": _device_fields(device),
                "verified": verified,
            }
        case PairResponse(session_id, approved):
            fields = {"type": "pair_response", "sessionID": session_id, "approved": approved}
        case PairResult(session_id, approved, reason, auth):
            status = "approved" if approved else "rejected"
            fields = {"type": "pair_result", "sessionID": session_id, "status": status}
            if reason is not None:
                fields["reason"] = reason
        case PairChallenge(session_id, auth):
            fields = {"type": "pair_challenge", "sessionID": session_id}
        case PairConfirm(session_id, auth):
            fields = {"type": "pair_confirm", "sessionID": session_id}
        case Signal(session_id, _, _):
            fields = {
                "type": "signal",
                "sessionID": session_id,
                "payload": _payload_fields(message),
            }
        case ErrorMessage(code, sentence, error_session_id):
            fields = {"type": "error", "code": code, "message": sentence}
            if error_session_id is not None:
                fields["sessionID"] = error_session_id
        case _:
            # Only SessionEnded is left here, and mypy checks that.
            fields = {
                "type": "session_ended",
                "sessionID": message.session_id,
                "reason": message.reason,
            }
    if auth is not None:
        fields["auth"] = _auth_fields(auth)
    return fields


def dump_message(message: Message) -> str:
    """Return the message as one text frame."""
    return write_object(message_fields(message))
