import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from proxim.core.errors import RECEIVING_SENTENCES, SENDING_SENTENCES, SENTENCES
from proxim.io.pairing.page import Page, best_language, languages, reads_gzip, without_comments
from tests.paths import PAGE_FILES, ROOT

# This limits the page as it is served, compressed and without its texts, because a phone on a poor
# network waits for it. Comments and clear names add almost nothing.
MOST_BYTES = 40 * 1024
# What is loaded with the first screen that is asked for or offered has a limit of its own, and
# nobody else pays for it.
OF_SCREENS = ("screen/", "control/")
MOST_BYTES_OF_SCREENS = 28 * 1024
WEB = ROOT / "proxim" / "web"
AT_FIRST = {"page": "page", "reasons": "reasons"}
OF_SCREENS_TEXTS = {"pageScreen": "page"}
PLACEHOLDER = re.compile(r"\{\w+\}")
SOURCES = {
    file.relative_to(WEB).as_posix(): file.read_text(encoding="utf-8") for file in PAGE_FILES
}


def test_every_language_has_all_words(subtests: pytest.Subtests) -> None:
    for language in sorted(languages()):
        with subtests.test(language=language):
            assert list(languages()[language]["reasons"]) == [
                *(one.value for one in SENTENCES),
                *(f"out {one}" for one in SENDING_SENTENCES),
                *(f"in {one}" for one in RECEIVING_SENTENCES),
            ]
            for sections in (AT_FIRST, OF_SCREENS_TEXTS):
                words, english = (languages(sections)[one]["page"] for one in (language, "en"))
                assert list(words) == list(english)
                for key, text in words.items():
                    assert sorted(PLACEHOLDER.findall(text)) == sorted(
                        PLACEHOLDER.findall(english[key])
                    ), key
                    assert text.strip()


def test_english_is_the_programs_own_table() -> None:
    assert languages()["en"]["reasons"] == {
        **{reason.value: one for reason, one in SENTENCES.items()},
        **{f"out {reason}": one for reason, one in SENDING_SENTENCES.items()},
        **{f"in {reason}": one for reason, one in RECEIVING_SENTENCES.items()},
    }


def test_the_page_uses_words_that_are_there_and_no_word_is_left_over() -> None:
    for sections, of_screens in ((AT_FIRST, False), (OF_SCREENS_TEXTS, True)):
        everything = "".join(
            source for name, source in SOURCES.items() if name.startswith(OF_SCREENS) is of_screens
        )
        words = set(languages(sections)["en"]["page"])
        used = set(re.findall(r'data-t="(\w+)"|\.tr\("(\w+)"', everything))
        assert {word for pair in used for word in pair if word} <= words
        assert {word for word in words if f'"{word}"' not in everything} == set()


def test_the_texts_of_screens_are_a_file_of_their_own() -> None:
    page = Page()
    first, later = page.get("/texts.json", "de"), page.get("/screen/texts.json", "de")
    assert first is not None
    assert later is not None
    assert set(json.loads(first.body)) == {"language", "page", "reasons"}
    assert json.loads(later.body) == {"language": "de", **languages(OF_SCREENS_TEXTS)["de"]}


def test_what_the_page_ends_for_has_a_sentence() -> None:
    everything = "".join(SOURCES.values())
    reasons = set(re.findall(r'(?:Failure|fail|fileFailed|lost|cancel)\([^")]*"(\w+)"', everything))
    assert {"host_unproven", "link_timeout", "peer_vanished", "file_damaged"} <= reasons
    assert reasons <= {reason.value for reason in SENTENCES}


def test_the_language_that_a_browser_likes_best(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("", "en"),
        ("de", "de"),
        ("DE-ch, en;q=0.8", "de"),
        ("en-GB, de;q=0.9", "en"),
        ("fr, de;q=0.5, en;q=0.4", "de"),
        ("de;q=0", "en"),
        ("de;q=nan", "en"),
        ("de;q=much", "en"),
        ("de;q=2", "en"),
        ("../../etc/passwd", "en"),
        ("x," * 5000 + "de", "en"),
    ]
    for header, language in cases:
        with subtests.test(header=header):
            assert best_language(header, languages()) == language


def test_who_reads_gzip(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, bool]] = [
        ("gzip, deflate", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("", False),
        ("identity, xgzip", False),
    ]
    for header, reads in cases:
        with subtests.test(header=header):
            assert reads_gzip(header) is reads


def test_only_what_is_in_the_table_is_served() -> None:
    page = Page()
    in_index = {"index.html", "first.js"}
    for file in filter(Path.is_file, WEB.rglob("*")):
        served = page.get(f"/{file.relative_to(WEB).as_posix()}", "")
        if file in PAGE_FILES and file.name not in in_index:
            assert served is not None
            source = file.read_bytes()
            if file.suffix == ".mjs":
                source = without_comments(source.decode()).encode()
            assert served.body == gzip.decompress(served.zipped) == source
        else:
            assert served is None, file.name
    for path in (
        "/index.html",
        "/pairing",
        "/pairing/",
        "/pairing/../app.mjs",
        "/../web/app.mjs",
        "",
    ):
        assert page.get(path, "") is None, path


def test_the_first_script_stands_in_the_page_and_the_policy_names_it() -> None:
    page = Page()
    index = page.get("/", "")
    assert index is not None
    body = index.body.decode()
    assert gzip.decompress(index.zipped) == index.body
    before, _, rest = body.partition("<script>")
    script, _, after = rest.partition("</script>")
    assert script == without_comments(SOURCES["first.js"])
    assert f'{before}<script src="first.js"></script>{after}' == SOURCES["index.html"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert page.script_hash == f"'sha256-{digest}'"
    # A browser finds the end of a script, and hidden parts of it, before it reads the language.
    assert not re.search(r"</script|<script|<!--", script, re.IGNORECASE)


def test_the_page_is_small() -> None:
    page = Page()
    sizes = {}
    for name in SOURCES.keys() - {"first.js"}:
        served = page.get("/" if name == "index.html" else f"/{name}", "")
        assert served is not None
        sizes[name] = len(served.zipped)
    of_screens = {name: size for name, size in sizes.items() if name.startswith(OF_SCREENS)}
    assert len(of_screens) > 10
    assert sum(sizes.values()) - sum(of_screens.values()) <= MOST_BYTES, sizes
    assert sum(of_screens.values()) <= MOST_BYTES_OF_SCREENS, of_screens


def test_nothing_of_screens_is_loaded_with_the_page() -> None:
    for name, source in SOURCES.items():
        if not name.startswith(OF_SCREENS):
            static = re.findall(r'^(?:import|export)\b[^;]*"([^"]+)";', source, re.MULTILINE)
            assert not [one for one in static if "/screen/" in one or "/control/" in one], name
    assert 'import("../screen/screen.mjs")' in SOURCES["link/screens.mjs"]


def test_comments_are_not_served_and_lines_keep_their_numbers() -> None:
    source = """\
// A comment.
const a = 1;
  // Another, indented.
/** One
 * of several lines.
 */
/** @type {number} */ const b = 2;
const url = "http://x"; // Behind code it stays.
/* short */
const c = 3;
"""
    assert (
        without_comments(source)
        == """\

const a = 1;




/** @type {number} */ const b = 2;
const url = "http://x"; // Behind code it stays.

const c = 3;
"""
    )
    for name, module in SOURCES.items():
        if name.endswith("js"):
            # In a text of several lines, what looks like a comment would be none.
            assert all(line.count("`") % 2 == 0 for line in module.split("\n")), name
            served = without_comments(module).split("\n")
            changed = [
                line
                for line, after in zip(module.split("\n"), served, strict=True)
                if line != after
            ]
            assert all(line.strip().startswith(("//", "/*", "*")) for line in changed), name


def test_what_asks_needs_nothing_else_and_no_other_place_is_named() -> None:
    """What is loaded before the request goes out would cost another round trip to the host."""
    assert re.findall(r'src="([^"]+)"', SOURCES["index.html"]) == ["first.js"]
    assert re.findall(r"\bimport\b.*", SOURCES["first.js"]) == ['import("./app.mjs");']
    # A browser would ask for a style that stands in the page before it runs the script.
    style = '<link rel="stylesheet" href="style.css" />'
    assert SOURCES["index.html"].count("stylesheet") == 1
    assert f"<noscript>{style}</noscript>" in SOURCES["index.html"]
    everything = "".join(SOURCES.values())
    assert set(re.findall(r"\w+://[^\s\"`$]*", everything)) <= {
        "http://www.w3.org/2000/svg",
        "ws://",
    }
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", everything
    )
