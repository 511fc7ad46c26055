"""Tests of proxim.core.files.messages, as the control channel reads and writes them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.files import messages as file_msg
from proxim.core.files.manifest import (
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_PATH_BYTES,
    Entry,
    FailedFile,
    LeftOutFile,
    Partial,
    Position,
    RenamedFile,
    Span,
    TransferID,
)
from proxim.core.files.stream import DIGEST_BYTES
from proxim.core.json_text import MessageError
from proxim.core.link import messages as link_msg
from tests.core.handed_in import read_message
from tests.rows import each_row

ID = TransferID("abcdefghijklmnopqrstuv")
SHA = bytes(range(32))
EXAMPLES: list[tuple[file_msg.FileMessage, dict[str, Any]]] = [
    (
        file_msg.Announce(
            ID, (Entry("F", directory=True), Entry("F/a", 5, 1234), Entry("b", 0)), more=True
        ),
        {
            "type": "announce",
            "transferID": ID,
            "files": [
                {"path": "F", "directory": True},
                {"path": "F/a", "size": 5, "modified": 1234},
                {"path": "b", "size": 0},
            ],
            "more": True,
        },
    ),
    (file_msg.Accept(ID), {"type": "accept", "transferID": ID}),
    (
        file_msg.Accept(ID, (Span(0, 3),), (Partial(4, 5, SHA),)),
        {
            "type": "accept",
            "transferID": ID,
            "skip": [[0, 3]],
            "partial": [{"file": 4, "offset": 5, "sha256": to_base64url(SHA)}],
        },
    ),
    (
        file_msg.Continue(ID, 2, Position(3, 4)),
        {"type": "continue", "transferID": ID, "generation": 2, "file": 3, "offset": 4},
    ),
    (
        file_msg.Progress(ID, 2, 99),
        {"type": "progress", "transferID": ID, "generation": 2, "written": 99},
    ),
    (file_msg.Finished(ID), {"type": "finished", "transferID": ID}),
    (
        file_msg.Finished(ID, (FailedFile(3, Reason.FILE_GONE),), more=True),
        {
            "type": "finished",
            "transferID": ID,
            "failed": [{"file": 3, "reason": "file_gone"}],
            "more": True,
        },
    ),
    (
        file_msg.Finished(ID, renamed=(RenamedFile("d/a:b", "a_b"),)),
        {
            "type": "finished",
            "transferID": ID,
            "renamed": [{"path": "d/a:b", "name": "a_b"}],
        },
    ),
    (file_msg.Cancel(ID), {"type": "cancel", "transferID": ID}),
    (file_msg.Cancel(ID, "declined"), {"type": "cancel", "transferID": ID, "reason": "declined"}),
    (file_msg.Resume((SHA,)), {"type": "resume", "tags": [to_base64url(SHA)]}),
]

short = st.text(st.characters(exclude_categories=["Cs"]), max_size=16)
path = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
ids = short.map(TransferID)
size = st.integers(0, MAX_FILE_BYTES)
place = st.integers(0, MAX_ENTRIES - 1)
wire_reasons = st.sampled_from([one for one in Reason if file_msg.file_reason(one.value) is one])
entries = st.one_of(
    st.builds(Entry, path, size, st.none() | size),
    st.builds(
        lambda name, length, executable, stored: Entry(
            name, length, executable=executable, stored=stored
        ),
        path,
        size,
        st.booleans(),
        st.none() | size,
    ),
    st.builds(lambda name, when: Entry(name, 0, when, directory=True), path, st.none() | size),
)
span = place.flatmap(
    lambda first: st.builds(Span, st.just(first), st.integers(0, MAX_ENTRIES - first))
)
partial = st.builds(Partial, place, size, st.binary(min_size=DIGEST_BYTES, max_size=DIGEST_BYTES))
failed = st.builds(FailedFile, place, wire_reasons)
renamed = st.builds(RenamedFile, path, path)
left_out = st.builds(LeftOutFile, path, wire_reasons)


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=4).map(tuple)


messages: st.SearchStrategy[file_msg.FileMessage] = st.one_of(
    st.builds(file_msg.Announce, ids, some(entries), st.booleans(), some(left_out), st.booleans()),
    st.builds(file_msg.Accept, ids, some(span), some(partial), st.booleans()),
    st.builds(
        file_msg.Continue,
        ids,
        st.integers(0, file_msg.MAX_GENERATION),
        st.builds(Position, st.integers(0, MAX_ENTRIES), size),
    ),
    st.builds(file_msg.Progress, ids, st.integers(0, file_msg.MAX_GENERATION), size),
    st.builds(file_msg.Finished, ids, some(failed), st.booleans(), some(renamed)),
    st.builds(file_msg.Cancel, ids, st.none() | short.filter(bool)),
    st.builds(file_msg.Resume, some(st.binary(min_size=DIGEST_BYTES, max_size=DIGEST_BYTES))),
)


@each_row("message, fields", EXAMPLES)
def test_each_message_is_written_and_read_as_documented(
    message: file_msg.FileMessage, fields: dict[str, Any]
) -> None:
    assert message.fields() == fields
    assert read_message(json.dumps(fields)) == message


@given(messages)
def test_what_is_written_is_read_as_the_same(message: file_msg.FileMessage) -> None:
    assert read_message(link_msg.dump_link_message(message)) == message


@given(messages)
def test_unknown_fields_are_ignored(message: file_msg.FileMessage) -> None:
    fields = {**json.loads(link_msg.dump_link_message(message)), "later": {"x": [1]}}
    assert read_message(json.dumps(fields)) == message


@given(messages)
def test_secrets_are_not_in_a_repr(message: file_msg.FileMessage) -> None:
    secret = TransferID("a-secret-id-of-22-char")
    assert secret not in repr(file_msg.Announce(secret, ()))
    assert "token=" not in repr(message)
    assert "tags=" not in repr(message)
    assert "transfer=" not in repr(message)


FULL: dict[str, dict[str, Any]] = {fields["type"]: fields for _, fields in EXAMPLES}
NUMBERS: list[Any] = [-1, 1 << 60, 1.5, True, "1", None, [], {}]


Anything = list[Any]


def changes() -> list[tuple[str, dict[str, Any]]]:
    """Return changes that make each field of each message wrong."""
    wrong: list[tuple[str, dict[str, Any]]] = []
    for kind in ("announce", "accept", "continue", "progress", "finished", "cancel"):
        wrong += [
            (kind, {"transferID": bad}) for bad in Anything((None, 5, [], "x" * 65, "\ud800"))
        ]
    for kind in ("announce", "accept", "finished"):
        wrong += [(kind, {"more": bad}) for bad in Anything((1, "true", []))]
    for field in ("generation", "file", "offset"):
        wrong += [("continue", {field: bad}) for bad in NUMBERS]
    for field in ("generation", "written"):
        wrong += [("progress", {field: bad}) for bad in NUMBERS]
    for field, kind in (
        ("files", "announce"),
        ("skip", "accept"),
        ("partial", "accept"),
        ("failed", "finished"),
    ):
        wrong += [
            (kind, {field: bad}) for bad in Anything(({}, "x", 5, [None], [5], ["x"], [[]], [{}]))
        ]
    wrong += [
        ("announce", {"files": [{"path": bad, "size": 1}]})
        for bad in Anything(("", None, 5, "x" * (MAX_PATH_BYTES + 1)))
    ]
    wrong += [("announce", {"files": [{"path": "a", "size": bad}]}) for bad in NUMBERS]
    wrong += [
        ("announce", {"files": [{"path": "a", "size": 1, name: bad}]})
        for name in ("directory", "executable")
        for bad in Anything((1, "yes", []))
    ]
    wrong += [
        ("announce", {"files": [{"path": "a", "size": 1, "stored": bad}]})
        for bad in Anything((-1, "1", [], 1.5))
    ]
    wrong += [
        ("announce", {"files": [{"path": "a", "size": 1, "modified": bad}]})
        for bad in Anything((-1, 1.5, True, "1"))
    ]
    wrong += [
        ("accept", {"skip": [bad]})
        for bad in Anything(([1], [1, 2, 3], [-1, 1], [0, -1], [0, MAX_ENTRIES + 1], [True, 1]))
    ]
    wrong += [
        ("accept", {"skip": [[MAX_ENTRIES - 1, 2]]}),
        ("accept", {"skip": [[MAX_ENTRIES, 0]]}),
    ]
    good = {"file": 1, "offset": 2, "sha256": to_base64url(SHA)}
    wrong += [
        ("accept", {"partial": [{**good, "sha256": bad}]})
        for bad in Anything((None, 5, "", "x", to_base64url(SHA[:31])))
    ]
    wrong += [
        ("accept", {"partial": [{**good, "file": bad}]})
        for bad in Anything((*NUMBERS, MAX_ENTRIES))
    ]
    wrong += [("accept", {"partial": [{**good, "offset": bad}]}) for bad in NUMBERS]
    wrong += [
        ("finished", {"failed": [{"file": 1, "reason": bad}]})
        for bad in Anything((None, 5, "x" * 65))
    ]
    wrong += [
        ("announce", {"left_out": [bad]})
        for bad in Anything((None, 5, {"path": "a"}, {"reason": "x"}, {"path": 1, "reason": "x"}))
    ]
    wrong += [
        ("finished", {"renamed": [bad]})
        for bad in Anything((None, 5, {"path": "a"}, {"name": "b"}, {"path": 1, "name": "b"}))
    ]
    wrong += [("cancel", {"reason": bad}) for bad in Anything((5, [], "x" * 65))]
    wrong += [
        ("resume", {"tags": bad})
        for bad in Anything(({}, [5], ["x"], [to_base64url(SHA)] * (file_msg.MAX_TAGS + 1)))
    ]
    return wrong


@each_row("kind, change", changes())
def test_a_wrong_field_is_a_message_error(kind: str, change: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as caught:
        read_message(json.dumps({**FULL[kind], **change}))
    assert caught.value.reason is Reason.BAD_MESSAGE


def test_a_list_is_no_longer_than_a_transfer_may_be() -> None:
    with pytest.raises(MessageError):
        read_message(json.dumps({**FULL["accept"], "skip": [0] * (MAX_ENTRIES + 1)}))


def test_a_folder_has_no_size() -> None:
    files = [
        {"path": "F", "directory": True, "size": "whatever"},
        {"path": "G", "directory": None, "size": 1},
    ]
    read = read_message(json.dumps({**FULL["announce"], "files": files}))
    assert isinstance(read, file_msg.Announce)
    assert read.entries == (Entry("F", directory=True), Entry("G", 1))


@each_row(
    "kind, name",
    [
        ("announce", "files"),
        ("announce", "left_out"),
        ("accept", "skip"),
        ("accept", "partial"),
        ("finished", "failed"),
        ("finished", "renamed"),
        ("resume", "tags"),
    ],
)
def test_a_list_that_is_null_is_empty(kind: str, name: str) -> None:
    given, empty = ({**FULL[kind], name: value} for value in Anything((None, [])))
    assert read_message(json.dumps(given)) == read_message(json.dumps(empty))


def test_reasons_of_a_newer_one() -> None:
    assert file_msg.file_reason("disk_full") is Reason.DISK_FULL
    assert file_msg.file_reason("what_will_be") is Reason.TRANSFER_FAILED
    assert file_msg.file_reason("tampered") is Reason.TRANSFER_FAILED
    assert file_msg.file_reason(None) is Reason.TRANSFER_FAILED


# --- long lists -----------------------------------------------------------------------------------


def check_pieces(pieces: list[Any]) -> None:
    assert [piece.more for piece in pieces] == [True] * (len(pieces) - 1) + [False]
    for piece in pieces:
        text = link_msg.dump_link_message(piece)
        assert len(text.encode()) <= link_msg.MAX_LINK_MESSAGE_BYTES
        assert read_message(text) == piece


@each_row("char", ["a", '"', "\\", "é", "😀", "\x01", "\n", "\x7f", "\u2028"])
@each_row("length", [1, 30, 1024])
def test_a_manifest_is_cut_into_messages_that_fit(char: str, length: int) -> None:
    name = char * max(1, length // len(char.encode()))
    manifest = tuple(Entry(name, MAX_FILE_BYTES, MAX_FILE_BYTES) for _ in range(1000))
    pieces = list(file_msg.cut_announce(ID, manifest))
    check_pieces(pieces)
    assert tuple(entry for piece in pieces for entry in piece.entries) == manifest
    assert all(piece.entries for piece in pieces)


@given(some(entries))
def test_any_manifest_is_cut_and_joined(manifest: tuple[Entry, ...]) -> None:
    pieces = list(file_msg.cut_announce(ID, manifest))
    check_pieces(pieces)
    assert tuple(entry for piece in pieces for entry in piece.entries) == manifest


@each_row("skips", [0, 1, file_msg.PIECE_ITEMS, file_msg.PIECE_ITEMS + 1, 2 * file_msg.PIECE_ITEMS])
@each_row("partials", [0, 1, file_msg.PIECE_ITEMS, 2 * file_msg.PIECE_ITEMS + 1])
def test_an_acceptance_is_cut_into_messages_that_fit(skips: int, partials: int) -> None:
    skip = tuple(Span(MAX_ENTRIES - 1, 1) for _ in range(skips))
    parts = tuple(Partial(MAX_ENTRIES - 1, MAX_FILE_BYTES, SHA) for _ in range(partials))
    pieces = list(file_msg.cut_accept(ID, skip, parts))
    check_pieces(pieces)
    assert tuple(one for piece in pieces for one in piece.skip) == skip
    assert tuple(one for piece in pieces for one in piece.partial) == parts


@each_row("failures", [0, 1, file_msg.PIECE_ITEMS + 1])
@each_row("renames", [0, 1, file_msg.PIECE_ITEMS + 1, 2000])
@each_row("char", ["a", "\x01", "😀"])
def test_an_end_with_new_names_is_cut_into_messages_that_fit(
    failures: int, renames: int, char: str
) -> None:
    gone = tuple(FailedFile(index, Reason.FILE_GONE) for index in range(failures))
    name = char * (200 // len(char.encode()))
    renamed = tuple(RenamedFile(f"{name}/{name}", name) for _ in range(renames))
    pieces = list(file_msg.cut_finished(ID, gone, renamed))
    check_pieces(pieces)
    assert tuple(one for piece in pieces for one in piece.failed) == gone
    assert tuple(one for piece in pieces for one in piece.renamed) == renamed


@each_row("count", [0, 1, file_msg.PIECE_ITEMS, file_msg.PIECE_ITEMS + 1, MAX_ENTRIES])
def test_an_end_is_cut_into_messages_that_fit(count: int) -> None:
    failures = tuple(FailedFile(MAX_ENTRIES - 1, Reason.FOLDER_READ_ONLY) for _ in range(count))
    pieces = list(file_msg.cut_finished(ID, failures))
    check_pieces(pieces)
    assert tuple(one for piece in pieces for one in piece.failed) == failures
