"""Remotes that are servers: save, a fresh clone, restore, damage, refusal, each against a real server on loopback."""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo

from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.versioning import save_store
from tests.pipeline import servers
from tests.pipeline.clones import KEYS, add_node, call, clone, commit, nodes, restore, save, versioned
from tests.pipeline.sandbox import Sandbox

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.usefixtures("apart"),
    # DVC leaves its clients' connections to the garbage collector
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(params=list(servers.KINDS))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[servers.Server]:
    with servers.KINDS[request.param](tmp_path / "server" / "files") as running:
        yield running
    gc.collect()  # what client and server left behind is not the next test's


def test_saved_there_a_fresh_clone_has_nothing_to_do(project: Sandbox, server: servers.Server) -> None:
    root = project.root
    versioned(root)
    server.announce(root)
    server.sign_in(root)
    ran = project.cli("save")
    assert ran.code == 0, ran.output
    assert re.search(r"^\d+ files pushed to remote 'store'", ran.output, re.MULTILINE)
    commit(root)
    assert not (root.parent / "neurosieve-remote").exists()

    other = Sandbox(clone(root, "clone"), project.environment)
    server.sign_in(other.root)
    ran = other.cli("restore")
    assert ran.code == 0, ran.output
    assert other.nodes().keys() == project.nodes().keys()
    assert other.todo() == set()
    assert "0 of them new\nno files pushed" in other.cli("save").output
    assert call(other.root, "git", "status", "--short") == ""


def test_damaged_and_missing_objects_are_named_left_out_and_mended(ann: Path, server: servers.Server) -> None:
    server.announce(ann)
    server.sign_in(ann)
    for key in KEYS[1:5]:
        add_node(ann, key)
    save(ann)
    names = [hashlib.md5(f"weights of {key}".encode()).hexdigest() for key in KEYS[1:3]]
    with Repo(str(ann)) as repo:
        there = repo.cloud.get_remote_odb()
        there.fs.remove(there.oid_to_path(names[0]))
        there.fs.pipe_file(there.oid_to_path(names[1]), b"weights OF" + KEYS[2].encode())
    bob = clone(ann, "bob")
    server.sign_in(bob)
    lines = restore(bob)
    assert nodes(bob) == set(KEYS[3:5])
    for key, name in zip(KEYS[1:3], names, strict=True):
        assert (
            f"train/made-{key} is left out, the next run computes it: damaged or missing in cache and remote 'store' "
            f"({server.url}): weights (object {name})"
        ) in lines

    for key in KEYS[1:3]:
        add_node(bob, key)  # the next run
    assert any(line.endswith(f"damaged files mended in remote 'store' ({server.url})") for line in save(bob))
    other = clone(bob, "other")
    server.sign_in(other)
    restore(other)
    assert nodes(other) == set(KEYS[1:5])


def test_refused_or_down_is_one_line(ann: Path, server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # otherwise half a minute
    server.announce(ann)
    server.sign_in(ann)
    add_node(ann, KEYS[1])
    save(ann)
    bob = clone(ann, "bob")
    server.refuse()
    server.sign_in(bob, server.wrong)
    for what in ("refused", "down"):
        if what == "down":
            server.sign_in(bob)
            server.stop()
        with pytest.raises(UserError) as error:
            restore(bob)
        assert str(error.value).startswith(f"remote 'store' ({server.url}) cannot be reached: ")
        assert "\n" not in str(error.value)
        assert nodes(bob) == set()
    add_node(ann, KEYS[2])
    with pytest.raises(UserError) as error:
        list(save_store(Project(ann)))
    assert str(error.value).startswith(f"committed here, but remote 'store' ({server.url}) cannot be written: ")
    assert "\n" not in str(error.value)
    assert nodes(ann) == set(KEYS[1:3])
