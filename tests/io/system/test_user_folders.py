"""Tests of where this user's folders are."""

import os
import sys
from itertools import product

import platformdirs
import pytest

from proxim.io.system.user_folders import config_folder, transfers_folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the folders of XDG")
def test_the_folders_of_xdg_are_where_platformdirs_finds_them(
    monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    homes = (None, "", "/home/anna")
    named = (None, "", "/elsewhere")
    for home, config, data in product(homes, named, named):
        with subtests.test(home=home, config=config, data=data):
            given = {"HOME": home, "XDG_CONFIG_HOME": config, "XDG_DATA_HOME": data}
            for name, value in given.items():
                if value is None:
                    monkeypatch.delenv(name, raising=False)
                else:
                    monkeypatch.setenv(name, value)
            assert config_folder() == platformdirs.user_config_path("proxim", appauthor=False)
            kept = platformdirs.user_data_path("proxim", appauthor=False) / "transfers"
            assert transfers_folder() == kept


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the folders of XDG")
def test_a_relative_folder_of_xdg_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # So says the specification.
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("XDG_CONFIG_HOME", "settings")
    assert str(config_folder()) == os.path.join("/home/anna", ".config", "proxim")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the folders of XDG")
def test_a_relative_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "anna")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert (config_folder(), transfers_folder()) == (None, None)
