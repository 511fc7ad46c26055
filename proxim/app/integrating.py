"""`proxim integrate`: writes or removes "Send with Proxim" of the file managers, and says so."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import proxim
from proxim.core.i18n import LANGUAGES, language_in_use, tr
from proxim.io.desktop.integration import Done, Piece, Result, Words, own_command, pieces, remove
from proxim.io.desktop.integration import write as write_piece
from proxim.languages import read_language

FAILED_STATUS: Final = 1
_PACKAGE: Final = Path(proxim.__file__).parent


def integrate(*, remove: bool) -> int:
    """Write the files of this system's file managers, or remove them. Returns the exit status."""
    wanted = _pieces(language_in_use())
    if not wanted:
        sys.stderr.write(f"proxim: {tr('handover.noFolder')}\n")
        return FAILED_STATUS
    # Some files are named after what they show, in the language of before.
    paths = {piece.path for piece in wanted}
    others = {
        piece.path: piece
        for language in LANGUAGES
        for piece in _pieces(language)
        if piece.path not in paths
    }
    if remove:
        results = list(_removed([*wanted, *others.values()]))
        if not results:
            sys.stdout.write(f"{tr('handover.nothingToRemove')}\n")
    else:
        old = [one for one in _removed(others.values()) if one.done is not Done.FOREIGN]
        results = [*old, *(write_piece(piece) for piece in wanted)]
    for result in results:
        _say(result, removing=remove)
    # What is somebody else's is in the way only of writing.
    bad = {Done.FAILED} if remove else {Done.FAILED, Done.FOREIGN}
    return FAILED_STATUS if any(one.done in bad for one in results) else 0


def _pieces(language: str) -> tuple[Piece, ...]:
    frozen = bool(getattr(sys, "frozen", False))
    launcher = _PACKAGE.parent / "proxim.py"
    command = own_command(sys.executable, frozen=frozen, launcher=launcher)
    icon = (_PACKAGE / "ui" / "window" / "proxim.png").read_bytes()
    words = Words(_text(language, "handover.sendWith"), _text(language, "handover.about"))
    try:
        home = Path.home()
    except RuntimeError:
        return ()
    return (
        pieces(sys.platform, os.environ, home, command, words, icon) if home.is_absolute() else ()
    )


def _text(language: str, key: str) -> str:
    section, _, name = key.partition(".")
    return str(read_language(language)[section][name])


def _removed(found: Iterable[Piece]) -> Iterator[Result]:
    for piece in found:
        result = remove(piece)
        if result is not None:
            yield result


def _say(result: Result, *, removing: bool) -> None:
    path = result.path
    match result.done:
        case Done.WRITTEN:
            sys.stdout.write(f"{tr('handover.wrote', path=path)}\n")
        case Done.REMOVED:
            sys.stdout.write(f"{tr('handover.removed', path=path)}\n")
        case Done.FOREIGN:
            sys.stderr.write(f"{tr('handover.foreign', path=path)}\n")
        case Done.FAILED:
            key = "handover.cannotRemove" if removing else "handover.cannotWrite"
            sys.stderr.write(f"{tr(key, path=path, why=result.why)}\n")
