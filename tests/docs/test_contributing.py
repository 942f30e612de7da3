"""The component that CONTRIBUTING.md shows works as it stands."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import torch
from tests.support import same_state, small_resnet

from neurosieve.artifacts.log import Log

ROOT = Path(__file__).parents[2]


def test_the_component_shown_adds_noise_of_the_size_asked_for(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "weight_noise.py").write_text(code)
    spec = importlib.util.spec_from_file_location("weight_noise", tmp_path / "weight_noise.py")
    assert spec is not None
    assert spec.loader is not None
    shown = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shown)
    before, log = small_resnet(), Log()
    noisy, again, other = (shown.intervene(before, shown.Params(sd=0.5), seed, log) for seed in (1, 1, 2))
    assert same_state(noisy.system, again.system)
    assert not same_state(noisy.system, other.system)
    assert same_state(before.system, small_resnet().system)
    pairs = zip(before.system.parameters(), noisy.system.parameters(), strict=True)
    added = torch.cat([(new - old).flatten() for old, new in pairs])
    assert abs(added.std().item() - 0.5) < 5 * 0.5 / (2 * len(added)) ** 0.5
    assert log.timings.keys() == {"intervention_seconds"}
