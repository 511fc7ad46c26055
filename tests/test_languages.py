"""Tests that compare the language files with each other and with the code: no text is missing or
unused, and no text for people stands outside the files.

The rules are tried on small invented modules at the end, so that a rule that finds nothing is
noticed.
"""

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any, Final

import pytest

from proxim.app.language import speak
from proxim.core.errors import (
    HOST_SENTENCES,
    KNOWN_HOST_SENTENCES,
    KNOWN_SENTENCES,
    RECEIVING_SENTENCES,
    SENDING_SENTENCES,
    SENTENCES,
    Reason,
)
from proxim.core.i18n import ENGLISH, LANGUAGES, tr
from proxim.core.pairing import messages as pair_msg
from proxim.io.known.store import FILE_NAME as KNOWN_FILE
from proxim.languages import read_language
from proxim.ui.window.clipboard import MACOS_FILES
from tests.paths import ROOT

FILES: Final = {language: read_language(language) for language in LANGUAGES}
# The sentences of these sections, by reason.
TABLES: Final = {
    "reasons": SENTENCES,
    "hostReasons": HOST_SENTENCES,
    "knownReasons": KNOWN_SENTENCES,
    "knownHostReasons": KNOWN_HOST_SENTENCES,
    "sendingReasons": SENDING_SENTENCES,
    "receivingReasons": RECEIVING_SENTENCES,
}
# The code builds the keys of these sections, so they are not written out in Python.
BY_RULE: Final = {"page", "pageScreen", *TABLES}
OTHERS: Final = [language for language in LANGUAGES if language != ENGLISH]

Text = str | dict[str, str]


def texts(language: str) -> dict[str, Text]:
    """Return all texts of a language by their keys."""
    return {
        f"{section}.{name}": text
        for section, found in FILES[language].items()
        for name, text in found.items()
    }


def forms(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def placeholders(text: str) -> set[str]:
    """Return the placeholders of a text, with a format or conversion where one is written.

    Anything but a plain {name} raises or shows by its odd spelling.
    """
    return {
        name + (f":{spec}" if spec else "") + (f"!{conversion}" if conversion else "")
        for _, name, spec, conversion in string.Formatter().parse(text)
        if name is not None
    }


# --- the files ------------------------------------------------------------------------------------


def test_every_file_is_a_language_and_every_language_has_its_file() -> None:
    assert {file.stem for file in (ROOT / "proxim/languages").glob("*.json")} == set(LANGUAGES)
    assert LANGUAGES[0] == ENGLISH
    for language in LANGUAGES:
        speak(language)
        for key in ("usage.language", "usage.badLanguage"):
            assert all(re.search(rf"\b{one}\b", tr(key)) for one in LANGUAGES), key


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_keys_in_the_same_order(language: str) -> None:
    assert list(FILES[language]) == list(FILES[ENGLISH])
    for section, found in FILES[language].items():
        assert list(found) == list(FILES[ENGLISH][section]), section


def what_is_odd(text: Text, english: Text) -> Iterator[str]:
    """Yield the reasons why a text cannot stand in the place of the English one."""
    if isinstance(text, dict) is not isinstance(english, dict):
        yield "one of them has forms for one and several"
    if isinstance(text, dict) and list(text) != ["one", "other"]:
        yield "its forms are not one and other"
    wanted = set().union(*map(placeholders, forms(english)))
    if not all(re.fullmatch(r"[a-z]\w*", name) for name in wanted):
        yield "a placeholder is more than a name"
    first = forms(english)[0]
    for form in forms(text):
        missing = {"count"} if isinstance(text, dict) and form == text["one"] else set()
        if not wanted - missing <= placeholders(form) <= wanted:
            yield f"wants {sorted(wanted)}"
        if not form.strip() or not form.isprintable() or "  " in form:
            yield "is empty, or has a character or space too many"
        if (form[:1].isspace(), form[-1:].isspace()) != (first[:1].isspace(), first[-1:].isspace()):
            yield "begins or ends with a space, or has lost it"


def test_every_text_is_whole() -> None:
    odd = [
        f"{language}, {section}.{key}: {what}"
        for language, section in product(LANGUAGES, FILES[ENGLISH])
        for key, text in FILES[ENGLISH][section].items()
        for what in what_is_odd(FILES[language][section][key], text)
    ]
    assert odd == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", [*TABLES])
def test_every_reason_has_one_sentence(section: str, language: str) -> None:
    speak(language)
    table = TABLES[section]
    assert list(FILES[language]["reasons"]) == list(Reason)
    assert set(FILES[language][section]) == set(table)
    for reason, sentence in table.items():
        assert sentence == FILES[language][section][reason]
        assert sentence[0].isupper(), reason
        assert sentence.endswith("."), reason
        assert not re.search(r"[.!?…]\s", sentence), f"{reason}: more than one sentence"
        # Who has declined something has no next step.
        wanted = (section, reason) == ("receivingReasons", Reason.DECLINED)
        assert wanted or re.search(r"[;:,] ", sentence), f"{reason}: no next step"
        assert not re.search(r"[{}%<>\[\]\\]", sentence), reason
        # The sentence is also sent to the other side, so its length is limited.
        assert len(sentence.encode()) <= pair_msg.MAX_MESSAGE_BYTES, reason


# --- the code -------------------------------------------------------------------------------------


@cache
def modules() -> dict[str, ast.Module]:
    found = sorted((ROOT / "proxim").rglob("*.py"))
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in found
    }


def constants(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node


def keys_in(tree: ast.AST, sections: set[str]) -> set[str]:
    """Return every constant that is spelled like a key of these sections, and is no file."""
    section = "|".join(map(re.escape, sorted(sections)))
    spelling = re.compile(rf"(?:{section})\.[A-Za-z]\w*")
    found = {node.value for node in constants(tree) if spelling.fullmatch(str(node.value))}
    return found - {KNOWN_FILE}  # type: ignore[return-value]


def test_every_key_in_the_code_is_there_and_every_key_that_is_there_is_used() -> None:
    sections = set(FILES[ENGLISH]) - BY_RULE
    used = set().union(*(keys_in(tree, sections) for tree in modules().values()))
    there = {key for key in texts(ENGLISH) if key.partition(".")[0] in sections}
    assert used - there == set(), "not in the files"
    assert there - used == set(), "in the files for nobody"


def wrong_values(tree: ast.AST, known: dict[str, Text]) -> Iterator[str]:
    """Yield the calls of `tr` with a constant key whose values are not what the text wants."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Name(id="tr"), args=[ast.Constant(value=str(key))], keywords=keywords
            ):
                given = {keyword.arg for keyword in keywords}
                text = known.get(key, "")
                wanted = set().union(*map(placeholders, forms(text)))
                # The count chooses between the forms, whether or not they show it.
                wanted |= set() if isinstance(text, str) else {"count"}
                if given != wanted and None not in given:
                    yield f"line {node.lineno}: {key} wants {sorted(wanted)}"


def test_every_text_gets_its_values() -> None:
    known = texts(ENGLISH)
    wrong = [
        f"{path}: {what}" for path, tree in modules().items() for what in wrong_values(tree, known)
    ]
    assert wrong == []


# --- texts for people outside the files -----------------------------------------------------------

# Prose is two words beside each other, or, in an f-string, a word with a space before or after it.
PROSE: Final = re.compile(r"[^\W\d_]{2,}[,;:.]? (?:[^\W\d_]{2,}|a )")
PIECE: Final = re.compile(r"\s[^\W\d_]{2,}|[^\W\d_]{2,}[.,;:]?\s")
# These keyword arguments hold text for people.
SHOWN_BY: Final = {
    "text",
    "title",
    "label",
    "message",
    "help",
    "description",
    "epilog",
    "metavar",
}
# The first argument of these methods of widgets and faces is text for people.
SHOWN_AS_FIRST: Final = {
    "title",
    "say",
    "field",
    "_tell",
    "_say",
    "tell",
    "ask",
}
LOG: Final = {"debug", "info", "warning", "error", "critical", "exception"}


def speaks(path: str) -> bool:
    """Whether a module contains what people read; elsewhere in core and io there are only details
    for developers.
    """
    return (
        path.startswith("proxim/ui/")
        or (path.startswith("proxim/app/") and path != "proxim/app/bridge.py")
        or path
        in {
            "proxim/core/doctor.py",
            "proxim/core/errors.py",
            "proxim/core/sanitize.py",
            "proxim/io/system/firewall.py",
        }
    )


# These texts are not ours to translate: the commands and output of tools, and argparse's messages.
OTHER_LANGUAGES: Final = {
    "proxim/app/arguments.py": {"invalid choice"},
    "proxim/io/system/firewall.py": {
        "not running",
        "sudo firewall-cmd --list-all",
        "sudo iptables -S INPUT",
        "sudo ufw allow ",
        "sudo firewall-cmd --permanent --add-port=",
        "/tcp && sudo firewall-cmd --reload",
        "sudo iptables -I INPUT -p tcp --dport ",
        " -j ACCEPT",
        "-P INPUT DROP",
    },
    "proxim/ui/window/clipboard.py": {MACOS_FILES},
}
OWN_NAME: Final = {"Proxim", "proxim ", "proxim: "}


def said_past_the_files(tree: ast.Module, allowed: set[str]) -> Iterator[str]:
    """Yield constants that look like words for people, except docstrings, log messages, and the
    texts of exceptions and assertions.
    """
    passed: set[int] = set()
    shown: set[int] = set()
    pieces: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                # Docstrings are no words for people.
                passed.add(id(node.value))
            case ast.Raise() | ast.Assert() | ast.Call(func=ast.Attribute(value=ast.Name(id="re"))):
                passed.update(map(id, ast.walk(node)))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=attr)) if attr in LOG:
                passed.update(map(id, ast.walk(node)))
            case ast.Call(
                func=ast.Attribute(attr=attr), args=[ast.Constant() | ast.JoinedStr(), *_]
            ) if attr in SHOWN_AS_FIRST:
                shown.update(map(id, ast.walk(node.args[0])))
            case ast.JoinedStr(values=values):
                pieces.update(map(id, values))
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg in SHOWN_BY and isinstance(
                    keyword.value, ast.Constant | ast.JoinedStr | ast.IfExp
                ):
                    shown.update(map(id, ast.walk(keyword.value)))
    for node in constants(tree):
        value = str(node.value)
        if id(node) in passed or value in allowed | OWN_NAME:
            continue
        prose = PIECE.search(value) if id(node) in pieces else PROSE.search(value)
        label = (
            id(node) in shown
            and re.search(r"[^\W\d_]{2,}", value)
            and not re.fullmatch(r"[A-Z]+|\w+\.\w+", value)
        )
        if prose or label:
            yield f"line {node.lineno}: {value!r}"


def test_nothing_is_said_past_the_files() -> None:
    speaking = {path: tree for path, tree in modules().items() if speaks(path)}
    assert {"proxim/ui/window/window.py", "proxim/core/errors.py"} <= speaking.keys()
    assert OTHER_LANGUAGES.keys() <= speaking.keys()
    said = [
        f"{path}, {what}"
        for path, tree in speaking.items()
        for what in said_past_the_files(tree, OTHER_LANGUAGES.get(path, set()))
    ]
    assert said == []


def test_what_is_allowed_is_still_there() -> None:
    for path, allowed in OTHER_LANGUAGES.items():
        there = {str(node.value) for node in constants(modules()[path])}
        assert allowed <= there, path


# --- letters and answers --------------------------------------------------------------------------

# The buttons of a group can be visible at the same time. Buttons that change their words keep their
# letter (SAME_LETTER).
LETTERED: Final = [
    ["invite.copyCode", "invite.copyLink", "invite.newCode", "join.heading"],
    ["approval.reject", "approval.approve"],
    ["incoming.decline", "incoming.accept", "incoming.change"],
    ["window.wait", "window.stopAndClose"],
    ["known.differ", "known.same"],
    ["known.forget", "known.keep"],
    [
        *("known.save", "known.letInSure", "known.stay", "known.changeFolder", "known.forget"),
        "known.close",
    ],
    ["screen.no", "screen.onlySee", "screen.seeAndControl"],
    [
        *(
            "link.disconnect",
            "link.send",
            "link.sendFiles",
            "link.sendFolder",
            "link.sendClipboard",
        ),
        *("link.copyLast", "link.inviteAnother"),
        *("known.remember", "known.compareNow", "known.askFromNow", "screen.menu", "join.heading"),
    ],
]
SAME_LETTER: Final = [
    ["link.send", "known.sendAll"],
    ["invite.newCode", "invite.inviteAnother"],
    ["approval.approve", "approval.approveAsks", "approval.approveUnverified"],
    ["screen.onlySee", "screen.letSee"],
    ["screen.seeAndControl", "screen.control", "screen.controlAllTheSame"],
]
# On the page of a link these take the place of others.
INSTEAD: Final = {
    "link.disconnect": "link.closeTab",
    "known.remember": "known.device",
    "known.compareNow": "known.showDigits",
}


def letter_of(text: Any) -> str | None:
    """Return the letter behind an ampersand, or None; "& " marks no letter."""
    found = re.findall(r"&(\w)", text) if isinstance(text, str) else []
    assert len(found) <= 1
    return found[0].lower() if found else None


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_press_one_button_each(language: str) -> None:
    known = texts(language)
    for group in LETTERED:
        letters = [letter_of(known[key]) for key in group]
        assert None not in letters
        assert len(set(letters)) == len(letters), (group, letters)
        assert all(
            letter is not None and (letter.isascii() or letter in "äöü") for letter in letters
        )
    for group in SAME_LETTER:
        assert len({letter_of(known[key]) for key in group}) == 1, group
    for instead, place in INSTEAD.items():
        page = [place if key == instead else key for key in LETTERED[-1]]
        letters = [letter_of(known[key]) for key in page]
        assert None not in letters
        assert len(set(letters)) == len(letters), (page, letters)
    named = {key for group in (*LETTERED, *SAME_LETTER, INSTEAD.values()) for key in group}
    assert {key for key, text in known.items() if letter_of(text)} == named


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_in_the_terminal_mean_one_thing(language: str) -> None:
    speak(language)
    yes, no, always, listed = (
        set(tr(f"terminal.{key}").split()) for key in ("yes", "no", "always", "list")
    )
    kinds = [yes, no, always, listed]
    assert sum(map(len, kinds)) == len(set().union(*kinds))
    whole = set(tr("terminal.wholeYes").split())
    # A single letter is typed too easily by habit.
    assert whole == {word for word in yes if len(word) > 1}
    for word in {"y", "yes"} | {"n", "no"} | {"a", "always"} | {"l", "list"}:
        assert any(word in kind for kind in kinds), "hands that are used to English"
    for question, kind in (
        ("terminal.allow", yes),
        ("terminal.allowUnverified", whole),
        ("terminal.goOn", yes),
    ):
        offered = re.search(r"\[(\w+)/(\w)\]", tr(question, seconds=40))
        assert offered is not None
        assert offered[1] in kind
        assert offered[2].lower() in no
    for question in ("terminal.take", "terminal.takeList"):
        offered = re.search(r"\[([\w/]+)\]", tr(question))
        assert offered is not None
        assert all(
            letter in kind for letter, kind in zip(offered[1].split("/"), kinds, strict=False)
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_label_fits_before_its_value(language: str) -> None:
    speak(language)
    for name in (
        "code",
        "link",
        "valid",
        "network",
        "guests",
        "screen",
        "device",
        "address",
        "proof",
    ):
        # console.Lines reserves nine columns for the label and a space.
        assert len(tr(f"terminal.{name}")) <= 8, name


def test_german_has_its_own_words() -> None:
    """German texts use the words of the glossary in docs/languages.md."""
    foreign = re.compile(
        r"\b(Hosts?|Sessions?|Peers?|Guests?|Transfers?|Requests?|[Vv]erified|[Dd]u|[Dd]ein\w*)\b"
    )
    for key, text in texts("de").items():
        for form in forms(text):
            assert not foreign.search(form), key


# --- the rules themselves -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("{n}", "{name}"),
        ("plain", "{name}"),
        ("{name}", "plain"),
        ("{name!r}", "{name!r}"),
        ({"one": "1", "other": "{count}"}, "{count}"),
        ({"one": "1", "few": "{count}"}, {"one": "1", "other": "{count}"}),
        ({"one": "1", "other": "many"}, {"one": "1", "other": "{count}"}),
        ("", "x"),
        ("two  spaces", "x"),
        ("line\nbreak", "x"),
        ("no space", "a space "),
    ],
)
def test_an_odd_text_is_found(text: Text, english: Text) -> None:
    assert list(what_is_odd(text, english))


def test_a_text_with_forms_is_not_odd() -> None:
    assert (
        list(
            what_is_odd(
                {"one": "1 x{y}", "other": "{count} {y}"}, {"one": "1{y}", "other": "{count}{y}"}
            )
        )
        == []
    )


@pytest.mark.parametrize(
    "source",
    [
        "x = 'This is said.'",
        "x = f'{a} and {b}'",
        "ttk.Button(self, text='Join')",
        "button.configure(text='Save' if a else tr('b.c'))",
        "window.title('Proxim files')",
        "self._lines.say('Approved.')",
        "self._lines.field('Code', code)",
        "x = {1: 'one of two'}",
        "parser.add_argument('--x', help='what')",
        "print('It broke', error)",
    ],
)
def test_what_is_said_past_the_files_is_found(source: str) -> None:
    assert list(said_past_the_files(ast.parse(source), set()))


@pytest.mark.parametrize(
    "source",
    [
        "'''A docstring is not said.'''",
        "_log.warning('a log line is English: %s', x)",
        "raise ValueError('this is for a developer')",
        "assert x, 'this is for a developer'",
        "ttk.Button(self, text=tr('join.join'))",
        "widget.configure(style='Quiet.Row.TLabel')",
        "x = f'{a}: {b}'",
        "x = f'{name}.Row.TLabel'",
        "parser.add_argument('--port', metavar='N', help=tr('usage.port'))",
        "x = 'proxim'",
        "found = re.search('^Default: allow', text)",
        "window.title('Proxim')",
    ],
)
def test_what_is_not_for_people_is_left_alone(source: str) -> None:
    assert list(said_past_the_files(ast.parse(source), set())) == []


def test_keys_and_values_are_found() -> None:
    tree = ast.parse(
        "tr('a.one', x=1)\ntr('a.two')\nT = {1: 'a.three'}\ntr('b.no')\ns = "
        "'a.b.c'\ntr('a.four', y=1)"
    )
    assert keys_in(tree, {"a"}) == {"a.one", "a.two", "a.three", "a.four"}
    known: dict[str, Text] = {
        "a.one": "{x}",
        "a.two": "{z}",
        "a.four": {"one": "1", "other": "{count}"},
        "b.no": "",
    }
    assert list(wrong_values(tree, known)) == [
        "line 2: a.two wants ['z']",
        "line 6: a.four wants ['count']",
    ]
