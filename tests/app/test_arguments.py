"""Tests of the command line: what it accepts, and that any error gives one sentence, status 2 and
no traceback.
"""

import os
import re
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim import __version__
from proxim.app.arguments import UsageError, _Parser, parse_arguments
from proxim.app.host_options import (
    HostOptions,
    LogOptions,
    PipeOption,
    ShareOption,
    ThemeOption,
    WindowOptions,
)
from proxim.app.language import speak
from proxim.app.options import DevicesOptions, DoctorOptions, IntegrateOptions, JoinOptions, Options
from proxim.core import events as ev
from proxim.core.errors import SENTENCES, Reason
from proxim.core.pairing.host_code import HostCode, parse_target
from proxim.languages import read_language
from tests.rows import each_row

CODE = HostCode(IPv4Address("192.168.1.7"), 47800, 12345).shown
TYPO = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")
URL = (
    "http://192.168.1.7:47800/#2Zr0m5T8cVn1qWb7yUe4Xg.q1-W_e4rT6yU8iO0pA2sD4"
    ".6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
)
TARGET = parse_target(CODE)


def temporary(seconds: float | None) -> ev.Invite:
    return ev.Invite(ev.SessionType.TEMPORARY, seconds)


UNDERSTOOD: list[tuple[str, Options]] = [
    ("", WindowOptions()),
    ("--theme dark --name Desk", WindowOptions(theme=ThemeOption.DARK, name="Desk")),
    (
        "--stun stun:a.example stun:192.0.2.1:3478",
        WindowOptions(stun=("stun:a.example", "stun:192.0.2.1:3478")),
    ),
    ("--verbose --log-file a.log", WindowOptions(log=LogOptions(file=Path("a.log"), verbose=True))),
    ("host", HostOptions()),
    ("--require-proof", WindowOptions(require_proof=True)),
    ("host --require-proof", HostOptions(require_proof=True)),
    ("--require-proof host", HostOptions(require_proof=True)),
    ("--share-screen view", WindowOptions(share_screen=ShareOption.VIEW)),
    (
        "host --share-screen control --json",
        HostOptions(share_screen=ShareOption.CONTROL, json=True),
    ),
    (
        "--verbose host --log-file a.log",
        HostOptions(log=LogOptions(file=Path("a.log"), verbose=True)),
    ),
    ("--name Desk host", HostOptions(name="Desk")),
    ("host --name Desk", HostOptions(name="Desk")),
    ("host --type persistent", HostOptions(invite=ev.Invite(ev.SessionType.PERSISTENT))),
    ("host --type temporary", HostOptions(invite=temporary(None))),
    ("host --lifetime 30m", HostOptions(invite=temporary(1800.0))),
    ("host --type temporary --lifetime 90S", HostOptions(invite=temporary(90.0))),
    ("host --lifetime 2h", HostOptions(invite=temporary(7200.0))),
    ("host --lifetime 1d", HostOptions(invite=temporary(86400.0))),
    ("host --lifetime 60s", HostOptions(invite=temporary(60.0))),
    ("host --lifetime 7d", HostOptions(invite=temporary(604800.0))),
    ("host --address 10.0.0.2 --port 5000", HostOptions(address="10.0.0.2", port=5000)),
    ("host --address [FE80::1%eth0]", HostOptions(address="fe80::1%eth0")),
    ("host --once --json", HostOptions(once=True, json=True)),
    ("host --stun stun:a --stun stun:b:1", HostOptions(stun=("stun:a", "stun:b:1"))),
    ("join", JoinOptions()),
    (f"join {CODE}", JoinOptions(target=TARGET)),
    (f"join {CODE.lower().replace('-', ' ')}", JoinOptions(target=TARGET)),
    (f"join {URL}", JoinOptions(target=parse_target(URL))),
    (f"join <{URL[:60]} {URL[60:]}>.", JoinOptions(target=parse_target(URL))),
    (
        f"join --yes --once --json --name A {CODE}",
        JoinOptions(target=TARGET, yes=True, once=True, json=True, name="A"),
    ),
    (f"join {CODE} --stun stun:a", JoinOptions(target=TARGET, stun=("stun:a",))),
    ("--quiet", WindowOptions(quiet=True)),
    ("--new --verbose", WindowOptions(new=True, log=LogOptions(verbose=True))),
    ("--quiet host", HostOptions(quiet=True)),
    ("join --quiet", JoinOptions(quiet=True)),
    ("send", WindowOptions()),
    ("send --quiet . --to Desk", WindowOptions(send=(os.getcwd(),), to="Desk", quiet=True)),
    ("send -- .", WindowOptions(send=(os.getcwd(),))),
    ("integrate", IntegrateOptions()),
    ("integrate --remove", IntegrateOptions(remove=True)),
    ("join --device Laptop", JoinOptions(device="Laptop")),
    ("join --device Laptop --yes --once", JoinOptions(device="Laptop", yes=True, once=True)),
    ("host --known --json", HostOptions(known=True, json=True)),
    ("host --known --once --port 5000", HostOptions(known=True, once=True, port=5000)),
    ("host --send -", HostOptions(pipe=PipeOption("stdin"), once=True)),
    ("host --send - --send-name a.tar", HostOptions(pipe=PipeOption("a.tar"), once=True)),
    ("host --save-to -", HostOptions(pipe=PipeOption(None), once=True)),
    (f"join {CODE} --save-to -", JoinOptions(target=TARGET, pipe=PipeOption(None), once=True)),
    ("join --device A --send -", JoinOptions(device="A", pipe=PipeOption("stdin"), once=True)),
    ("devices", DevicesOptions()),
    ("devices --json --verbose", DevicesOptions(json=True, log=LogOptions(verbose=True))),
    ("devices Living room", DevicesOptions(device="Living room")),
    ("devices Laptop --rename Desk", DevicesOptions(device="Laptop", rename="Desk")),
    ("devices Laptop --rename De\u202esk", DevicesOptions(device="Laptop", rename="Desk")),
    ("join --name De\u202esk", JoinOptions(name="Desk")),
    ("devices Laptop --forget", DevicesOptions(device="Laptop", forget=True)),
    (
        "devices Laptop --let-in on --files-to ask",
        DevicesOptions(device="Laptop", let_in=True, files_to=""),
    ),
    ("devices --let-in off Laptop", DevicesOptions(device="Laptop", let_in=False)),
    ("devices --discovery off", DevicesOptions(discovery=False)),
    ("doctor", DoctorOptions()),
    (
        "host --qr invert --qr-file x.png",
        HostOptions(invert_qr=True, qr_file=Path("x.png").absolute()),
    ),
    ("doctor --clean", DoctorOptions(clean=True)),
    ("doctor --language de", DoctorOptions()),
    ("--language EN-gb doctor", DoctorOptions()),
    ("doctor --json --verbose", DoctorOptions(json=True, log=LogOptions(verbose=True))),
]


@each_row("line, options", UNDERSTOOD)
def test_what_is_understood(line: str, options: Options) -> None:
    assert parse_arguments(line.split()) == options


NO_NAME = SENTENCES[Reason.NAME_UNUSABLE]
REFUSED: list[tuple[list[str], str]] = [
    (["hst"], "The commands are host, join"),
    ([CODE], "The commands are host, join"),
    (["join", CODE, "--device", "Laptop"], "Either CODE or --device: leave one of them away."),
    *[
        (["host", "--known", *only], "--known shows no code, so --type, --lifetime")
        for only in (
            ["--type", "persistent"],
            ["--lifetime", "30m"],
            ["--require-proof"],
            ["--qr", "invert"],
            ["--qr-file", "x.png"],
        )
    ],
    *[
        (["devices", *change], "--rename, --forget, --let-in and --files-to need the name")
        for change in (["--forget"], ["--rename", "A"], ["--let-in", "on"], ["--files-to", "ask"])
    ],
    (["devices", "A", "--forget", "--let-in", "on"], "--forget goes with no other change"),
    *[(["devices", "A", "--let-in", word], "--let-in takes one word") for word in ("", "yes")],
    (["devices", "--discovery", "ON"], "--discovery takes one word: on or off."),
    (["devices", "A", "--rename", ""], NO_NAME),
    *[
        (["devices", "A", "--files-to", folder], "--files-to needs a folder that is there")
        for folder in ("", "not there", __file__, "nul\0")
    ],
    (["host", "--send", "-", __file__], "--send - sends standard input as the only file"),
    (["host", "--send", __file__, "--send", "-"], "--send - sends standard input as the only"),
    (["host", "--send-name", "a"], "--send-name goes with --send - only."),
    (["host", "--send", __file__, "--send-name", "a"], "--send-name goes with --send - only."),
    *[
        (["host", "--send", "-", "--send-name", name], "--send-name needs a file's name")
        for name in ("", ".", "..", "a/b", "a\\b", "\0", "\udcff")
    ],
    (["host", "--send", "-", "--save-to", "-"], "--send - and --save-to - do not go together"),
    *[
        (["join", *pipe, "--json"], "--json speaks on standard input and output")
        for pipe in (["--send", "-"], ["--save-to", "-"])
    ],
    (["--foo"], "Proxim does not know the option --foo here; see proxim --help."),
    (["host", "--foo=bar"], "Proxim does not know the option --foo here; see proxim host --help."),
    (["host", "--life", "30m"], "Proxim does not know the option --life here"),
    (["send", ".", "nowhere"], "nowhere is not there; check its name."),
    (["send", ".", "--to", " "], NO_NAME),
    (["send", "--to"], "Argument --to: expected one argument; see proxim send --help."),
    (["host", "--new"], "Proxim does not know the option --new here"),
    (["host", "more"], "There is a word too many; see proxim host --help."),
    (["--theme", "pink"], "A theme is system, light or dark."),
    (["host", "--share-screen", "all"], "--share-screen takes one word: view or control."),
    (["host", "--share-screen"], "Argument --share-screen: expected one argument"),
    (["host", "--port"], "Argument --port: expected one argument; see proxim host --help."),
    *[
        (["host", "--port", port], "A port is a number from 1 to 65535.")
        for port in ("0", "65536", "-1", "x", "٣", "1.5")
    ],
    *[(["host", "--type", kind], "A session's type is") for kind in ("one", "", "ONE-TIME")],
    *[
        (["host", "--lifetime", text], "A lifetime is a number with")
        for text in ("", "30", "m", "1.5h", "٣m", "1w", "1h30m")
    ],
    *[
        (["host", "--lifetime", text], "A lifetime is 1 minute to 7 days")
        for text in ("59s", "0m", "8d", "999999999d")
    ],
    (
        ["host", "--type", "one-time", "--lifetime", "30m"],
        "Only a temporary session has a lifetime",
    ),
    (
        ["host", "--type", "persistent", "--lifetime", "30m"],
        "Only a temporary session has a lifetime",
    ),
    *[
        (["host", "--address", text], "An address is one of this machine's")
        for text in ("", "desk", "1.2.3", "1.2.3.4/8")
    ],
    *[
        (["host", "--address", text], "Proxim uses one address")
        for text in ("0.0.0.0", "::", "224.0.0.1")
    ],
    *[
        ([*where, "--name", name], NO_NAME)
        for where in ([], ["host"], ["join"])
        for name in ("", " \u200b", "n" * 65, "\udcff")
    ],
    *[
        (["host", "--stun", url], "A STUN server is written")
        for url in (
            "a.example",
            "turn:a",
            "stun:",
            "stun:a:0",
            "stun:a:65536",
            "stun:a b",
            "STUN://a",
        )
    ],
    (["join", "--stun", "stun:a", CODE], "A STUN server is written"),
    (["join", TYPO], SENTENCES[Reason.CODE_TYPO]),
    (["join", CODE[:-1]], SENTENCES[Reason.CODE_INCOMPLETE]),
    (["join", CODE, "5"], SENTENCES[Reason.CODE_TOO_LONG]),
    (["join", "http://example.org/"], SENTENCES[Reason.LINK_UNREADABLE]),
    *[
        (["host", "--save-to", folder], "--save-to needs a folder that is there")
        for folder in ("", "not there", __file__, "nul\0")
    ],
    *[
        (["join", "--send", __file__, path], "Path 2 after --send is not there; a code")
        for path in ("", "not there", CODE, "nul\0")
    ],
    *[(["host", "--qr", style], "--qr takes one word: invert.") for style in ("", "on", "INVERT")],
    *[
        (["host", "--qr-file", path], "--qr-file needs the path of a file in a folder")
        for path in ("", ".", "not there/x.png", "nul\0", os.devnull, f"{'n' * 300}/x.png")
    ],
    (["join", "--qr", "invert"], "Proxim does not know the option --qr here"),
    (["host", "--send", "x", "--send", __file__], "Path 1 after --send is not there"),
    (["host", "--send", "./x"], "./x after --send is not there"),
    (["send", "x.jpg"], "x.jpg is not there; check its name"),
    (["send", "notes"], "notes is not there; check its name"),
    (["join", "http://192.168.1.7:47800/#k=short"], SENTENCES[Reason.LINK_UNREADABLE]),
    # What a shell leaves of a link in the form until now.
    (["join", "http://192.168.1.7:47800/#s=s1"], SENTENCES[Reason.LINK_INCOMPLETE]),
    (["join", URL[:-1]], SENTENCES[Reason.LINK_INCOMPLETE]),
    (["join", URL, URL.replace(".7:", ".8:")], SENTENCES[Reason.SEVERAL_LINKS]),
    (
        ["doctor", "--name", "x"],
        "Proxim does not know the option --name here; see proxim doctor --help.",
    ),
    (["--log-file", " "], "--log-file needs the path of a file."),
    (
        ["host", "--send"],
        "Argument --send: expected at least one argument; see proxim host --help.",
    ),
    (["host", "--json=1"], "Argument --json: takes no value; see proxim host --help."),
    (["--language", "xx"], "Proxim speaks en (English) and de (German)"),
    (["host", "--language", ""], "Proxim speaks en (English) and de (German)"),
    (
        ["doctor", "--language"],
        "Argument --language: expected one argument; see proxim doctor --help.",
    ),
]


@each_row("arguments, sentence", REFUSED)
def test_what_is_refused_gets_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(arguments)
    assert stopped.value.code == 2
    out, told = capsys.readouterr()
    assert out == ""
    assert told.startswith(f"proxim: {sentence}")
    assert told.endswith(".\n")
    assert told.count("\n") == 1


@each_row(
    "arguments",
    [
        [CODE],
        ["join", TYPO],
        ["join", CODE, "--x"],
        ["join", "--stun", "stun:a", CODE],
        ["join", "--send", __file__, CODE],
    ],
)
def test_a_complaint_quotes_no_code(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    told = capsys.readouterr().err
    assert CODE not in told
    assert TYPO not in told


def test_files_are_named_as_they_are_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b c", "d"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    found = parse_arguments(["host", "--send", "a", "b c", "--save-to", "d", "--send", "./d"])
    whole = (str(tmp_path / "a"), str(tmp_path / "b c"), str(tmp_path / "d"))
    assert found == HostOptions(save_to=str(tmp_path / "d"), send=whole)
    assert parse_arguments(["join", CODE, "--send", "a"]) == JoinOptions(
        target=TARGET, send=whole[:1]
    )


def test_the_folder_for_a_known_device_is_named_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder may have the name of the word, and is then written as a path.
    (tmp_path / "ask").mkdir()
    monkeypatch.chdir(tmp_path)
    arguments = ["devices", "A", "--files-to"]
    asked = parse_arguments([*arguments, "ask"])
    assert asked == DevicesOptions(device="A", files_to="")
    named = parse_arguments([*arguments, "./ask"])
    assert named == DevicesOptions(device="A", files_to=str(tmp_path / "ask"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--save-to"], "Nothing can be written to the folder"),
        (["--send"], "{path} after --send may not be read"),
    ],
)
def test_what_may_not_be_used_is_told_at_once(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Root may access everything, so a fake denies it.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(SystemExit):
        parse_arguments(["host", *arguments, str(tmp_path)])
    sentence = sentence.replace("{path}", str(tmp_path))
    assert sentence in capsys.readouterr().err


def test_options_keep_the_code_to_themselves() -> None:
    told = repr(parse_arguments(["join", CODE])) + repr(parse_arguments(["join", URL]))
    assert not any(secret in told for secret in (CODE, CODE.replace("-", ""), "s1", "k1"))


@given(
    st.lists(
        st.sampled_from(
            [
                "host",
                "join",
                "devices",
                "doctor",
                "--port",
                "--type",
                "--json",
                "--name",
                "-",
                "--",
                CODE,
            ]
        )
        | st.text(max_size=8)
    )
)
def test_whatever_is_typed_is_understood_or_refused(arguments: list[str]) -> None:
    code: object = 0
    try:
        parse_arguments(arguments)
    except SystemExit as stopped:
        code = stopped.code
    assert code in (0, 2)


HELP = [
    (["--help"], ["host", "join", "doctor", "--theme", "--log-file"]),
    (
        ["host", "--help"],
        ["--type", "--lifetime", "--address", "--port", "--stun", "--once", "--json", "--save-to"],
    ),
    (["join", "--help"], ["CODE", "safer", "--yes", "--send", "--name"]),
    (["doctor", "--help"], ["--json"]),
    (["devices", "--help"], ["NAME", "--rename", "--forget", "--let-in", "DIR|ask", "on|off"]),
]


@each_row("arguments, words", HELP)
def test_help(arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(arguments)
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert all(word in told for word in words)


@each_row("command", ["", "host", "join", "devices", "doctor"])
def test_help_in_german_is_german(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    speak("de")
    with pytest.raises(SystemExit) as stopped:
        parse_arguments([*command.split(), "--help", "--language", "de"])
    assert stopped.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("Aufruf: proxim")
    for text in read_language("en")["usage"].values():
        if len(text) > 3 and text.strip() not in ("CODE", "NAME"):
            assert not re.search(rf"(?<![\w-]){re.escape(text.strip())}", told), text
    assert not re.search(r"\b(the|this|and|show|exit|usage|arguments)\b", told)


@each_row(
    "arguments, sentence",
    [
        (["host", "--port"], "Der Option --port fehlt ihr Wert; siehe proxim host --help."),
        (
            ["host", "--send"],
            "Der Option --send fehlt mindestens ein Wert; siehe proxim host --help.",
        ),
        (["host", "--json=1"], "Die Option --json hat keinen Wert; siehe proxim host --help."),
        (["hst"], "Die Befehle sind host, join"),
        (["--foo"], "Proxim kennt die Option --foo hier nicht; siehe proxim --help."),
        (["--language", "klingon"], "Proxim spricht en (Englisch) und de (Deutsch)"),
    ],
)
def test_mistakes_in_german(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    speak("de")
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    assert capsys.readouterr().err.startswith(f"proxim: {sentence}")


def test_what_argparse_says_that_we_do_not_know_is_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = _Parser(prog="proxim host")
    with pytest.raises(UsageError, match=r"^That cannot be understood; see proxim host --help\.$"):
        parser.error(f"something new about {CODE}")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"proxim {__version__}\n"


def test_nothing_slow_is_imported() -> None:
    code = "import sys, proxim.app.arguments; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "proxim.app.arguments" in loaded
    assert not {"tkinter", "asyncio", "aiortc", "websockets", "qrcode", "ssl", "socket"} & set(
        loaded
    )


@pytest.mark.parametrize(
    "words",
    [
        "--share-screen view join 02501-WK381",
        "--require-proof join 02501-WK381",
        "--theme dark host",
        "--theme dark join 02501-WK381",
        "--name Desk doctor",
    ],
)
def test_an_option_before_a_command_that_does_not_have_it_is_not_ignored(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    option, command = (
        words.split()[0],
        next(word for word in words.split() if word in ("host", "join", "doctor")),
    )
    with pytest.raises(SystemExit) as caught:
        parse_arguments(words.split())
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert option in said
    assert f"proxim {command}" in said
