"""Small data, networks and golden vectors that many tests share."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.model import Model, build_model
from neurosieve.models.vision.resnet9 import ResNet9

GOLDEN = Path(__file__).parent / "golden"


def golden(study: str, case: str) -> dict[str, np.ndarray]:
    """Arrays of one golden file, by name."""
    return load_file(GOLDEN / study / f"{case}.safetensors")


def part(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, torch.Tensor]:
    """The arrays below a prefix as tensors, without the prefix."""
    found = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    return {name: torch.from_numpy(np.array(value)) for name, value in found.items()}


def dataset_of(splits: Mapping[str, tuple[np.ndarray, np.ndarray]], **more: np.ndarray) -> Dataset:
    """A simulated dataset from {split: (x, label)}; `more` are further columns of the split train alone."""
    columns = {
        "sample_id": ColumnInfo(meaning="row"),
        "x": ColumnInfo(meaning="input"),
        "label": ColumnInfo(meaning="class"),
        **{name: ColumnInfo(meaning=name) for name in more},
    }
    info = DatasetInfo(
        name="toy",
        origin="simulated",
        source="tests",
        licence="none",
        inputs="x",
        target="label",
        columns=columns,
    )
    return Dataset.from_arrays(
        info,
        {
            name: {"sample_id": [f"{name}{row:04d}" for row in range(len(x))], "x": x, "label": y, **more}
            for name, (x, y) in splits.items()
        },
    )


def blobs(rows: int = 60, classes: int = 3, shape: tuple[int, ...] = (4,), seed: int = 0, test: int = 30) -> Dataset:
    """Classes as Gaussian clouds of float32 rows; balanced, in mixed order."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(classes, *shape)) * 2.0

    def made(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = draw.permutation(np.arange(n) % classes)
        return (centres[labels] + draw.normal(size=(n, *shape))).astype(np.float32), labels

    return dataset_of({"train": made(rows), "test": made(test)})


def forgetting(dataset: Dataset, rows: np.ndarray, **others: np.ndarray) -> Data:
    """Data with these training rows (and rows of other splits) selected for forgetting."""
    return Data.of(dataset, Selection({"train": np.asarray(rows), **others}, "rows of a test"))


def forgetting_class(dataset: Dataset, label: int) -> Data:
    """Data with a class selected in every split."""
    rows = {name: np.flatnonzero(split.y == label) for name, split in dataset.splits.items()}
    return Data.of(dataset, Selection(rows, f"label = {label}"))


def perceptron(*sizes: int, bias: bool = True, seed: int = 0) -> nn.Sequential:
    """Linear, ReLU, Linear, ... with seeded weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [nn.Linear(inputs, outputs, bias=bias), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class BnNet(nn.Module):
    """conv 3x3 pad 1 - bn - CELU(0.075) - max-pool 2 - conv 3x3 - bn - ReLU - flatten - fc, on 6 x 6 images."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 5, 3, bias=False), nn.BatchNorm2d(5)
        self.fc = nn.Linear(5, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.celu(self.bn1(self.conv1(x)), 0.075)
        x = nn.functional.max_pool2d(x, 2)
        return self.fc(torch.relu(self.bn2(self.conv2(x))).flatten(1))


def loaded(module: nn.Module, state: Mapping[str, torch.Tensor], dtype: torch.dtype | None = None) -> nn.Module:
    """The module in a dtype with a state loaded strictly."""
    module = module if dtype is None else module.to(dtype)
    module.load_state_dict(dict(state))
    return module


def model_of(system: object, shape: tuple[int, ...], classes: int, **more: object) -> Model:
    """A model round a system that no component has to build again."""
    return Model(system, "tests", {}, {"input_shape": list(shape), "classes": classes}, **more)


def small_resnet(classes: int = 3, seed: int = 0, width: int = 1) -> Model:
    """vision.resnet9 for 11 x 11 images, seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model("vision.resnet9", {"width": width}, {"input_shape": [1, 11, 11], "classes": classes})


def biased_resnet(width: int, classes: int) -> nn.Module:
    """vision.resnet9 for one channel, its convolutions with bias, as the corrective benchmark's."""
    net = ResNet9(1, classes, width)
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
    return net


def same_state(one: nn.Module, other: nn.Module) -> bool:
    """Whether two modules hold the same bytes."""
    a, b = one.state_dict(), other.state_dict()
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)
