"""The text of a new study: every choice written down, with a comment that says what it is for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from neurosieve.own.guess import Guess

ALPHAS = (1, 2, 4, 8, 16, 32, 64, 1000)
"""Strengths that are tried; the weakest leaves most networks as they are, so that one stays within the margin."""
LAMBDAS = (0.1, 1)
SAMPLE = 10
"""Rows drawn for a rehearsal, where there is no request yet."""
_PLAIN = re.compile(r"[A-Za-z_][\w./:-]*(?<!:)")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True)
class Wanted:
    """What a study is written from; paths are relative to the project."""

    name: str
    data: Guess
    model: str
    weights: str
    request: str | None
    prune: float | None


def study_text(wanted: Wanted) -> str:
    """The YAML of the study."""
    shipped = "ssd-pruned" if wanted.prune else "ssd"
    parts = (_head(wanted), _variants(wanted), _shipped(shipped, wanted.request), _measured(wanted), _scales())
    return "".join(parts)


def flow(value: Any) -> str:
    """A value in one line of YAML 1.2; what could be read as something else is quoted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, str):
        return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value) + '"'
    return json.dumps(value)


def _head(wanted: Wanted) -> str:
    forget = {"ids_file": wanted.request} if wanted.request else {"sample": SAMPLE}
    asked = (
        "# the request: a CSV of sample_id or subject; it stays out of git, results carry keyed tags in place of ids"
        if wanted.request
        else f"# a rehearsal with {SAMPLE} drawn rows; a request is {{ids_file: data/requests/R-2026-01.csv}}"
    )
    params = {"use": wanted.data.use, **wanted.data.params}
    guessed = "".join(f"#   {line}\n" for line in wanted.data.told)
    lines = "".join(f"  {name}: {flow(value)}\n" for name, value in params.items())
    return f"""\
question: {flow(f"Does {wanted.name} forget what it is asked to forget, and still work?")}
# What was guessed from the file; mend what is wrong, `neurosieve check {wanted.name}` shows what comes of it.
{guessed}\
# Preprocessing is declared, not hidden: what training did to the inputs, in its order, such as
#   preprocess: [{{scale: 0.00392}}, {{mean: [0.5], std: [0.25]}}]     or     [{{fit: true}}], from the training rows
dataset:
{lines}\
{asked}
forget: {flow(forget)}
# A seed drives every draw; dampening draws nothing, so that one seed says it all.
seeds: [11]
"""


def _variants(wanted: Wanted) -> str:
    loss = ", loss: logit_norm, order: stored" if wanted.data.regression else ", order: class"
    metric = "r2" if wanted.data.regression else "accuracy"
    by = {"rule": "strongest-within", "margin": 0.01, "metric": metric, "split": "validation"}
    if wanted.data.regression:
        by["use"] = "regression"
    model = {"use": "own.module", "factory": wanted.model}
    pruned = {"from": "ssd", "prune": {"use": "pruning.magnitude", "sparsity": wanted.prune or 0.5}}
    return f"""\
variants:
  # your model with your weights, as it answers today (arguments of the factory: `arguments: {{width: 8}}`)
  original:
    model: {flow(model)}
    train: {flow({"use": "given.weights", "file": wanted.weights})}
  # how much every weight matters to all rows; computed once, before anything is forgotten
  importance: {{from: original, analysis: {{use: analysis.importance{loss}, batch: 64}}}}
  # selective synaptic dampening, the strongest setting that loses at most a point on retained validation rows; labels
  # of forgotten rows, test rows and retrained models never choose (the table of candidates stays in the node)
  ssd:
    from: original
    with: [importance]
    unlearn:
      use: unlearning.ssd
      choose:
        among: {flow({"alpha": ALPHAS, "lambda": LAMBDAS})}
        by: {flow(by)}
  # beside it a method that trains on: a few epochs on the retained rows
  finetune: {{from: original, unlearn: {{use: unlearning.finetune, epochs: 3, lr: 0.01}}}}
{"" if wanted.prune else "  # smaller as well, then shipped instead of ssd (below: targets, certify)" + chr(10)}\
  {"" if wanted.prune else "# "}ssd-pruned: {flow(pruned)}
  # with a model trained without the rows, evidence can be relative to it (`grade: standard` below trains five)
  # retrained: {{model: {flow(model)}, train: {{use: supervised.backprop, epochs: 20}}, rows: retain}}
"""


def _shipped(shipped: str, request: str | None) -> str:
    return f"""\
# What is shipped, and to which runtime; int8 ranges are calibrated on retained rows.
targets:
  {shipped}: [onnx, onnx-int8]
# After the run: results/certificates/, what was done, with what evidence, and what it does not prove
{"" if request else "# (a rehearsal is not certified; with a request take the mark away)" + chr(10) + "# "}\
certify: {{variants: [{shipped}], before: original}}
"""


def _measured(wanted: Wanted) -> str:
    first = "regression" if wanted.data.regression else "classification"
    entropy = "" if wanted.data.regression else "  - {use: membership_inference}\n"
    return f"""\
evaluate:
  - {{use: {first}}}
{entropy}\
  - {{use: cost}}
  # quick trains nothing and is weak evidence; standard and strong: `neurosieve check {wanted.name}` tells the time
  - {{use: forgetting_evidence, grade: quick}}
notes: {{method: ssd, original: original, baseline: finetune}}
"""


def _scales() -> str:
    few = {"alpha": [10, 1000], "lambda": [1]}
    return f"""\
scales:
  # mechanics only, in seconds
  smoke:
    variants:
      ssd: {{unlearn: {{choose: {{among: {flow(few)}}}}}}}
      finetune: {{unlearn: {{epochs: 1}}}}
  # methods that draw, at three seeds
  full: {{seeds: [11, 12, 13]}}
"""
