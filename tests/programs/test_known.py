"""Devices that know each other, with real programs: remembered once by their digits, from then on
linked by their names, in the terminal, as JSON lines and by `proxim devices`.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.loopback import free_port
from tests.programs.file_programs import end, until
from tests.programs.program import JSON, PATIENCE, SOURCE, Program, exchange_text, pair

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_address")]


class Homes:
    """Two installations, each with its name and what it keeps."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # A known device is looked for at its last address, so its port stays the same.
        self.port = free_port()

    def start(self, side: str, command: str, *arguments: str) -> Program:
        named = () if command == "devices" else ("--name", side.title())
        port = ("--port", str(self.port)) if command == "host" else ()
        return Program([*SOURCE, command, *named, *port, *arguments], self.root / side, forked=True)

    def host(self, *arguments: str) -> Program:
        return self.start("desk", "host", *arguments)

    def guest(self, *arguments: str) -> Program:
        return self.start("laptop", "join", *arguments)

    def devices(self, side: str, *arguments: str) -> tuple[int, list[str]]:
        """Run `proxim devices` to its end; return the exit status and its lines."""
        return self._devices(side, *arguments)[:2]

    def _devices(self, side: str, *arguments: str) -> tuple[int, list[str], list[str]]:
        with self.start(side, "devices", *arguments) as program:
            lines = program.rest()
            return program.ended(), lines, program.errors

    def known(self, side: str) -> list[JSON]:
        """Return the devices that one side knows."""
        status, lines, errors = self._devices(side, "--json")
        assert status == 0
        assert len(lines) == 1, (lines, errors)
        (event,) = map(json.loads, lines)
        found: list[JSON] = event["devices"]
        return found


@contextmanager
def linked(homes: Homes) -> Iterator[tuple[Program, Program]]:
    """Run two programs that are linked by a code."""
    with homes.host("--json") as host:
        code = host.event("session")["code"] or host.seen[-1]["url"]
        with homes.guest("--json", "--yes", code) as guest:
            pair(host, guest)
            yield host, guest
            # A program that is killed may not have written what it just learned.
            guest.say(type="close")
            assert guest.ended() == 0
            host.event("link", state="closed")
            host.say(type="close")
            assert host.ended() == 0


def remember(host: Program, guest: Program) -> None:
    """Make the two known to each other."""
    guest.say(type="remember")
    for program in (host, guest):
        asked = program.event("remembering", state="compare")
        assert re.fullmatch("[0-9]{6}", asked["digits"])
        program.say(type="answer_remember", same=True, digits=asked["digits"])
    states = {program.event("remembering")["state"] for program in (host, guest)}
    assert states <= {"waiting", "kept"}
    # Whoever ends before that may have stored only that the other one may know it.
    for program in (host, guest):
        program.event("known_devices")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """Return two installations that know each other."""
    homes = Homes(tmp_path_factory.mktemp("homes"))
    with linked(homes) as (host, guest):
        guest.say(type="remember")
        digits = []
        for program in (host, guest):
            asked = program.event("remembering", state="compare")
            digits.append(asked["digits"])
            program.say(type="answer_remember", same=True, digits=asked["digits"])
        assert digits[0] == digits[1]
        assert re.fullmatch("[0-9]{6}", digits[0])
        for program in (host, guest):
            kept = program.event("remembering", state="kept")
            listed = program.event("known_devices")
            assert [one["device"] for one in listed["devices"]] == [kept["device"]]
    return homes


def test_both_list_each_other_by_name(homes: Homes) -> None:
    (laptop,) = homes.known("desk")
    (desk,) = homes.known("laptop")
    assert (laptop["name"], desk["name"]) == ("Laptop", "Desk")
    assert (laptop["verified"], laptop["let_in"], laptop["files_to"]) == ("code", False, None)
    status, lines = homes.devices("laptop", "desk")
    assert status == 0
    assert lines[0] == f"Desk (id {desk['device']})"
    assert homes.devices("laptop", "Nobody") == (
        2,
        ["This device knows no device of that name; see `proxim devices` for those that it knows."],
    )


def test_a_known_device_comes_back_without_a_code_and_is_asked_about(homes: Homes) -> None:
    with homes.host("--known", "--json") as host:
        ready = host.event("ready")
        assert ready["devices"] == 1
        with homes.guest("--device", "desk", "--json") as guest:
            prompt = host.event("pair_prompt", verified="known")
            assert prompt["deviceInfo"]["name"] == "Laptop"
            host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
            link = host.event("link", state="connected")
            assert (link["verified"], link["let_in"]) == ("known", False)
            assert link["known"] == prompt["known"]
            assert guest.event("link", state="connected")["verified"] == "known"
            exchange_text(host, guest)
            guest.say(type="close")
            assert guest.ended() == 0
        host.event("link", state="closed")
        # Nothing that it wrote leads here.
        assert not {"session"} & {event["event"] for event in host.seen}


def test_a_known_device_may_be_let_in_and_its_files_taken_unasked(homes: Homes) -> None:
    saved = homes.root / "saved"
    saved.mkdir()
    status, lines = homes.devices("desk", "Laptop", "--let-in", "on", "--files-to", str(saved))
    assert status == 0
    assert lines[0].startswith("Laptop is let in without a question from now on")
    notes = homes.root / "notes.txt"
    notes.write_text("hello")
    with homes.host("--known", "--json") as host:
        host.event("ready")
        with homes.guest("--device", "Desk", "--send", str(notes), "--once") as guest:
            link = host.event("link", state="connected")
            assert (link["verified"], link["let_in"]) == ("known", True)
            assert end(host)["path"] == str(saved / "notes.txt")
            assert guest.ended() == 0
        assert "pair_prompt" not in {event["event"] for event in host.seen}
    assert (saved / "notes.txt").read_text() == "hello"
    status, lines = homes.devices("desk", "Laptop", "--let-in", "off", "--files-to", "ask")
    assert (status, len(lines)) == (0, 2)
    (laptop,) = homes.known("desk")
    assert (laptop["let_in"], laptop["files_to"]) == (False, None)


@contextmanager
def unattended(homes: Homes) -> Iterator[Program]:
    """Run a host for known devices at which nobody can type."""
    with homes.host("--known") as host:
        host.text_line("no code is shown")
        assert host.process.stdin is not None
        host.process.stdin.close()
        host.text_line("Nobody can answer here")
        yield host


def test_where_nobody_can_answer_whoever_asks_to_join_hears_so_at_once(homes: Homes) -> None:
    with unattended(homes) as host, homes.guest("--device", "Desk", "--json") as guest:
        # It is no time-out: a person would be given 40 seconds.
        result = guest.event("pair_result", patience=30)
        assert (result["status"], result["reason"]) == ("rejected", "unattended")
        assert guest.ended() == 1
        host.text_line("Nobody can answer here, so the request was declined")


def test_where_nobody_can_answer_whoever_sends_files_hears_so_at_once(homes: Homes) -> None:
    notes = homes.root / "unasked.txt"
    notes.write_text("hello")
    assert homes.devices("desk", "Laptop", "--let-in", "on")[0] == 0
    with unattended(homes) as host:
        with homes.guest("--device", "Desk", "--send", str(notes), "--once", "--json") as guest:
            assert end(guest)["reason"] == "unattended"
            assert guest.ended() == 1
        host.text_line("nobody can accept here, so it was declined")
    assert homes.devices("desk", "Laptop", "--let-in", "off")[0] == 0


def test_files_for_a_pipe_go_there_whatever_was_chosen_for_the_device(homes: Homes) -> None:
    """A known device that is let in sends to standard output, with nobody at either side."""
    elsewhere = homes.root / "elsewhere"
    elsewhere.mkdir()
    change = ("Laptop", "--let-in", "on", "--files-to", str(elsewhere))
    assert homes.devices("desk", *change)[0] == 0
    notes = homes.root / "piped.txt"
    notes.write_text("hello\nworld\n")
    with homes.host("--known", "--save-to", "-") as host:
        until(lambda: any("no code is shown" in line for line in host.errors))
        with homes.guest("--device", "Desk", "--send", str(notes), "--once") as guest:
            assert guest.ended() == 0
        assert host.rest() == ["hello", "world"]
        assert host.ended() == 0
    assert list(elsewhere.iterdir()) == []
    assert homes.devices("desk", "Laptop", "--let-in", "off", "--files-to", "ask")[0] == 0


def test_people_in_two_terminals(homes: Homes) -> None:
    with homes.host("--known") as host:
        host.text_line("Waiting for known devices, no code is shown: Laptop.")
        with homes.guest("--device", "Desk") as guest:
            guest.text_line("Looking for Desk ...")
            host.text_line("Known device: Laptop asks to join.")
            host.text_line("Known device: it proved the key that only your two devices have")
            # A question has no line end before it is answered.
            while guest.process.poll() is None and not connected(host, guest):
                pass
            guest.text_line("Connected with Desk (known device).")
            guest.type("/quit")
            assert guest.ended() == 0
        assert not re.search(r"#|[0-9A-Z]{5}-[0-9A-Z]{5}", "".join(host.errors))


def connected(host: Program, guest: Program) -> bool:
    """Say yes until it does not come too soon; return whether the guest is linked."""
    host.type("y")
    return "Approved" in host.line(PATIENCE)


def test_a_device_that_is_not_there_ends_the_attempt(homes: Homes) -> None:
    with homes.guest("--device", "Desk", "--json") as guest:
        closed = guest.event("link", state="closed")
        assert closed["reason"] == "device_not_found"
        assert guest.ended() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="folders of users are elsewhere")
def test_the_other_side_is_told_that_it_was_forgotten(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    with linked(homes) as (host, guest):
        remember(host, guest)
    status, lines = homes.devices("desk", "Laptop", "--forget")
    assert status == 0
    assert lines[0].startswith("Laptop is forgotten here")
    assert homes.known("desk") == []
    with homes.host("--known", "--json") as host:
        # It announces nothing to whom it has forgotten, so it has to listen before it is dialled.
        host.event("ready")
        with homes.guest("--device", "Desk", "--json") as guest:
            assert guest.event("link", state="closed")["reason"] == "forgotten"
            assert guest.ended() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="folders of users are elsewhere")
def test_who_is_forgotten_in_another_terminal_does_not_come_in_here(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    with linked(homes) as (host, guest):
        remember(host, guest)
    assert homes.devices("desk", "Laptop", "--let-in", "on")[0] == 0
    with homes.host("--known", "--json") as host:
        host.event("ready")
        assert homes.devices("desk", "Laptop", "--forget")[0] == 0
        assert host.event("known_devices")["devices"] == []
        with homes.guest("--device", "Desk", "--json") as guest:
            assert guest.event("link", state="closed")["reason"] == "forgotten"
        assert not {"link", "pair_prompt"} & {event["event"] for event in host.seen}


def test_who_is_forgotten_in_another_terminal_is_looked_for_no_more(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    with linked(homes) as (host, guest):
        remember(host, guest)
    with homes.guest("--device", "desk", "--json") as guest:
        guest.event("join", state="dialing")
        assert homes.devices("laptop", "desk", "--forget")[0] == 0
        assert guest.event("link", state="closed")["reason"] == "forgotten_here"
        assert "was forgotten on this one" in guest.event("error")["message"]
        assert guest.ended() == 1


def test_digits_that_differ_are_remembered_by_nobody(tmp_path: Path) -> None:
    homes = Homes(tmp_path)
    with linked(homes) as (host, guest):
        guest.say(type="remember")
        host.event("remembering", state="compare")
        host.say(type="answer_remember", same=False)
        for program in (host, guest):
            failed = program.event("remembering", state="failed")
            assert failed["reason"] == "digits_differ"
    assert homes.known("desk") == homes.known("laptop") == []
