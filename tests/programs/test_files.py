"""Files between two real programs on one machine: all kinds of files, both ways, and every answer
that a person can give.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cases import case
from tests.programs.file_programs import (
    Sides,
    end,
    ends,
    linked,
    moving,
    names,
    send,
    sha256,
    tree,
    until,
    write_file,
    write_sparse,
)
from tests.programs.program import SOURCE, Program, exchange_text

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_address")]

MANY = 2_000
TWENTY_GB = 20 * 1000**3
LARGE = 64_000_000
# This is 4.1 GiB, so offsets no longer fit into 32 bits.
BEYOND_32_BITS = 4_400_000_000
# No file gets a time this old unless a test sets it.
OLD = 1_000_000_000

NAMES = (
    "plain.txt",
    "Größe – 1 %.bin",
    "文件.数据",
    "ファイル",
    "مستند.txt",
    "מסמך.pdf",
    "документ.md",
    "हिन्दी.odt",
    "ไทย.jpg",
    "👩‍👩‍👧 family.png",
    "with  two spaces",
    'quote\'s "name"',
    "no_extension",
    "many.dots.tar.gz",
    "-rf",
)


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


def make_trip(folder: Path) -> Path:
    """Make a folder with everything that a folder can contain, and return its path."""
    trip = folder / "trip 旅"
    (trip / "empty folder" / "in it").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        # The first file is empty.
        path = write_file(trip / "names" / name, number * 1000)
        os.utime(path, (OLD + number, OLD + number))
    write_file(trip / "a" / "b" / "c" / "d" / "deep.bin", 3_000_000)
    return trip


def cleaned(whole: dict[str, tuple[str, int] | None]) -> dict[str, tuple[str, int] | None]:
    """Return the tree as it arrives: Windows allows no quotation mark in names."""
    if sys.platform != "win32":
        return whole
    return {path.replace('"', "_"): what for path, what in whole.items()}


def test_a_file_and_a_folder_both_ways(sides: Sides) -> None:
    trip = make_trip(sides.source)
    single = write_file(sides.source / "Größe 1.bin", 5_000_001)
    os.utime(single, (OLD, OLD))
    with linked(sides) as (host, guest):
        for from_, to, receiver in ((host, guest, "guest"), (guest, host, "host")):
            with case(f"to the {receiver}"):
                send(from_, single)
                arrived = end(to)
                assert arrived["state"] == "done"
                assert arrived["sha256"] == sha256(single)
                assert arrived["path"] == str(sides.saved(receiver) / single.name)
                assert end(from_)["bytes"] == 5_000_001
                send(from_, trip)
                assert end(to)["state"] == "done"
                assert end(from_)["state"] == "done"
    sent = cleaned(tree(sides.source))
    for receiver in ("guest", "host"):
        saved = sides.saved(receiver)
        assert tree(saved) == sent, receiver
        assert os.stat(saved / single.name).st_mtime == OLD, receiver


def test_many_small_files(sides: Sides) -> None:
    many = sides.source / "many"
    for number in range(MANY):
        write_file(many / str(number % 20) / f"{number}.bin", number % 5000)
    with linked(sides) as (host, guest):
        send(guest, many)
        assert end(guest)["state"] == "done"
        assert end(host)["count"] == MANY
    assert tree(sides.saved("host")) == tree(sides.source)


def test_several_at_once_and_both_ways(sides: Sides) -> None:
    files = [write_file(sides.source / f"{number}.bin", 5_000_000) for number in range(6)]
    # The gate keeps every file from being done before the text has come, because events that pass
    # while the text is awaited would not be counted.
    sides.gate.close_after(3_000_000)
    with linked(sides) as (host, guest):
        for file in files:
            send(guest, file)
            send(host, file)
        moving(host, 1_000_000, direction="in")
        moving(guest, 1_000_000, direction="in")
        exchange_text(host, guest)
        sides.gate.open()
        ended = ends(host, 2 * len(files)), ends(guest, 2 * len(files))
        assert all(event["state"] == "done" for one in ended for event in one.values())
    for side in ("host", "guest"):
        assert tree(sides.saved(side)) == tree(sides.source)


def test_names_that_are_taken_stay(sides: Sides) -> None:
    file = write_file(sides.source / "a.txt", 1000)
    folder = sides.source / "folder"
    write_file(folder / "b.txt", 1000)
    mine = sides.saved("host") / "a.txt"
    mine.write_text("mine")
    (sides.saved("host") / "folder").mkdir()
    with linked(sides) as (host, guest):
        for number in (2, 3):
            send(guest, file, folder)
            assert end(host)["state"] == "done"
            assert sha256(sides.saved("host") / f"a ({number}).txt") == sha256(file)
            assert tree(sides.saved("host") / f"folder ({number})") == tree(folder)
    assert mine.read_text() == "mine"
    assert names(sides.saved("host") / "folder") == []


# --- answers --------------------------------------------------------------------------------------


def announced(program: Program) -> dict[str, object]:
    return program.event("transfer", direction="in", state="announced")


def test_some_are_accepted(sides: Sides) -> None:
    trip = make_trip(sides.source)
    elsewhere = sides.root / "elsewhere"
    elsewhere.mkdir()
    with linked(sides, save=False) as (host, guest):
        send(guest, trip)
        asked = announced(host)
        files = asked["files"]
        assert isinstance(files, list)
        declined = [
            place
            for place, one in enumerate(files)
            if "/names/" in one["path"] and "plain" not in one["path"]
        ]
        assert len(declined) == len(NAMES) - 1
        host.say(
            type="accept",
            transferID=asked["transferID"],
            declined=declined,
            directory=str(elsewhere),
        )
        arrived, sent = end(host), end(guest)
        assert arrived["state"] == sent["state"] == "done"
        assert arrived["size"] == sent["size"] == arrived["bytes"] == sent["bytes"] == 3_000_000
    assert names(elsewhere / trip.name / "names") == ["plain.txt"]
    assert sha256(elsewhere / trip.name / "a/b/c/d/deep.bin") == sha256(trip / "a/b/c/d/deep.bin")


def test_declined(sides: Sides) -> None:
    file = write_file(sides.source / "a.txt", 1000)
    with linked(sides, save=False) as (host, guest):
        send(host, file)
        guest.say(type="decline", transferID=announced(guest)["transferID"])
        for side in (host, guest):
            ended = end(side)
            assert (ended["state"], ended["reason"]) == ("cancelled", "declined")
        exchange_text(host, guest)


def test_twenty_gigabytes_announced_and_cancelled(sides: Sides) -> None:
    """The receiver cancels the first of two such transfers, the sender the second."""
    huge = write_sparse(sides.source / "huge.img", TWENTY_GB)
    arrives = [write_file(sides.source / name, 100_000) for name in ("1.bin", "2.bin")]
    with linked(sides) as both:
        for canceller, small in zip(both, arrives, strict=True):
            with case(f"before {small.name}"):
                send(both[1], huge)
                event = moving(canceller, 10_000_000)
                assert event["size"] == TWENTY_GB
                canceller.say(type="cancel", transferID=event["transferID"])
                for side in both:
                    ended = end(side)
                    assert (ended["state"], ended["reason"]) == ("cancelled", "cancelled")
                # The cancelled transfer does not block the next file.
                send(both[1], small)
                assert end(both[0])["sha256"] == sha256(small)
                assert end(both[1])["state"] == "done"
        # The parts of what was cancelled are removed on a thread.
        until(lambda: names(sides.saved("host")) == ["1.bin", "2.bin"])


def test_always_from_this_device(sides: Sides) -> None:
    files = [write_file(sides.source / f"{number}.bin", 1000) for number in range(3)]
    with linked(sides, save=False) as (host, guest):
        send(host, files[0])
        saved = str(sides.saved("guest"))
        guest.say(
            type="accept", transferID=announced(guest)["transferID"], always=True, directory=saved
        )
        assert end(guest)["state"] == "done"
        send(host, *files[1:])
        arrived = end(guest)
        assert (arrived["state"], arrived["count"], arrived["path"]) == ("done", 2, saved)
        # The permission does not hold in the other direction.
        send(guest, files[0])
        host.say(type="decline", transferID=announced(host)["transferID"])
        assert end(host)["reason"] == "declined"


# --- large files ----------------------------------------------------------------------------------


# 4.4 GB take long on a machine that is busy with other work as well.
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "size", [LARGE, pytest.param(BEYOND_32_BITS, marks=pytest.mark.nightly)], ids=["64 MB", "4 GiB"]
)
def test_a_large_file(sides: Sides, size: int) -> None:
    """Above 4 GiB, offsets no longer fit into 32 bits."""
    huge = write_sparse(sides.source / "huge.img", size)
    with linked(sides) as (host, guest):
        send(guest, huge)
        ended = end(host, patience=150)
        assert ended["state"] == "done"
        assert ended["bytes"] == size
    arrived = sides.saved("host") / "huge.img"
    with arrived.open("rb") as file:
        assert file.read(5) == b"first"
        file.seek(size - 4)
        assert file.read() == b"last"
    arrived.unlink()


# --- --once ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_once(sides: Sides, answer: str) -> None:
    file = write_file(sides.source / "a.txt", 100_000)
    with sides.start_host("--once", save=False) as host:
        url = host.event("session")["url"]
        with sides.start_guest(url, "--once", "--send", str(file), save=False) as guest:
            host.say(
                type="pair_response",
                sessionID=host.event("pair_prompt")["sessionID"],
                approved=True,
            )
            asked = announced(host)
            more = {"directory": str(sides.saved("host"))} if answer == "accept" else {}
            host.say(type=answer, transferID=asked["transferID"], **more)
            expected = 0 if answer == "accept" else 1
            assert guest.ended() == expected
            # The host has received nothing yet, so `--once` does not end it before its link is
            # closed.
            if answer == "decline":
                host.event("link", state="closed")
            assert host.ended() == expected


def test_once_to_a_guest(sides: Sides) -> None:
    folder = sides.source / "folder"
    write_file(folder / "a.bin", 10_000_000)
    (folder / "empty").mkdir()
    host = sides.start_host("--once", "--send", str(folder))
    with host, sides.start_guest(host.event("session")["url"], "--once") as guest:
        host.say(
            type="pair_response", sessionID=host.event("pair_prompt")["sessionID"], approved=True
        )
        assert (guest.ended(), host.ended()) == (0, 0)
    assert tree(sides.saved("guest")) == tree(sides.source)


def test_once_with_what_is_no_file_and_with_a_file_that_cannot_be_sent(sides: Sides) -> None:
    folder = sides.source / "folder"
    write_file(folder / "a.txt", 1000)
    if sys.platform == "win32":
        pytest.skip("there are no pipes among its files")
    os.mkfifo(folder / "pipe")
    (folder / "copy").symlink_to("a.txt")
    (folder / "elsewhere").symlink_to(sides.source)
    left_out = [
        {"path": f"folder/{name}", "reason": "not_a_file"} for name in ("elsewhere", "pipe")
    ]
    ended = once(sides, folder)
    assert (ended["host"]["left_out"], ended["guest"]["left_out"]) == (left_out, left_out)
    # Nobody expects these to arrive.
    assert ended["status"] == 0
    saved = sides.saved("host") / "folder"
    assert names(saved) == ["a.txt", "copy"]
    assert (saved / "copy").read_bytes() == (saved / "a.txt").read_bytes()
    # A name that is longer than the protocol's path is a file all the same.
    deep = folder / ("d" * 200) / ("e" * 200) / ("f" * 200) / ("g" * 200)
    write_file(deep / ("h" * 240), 10)
    assert once(sides, folder)["status"] == 1


def once(sides: Sides, folder: Path) -> dict[str, Any]:
    """Send a folder with `--once`; return the last events of both sides and the exit status."""
    host = sides.start_host()
    with (
        host,
        sides.start_guest(host.event("session")["url"], "--once", "--send", str(folder)) as guest,
    ):
        host.say(
            type="pair_response", sessionID=host.event("pair_prompt")["sessionID"], approved=True
        )
        received, sent = end(host), end(guest)
        assert (received["state"], sent["state"]) == ("done", "done")
        return {"host": received, "guest": sent, "status": guest.ended()}


def test_two_people_at_two_terminals(sides: Sides) -> None:
    file = write_file(sides.source / "a photo.jpg", 3_000_000)
    command = [*SOURCE, "host", "--once", "--send", str(file)]
    with Program(command, sides.home("host"), forked=True) as host:
        code = host.text_line("Code").split()[-1]
        with Program([*SOURCE, "join", "--once"], sides.home("guest"), forked=True) as guest:
            guest.type(code)
            host.text_line("Verified")
            host.type("y")
            # An answer is ignored if it comes before anybody can have read the question.
            while "Approved" not in host.text_line("Allow?"):
                host.type("y")
            guest.text_line("y takes it")
            guest.type("y")
            # The guest ignores an answer that comes too soon as well.
            while "too soon" in guest.line():
                guest.type("y")
            guest.text_line("verified")
            assert (guest.ended(), host.ended()) == (0, 0)
    assert sha256(sides.home("guest") / "downloads" / "a photo.jpg") == sha256(file)
