"""Builds and executes docs/library.ipynb: `python docs/library_notebook.py`; outputs are what came out."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOK = Path(__file__).with_name("library.ipynb")
TEXT, CODE = "markdown", "code"
CELLS = [
    (
        TEXT,
        """\
# Unlearning in three lines

Every unlearning method of neurosieve works on your own `torch.nn.Module` and tensors, without a pipeline: the same
code, and on the same rows, weights, parameters and seed the same bytes as a study gives. This notebook was executed by
`docs/library_notebook.py`.""",
    ),
    (TEXT, "## Your network, your rows\n\nA small network that reads handwritten digits, trained as anybody would."),
    (
        CODE,
        """\
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
pixels, digits = load_digits(return_X_y=True)
x, y = torch.tensor(np.asarray(pixels) / 16, dtype=torch.float32), torch.tensor(digits)
ids = [f"scan-{number:04d}" for number in range(len(x))]
order = torch.randperm(len(x))
train, validation, test = order[:1200], order[1200:1450], order[1450:]

network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimiser = torch.optim.Adam(network.parameters(), lr=0.005)
for _ in range(150):
    optimiser.zero_grad()
    nn.functional.cross_entropy(network(x[train]), y[train]).backward()
    optimiser.step()""",
    ),
    (TEXT, "Somebody asks that every scan of an 8 be forgotten. Ids are text: `0087` is not `87`."),
    (
        CODE,
        """\
request = [ids[row] for row in (*train, *validation) if y[row] == 8]
print(len(request), "of", len(train) + len(validation), "rows; the first is", request[0])""",
    ),
    (TEXT, "## Three lines\n\n`rows` wraps tensors and ids, `ssd.Params` says which method and how strongly."),
    (
        CODE,
        """\
from neurosieve.interventions.unlearning import ssd
from neurosieve.own import rows, unlearn

held = (x[validation], y[validation], [ids[row] for row in validation])
data = rows(x[train], y[train], [ids[row] for row in train], validation=held)
forgotten = unlearn(network, data, request, ssd.Params(alpha=5), seed=11)""",
    ),
    (TEXT, "The network that was passed in is as it was; the result is of the same class, to be used like it."),
    (
        CODE,
        '''\
def told(name: str, model: nn.Module) -> None:
    """Accuracy on test rows, the forgotten digit apart."""
    with torch.no_grad():
        right = model(x[test]).argmax(dim=1) == y[test]
    eights = y[test] == 8
    print(f"{name:<22} eights {right[eights].float().mean():.2f}   other digits {right[~eights].float().mean():.2f}")


told("before", network)
told("dampened, alpha 5", forgotten.network)
print(forgotten.history.select("layer", "elements", "selected"))''',
    ),
    (
        TEXT,
        """\
## How strongly?

The best accuracy on rows that stay would always be had by doing nothing. So `among` takes the *strongest* setting that
loses at most `margin` on the retained validation rows; the forgotten rows' labels, the test rows and retrained models
never choose.""",
    ),
    (
        CODE,
        """\
grid = {"alpha": [2, 4, 5, 6, 7, 8, 10], "lambda": [0.1, 1]}
chosen = unlearn(network, data, request, ssd.Params(), among=grid, margin=0.01, seed=11)
told(f"alpha {chosen.params.alpha:g}, lambda {chosen.params.lambda_:g}", chosen.network)
print(chosen.candidates.select("alpha", "lambda", "accuracy", "dampened", "within"))""",
    ),
    (TEXT, "## Other methods\n\nThe same call with the parameters of another module."),
    (
        CODE,
        """\
from neurosieve.interventions.unlearning import amnesiac, finetune

told("fine-tuned", unlearn(network, data, request, finetune.Params(epochs=3), seed=11).network)
told("amnesiac", unlearn(network, data, request, amnesiac.Params(epochs=5), seed=11).network)""",
    ),
    (TEXT, "What does not fit is told in one line."),
    (
        CODE,
        """\
from neurosieve.errors import UserError

for wrong in (["scan-9999"], [], [ids[row] for row in train]):
    try:
        unlearn(network, data, wrong, ssd.Params())
    except UserError as error:
        print(error)""",
    ),
    (
        TEXT,
        """\
A changed network is not yet evidence that something was forgotten: attacks with their intervals, a certificate and
exports come with a study, `neurosieve new` ([own-model.md](own-model.md)).""",
    ),
]


def built() -> nbformat.NotebookNode:
    """The notebook without outputs; cells have fixed ids, so that equal notebooks are equal files."""
    cells = [
        (new_code_cell if kind == CODE else new_markdown_cell)(text, id=f"cell-{n}")
        for n, (kind, text) in enumerate(CELLS)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def executed() -> nbformat.NotebookNode:
    """The notebook after a run in a fresh kernel, without what differs between two runs."""
    notebook = built()
    NotebookClient(notebook, timeout=120, record_timing=False).execute()
    notebook.metadata.pop("language_info", None)
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
    print(f"{NOTEBOOK.name}: {NOTEBOOK.stat().st_size} bytes")
