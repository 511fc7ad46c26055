"""Real programs pair as people and scripts run them, also over a poor network."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.lossy_link import LossyLink, lossy_link, missing
from tests.paths import ROOT
from tests.programs.program import PATIENCE, SOURCE, Program, exchange_text, pair

pytestmark = pytest.mark.slow

DELAY_SECONDS = 0.05
LOSS = 0.02


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "host", tmp_path / "guest"


def host_json(
    home: Path, *arguments: str, before: Sequence[str] = (), forked: bool = False
) -> Program:
    command = [*SOURCE, "host", "--json", *arguments]
    return Program(command, home, before=before, forked=forked)


def join_json(
    home: Path, *arguments: str, before: Sequence[str] = (), forked: bool = False
) -> Program:
    command = [*SOURCE, "join", "--json", *arguments]
    return Program(command, home, before=before, forked=forked)


# --- on one machine -------------------------------------------------------------------------------


@pytest.mark.usefixtures("own_address")
def test_from_script_to_text(homes: tuple[Path, Path]) -> None:
    with host_json(homes[0]) as host:
        session = host.event("session")
        with join_json(homes[1], session["code"]) as guest:
            pair(host, guest)
            exchange_text(host, guest)
            guest.say(type="close")
            assert guest.ended() == 0
        assert host.event("link", state="closed")["reason"] == "peer_left"
        assert host.event("session")["sessionID"] != session["sessionID"]
        host.say(type="close")
        assert host.ended() == 0
        assert host.errors == []


@pytest.mark.usefixtures("own_address")
def test_a_guest_written_only_from_the_seed(homes: tuple[Path, Path]) -> None:
    with host_json(homes[0]) as host:
        session = host.event("session")
        url = session["url"].partition("/#")[0].replace("http://", "ws://")
        arguments = [
            sys.executable,
            str(ROOT / "tests" / "programs" / "seed_guest.py"),
            url,
            session["sessionID"],
        ]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as guest:
            prompt = host.event("pair_prompt")
            assert prompt["deviceInfo"] == {"name": "Client-PC-123", "id": "device-xyz"}
            assert prompt["verified"] is None
            host.say(type="pair_response", sessionID=prompt["sessionID"], approved=True)
            host.event("link", state="connected")
            output, _ = guest.communicate(timeout=PATIENCE)
        assert guest.returncode == 0
        said = output.splitlines()
        assert said[0] == "approved"
        assert json.loads(said[1].removeprefix("linked "))["type"] == "unsupported"
        host.event("link", state="closed")


def test_the_code_and_the_link_of_the_same_installation_are_refused_at_once(
    homes: tuple[Path, Path], own_address: str
) -> None:
    with host_json(homes[0], forked=True) as host:
        session = host.event("session")
        for given, is_asking in ((session["code"], True), (session["url"], False)):
            with join_json(homes[0], given, forked=True) as guest:
                assert guest.event("error")["code"] == "own_code"
                assert guest.ended() == 1
                asked = [one for one in guest.seen if one.get("state") == "asking"]
                # Only a link names the installation before anything is dialled.
                assert bool(asked) is is_asking
        with join_json(homes[1], session["code"], forked=True) as guest:
            pair(host, guest)
        assert [one["event"] for one in host.seen].count("pair_prompt") == 1
        assert host.errors == []


def test_rejected(homes: tuple[Path, Path], own_address: str) -> None:
    with host_json(homes[0], forked=True) as host:
        session = host.event("session")
        with join_json(homes[1], session["code"], forked=True) as guest:
            host.say(
                type="pair_response",
                sessionID=host.event("pair_prompt")["sessionID"],
                approved=False,
            )
            assert guest.event("pair_result")["reason"] == "declined"
            assert guest.ended() == 1
        # The code stays valid for the right guest.
        with join_json(homes[1], session["code"], forked=True) as guest:
            pair(host, guest)


def test_nobody_hosts_there(homes: tuple[Path, Path], own_address: str) -> None:
    with host_json(homes[0], forked=True) as host:
        code = host.event("session")["code"]
        host.say(type="close")
        host.ended()
    with join_json(homes[1], code, forked=True) as guest:
        assert guest.event("link", state="closed")["reason"] == "refused"
        assert guest.ended() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals to send")
def test_ended_from_outside_it_says_goodbye(
    homes: tuple[Path, Path], own_address: str, number: int
) -> None:
    with host_json(homes[0]) as host, join_json(homes[1], host.event("session")["code"]) as guest:
        pair(host, guest)
        host.process.send_signal(number)
        assert host.ended() == 0
        assert guest.event("link", state="closed")["reason"] == "closed"
        assert host.errors == []


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
def test_a_killed_program_is_noticed(homes: tuple[Path, Path], own_address: str) -> None:
    with (
        host_json(homes[0], forked=True) as host,
        join_json(homes[1], host.event("session")["code"], forked=True) as guest,
    ):
        pair(host, guest)
        exchange_text(host, guest)
        guest.process.kill()
        # The killed guest might come back, so the host waits for it.
        assert host.event("link", state="waiting", patience=8)["link"] == "host-1"


def test_two_people_at_two_terminals(homes: tuple[Path, Path], own_address: str) -> None:
    with Program([*SOURCE, "host"], homes[0]) as host:
        code = host.text_line("Code").split()[-1]
        with Program([*SOURCE, "join"], homes[1]) as guest:
            guest.type(code)
            host.text_line("Verified")
            host.type("y")
            # An answer is ignored if it comes before anybody can have read the question.
            while "Approved" not in host.text_line("Allow?"):
                host.type("y")
            guest.text_line("onnected")
            host.text_line("onnected")
            guest.type("Kommt das an?")
            assert "Kommt das an?" in host.text_line("Kommt")
            host.type("Ja \x1b[31mrot")
            received = guest.text_line("rot")
            assert "\x1b[31m" not in received
            guest.type("/quit")
            assert guest.ended() == 0


def test_without_a_display_the_window_becomes_a_host(
    homes: tuple[Path, Path], own_address: str
) -> None:
    with Program(SOURCE, homes[0]) as host:
        host.text_line("Code")
        assert any("no screen" in line for line in host.errors)


def test_an_address_of_another_machine_is_refused_at_once(homes: tuple[Path, Path]) -> None:
    with host_json(homes[0], "--address", "192.0.2.250") as host:
        assert host.ended() == 2
        (said,) = host.errors
        assert "does not have that address" in said


# --- over a poor network --------------------------------------------------------------------------


@pytest.fixture
def poor_link() -> Iterator[LossyLink]:
    why = missing()
    if why is not None:
        pytest.skip(why)
    with lossy_link(DELAY_SECONDS, LOSS) as link:
        yield link


def test_a_poor_network(homes: tuple[Path, Path], poor_link: LossyLink) -> None:
    with host_json(homes[0], before=poor_link.command(0)) as host:
        session = host.event("session")
        assert poor_link.addresses[0] in session["url"]
        with join_json(homes[1], session["code"], before=poor_link.command(1)) as guest:
            pair(host, guest)
            exchange_text(host, guest)
            poor_link.cut = True
            for side in (guest, host):
                side.event("link", state="waiting", patience=8)
            poor_link.cut = False
            for side, lost in ((guest, "guest-1"), (host, "host-1")):
                assert side.event("link", state="connected", patience=20)["resumes"] == lost
            exchange_text(host, guest)


def test_a_host_that_never_answers(homes: tuple[Path, Path], poor_link: LossyLink) -> None:
    with host_json(homes[0], before=poor_link.command(0)) as host:
        code = host.event("session")["code"]
        poor_link.cut = True
        with join_json(homes[1], code, before=poor_link.command(1)) as guest:
            assert guest.event("link", state="closed", patience=10)["reason"] in (
                "no_answer",
                "unreachable",
            )
            assert guest.ended() == 1


def test_the_network_goes_away_and_comes_back_with_another_address(
    homes: tuple[Path, Path], poor_link: LossyLink
) -> None:
    def ip(*arguments: str) -> None:
        subprocess.run(poor_link.command(0, "ip", *arguments), check=True)

    with host_json(homes[0], before=poor_link.command(0)) as host:
        first = host.event("session")
        ip("addr", "flush", "dev", "eth0")
        host.event("error", code="no_network")
        ip("addr", "add", "10.77.0.77/24", "dev", "eth0")
        second = host.event("session")
        assert "10.77.0.77" in second["url"]
        assert second["code"] != first["code"]
        with join_json(homes[1], second["code"], before=poor_link.command(1)) as guest:
            pair(host, guest)
