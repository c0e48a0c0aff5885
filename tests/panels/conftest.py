"""What the tests of all panels begin with: a data set, and a folder of their own."""

import pytest

from hpkit.data.datasets import load_dataset


@pytest.fixture(scope="session")
def moons():
    return load_dataset("moons")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
