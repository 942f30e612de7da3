import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from tests.support import dataset_of, forgetting, forgetting_class, small_resnet

from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.evaluation.zero_retrain_forgetting import Params, evaluate
from neurosieve.optim.teachers import random_teacher

RANDOM = np.random.default_rng(0)
TRAIN, TEST = ((RANDOM.normal(size=(n, 1, 11, 11)).astype("float32"), np.arange(n) % 3) for n in (12, 9))
IMAGES = dataset_of({"train": TRAIN, "test": TEST})


def test_is_one_less_the_mean_divergence_over_test_rows_to_be_forgotten():
    model = small_resnet(seed=3)
    rows = torch.from_numpy(TEST[0][TEST[1] == 1])
    with torch.no_grad():
        said, random = (
            system.eval()(rows).double().softmax(1).numpy()
            for system in (model.system, random_teacher(model, 5, "zero-retrain forgetting"))
        )
    expected = 1 - (jensenshannon(said, random, axis=1) ** 2).mean()
    row = evaluate(View(forgetting_class(IMAGES, 1), model), Params(), 5).row(0, named=True)
    assert (row["metric"], row["split"], row["n"]) == ("zrf", "forget", 3)
    assert row["value"] == pytest.approx(expected, abs=1e-6)
    assert 1 - math.log(2) < row["value"] < 1


def test_the_random_network_itself_scores_one_and_a_sure_one_less():
    model = small_resnet(seed=3)
    data = forgetting_class(IMAGES, 1)
    teacher = model.with_(system=random_teacher(model, 5, "zero-retrain forgetting"))
    assert evaluate(View(data, teacher), Params(), 5)["value"][0] == pytest.approx(1, abs=1e-9)
    sure = View(data, model, runtime=lambda x: np.tile(np.float32([0, 99, 0]), (len(x), 1)))
    assert evaluate(sure, Params(), 5)["value"][0] < 0.9


def test_is_undefined_where_no_test_row_is_forgotten():
    assert evaluate(View(forgetting(IMAGES, [0, 1]), small_resnet()), Params(), 5).is_empty()


def test_a_system_that_is_no_module_is_one_line():
    with pytest.raises(UserError, match="torch module"):
        evaluate(View(forgetting_class(IMAGES, 1)), Params(), 5)
