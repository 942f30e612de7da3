import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "workflow" / "fetch.py"
FILES = {"a.gz": b"first", "b.gz": b"second"}


@pytest.fixture
def fetch():
    """The script's functions, with one made-up data set of two files."""
    names = runpy.run_path(str(SCRIPT))
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    names["SETS"]["toy"] = ("toys", "the home page of toys", sums)
    return SimpleNamespace(**names)


@pytest.fixture
def source(tmp_path, monkeypatch):
    folder = tmp_path / "source"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("DATA_URL", folder.as_uri() + "/")
    return folder


def test_files_are_fetched_once(fetch, source, tmp_path, capsys, monkeypatch):
    fetch.main(["toy"], tmp_path)
    target = tmp_path / "data" / "toys"
    assert {path.name: path.read_bytes() for path in target.iterdir()} == FILES
    capsys.readouterr()
    monkeypatch.delenv("DATA_URL")
    fetch.main(["toy"], tmp_path)
    assert capsys.readouterr().out.count("is there") == 2


def test_a_damaged_file_is_fetched_again(fetch, source, tmp_path):
    fetch.main(["toy"], tmp_path)
    path = tmp_path / "data" / "toys" / "b.gz"
    path.write_bytes(b"sec")
    fetch.main(["toy"], tmp_path)
    assert path.read_bytes() == b"second"


def test_another_file_is_refused_and_not_kept(fetch, source, tmp_path):
    (source / "b.gz").write_bytes(b"other")
    with pytest.raises(SystemExit, match=r"b\.gz is another file: SHA-256 [0-9a-f]{64}, wanted [0-9a-f]{64}"):
        fetch.main(["toy"], tmp_path)
    assert [path.name for path in (tmp_path / "data" / "toys").iterdir()] == ["a.gz"]


def test_an_address_without_the_file_is_told(fetch, source, tmp_path):
    (source / "a.gz").unlink()
    with pytest.raises(SystemExit, match=r"neurosieve: file://.*a.gz: "):
        fetch.main(["toy"], tmp_path)
    assert not list((tmp_path / "data" / "toys").iterdir())


@pytest.mark.parametrize("address", ["", "somewhere/else", "ftp://host/x"])
def test_without_an_address_the_home_page_is_named(fetch, tmp_path, monkeypatch, address):
    monkeypatch.setenv("DATA_URL", address)
    with pytest.raises(SystemExit, match=r"the home page of toys and say: make data DATA=toy DATA_URL="):
        fetch.main(["toy"], tmp_path)


@pytest.mark.parametrize("names", [[], ["mnist"], ["toy", "mnist"]])
def test_unknown_data_sets_are_refused_before_anything_is_fetched(fetch, source, tmp_path, names):
    with pytest.raises(SystemExit, match="there are fashion-mnist, cifar10, cifar100"):
        fetch.main(names, tmp_path)
    assert not (tmp_path / "data").exists()


def test_the_files_are_those_the_datasets_ask_for(fetch):
    from neurosieve.datasets.images import cifar, fashion

    folder, _, sums = fetch.SETS["fashion-mnist"]
    assert (f"data/{folder}", list(sums)) == (fashion.FETCHED, list(fashion.FILES.values()))
    for name in ("cifar10", "cifar100"):
        folder, _, sums = fetch.SETS[name]
        assert (f"data/{folder}", list(sums)) == (cifar.FOLDER, [f"cifar-{name[5:]}-binary.tar.gz"])
    assert all(len(value) == 64 for _, _, sums in fetch.SETS.values() for value in sums.values())
