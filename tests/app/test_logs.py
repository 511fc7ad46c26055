import logging
from pathlib import Path

import pytest

from proxim.app import logs
from proxim.app.host_options import LogOptions
from proxim.app.logs import set_up_logging
from tests.rows import each_row


def test_a_terminal_logs_warnings_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogOptions(), window=False)
    logging.getLogger("proxim.io.runtime").info("not this")
    logging.getLogger("proxim.io.runtime").warning("but this")
    said = capsys.readouterr().err
    assert "WARNING proxim.io.runtime: but this" in said
    assert "not this" not in said


def test_a_file_is_made_with_its_folder_and_only_when_needed(tmp_path: Path) -> None:
    file = tmp_path / "new" / "proxim.log"
    set_up_logging(LogOptions(file=file, verbose=True), window=True)
    assert not file.parent.exists()
    logging.getLogger("proxim.core").debug("every step")
    assert "every step" in file.read_text(encoding="utf-8")


def test_a_window_logs_to_the_users_log_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_default_file", lambda: tmp_path / "proxim.log")
    set_up_logging(LogOptions(), window=True)
    logging.getLogger("proxim").error("nobody watches a console")
    assert "nobody watches" in (tmp_path / "proxim.log").read_text(encoding="utf-8")


def test_the_default_file_is_proxims_own() -> None:
    file = logs._default_file()
    assert file is not None
    assert file.name == "proxim.log"
    assert "proxim" in file.parent.as_posix().lower()


def test_without_a_home_nothing_that_is_logged_is_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_default_file", lambda: None)
    set_up_logging(LogOptions(), window=True)
    logging.getLogger("proxim").error("what it was to say")
    assert "what it was to say" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_and_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    set_up_logging(LogOptions(file=tmp_path / "file" / "proxim.log"), window=False)
    logging.getLogger("proxim").warning("still heard")
    said = capsys.readouterr().err
    assert "the log file cannot be written" in said
    assert "still heard" in said


def test_without_any_standard_error_nothing_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("sys.stderr", None)
    set_up_logging(LogOptions(file=tmp_path / "file" / "proxim.log"), window=True)
    logging.getLogger("proxim").warning("into the void")


@each_row("name", ["websockets.client", "aiortc.rtcpeerconnection", "aioice.ice"])
def test_libraries_that_would_log_secrets_stay_silent_even_when_verbose(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(LogOptions(verbose=True), window=False)
    logging.getLogger(name).debug("a=ice-pwd:secret")
    logging.getLogger(name).info("a=ice-pwd:secret")
    assert "secret" not in capsys.readouterr().err
