"""When a criterion last changed, from git: the commit, whether it is younger than the result, or why it is unknown."""

import subprocess
from types import SimpleNamespace

import pytest
import yaml
from tests.pipeline.sandbox import STUDY

from neurosieve.evaluation.claims.grammar import claim_hash, parse_claims
from neurosieve.plan.project import Project
from neurosieve.plan.study import load_study
from neurosieve.views.site.history import Histories
from neurosieve.views.site.reader import Reader


@pytest.fixture
def repository(tmp_path):
    """A project's configuration under git."""
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [tiny]\n")
    git(tmp_path, "init", "-q", "-b", "main")
    write(tmp_path)
    return tmp_path


def git(root, *arguments):
    named = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *named, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(root):
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "a commit")
    return git(root, "rev-parse", "HEAD")


def path(root):
    return root / "config" / "studies" / "tiny.yaml"


def write(root, right=0.1, question="Do they?", **more):
    claim = STUDY["claims"][0]
    claim = claim | {"criterion": claim["criterion"] | {"right": right}}
    path(root).write_text(yaml.safe_dump({**STUDY, "claims": [claim], "question": question, **more}, sort_keys=False))


def history(root, *behind, stage="evaluate"):
    """The history of T1, where the result's nodes were made by these commits."""
    study = load_study(path(root), "default").study
    (claim,) = parse_claims("tiny", study.claims)
    digest = claim_hash(claim, {use.use: use.params for use in study.evaluate})
    plan = SimpleNamespace(slug="tiny", scale="default", verdict="v", nodes={"v": SimpleNamespace(folder="verdict/x")})
    records = {f"{place}": {"stage": stage, "run": {"commit": one}} for place, one in enumerate(behind)}
    plan.nodes |= {key: SimpleNamespace(folder=f"{stage}/{key}") for key in records}
    reader = Reader(Project(root), plan, frozenset(), records)
    return Histories(Project(root)).of(reader, [{"claim": "T1", "hash": digest}])["T1"]


def test_the_commit_is_the_last_that_changed_the_hash(repository):
    first = commit(repository)
    write(repository, right=0.2)
    changed = commit(repository)
    write(repository, right=0.2, question="Something else?")
    later = commit(repository)
    found = history(repository, later)
    assert (found.commit, found.younger) == (changed, False)
    assert len(found.date) == len("2026-11-24")
    assert history(repository, first).younger is True
    assert history(repository, changed).younger is False
    assert history(repository, first, later).younger is True


def test_a_criterion_that_went_and_came_back_counts_from_its_return(repository):
    commit(repository)
    write(repository, right=0.2)
    commit(repository)
    write(repository)
    returned = commit(repository)
    assert history(repository).commit == returned


def test_rewriting_without_meaning_is_no_change(repository):
    first = commit(repository)
    path(repository).write_text("# a remark\n" + path(repository).read_text().replace("right: 0.1", "right: 0.10"))
    commit(repository)
    assert history(repository).commit == first


def test_a_renamed_file_keeps_its_history(repository):
    path(repository).rename(repository / "config" / "studies" / "older.yaml")
    first = commit(repository)
    (repository / "config" / "studies" / "older.yaml").rename(path(repository))
    commit(repository)
    assert history(repository).commit == first


def test_a_version_that_cannot_be_read_ends_the_history(repository):
    good = path(repository).read_text()
    path(repository).write_text("claims: [")
    commit(repository)
    path(repository).write_text(good)
    mended = commit(repository)
    assert history(repository).commit == mended


def test_a_criterion_that_is_not_committed_is_younger_than_any_result(repository):
    behind = commit(repository)
    write(repository, right=0.3)
    found = history(repository, behind)
    assert (found.commit, found.line, found.younger) == ("", "not committed yet", True)
    assert history(repository).younger is None


def test_a_result_without_a_commit_says_nothing_of_age(repository):
    commit(repository)
    assert history(repository, None).younger is None
    assert history(repository, "f" * 40).younger is True  # a commit that this history does not have


def test_without_git_history_it_says_so(tmp_path):
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [tiny]\n")
    write(tmp_path)
    found = history(tmp_path, None)
    assert found.line.startswith("history not available")
    assert (found.commit, found.younger) == ("", None)


def test_a_shallow_clone_has_no_history(repository, tmp_path_factory):
    commit(repository)
    write(repository, question="Again?")
    commit(repository)
    clone = tmp_path_factory.mktemp("clone") / "it"
    git(repository, "clone", "-q", "--depth", "1", f"file://{repository}", str(clone))
    assert history(clone).line == "history not available (shallow clone)"


def test_what_git_said_is_remembered(repository, monkeypatch):
    first = commit(repository)
    assert history(repository).commit == first
    monkeypatch.setattr("neurosieve.views.site.history.Histories._computed", lambda *_: pytest.fail("computed again"))
    assert history(repository).commit == first
