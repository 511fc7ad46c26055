"""Real programs: a guest whose program ended comes back with its code while its link is still
waited for.
"""

import signal
import sys
from pathlib import Path

import pytest

from tests.programs.file_programs import Sides, end, moving, sha256, write_file
from tests.programs.program import JSON, SOURCE, Program, exchange_text, pair

if sys.platform == "win32":
    pytest.skip("SIGSTOP and SIGCONT are POSIX", allow_module_level=True)

pytestmark = pytest.mark.slow

FILE_BYTES = 20_000_000
# More bytes than this have arrived when the guest is killed, and no more than the second figure.
BEGUN = 2_000_000
ALLOWED = 10_000_000


@pytest.fixture
def homes(tmp_path: Path, own_address: str) -> tuple[Path, Path]:
    return tmp_path / "host", tmp_path / "guest"


def host_json(home: Path, *arguments: str) -> Program:
    return Program([*SOURCE, "host", "--json", *arguments], home, forked=True)


def join_json(home: Path, code: str, *arguments: str) -> Program:
    command = [*SOURCE, "join", "--json", "--yes", code, *arguments]
    return Program(command, home, forked=True)


def answer(host: Program, prompt: JSON, *, approved: bool) -> None:
    host.say(
        type="pair_response",
        sessionID=prompt["sessionID"],
        approved=approved,
        request=prompt["request"],
    )


# Both kinds of proof and of what follows a link; the other pairs take the same ways.
@pytest.mark.parametrize(
    ("by", "kind"),
    [
        ("code", "one-time"),
        ("url", "persistent"),
        *(
            pytest.param(*others, marks=pytest.mark.nightly)
            for others in (
                ("code", "temporary"),
                ("code", "persistent"),
                ("url", "one-time"),
                ("url", "temporary"),
            )
        ),
    ],
)
def test_a_killed_guest_comes_back_with_what_it_joined_by(
    homes: tuple[Path, Path], kind: str, by: str
) -> None:
    with host_json(homes[0], "--type", kind) as host:
        session = host.event("session")
        with join_json(homes[1], session[by]) as guest:
            pair(host, guest)
            exchange_text(host, guest)
            guest.process.kill()
            assert host.event("link", state="waiting")["link"] == "host-1"
        with join_json(homes[1], session[by]) as guest:
            prompt = host.event("pair_prompt")
            assert prompt["replaces"] == "host-1"
            assert prompt["verified"] == ("code" if by == "code" else "qr")
            answer(host, prompt, approved=True)
            assert host.event("link", state="closed")["reason"] == "replaced"
            assert host.event("link", state="connected")["replaces"] == "host-1"
            guest.event("link", state="connected")
            exchange_text(host, guest)
            guest.say(type="close")
            assert guest.ended() == 0
        host.say(type="close")
        assert host.ended() == 0
        assert host.errors == []


def test_the_lost_guest_itself_is_let_in_before_the_one_that_asks(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    with host_json(homes[0]) as host:
        session = host.event("session")
        with join_json(homes[1], session["code"]) as guest:
            pair(host, guest)
            exchange_text(host, guest)
            # As a laptop whose lid is closed.
            guest.process.send_signal(signal.SIGSTOP)
            host.event("link", state="waiting")
            with join_json(tmp_path / "other", session["code"]) as other:
                declined = host.event("pair_prompt")
                answer(host, declined, approved=False)
                assert other.event("pair_result")["reason"] == "declined"
            # The place stays free for the lost guest, and another question may follow.
            with join_json(tmp_path / "other", session["code"]) as other:
                prompt = host.event("pair_prompt")
                assert (prompt["replaces"], prompt["request"]) == ("host-1", 3)
                guest.process.send_signal(signal.SIGCONT)
                assert host.event("pair_result")["reason"] == "guest_returned"
                assert host.event("link", state="connected")["resumes"] == "host-1"
                assert other.event("pair_result")["reason"] == "busy"
            guest.event("link", state="connected")
            exchange_text(host, guest)
            answer(host, prompt, approved=True)
            assert host.event("error")["code"] == "prompt_gone"


def test_who_proves_nothing_still_reads_that_the_code_is_in_use(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    with host_json(homes[0], "--type", "persistent") as host:
        session = host.event("session")
        with join_json(homes[1], session["code"]) as guest:
            pair(host, guest)
            exchange_text(host, guest)
            guest.process.kill()
            host.event("link", state="waiting")
        # A link of a host that knows no proof has no secret before its first dot.
        address, _, fragment = session["url"].partition("#")
        without_secret = f"{address}#.{fragment.partition('.')[2]}"
        with join_json(tmp_path / "other", without_secret) as other:
            assert other.event("pair_result")["reason"] == "busy"
        assert not [one for one in host.seen if one["event"] == "pair_prompt"][1:]


@pytest.mark.parametrize("same", [True, False], ids=["the same device", "another device"])
def test_once_goes_on_with_the_guest_that_came_back(tmp_path: Path, same: bool) -> None:
    """The same device goes on with its transfer; another one gets a transfer of its own."""
    sides = Sides(tmp_path)
    sides.gate.close_after(ALLOWED)
    file = write_file(sides.source / "host.bin", FILE_BYTES)
    with sides.start_host("--once", "--send", str(file)) as host:
        session = host.event("session")
        with sides.start_guest(session["url"]) as guest:
            pair(host, guest)
            begun = moving(guest, BEGUN, direction="in")["transferID"]
            guest.process.kill()
            host.event("link", state="waiting")
        sides.gate.open()
        home = sides.home("guest") if same else tmp_path / "other"
        where = ["--save-to", str(sides.saved("guest"))]
        with join_json(home, session["url"], *where) as guest:
            pair(host, guest)
            arrived = end(guest)
            assert arrived["state"] == "done"
            assert sha256(sides.saved("guest") / arrived["name"]) == sha256(file)
            assert host.ended() == 0
            assert (arrived["transferID"] == begun) is same
