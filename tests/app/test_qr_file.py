import os
import stat
import sys
from pathlib import Path

import pytest

from proxim.app.qr_file import QRFile
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.ui.qr import png_image, qr_matrix
from tests.ui.tk_support import URL


def invitation(url: str) -> st.Invitation:
    return st.Invitation("s", "uuid", None, url, ev.SessionType.PERSISTENT, None)


def test_each_new_code_replaces_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "qr.png"
    picture = QRFile(path)
    assert picture.follow(st.NoInvitation(None)) is None
    assert not path.exists()
    for url in (URL, URL.replace("abc", "abd")):
        assert picture.follow(invitation(url)) is None
        assert path.read_bytes() == png_image(qr_matrix(url))
    # It is written once for each code.
    path.unlink()
    picture.follow(invitation(url))
    assert not path.exists()


def test_the_picture_goes_with_its_code(tmp_path: Path) -> None:
    path = tmp_path / "qr.png"
    for end in (st.NoInvitation(None), st.Stopped()):
        picture = QRFile(path)
        picture.follow(invitation(URL))
        assert path.exists()
        assert picture.follow(end) is None
        assert not path.exists()
        assert picture.follow(end) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_it_is_for_this_user_alone(tmp_path: Path) -> None:
    path, others = tmp_path / "qr.png", tmp_path / "others"
    # Somebody else has put a file there that they can read, or a link to one.
    others.write_bytes(b"others")
    os.chmod(others, 0o644)
    os.link(others, path)
    QRFile(path).follow(invitation(URL))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    path.unlink()
    path.symlink_to(others)
    QRFile(path).follow(invitation(URL))
    assert not path.is_symlink()
    assert others.read_bytes() == b"others"
    assert sorted(os.listdir(tmp_path)) == ["others", "qr.png"]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    trouble = QRFile(tmp_path / "gone" / "qr.png").follow(invitation(URL))
    assert trouble is not None
    assert trouble.problem.reason is Reason.QR_FILE_UNWRITABLE
