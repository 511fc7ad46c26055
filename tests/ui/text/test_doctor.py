import io
import json

from proxim.app.language import speak
from proxim.core.doctor import Check, Finding, Level
from proxim.ui.text.doctor import DoctorFace

GOOD = Finding(Check.PORT, Level.OK, "Port 47800 is free.")
BAD = Finding(
    Check.FIREWALL,
    Level.FAILURE,
    "The firewall \x1b[31mblocks\x1b[0m Proxim.",
    "Allow TCP port 47800.",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(
    *findings: Finding, json: bool = False, out: io.StringIO | None = None
) -> tuple[str, int]:
    stream = out or io.StringIO()
    face = DoctorFace(stream, {}, json=json)
    for finding in findings:
        face.show(finding)
    return stream.getvalue(), face.exit_status


def test_findings_as_lines_with_their_next_step() -> None:
    text, status = shown(GOOD, BAD)
    assert text.splitlines()[0] == "ok       Port 47800 is free."
    assert "Allow TCP port 47800." in text.splitlines()[2]
    assert status == 1


def test_nothing_found_can_drive_the_terminal() -> None:
    assert "\x1b" not in shown(BAD)[0]
    assert "\x1b[31m" not in shown(BAD, out=Terminal())[0]


def test_findings_as_json_lines() -> None:
    text, status = shown(GOOD, json=True)
    assert json.loads(text) == {
        "event": "finding",
        "check": "port",
        "level": "ok",
        "message": "Port 47800 is free.",
    }
    assert status == 0


def test_a_terminal_breaks_lines_between_words_under_the_sentence() -> None:
    long = Finding(Check.PORT, Level.WARNING, "word " * 20 + "end.", "step " * 20 + "end.")
    text, _ = shown(long, out=Terminal())
    lines = text.replace("\x1b[33m", "").replace("\x1b[0m", "").splitlines()
    assert len(lines) == 4
    assert all(len(line) <= 80 for line in lines)
    assert [line[:14] for line in lines] == [
        "warning  word ",
        *[" " * 9 + "word "],
        *[" " * 9 + "step "] * 2,
    ]
    # Programs search a file, so its lines stay whole.
    assert len(shown(long)[0].splitlines()) == 2


def test_marks_are_of_one_width_in_every_language() -> None:
    speak("de")
    text, _ = shown(GOOD, BAD)
    assert text.splitlines()[0] == "ok       Port 47800 is free."
    assert text.splitlines()[1].startswith("FEHLER   The firewall")
