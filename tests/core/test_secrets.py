"""Secrets appear in no repr, because logs, tracebacks and failing asserts show the reprs of
events, commands, statuses and messages.
"""

import dataclasses
import enum
import inspect
import re
import types
import typing
from ipaddress import IPv4Address
from types import ModuleType

from proxim.core import commands, events, status
from proxim.core.files import commands as file_commands
from proxim.core.files import events as file_events
from proxim.core.files import manifest
from proxim.core.files import messages as file_messages
from proxim.core.files import status as transfer_status
from proxim.core.known import commands as known_commands
from proxim.core.known import devices as known_kept
from proxim.core.known import events as known_events
from proxim.core.known import feature as known_feature
from proxim.core.known import finding, keys
from proxim.core.known import messages as known_messages
from proxim.core.known import status as known_status
from proxim.core.link import commands as link_commands
from proxim.core.link import events as link_events
from proxim.core.link import lane
from proxim.core.link import messages as link_messages
from proxim.core.pairing import commands as socket_commands
from proxim.core.pairing import events as socket_events
from proxim.core.pairing import host_code, invitations, messages, opening
from proxim.core.pairing import session as session_inputs
from proxim.core.pairing.guess_budget import GuessBudget
from proxim.core.pairing.proof import ProofKeys

VOCABULARIES = (
    *(events, socket_events, link_events, file_events),
    *(commands, socket_commands, link_commands, file_commands),
    *(status, transfer_status, session_inputs, invitations, opening),
    *(known_commands, known_events, known_status, known_kept, known_messages),
    *(keys, known_feature, finding),
    *(messages, file_messages, link_messages, host_code, lane, manifest),
)
# These are names that a vocabulary uses in annotations without importing them.
NAMES = {name: one for module in VOCABULARIES for name, one in vars(module).items()}
# A field is secret by its name or by the end of its name (`qr_secret`), so that new fields are
# covered, too.
SECRET = {
    *("secret", "code", "url", "key", "keys", "token", "tag", "tags", "mac", "session_id", "sdp"),
    *("text", "transfer", "label", "scope", "digits", "commit", "nonce"),
    # These are a proof's share and tag.
    *("y", "t"),
}
# These fields have such a name and are no secrets.
PUBLIC = {
    # The URLs hold an address and a path.
    ("Dial", "url"),
    ("DialLane", "url"),
    ("LaneTerms", "url"),
    # A LaneSecret hides its contents itself.
    ("LaneTerms", "secret"),
    # These are close codes and error codes.
    ("ConnectionLost", "code"),
    ("CloseConnection", "code"),
    ("ErrorMessage", "code"),
}
HIDDEN = "hush"
HIDDEN_NUMBER = 0x5EC2E7


def is_secret(owner: type, name: str) -> bool:
    return (owner.__name__, name) not in PUBLIC and any(
        name == word or name.endswith(f"_{word}") for word in SECRET
    )


def classes() -> list[type]:
    """Return every dataclass of the vocabularies."""
    return [
        one
        for module in VOCABULARIES
        for one in vars(module).values()
        if inspect.isclass(one) and dataclasses.is_dataclass(one) and defined_in(one, module)
    ]


def defined_in(one: type, module: ModuleType) -> bool:
    return one.__module__ == module.__name__ and not one.__name__.startswith("_")


def variants(kind: object, *, mark: str) -> list[object]:
    """Return a value for each alternative of a type; strings, bytes and numbers hold the mark.

    The mark is empty if the value is no secret.
    """
    if isinstance(kind, typing.NewType):
        return variants(kind.__supertype__, mark=mark)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return [one for each in arguments for one in variants(each, mark=mark)]
    if origin is frozenset:
        return [frozenset(variants(arguments[0], mark=mark))]
    if origin is tuple:
        parts = [variants(each, mark=mark) for each in arguments if each is not Ellipsis]
        longest = max(len(one) for one in parts)
        return [tuple(one[n % len(one)] for one in parts) for n in range(longest)]
    simple: dict[object, object] = {
        str: mark or "shown",
        bytes: (mark or "shown").encode(),
        int: HIDDEN_NUMBER if mark else 1,
        float: 1.0,
        bool: True,
        types.NoneType: None,
        IPv4Address: IPv4Address("192.168.1.20"),
        ProofKeys: ProofKeys(*[HIDDEN.encode()] * 4),
        GuessBudget: GuessBudget(),
    }
    if kind in simple:
        return [simple[kind]]
    if getattr(kind, "_is_protocol", False):
        return [object()]
    assert isinstance(kind, type), f"this test cannot make a {kind}"
    if issubclass(kind, enum.Enum):
        # TimerKind has no members of its own.
        return [next(iter(kind if len(kind) else kind.__subclasses__()[0]))]
    assert dataclasses.is_dataclass(kind), f"this test cannot make a {kind}"
    return list(instances(kind))


def instances(kind: type) -> list[object]:
    """Return instances of a dataclass in which each field has every alternative at least once."""
    hints = typing.get_type_hints(kind, localns=NAMES)
    choices = {
        one.name: variants(
            hints[one.name],
            mark=f"{HIDDEN}-{kind.__name__}.{one.name}" if is_secret(kind, one.name) else "",
        )
        for one in dataclasses.fields(kind)
    }
    most = max((len(one) for one in choices.values()), default=1)
    return [
        kind(**{name: values[n % len(values)] for name, values in choices.items()})
        for n in range(most)
    ]


def leaks(one: object) -> set[str]:
    """Return the secrets that the repr of an object shows."""
    shown, name = repr(one), type(one).__name__
    marks = re.findall(rf"{HIDDEN}[\w.-]*", shown)
    marks += ["a number"] if str(HIDDEN_NUMBER) in shown else []
    return {f"{name} shows {mark}" for mark in marks}


def test_no_repr_shows_a_secret() -> None:
    made = [one for kind in classes() for one in instances(kind)]
    found = sorted({leak for one in made for leak in leaks(one)})
    assert found == [], found


def test_every_secret_field_is_left_out_of_its_classs_repr() -> None:
    """This includes fields of a type whose own repr would hide the secret."""
    shown = [
        f"{kind.__name__}.{one.name}"
        for kind in classes()
        for one in dataclasses.fields(kind)
        if is_secret(kind, one.name) and one.repr
    ]
    assert shown == [], shown


def test_the_names_above_mean_the_fields_that_they_are_meant_for() -> None:
    """Without this test, both tests above would hold for names that no field has."""
    fields = {(kind, one.name) for kind in classes() for one in dataclasses.fields(kind)}
    named = {(kind.__name__, name) for kind, name in fields}
    secret = {f"{kind.__name__}.{name}" for kind, name in fields if is_secret(kind, name)}
    known = {
        "JoinTarget.qr_secret",
        "Auth.t",
        "ExpectLane.key",
        "Signal.mac",
        "Prompt.session_id",
        "Invitation.url",
    }
    assert (PUBLIC - named, known - secret) == (set(), set())


def test_a_leak_would_be_found() -> None:
    @dataclasses.dataclass
    class Inner:
        api_key: str | None
        numbers: tuple[bytes, ...]

    @dataclasses.dataclass
    class Outer:
        inner: Inner
        secret: int

    found = {leak for one in instances(Outer) for leak in leaks(one)}
    assert found == {"Outer shows hush-Inner.api_key", "Outer shows a number"}
