"""Transfers that are cut: a lost link, a killed program, a part that somebody changed.

They go on, and arrive whole. A gate (tests/gate.py) holds back the last part of each until then:
it is cut while it moves, or stands before the gate, and never too late. Once more when it goes on:
it has not arrived before that is seen.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases import case
from tests.lossy_link import LossyLink, lossy_link, missing
from tests.programs.file_programs import (
    Sides,
    end,
    linked,
    moving,
    names,
    send,
    sha256,
    transfer_where,
    tree,
    write_file,
)
from tests.programs.program import JSON, Program, exchange_text, pair

pytestmark = [pytest.mark.slow]

FILE_BYTES = 40_000_000
# More than this is there when it is cut
BEGUN = 5_000_000
# No more passes before it is cut
ALLOWED = 30_000_000
# No more passes before it was seen to go on
ALLOWED_AGAIN = 2_000_000


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    """With the gate closed."""
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


def waiting(program: Program) -> JSON:
    return program.event("transfer", state="waiting")


def goes_on(sides: Sides, program: Program) -> JSON:
    """An event of a transfer that moves again; the rest of it may pass from then on."""
    event = transfer_where(program, lambda event: event["state"] == "active" and "via" in event)
    sides.gate.open()
    return event


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(".part")]


# --- the link is lost -----------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [0, 1])
def test_the_network_goes_away_for_some_seconds(
    sides: Sides, cable: LossyLink, sender: int
) -> None:
    file = write_file(sides.source / "a.bin", FILE_BYTES)
    saved = sides.saved(("guest", "host")[sender])
    with linked(sides, link=cable, save=False) as both:
        from_, to = both[sender], both[1 - sender]
        send(from_, file)
        asked = to.event("transfer", state="announced")
        to.say(type="accept", transferID=asked["transferID"], directory=str(saved))
        moving(to, BEGUN)
        cable.cut = True
        left = [waiting(side) for side in both]
        assert all("link" not in event for event in left)
        assert names(saved) == [part.name for part in parts(saved)]
        cable.cut = False
        sides.gate.close_after(ALLOWED_AGAIN)
        again = goes_on(sides, to)
        assert again["bytes"] >= left[1 - sender]["bytes"] >= BEGUN
        assert end(to)["sha256"] == sha256(file)
        assert end(from_)["state"] == "done"
        # It was asked about once, and nothing of it came twice.
        assert sum(1 for event in to.seen if event.get("state") == "announced") == 1
    assert names(saved) == ["a.bin"]


@pytest.mark.parametrize("canceller", [0, 1])
def test_cancelled_while_it_waits(sides: Sides, cable: LossyLink, canceller: int) -> None:
    file = write_file(sides.source / "a.bin", FILE_BYTES)
    with linked(sides, link=cable) as both:
        send(both[1], file)
        moving(both[0], BEGUN)
        cable.cut = True
        left = [waiting(side) for side in both]
        both[canceller].say(type="cancel", transferID=left[canceller]["transferID"])
        assert end(both[canceller])["state"] == "cancelled"
        cable.cut = False
        sides.gate.open()
        for side in both:
            side.event("link", state="connected")
        exchange_text(*both)
        other = both[1 - canceller]
        if not any(event.get("state") == "cancelled" for event in other.seen):
            assert end(other)["state"] == "cancelled"
        send(both[1], write_file(sides.source / "b.bin", 1000))
        assert end(both[0])["name"] == "b.bin"
    assert names(sides.saved("host")) == ["b.bin"]


# --- a program is killed --------------------------------------------------------------------------


def invite_again(host: Program) -> str:
    """The code of another session, while the first one's guest is still waited for."""
    host.say(type="new_code")
    url = host.event("session")["url"]
    assert isinstance(url, str)
    return url


@pytest.mark.usefixtures("own_address")
@pytest.mark.parametrize("sender", ["host", "guest"])
def test_the_guest_is_killed_and_comes_with_a_new_code(sides: Sides, sender: str) -> None:
    file = write_file(sides.source / "a.bin", FILE_BYTES)
    with sides.start_host() as host:
        url = host.event("session")["url"]
        with sides.start_guest(url) as guest:
            pair(host, guest)
            send(host if sender == "host" else guest, file)
            begun = moving(guest, BEGUN)
            guest.process.kill()
            guest.ended()
        left = waiting(host)
        sides.gate.close_after(ALLOWED_AGAIN)
        with sides.start_guest(invite_again(host)) as guest:
            pair(host, guest)
            again = goes_on(sides, host)
            assert again["bytes"] >= min(begun["bytes"], left["bytes"])
            assert again["transferID"] == begun["transferID"]
            for side in (host, guest):
                assert end(side)["state"] == "done"
    receiver = "guest" if sender == "host" else "host"
    assert names(sides.saved(receiver)) == ["a.bin"]
    assert sha256(sides.saved(receiver) / "a.bin") == sha256(file)


@pytest.mark.usefixtures("own_address")
@pytest.mark.parametrize("sender", ["host", "guest"])
def test_the_host_is_killed_and_has_a_new_code(sides: Sides, sender: str) -> None:
    file = write_file(sides.source / "a.bin", FILE_BYTES)
    with sides.start_host() as host, sides.start_guest(host.event("session")["url"]) as guest:
        pair(host, guest)
        send(host if sender == "host" else guest, file)
        begun = moving(host, BEGUN)
        # Where the guest sends, it knows only what the host has acknowledged
        moving(guest, BEGUN)
        host.process.kill()
        host.ended()
        assert waiting(guest)["bytes"] >= BEGUN
        # A joining program has one host
        guest.say(type="close")
        guest.ended()
    sides.gate.close_after(ALLOWED_AGAIN)
    with linked(sides) as (host, guest):
        again = goes_on(sides, guest)
        assert again["bytes"] >= BEGUN
        assert again["transferID"] == begun["transferID"]
        for side in (host, guest):
            assert end(side)["state"] == "done"
    receiver = "guest" if sender == "host" else "host"
    assert names(sides.saved(receiver)) == ["a.bin"]
    assert sha256(sides.saved(receiver) / "a.bin") == sha256(file)


def kill_both_midway(sides: Sides, file: Path) -> Path:
    """The part that a transfer from the guest has left."""
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
    """All that the two programs know and have of a transfer, in place of what is there."""
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
    # Each time enough passes for the next share, and never all.
    sides.gate.close_after(sum(sizes) // 5)
    begun = 0
    for share in (0.1, 0.25, 0.4, 0.55):
        # Its end kills both
        with linked(sides) as (host, guest):
            if begun == 0:
                send(guest, folder)
            reached = moving(host, max(begun, int(share * sum(sizes))))
            begun = reached["bytes"]
    sides.gate.close_after(ALLOWED_AGAIN)
    with linked(sides) as (host, guest):
        assert goes_on(sides, host)["bytes"] >= begun
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
        again = goes_on(sides, host)
        assert again["bytes"] >= begun["bytes"]
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
            waiting(side)
        both[0].say(type="close")
        for side in both:
            side.ended()
    sides.gate.close_after(ALLOWED_AGAIN)
    with linked(sides) as (host, guest):
        assert goes_on(sides, guest)["bytes"] >= begun["bytes"]
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
