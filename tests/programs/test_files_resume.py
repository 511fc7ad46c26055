"""Transfers that are interrupted by a lost link, a killed program or a changed partial file.

They continue and arrive complete. A gate (tests/gate.py) stops the last part of each transfer, so
that it is always interrupted before its end. When it continues, the gate stops it once more, so
that it has not arrived before the test has seen it move.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cases import case
from tests.lossy_link import LossyLink, lossy_link, missing
from tests.programs.file_programs import (
    Sides,
    end,
    ends,
    linked,
    moving,
    names,
    send,
    sha256,
    transfer_where,
    tree,
    until,
    write_file,
)
from tests.programs.program import JSON, Program, exchange_text, pair

pytestmark = [pytest.mark.slow]

FILE_BYTES = 20_000_000
# More bytes than this have arrived when the transfer is interrupted.
BEGUN = 5_000_000
# No more bytes pass before it is interrupted.
ALLOWED = 12_000_000
# No more bytes pass before the test has seen it continue.
ALLOWED_AGAIN = 2_000_000


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    """Return the folders of the test, with the gate closed."""
    sides = Sides(tmp_path)
    sides.gate.close_after(ALLOWED)
    return sides


@pytest.fixture
def cable() -> Iterator[LossyLink]:
    why = missing()
    if why is not None:
        pytest.skip(why)
    with lossy_link(0.001, 0.0) as link:
        yield link


def under_way(event: JSON) -> bool:
    return bool(event["state"] == "active" and event["bytes"] > BEGUN)


def waits(event: JSON) -> bool:
    return bool(event["state"] == "waiting")


def moves_again(event: JSON) -> bool:
    return bool(event["state"] == "active" and "via" in event)


def by_name(program: Program, fits: Callable[[JSON], bool], count: int) -> dict[str, JSON]:
    """Return a fitting event of each of `count` transfers, by the names of their files."""
    found: dict[str, JSON] = {}
    while len(found) < count:
        event = transfer_where(program, fits)
        found.setdefault(event["name"], event)
    return found


def both_ways(program: Program, fits: Callable[[JSON], bool]) -> dict[str, JSON]:
    """Return a fitting event of the transfer in each direction, by the direction."""
    return {event["direction"]: event for event in by_name(program, fits, 2).values()}


def write_one_each(sides: Sides) -> dict[str, Path]:
    """Write a file for each program to send, and return the paths by side."""
    return {
        side: write_file(sides.source / f"{side}.bin", FILE_BYTES) for side in ("host", "guest")
    }


def check_both_arrived(sides: Sides, files: dict[str, Path]) -> None:
    for sender, receiver in (("host", "guest"), ("guest", "host")):
        assert names(sides.saved(receiver)) == [files[sender].name]
        assert sha256(sides.saved(receiver) / files[sender].name) == sha256(files[sender])


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(".part")]


# --- the link is lost -----------------------------------------------------------------------------


def test_the_network_goes_away_for_some_seconds(sides: Sides, cable: LossyLink) -> None:
    files = write_one_each(sides)
    with linked(sides, link=cable, save=False) as both:
        for sender, name in enumerate(files):
            receiver = both[1 - sender]
            send(both[sender], files[name])
            asked = receiver.event("transfer", state="announced", direction="in")
            saved = sides.saved(("guest", "host")[sender])
            receiver.say(type="accept", transferID=asked["transferID"], directory=str(saved))
        for side in both:
            both_ways(side, under_way)
        cable.cut = True
        left = [both_ways(side, waits) for side in both]
        assert all("link" not in event for side in left for event in side.values())
        for saved in (sides.saved("host"), sides.saved("guest")):
            assert names(saved) == [part.name for part in parts(saved)]
        sides.gate.close_after(ALLOWED_AGAIN)
        cable.cut = False
        again = [both_ways(side, moves_again) for side in both]
        for before, after in zip(left, again, strict=True):
            assert after["in"]["bytes"] >= before["in"]["bytes"] >= BEGUN
        sides.gate.open()
        for side in both:
            assert [event["state"] for event in ends(side, 2).values()] == ["done", "done"]
            # Each side was asked only once, so the transfer was not announced again.
            asked_about = [
                event
                for event in side.seen
                if event.get("state") == "announced" and event["direction"] == "in"
            ]
            assert len(asked_about) == 1
    check_both_arrived(sides, files)


def test_cancelled_while_it_waits(sides: Sides, cable: LossyLink) -> None:
    """One transfer is cancelled by its receiver, and one at each side by its sender."""
    files = write_one_each(sides)
    more = write_file(sides.source / "more.bin", FILE_BYTES)
    with linked(sides, link=cable) as both:
        host, guest = both
        send(host, files["host"])
        send(guest, files["guest"])
        send(guest, more)
        for side in both:
            by_name(side, under_way, 3)
        cable.cut = True
        left = [by_name(side, waits, 3) for side in both]
        # The host cancels a transfer that it sends and one that it receives, the guest one that it
        # sends.
        for place, name in ((0, "host.bin"), (0, "guest.bin"), (1, "more.bin")):
            both[place].say(type="cancel", transferID=left[place][name]["transferID"])
        cable.cut = False
        sides.gate.open()
        for side in both:
            assert {event["state"] for event in ends(side, 3).values()} == {"cancelled"}
        exchange_text(*both)
        send(guest, write_file(sides.source / "b.bin", 1000))
        assert end(host)["name"] == "b.bin"
        # The parts of what was cancelled are removed on a thread.
        until(lambda: names(sides.saved("host")) == ["b.bin"])
        until(lambda: names(sides.saved("guest")) == [])


# --- a program is killed --------------------------------------------------------------------------


def invite_again(host: Program) -> str:
    """Open another session while the host still waits for the first one's guest; return its URL."""
    host.say(type="new_code")
    url = host.event("session")["url"]
    assert isinstance(url, str)
    return url


@pytest.mark.usefixtures("own_address")
def test_the_guest_is_killed_and_comes_with_a_new_code(sides: Sides) -> None:
    files = write_one_each(sides)
    with sides.start_host() as host:
        url = host.event("session")["url"]
        with sides.start_guest(url) as guest:
            pair(host, guest)
            for side, name in ((host, "host"), (guest, "guest")):
                send(side, files[name])
            begun = both_ways(host, under_way)
            both_ways(guest, under_way)
            guest.process.kill()
            guest.ended()
        left = both_ways(host, waits)
        sides.gate.close_after(ALLOWED_AGAIN)
        with sides.start_guest(invite_again(host)) as guest:
            pair(host, guest)
            again = both_ways(host, moves_again)
            for way in ("in", "out"):
                assert again[way]["bytes"] >= left[way]["bytes"] >= BEGUN
                assert again[way]["transferID"] == begun[way]["transferID"]
            sides.gate.open()
            for side in (host, guest):
                assert [event["state"] for event in ends(side, 2).values()] == ["done", "done"]
    check_both_arrived(sides, files)


@pytest.mark.usefixtures("own_address")
def test_the_host_is_killed_and_has_a_new_code(sides: Sides) -> None:
    files = write_one_each(sides)
    with sides.start_host() as host, sides.start_guest(host.event("session")["url"]) as guest:
        pair(host, guest)
        for side, name in ((host, "host"), (guest, "guest")):
            send(side, files[name])
        both_ways(host, under_way)
        begun = both_ways(guest, under_way)
        host.process.kill()
        host.ended()
        assert all(event["bytes"] >= BEGUN for event in both_ways(guest, waits).values())
        # A joining program has only one host, so the guest is started anew.
        guest.say(type="close")
        guest.ended()
    sides.gate.close_after(ALLOWED_AGAIN)
    with linked(sides) as (host, guest):
        again = both_ways(guest, moves_again)
        for way in ("in", "out"):
            assert again[way]["bytes"] >= BEGUN
            assert again[way]["transferID"] == begun[way]["transferID"]
        sides.gate.open()
        for side in (host, guest):
            assert [event["state"] for event in ends(side, 2).values()] == ["done", "done"]
    check_both_arrived(sides, files)


def kill_both_midway(sides: Sides, file: Path) -> Path:
    """Kill both programs during a transfer from the guest; return the partial file."""
    with linked(sides, guest=["--send", str(file)]) as (host, guest):
        moving(host, BEGUN)
        for side in (guest, host):
            side.process.kill()
            side.ended()
    sides.gate.open()
    (part,) = parts(sides.saved("host"))
    assert BEGUN <= part.stat().st_size <= FILE_BYTES
    return part


def copy_what_they_keep(sides: Sides, from_: Path, to: Path) -> None:
    """Replace what the two programs keep of a transfer by a copy from another place."""
    for folder in (sides.saved("host"), sides.home("host"), sides.home("guest")):
        shutil.rmtree(to / folder.name, ignore_errors=True)
        shutil.copytree(from_ / folder.name, to / folder.name, symlinks=True)


def tamper(part: Path, how: str, other: Path) -> None:
    if how == "changed":
        with part.open("r+b") as changed:
            changed.seek(1_000_000)
            changed.write(b"something else")
    elif how == "longer":
        with part.open("ab") as longer:
            longer.write(os.urandom(3_000_000))
    elif how == "shorter":
        os.truncate(part, 5_000_000)
    else:
        part.unlink()
        if how == "a link":
            part.symlink_to(other)


@pytest.mark.usefixtures("own_address")
@pytest.mark.timeout(180)
def test_a_part_that_somebody_changed(sides: Sides) -> None:
    file = write_file(sides.source / "a.bin", FILE_BYTES)
    whole = sha256(file)
    part = kill_both_midway(sides, file)
    other = write_file(sides.root / "other.bin", 1000)
    before = sha256(other)
    as_killed = sides.root / "as killed"
    copy_what_they_keep(sides, sides.root, as_killed)
    for how in ("changed", "longer", "shorter", "gone", "a link"):
        copy_what_they_keep(sides, as_killed, sides.root)
        tamper(part, how, other)
        with case(how):
            with linked(sides) as (host, guest):
                assert end(host)["sha256"] == whole
                assert end(guest)["state"] == "done"
            saved = sides.saved("host")
            assert sha256(other) == before
            assert sha256(saved / "a.bin") == whole
            assert [name for name in names(saved) if not name.endswith(".part")] == ["a.bin"]


@pytest.mark.usefixtures("own_address")
def test_many_files_and_many_kills(sides: Sides) -> None:
    folder = sides.source / "folder"
    sizes = [50_000 + number for number in range(1000)]
    for number, size in enumerate(sizes):
        write_file(folder / f"{number % 7}" / f"{number}.bin", size)
    # Each time, the gate lets the next share pass, but never all.
    sides.gate.close_after(sum(sizes) // 5)
    begun = 0
    for share in (0.1, 0.25, 0.4, 0.55):
        # Leaving the block kills both programs.
        with linked(sides) as (host, guest):
            if begun == 0:
                send(guest, folder)
            reached = moving(host, max(begun, int(share * sum(sizes))))
            begun = reached["bytes"]
    sides.gate.close_after(ALLOWED_AGAIN)
    with linked(sides) as (host, guest):
        assert transfer_where(host, moves_again)["bytes"] >= begun
        sides.gate.open()
        assert end(host)["state"] == end(guest)["state"] == "done"
    assert tree(sides.saved("host")) == tree(sides.source)


@pytest.mark.usefixtures("own_address")
def test_what_was_declined_stays_so(sides: Sides) -> None:
    folder = sides.source / "folder"
    for name in ("1 declined", "3 wanted", "4 declined"):
        write_file(folder / name, 1000)
    write_file(folder / "2 big", FILE_BYTES)
    saved = sides.saved("host")
    with linked(sides, save=False) as (host, guest):
        send(guest, folder)
        asked = host.event("transfer", state="announced")
        declined = [
            place for place, one in enumerate(asked["files"]) if one["path"].endswith("declined")
        ]
        host.say(
            type="accept", transferID=asked["transferID"], declined=declined, directory=str(saved)
        )
        begun = moving(host, BEGUN)
    sides.gate.close_after(ALLOWED_AGAIN)
    with linked(sides, save=False) as (host, guest):
        again = transfer_where(host, moves_again)
        assert again["bytes"] >= begun["bytes"]
        sides.gate.open()
        for side in (host, guest):
            ended = end(side)
            assert (ended["state"], "failed" in ended) == ("done", False)
    assert names(saved / "folder") == ["2 big", "3 wanted"]
    assert sha256(saved / "folder" / "2 big") == sha256(folder / "2 big")


@pytest.mark.usefixtures("own_address")
@pytest.mark.parametrize("closer", [0, 1])
def test_a_program_that_is_closed_goes_on_next_time(sides: Sides, closer: int) -> None:
    file = write_file(sides.source / "a.bin", FILE_BYTES)
    with linked(sides) as both:
        send(both[0], file)
        begun = moving(both[1], BEGUN)
        both[closer].say(type="close")
        for side in both:
            transfer_where(side, waits)
        both[0].say(type="close")
        for side in both:
            side.ended()
    sides.gate.close_after(ALLOWED_AGAIN)
    with linked(sides) as (host, guest):
        assert transfer_where(guest, moves_again)["bytes"] >= begun["bytes"]
        sides.gate.open()
        assert end(guest)["sha256"] == sha256(file)
        assert end(host)["state"] == "done"
    assert names(sides.saved("guest")) == ["a.bin"]


@pytest.mark.usefixtures("own_address")
def test_sent_again_after_a_kill_it_comes_once(sides: Sides) -> None:
    file = write_file(sides.source / "a.bin", FILE_BYTES)
    kill_both_midway(sides, file)
    with linked(sides, guest=["--once", "--send", str(file)]) as (host, guest):
        assert guest.ended() == 0
        assert end(host)["sha256"] == sha256(file)
        host.event("link", state="closed")
    assert names(sides.saved("host")) == ["a.bin"]
