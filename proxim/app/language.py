"""Chooses the language: the one that the person asks for, or the one of their system."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from proxim.core.i18n import ENGLISH, closest, use
from proxim.languages import read_language

OPTION: Final = "--language"
# The first variable that is set counts (POSIX.1-2017, 8.2).
_LOCALES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
# C.UTF-8 is not among these, because gettext lets LANGUAGE override it.
_NO_LANGUAGE: Final = frozenset({"C", "POSIX"})


def choose_language(
    arguments: Sequence[str],
    environ: Mapping[str, str] = os.environ,
    ask_system: Callable[[], Iterable[str]] | None = None,
) -> str:
    """Return the language of the command line, else of the environment, else of the system, else
    English.

    This runs before the command line is parsed, so that messages about it are translated already.
    """
    asked = closest(filter(None, [asked_for(arguments)]))
    if asked is not None:
        return asked
    spoken = environment_tags(environ)
    if not spoken:
        spoken = list((ask_system or system_tags)())
    return closest(spoken) or ENGLISH


def speak(language: str) -> None:
    """Show all texts in this language, one of LANGUAGES."""
    use(language, read_language(language))


def asked_for(arguments: Sequence[str]) -> str | None:
    """Return the value of the last --language. app/arguments.py checks whether it is valid."""
    found = None
    for at, argument in enumerate(arguments):
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name == OPTION:
            found = value if equals else next(iter(arguments[at + 1 : at + 2]), None)
    return found


def environment_tags(environ: Mapping[str, str]) -> list[str]:
    """Return the languages that the environment names, best first; none if it names none.

    This follows gettext (its manual, "The LANGUAGE variable"). A list in LANGUAGE has priority over
    the locale, unless that is "C", which scripts set to get nothing but English.
    """
    locale = next(filter(None, map(environ.get, _LOCALES)), "")
    if locale in _NO_LANGUAGE:
        return [ENGLISH]
    if locale.partition(".")[0] in _NO_LANGUAGE:
        locale = ENGLISH
    return [tag for tag in (*environ.get("LANGUAGE", "").split(":"), locale) if tag]


if sys.platform == "win32":

    def system_tags() -> list[str]:
        """Return the language of Windows' own windows, which may differ from its formats'."""
        import ctypes
        from locale import windows_locale

        return [windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")]

elif sys.platform == "darwin":
    _FOUNDATION: Final = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation"
    # The value of kCFStringEncodingUTF8.
    _UTF8: Final = 0x08000100
    # Tags such as "zh-Hant-HK" are far shorter.
    _TAG_BYTES: Final = 64
    _TAGS_MAX: Final = 16

    def system_tags() -> list[str]:
        """Return System Settings' languages in the person's order (CFLocaleCopyPreferredLanguages).

        A program that the Finder starts has no LANG. The library is asked, because running
        `defaults` would take 20 ms.
        """
        import ctypes

        try:
            core = ctypes.CDLL(_FOUNDATION)
        except OSError:
            # On a macOS that keeps the library elsewhere, Proxim still starts, in English.
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
        """Return nothing, because the environment contains everything there is to know."""
        return []
