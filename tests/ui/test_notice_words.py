"""Tests of the words of notices."""

import pytest

from proxim.app.language import speak
from proxim.core.i18n import LANGUAGES
from proxim.core.notices import Notice, NoticeKind
from proxim.ui.notice_words import NoticeWords, notice_words
from tests.rows import each_row

NOW = 100.0


@each_row(
    "notice, title, body",
    [
        (
            Notice(NoticeKind.REQUEST, "Laptop", deadline=NOW + 39.2),
            "Laptop asks to connect",
            "Answer in Proxim within 40 s.",
        ),
        (
            Notice(NoticeKind.FILES, "Laptop", files=1),
            "Laptop would like to send you 1 file",
            "Answer in Proxim.",
        ),
        (
            Notice(NoticeKind.SENT, None, files=1200),
            "Other device has received 1,200 files",
            "All of it was verified there.",
        ),
        (
            Notice(NoticeKind.REQUEST, "Late", deadline=NOW - 1),
            "Late asks to connect",
            "Answer in Proxim within 0 s.",
        ),
    ],
)
def test_words(notice: Notice, title: str, body: str) -> None:
    assert notice_words(notice, NOW) == NoticeWords(title, body)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_has_words_in_every_language(kind: NoticeKind, language: str) -> None:
    speak(language)
    words = notice_words(Notice(kind, "Laptop", files=2), NOW)
    assert "Laptop" in words.title
    for text in (words.title, words.body):
        assert "notify." not in text
        assert "…" not in text
        assert "{" not in text
