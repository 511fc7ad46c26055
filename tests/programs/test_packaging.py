"""What `pip install .` installs on a machine."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.paths import PAGE_FILES, ROOT

pytestmark = pytest.mark.slow


def test_the_wheel_has_the_page_and_the_entry_point(tmp_path: Path) -> None:
    # setuptools leaves files where it builds, so it builds in a copy.
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "-w", str(tmp_path), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("proxim-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "proxim = proxim.app.main:main" in archive.read(entry_points).decode()
    assert {"proxim/app/main.py", "proxim/io/link/peer.py"} <= names
    data = [*PAGE_FILES, *filter(Path.is_file, (ROOT / "proxim/languages").iterdir())]
    data.append(ROOT / "proxim/ui/window/proxim.png")
    assert {file.relative_to(ROOT).as_posix() for file in data} <= names
