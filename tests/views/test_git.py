import subprocess

from neurosieve.views.git import git_says


def test_gives_what_git_prints_and_nothing_where_it_fails_or_is_not_there(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert git_says(tmp_path, "rev-parse", "--is-inside-work-tree") == "true\n"
    assert git_says(tmp_path, "rev-parse", "--verify", "--quiet", "HEAD") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_says(tmp_path, "--version") is None
