"""Workers that share no folder: a storage plugin carries nodes as single files; and the profile of Kubernetes."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tests.pipeline.sandbox import STUDY, Sandbox
from tests.pipeline.watch import contents

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
PLAN = ("--config", "plan=full")


@pytest.fixture
def storage(installed: None, tmp_path: Path) -> tuple[str, ...]:
    """Options of Snakemake for a storage that is a folder; its plugin needs rsync."""
    (tmp_path / "stored").mkdir()
    prefix = str(tmp_path / "stored")
    return ("--default-storage-provider", "fs", "--default-storage-prefix", prefix, "--shared-fs-usage", "none")


def study() -> dict[str, object]:
    return {**copy.deepcopy(STUDY), "seeds": [11], "claims": []}


def test_a_second_folder_goes_on_from_the_storage_alone(tmp_path: Path, storage: tuple[str, ...]) -> None:
    one, two = (Sandbox.make(tmp_path / name, {"tiny": study()}) for name in ("one", "two"))
    ran = one.snakemake(*storage, *PLAN)
    assert ran.code == 0, ran.output
    assert len(one.nodes()) == 14
    assert (one.root / "results" / "report" / "index.html").is_file()
    files = list((tmp_path / "stored").rglob("*.tar"))
    assert {f"{path.parent.name}/{path.stem}" for path in files} == one.nodes().keys()

    assert two.todo(*storage, *PLAN) == {"report"}
    lost = [path for path in files if path.parent.name in ("export", "verdict")]
    lost += [path for path in files if path.parent.name == "evaluate"]
    for path in lost:
        path.unlink()
    todo = {job.partition(" ")[0] for job in two.todo(*storage, *PLAN)}
    assert todo == {"export", "evaluate", "verdict", "report"}
    ran = two.snakemake(*storage, *PLAN)
    assert ran.code == 0, ran.output
    assert contents(two) == contents(one)
    assert two.cli("fsck").code == 0
    assert two.todo(*storage, *PLAN) == set()


def test_a_storage_without_the_full_plan_is_refused(tmp_path: Path, storage: tuple[str, ...]) -> None:
    box = Sandbox.make(tmp_path / "box", {"tiny": study()})
    ran = box.snakemake("-n", *storage)
    assert ran.code == 1
    assert "add plan=full to --config" in ran.output


def test_the_profile_of_kubernetes_plans_every_node(tmp_path: Path, storage: tuple[str, ...]) -> None:
    box = Sandbox.make(tmp_path / "box", {"tiny": study()})
    ran = box.snakemake("-n", "--profile", "profiles/kubernetes", *storage)
    assert ran.code == 0, ran.output
    assert "15 jobs would run" in ran.output, ran.output  # 14 nodes, and what collects them


def test_s3_carries_nodes_as_well(tmp_path: Path, installed: None) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        secret = {"access-key": "testing", "secret-key": "testing", "region": "us-east-1", "endpoint-url": address}
        options = [word for name, value in secret.items() for word in (f"--storage-s3-{name}", value)]
        options += ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://neurosieve/nodes"]
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        session.client("s3", endpoint_url=address).create_bucket(Bucket="neurosieve")
        one, two = (Sandbox.make(tmp_path / name, {"tiny": study()}) for name in ("one", "two"))
        for box in (one, two):
            ran = box.snakemake(*options, "--shared-fs-usage", "none", *PLAN)
            assert ran.code == 0, ran.output
        assert "1 job to do: 1 collect" in ran.output
        assert contents(two) == contents(one)
        assert len(two.nodes()) == 14
    finally:
        server.stop()
