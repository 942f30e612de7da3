"""The command line: job verbs (which Snakemake calls and a person may), and commands about plan and store.

Nothing heavy is imported here: `--help` must answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from neurosieve.cli_requests import COMMANDS
from neurosieve.errors import UserError

SCALE = click.option("--scale", type=click.Choice(["smoke", "default", "full"]), help="Instead of config.yaml's scale.")
STAGES = {
    "prepare": "Make a dataset, or choose the rows to forget.",
    "train": "Train a model.",
    "intervene": "Change a trained model: unlearn, prune, sparsify, adapt, analyse.",
    "export": "Export a model to a hardware target and run it there for parity.",
    "evaluate": "Measure one variant, or a whole study.",
    "verdict": "Collect a study's metrics and decide its claims.",
}
KINDS = {
    "datasets": ("prepare",),
    "models": ("train", "intervene"),
    "exports": ("export",),
    "metrics": ("evaluate", "verdict"),
}
"""Artifact kinds that can be restored alone, and the stages that make them."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """neurosieve: from data to a deployable, audited network. `snakemake ssd` runs a study; these are its tools."""


def _job(stage: str, text: str) -> None:
    @cli.command(stage, help=f"{text} NODE is a key, `name-key` or `variant/seed`; its inputs must exist.")
    @click.argument("study")
    @click.argument("node")
    @click.option("--output", type=click.Path(path_type=Path), hidden=True, help="What Snakemake waits for.")
    @SCALE
    def run(study: str, node: str, output: Path | None, scale: str | None) -> None:
        from neurosieve.jobs.run import run_job

        click.echo(run_job(study, node, stage, scale, output if output and output.suffix == ".tar" else None))


for _stage, _text in STAGES.items():
    _job(_stage, _text)


@cli.command()
@click.argument("slice_id", metavar="SLICE")
@click.option("--cpus", type=click.IntRange(1), default=1, show_default=True, help="How many nodes at a time.")
@SCALE
def bundle(slice_id: str, cpus: int, scale: str | None) -> None:
    """Compute the nodes of a slice, as Snakemake asks on a cluster with `--config bundle=MINUTES`."""
    from neurosieve.jobs.bundle import run_bundle

    run_bundle(slice_id, cpus, scale, click.echo)


@cli.command()
@click.option("--stamp", help="State of the page that was asked for (Snakemake gives it).")
@click.option(
    "--packed", type=click.Path(path_type=Path), hidden=True, help="A packed node; it and its like are added."
)
@click.option("--copies", is_flag=True, hidden=True, help="Also write what `snakemake --report` shows.")
@SCALE
def report(stamp: str | None, packed: Path | None, copies: bool, scale: str | None) -> None:
    """Draw the page, the links by study and variant, and the flat metrics, from what is in the store."""
    from neurosieve.plan.project import Project
    from neurosieve.views.written import write_views

    project = Project.here(scale)
    if packed:
        from neurosieve.jobs.packed import unpack

        nodes = (node.folder for plan in project.plans().values() for node in plan.nodes.values())
        unpack(project.store, packed.parents[1].resolve(), nodes)
    click.echo(write_views(project, stamp, copies))


@cli.command()
@click.argument("study", required=False)
@click.option("--why", metavar="NODE", help="Which part of this node's key differs from the nearest node in the store.")
@SCALE
def plan(study: str | None, why: str | None, scale: str | None) -> None:
    """Print the tree of nodes: done or to do, last known seconds, disk; of many studies a line each."""
    from neurosieve.plan.project import Project
    from neurosieve.views import browse

    project = Project.here(scale)
    for line in browse.why(project, study, why) if why else browse.tree(project, study):
        click.echo(line)


@cli.command()
@click.argument("address")
@SCALE
def path(address: str, scale: str | None) -> None:
    """Print the directory of a node: `neurosieve path ssd/ssd@setting=digits/11` (or …/11/onnx), or a key."""
    from neurosieve.plan.project import Project
    from neurosieve.views import browse

    project = Project.here(scale)
    click.echo(browse.directory(project, address))


@cli.command()
@click.argument("address")
@click.option("--follow", is_flag=True, help="Go on with what its job adds, until the job ends.")
@SCALE
def log(address: str, follow: bool, scale: str | None) -> None:
    """Print the log of a node's last run; ADDRESS as for `path`."""
    from neurosieve.plan.project import Project

    project = Project.here(scale)
    if follow:
        from neurosieve.views import follow as following

        for text in following.follow(project, address):
            click.echo(text, nl=False)
        return
    from neurosieve.views import browse

    click.echo(browse.log_text(project, address), nl=False)


@cli.command()
@click.option("--delete", is_flag=True, help="Delete what is listed; without it nothing is touched.")
@click.option(
    "--scale",
    "scales",
    multiple=True,
    type=click.Choice(["smoke", "default", "full"]),
    help="Keep only what these scales reach.",
)
def gc(delete: bool, scales: tuple[str, ...]) -> None:
    """List the nodes that no configured study reaches at any scale, and delete them only when told."""
    from neurosieve.plan.project import Project
    from neurosieve.views import browse

    for line in browse.collect_garbage(Project.here(), delete, scales):
        click.echo(line)


@cli.command()
def fsck() -> None:
    """Check the content hash of every file in the store; exits with 1 when something is wrong."""
    from neurosieve.plan.project import Project
    from neurosieve.views import browse

    problems, checked = browse.check_store(Project.here())
    for problem in problems:
        click.echo(problem)
    click.echo(f"{checked} nodes checked, {len(problems)} damaged")
    if problems:
        sys.exit(1)


@cli.command()
@click.argument("study", nargs=-1)
@click.option("--against", metavar="COMMIT", help="Print what changed since a commit instead; exits with 1 or 3.")
@SCALE
def verdicts(study: tuple[str, ...], against: str | None, scale: str | None) -> None:
    """Print the verdicts on the claims of the studies (all by default), and where the page is.

    With --against the exit status is 1 when a claim that held at that commit fails now, 3 when one that held is now
    inconclusive, not computed or gone.
    """
    from neurosieve.plan.project import Project

    project = Project.here(scale)
    if against is None:
        from neurosieve.views.verdict_table import verdict_table

        verdict_table(project, study)
        return
    from neurosieve.views.verdict_diff import verdict_diff

    lines, status = verdict_diff(project, against, study)
    for line in lines:
        click.echo(line)
    sys.exit(status)


@cli.command()
@click.argument("output", required=False, type=click.Path(path_type=Path))
def schema(output: Path | None) -> None:
    """Print (or write) the JSON Schema of a study's YAML, for completion in editors."""
    from neurosieve.plan.schema import study_schema

    text = study_schema()
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from None


@cli.command()
@click.option("--exact", is_flag=True, help="Stop naming nodes that are not here, as after `gc --delete`.")
def save(exact: bool) -> None:
    """Commit the store to DVC and push it."""
    from neurosieve.plan.project import Project
    from neurosieve.versioning import save_store

    for line in save_store(Project.here(), exact):
        click.echo(line)


@cli.command()
@click.argument("study", nargs=-1)
@click.option(
    "--only", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only this kind; may be given again."
)
@SCALE
def restore(study: tuple[str, ...], kinds: tuple[str, ...], scale: str | None) -> None:
    """Fetch what the DVC remote holds and add nodes that are absent here (those of STUDY alone); draw the page."""
    from neurosieve.plan.project import Project
    from neurosieve.versioning import restore_store

    stages = [stage for kind in kinds or KINDS for stage in KINDS[kind]]
    for line in restore_store(Project.here(scale), study, stages):
        click.echo(line)


@cli.command("export-metadata")
@click.argument("study")
@click.argument("output", required=False, type=click.Path(path_type=Path))
@SCALE
def export_metadata(study: str, output: Path | None, scale: str | None) -> None:
    """Write a study's run as a Workflow Run RO-Crate and its datasets as Croissant (to results/metadata/STUDY)."""
    from neurosieve.metadata import export_metadata
    from neurosieve.plan.project import Project

    project = Project.here(scale)
    for line in export_metadata(project, study, output or project.store.results / "metadata" / study):
        click.echo(line)


for _command in COMMANDS:
    cli.add_command(_command)


def main(argv: list[str]) -> int:
    """Run a command; 0, 1 for an error that the user can mend (one line), 2 for wrong usage."""
    try:
        cli.main(args=argv, prog_name="neurosieve", standalone_mode=False)
    except UserError as error:
        print(f"neurosieve: error: {error}", file=sys.stderr)
        return 1
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except SystemExit as exit_:
        return _code(exit_.code)
    except Exception as error:
        from neurosieve.artifacts.store import storage_error

        full = storage_error(error, Path.cwd())
        if full is None:
            raise
        print(f"neurosieve: error: {full}", file=sys.stderr)
        return 1
    return 0


def _code(code: Any) -> int:
    return code if isinstance(code, int) else 0 if code is None else 1
