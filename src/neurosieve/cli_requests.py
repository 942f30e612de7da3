"""Commands for a user's own model and for deletion requests; nothing heavy is imported before one runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from neurosieve.errors import UserError

SCALE = click.option("--scale", type=click.Choice(["smoke", "default", "full"]), help="Instead of config.yaml's scale.")
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("name")
@click.option("--data", required=True, type=FILE, metavar="FILE|FOLDER", help="CSV, Parquet, Arrow, NPZ, or images.")
@click.option("--model", required=True, metavar="PACKAGE.MODULE:FACTORY", help="The function that builds the network.")
@click.option("--weights", required=True, type=FILE, help="Its trained weights, safetensors.")
@click.option("--forget", type=FILE, metavar="REQUEST.csv", help="Ids to forget: a column sample_id or subject.")
@click.option("--prune", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Also prune this share.")
def new(name: str, data: Path, model: str, weights: Path, forget: Path | None, prune: float | None) -> None:
    """Write the study of your own model to config/studies/NAME.yaml, with comments, and list it in config.yaml."""
    from neurosieve.own.new import Order, new_study
    from neurosieve.plan.project import Project

    new_study(Project.here(), Order(name, data, model, weights, forget, prune), click.echo)


@click.command()
@click.argument("name")
@SCALE
def check(name: str, scale: str | None) -> None:
    """Load a study's data, model, weights and request, run one batch, and tell sizes, time, memory and evidence.

    Nothing is written. Exits with 1 when something is wrong: ids not in the data, labels in another order.
    """
    from neurosieve.own.check import check_study
    from neurosieve.plan.project import Project

    check_study(Project.here(scale), name, click.echo)


@click.command()
@click.argument("study")
@click.option("--sign", type=FILE, metavar="PRIVATE.pem", help="Ed25519 key to sign with, instead of config.yaml's.")
@click.option("--stamp", hidden=True, help="State that was asked for (Snakemake gives it); the page is drawn later.")
@SCALE
def certify(study: str, sign: Path | None, stamp: str | None, scale: str | None) -> None:
    """Write the next certificate of a computed STUDY, or sign the one there is; a result that is known adds none."""
    from neurosieve.plan.project import Project
    from neurosieve.requests.certificate import certify as issue
    from neurosieve.views.written import stamp_certificate, write_views

    project = Project.here(scale)
    issued = issue(project, study, sign)
    if stamp:
        stamp_certificate(project.store, study, stamp)
    elif issued.new:
        write_views(project)
    click.echo(issued.line(project.store.results))


@click.command()
@click.argument("certificate", type=FILE)
@click.option("--key", type=FILE, metavar="PUBLIC.pem", help="The signer's public key, from the signer's own hands.")
@click.option("--store", is_flag=True, help="Also compare the files in the store with the hashes that it names.")
@click.option("--head", metavar="SHA256", help="Hash of a certificate that you wrote down: it must be in the chain.")
def verify(certificate: Path, key: Path | None, store: bool, head: str | None) -> None:
    """Check a certificate.json: form, signature, page, and the chain back to number 1; exits with 1 for a problem."""
    from neurosieve.requests.verify import verify as check

    checked = check(certificate, key, store, head)
    for line in checked.lines():
        click.echo(line)
    sys.exit(1 if checked.problems else 0)


@click.command()
@click.option(
    "--ids", "file", type=FILE, required=True, metavar="FILE", help="The request: data/requests/R-2026-01.csv."
)
@click.option("--study", help="Repair what this study shipped, instead of every configured one.")
@click.option("--after", metavar="STUDY", help="Start from this study's result, instead of the last repaired one.")
@click.option("--method", help="ssd, retrained, or another component below `unlearning`; shards are trained again.")
@click.option("--run", "starts", is_flag=True, help="Start Snakemake on what was written.")
@click.option("--purge", is_flag=True, help="Then list what still holds the rows or learned from them.")
@click.option("--yes", is_flag=True, help="Delete what --purge lists.")
@click.option("--keep-datasets", is_flag=True, help="Purge no dataset: a later request needs its rows that stay.")
@click.option("--data", "only", multiple=True, metavar="NAME", help="The dataset whose ids they are; may be repeated.")
@SCALE
def forget(
    file: Path, study: str | None, after: str | None, method: str | None, starts: bool, purge: bool, yes: bool,
    keep_datasets: bool, only: tuple[str, ...], scale: str | None,
) -> None:  # fmt: skip
    """Write the study that repairs every shipped model that learned from a request's rows, and run it if told.

    With --purge alone nothing is written: it lists what the study that answers the request leaves behind.
    """
    from neurosieve.plan.project import Project
    from neurosieve.requests.cleared import answering, cleared
    from neurosieve.requests.forget import below, jobs, repairs, run, told, write

    project = Project.here(scale)
    name = below(project, file)
    if purge and not starts:
        if not (answered := answering(project, name, study)):
            raise UserError(
                f"{name}: no configured study answers this request yet; add --run, or run `forget` without --purge"
            )
        for line in cleared(project, name, answered, yes, only, datasets=not keep_datasets):
            click.echo(line)
        return
    made = repairs(project, file, method, study, after, only)
    slugs = [one.slug for one in made]
    for one in made:
        for line in told(one):
            click.echo(line)
        click.echo(f"written: {write(project, one).relative_to(project.root)}")
    again = Project(project.root, scale)
    for slug in slugs:
        click.echo(jobs(again, slug))
    if starts and (status := run(again, slugs)):
        sys.exit(status)
    if purge:
        for line in cleared(again, name, slugs, yes, only, datasets=not keep_datasets):
            click.echo(line)
    elif not starts:
        click.echo(f"run it with: snakemake {' '.join(slugs)}")


@click.command()
@click.option("--ids", "file", type=FILE, required=True, metavar="FILE.csv", help="The request: sample_id or subject.")
@click.option("--data", "only", multiple=True, metavar="NAME", help="The dataset whose ids they are; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="For programs: the same and more, without any id.")
@SCALE
def affected(file: Path, only: tuple[str, ...], as_json: bool, scale: str | None) -> None:
    """List every dataset, model and export in the store that descends from the rows of a request, and which do not."""
    import json

    from neurosieve.plan.project import Project
    from neurosieve.requests.affected import answer

    found = answer(Project.here(scale), file, only)
    for line in [json.dumps(found.json(), indent=1)] if as_json else found.lines():
        click.echo(line)


COMMANDS: tuple[click.Command, ...] = (new, check, affected, forget, certify, verify)
"""What `cli` adds to its group, in the order of a user's way."""
