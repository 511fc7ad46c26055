"""The language that the person's system speaks, or the one that they ask for."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from proxim.core.i18n import ENGLISH, closest, use
from proxim.languages import read_language

OPTION: Final = "--language"
# The first one that is set counts (POSIX.1-2017, 8.2)
_LOCALES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
# But not C.UTF-8, which gettext lets LANGUAGE speak for
_NO_LANGUAGE: Final = frozenset({"C", "POSIX"})


def choose_language(
    arguments: Sequence[str],
    environ: Mapping[str, str] = os.environ,
    ask_system: Callable[[], Iterable[str]] | None = None,
) -> str:
    """The language of a command line, else of the environment, else of the system, else English.

    Looked for before the command line is read, as what is told about that is in a language already.
    """
    asked = closest(filter(None, [asked_for(arguments)]))
    if asked is not None:
        return asked
    spoken = environment_tags(environ)
    if not spoken:
        spoken = list((ask_system or system_tags)())
    return closest(spoken) or ENGLISH


def speak(language: str) -> None:
    """Let all that people read be in this language, one of LANGUAGES."""
    use(language, read_language(language))


def asked_for(arguments: Sequence[str]) -> str | None:
    """What stands behind the last --language; whether it can be meant, app/arguments.py says."""
    found = None
    for at, argument in enumerate(arguments):
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name == OPTION:
            found = value if equals else next(iter(arguments[at + 1 : at + 2]), None)
    return found


def environment_tags(environ: Mapping[str, str]) -> list[str]:
    """The languages that the environment names, best first; none where it names none.

    As gettext reads it (its manual, "The LANGUAGE variable"): a list in LANGUAGE goes before the
    locale, unless that is "C", which scripts set to be told nothing but English.
    """
    locale = next(filter(None, map(environ.get, _LOCALES)), "")
    if locale in _NO_LANGUAGE:
        return [ENGLISH]
    if locale.partition(".")[0] in _NO_LANGUAGE:
        locale = ENGLISH
    return [tag for tag in (*environ.get("LANGUAGE", "").split(":"), locale) if tag]


if sys.platform == "win32":

    def system_tags() -> list[str]:
        """The language of Windows' own windows, which need not be that of its formats."""
        import ctypes
        from locale import windows_locale

        return [windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")]

elif sys.platform == "darwin":
    _FOUNDATION: Final = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation"
    # kCFStringEncodingUTF8
    _UTF8: Final = 0x08000100
    # "zh-Hant-HK" and the like are far below
    _TAG_BYTES: Final = 64
    _TAGS_MAX: Final = 16

    def system_tags() -> list[str]:
        """The languages of System Settings in the person's order (CFLocaleCopyPreferredLanguages).

        A program that the Finder starts has no LANG. Asked of the library, as running `defaults`
        would take 20 ms.
        """
        import ctypes

        try:
            core = ctypes.CDLL(_FOUNDATION)
        except OSError:
            # A macOS that keeps it elsewhere: English is told, and Proxim starts
            return []
        pointer, index = ctypes.c_void_p, ctypes.c_long
        for name, result, arguments in (
            ("CFLocaleCopyPreferredLanguages", pointer, []),
            ("CFArrayGetCount", index, [pointer]),
            ("CFArrayGetValueAtIndex", pointer, [pointer, index]),
            (
                "CFStringGetCString",
                ctypes.c_ubyte,
                [pointer, ctypes.c_char_p, index, ctypes.c_uint32],
            ),
            ("CFRelease", None, [pointer]),
        ):
            function = getattr(core, name)
            function.restype, function.argtypes = result, arguments
        languages = core.CFLocaleCopyPreferredLanguages()
        if not languages:
            return []
        text = ctypes.create_string_buffer(_TAG_BYTES)
        tags = [
            text.value.decode()
            for at in range(min(_TAGS_MAX, core.CFArrayGetCount(languages)))
            if core.CFStringGetCString(
                core.CFArrayGetValueAtIndex(languages, at), text, _TAG_BYTES, _UTF8
            )
        ]
        core.CFRelease(languages)
        return tags

else:

    def system_tags() -> list[str]:
        """The environment has said all there is to know."""
        return []
