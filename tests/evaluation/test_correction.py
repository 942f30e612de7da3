import numpy as np
import pytest
from tests.support import dataset_of, model_of
from torch import nn

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.view import View
from neurosieve.datasets.corruption import backdoor, interclass, label_swap
from neurosieve.errors import UserError
from neurosieve.evaluation import correction, correction_rule


class Blind(nn.Module):
    """Tells a row's class from its first pixel, but says 0 where the last pixel is bright."""

    def forward(self, x):
        said = nn.functional.one_hot(x[:, 0, 0, 0].long(), 4).float()
        said[:, 0] += 5.0 * (x[:, 0, -1, -1] > 8)
        return said


def images(labels):
    x = np.zeros((len(labels), 1, 5, 5), np.float32)
    x[:, 0, 0, 0] = labels
    x[:, 0, 2, 2] = 9.0
    return x, np.array(labels)


CLEAN = dataset_of(
    {"train": images([0, 1, 2, 3] * 5), "validation": images([0, 1, 2, 3]), "test": images([1, 2, 3, 3])}
)
MODEL = model_of(Blind(), (1, 5, 5), 4)
NAMED = CLEAN.info.model_copy(update={"class_names": ("a", "b", "c", "d")})


def measured(dataset, selected=None, **params):
    selection = None if selected is None else Selection({"train": np.asarray(selected)}, "rows of a test")
    rows = correction.evaluate(View(Data.of(dataset, selection), MODEL), correction.Params(**params))
    assert set(rows["metric"]) == {"accuracy"}
    return {row["split"]: (row["value"], row["n"]) for row in rows.iter_rows(named=True)}


def test_poison_is_judged_on_test_rows_with_the_trigger_set():
    bad = backdoor.prepare(backdoor.Params(rows=8, patch=2), CLEAN, 0)
    train = bad.split("train")
    rows = np.flatnonzero(train["manipulated"])
    truly = float((train["true_label"][rows] == 0).mean())
    found = measured(bad, rows[:3], patch=2)
    assert found == {"corrected": (0.0, 4), "retain": (1.0, 4), "manipulated": (truly, 8), "identified": (1.0, 3)}


def test_confusion_is_judged_on_test_rows_of_the_two_classes():
    bad = interclass.prepare(interclass.Params(rows=4, classes=(1, 3)), CLEAN, 0)
    assert measured(bad) == {"corrected": (1.0, 3), "retain": (1.0, 1), "manipulated": (1.0, 4)}


def test_swapped_labels_of_all_classes_leave_nothing_to_retain():
    bad = label_swap.prepare(label_swap.Params(rows=19), CLEAN, 0)
    assert measured(bad) == {"corrected": (1.0, 4), "manipulated": (1.0, 19)}


def test_a_trigger_of_another_size_is_told():
    bad = backdoor.prepare(backdoor.Params(rows=8, patch=2), CLEAN, 0)
    with pytest.raises(UserError, match="patch 3 is larger than the one"):
        measured(bad)


def test_a_clean_dataset_is_told():
    with pytest.raises(UserError, match="toy is not manipulated"):
        measured(CLEAN)


def test_the_rule_looks_at_validation_rows_and_identified_rows():
    bad = backdoor.prepare(backdoor.Params(rows=8, patch=2), CLEAN, 0)
    rows = np.flatnonzero(bad.split("train")["manipulated"])[:4]
    given = {name: split for name, split in bad.splits.items() if name != "test"}
    data = Data(bad.info.model_copy(update={"class_names": NAMED.class_names}), given, Selection({"train": rows}, ""))
    found = correction_rule.evaluate(View(data, MODEL), correction_rule.Params())
    assert found["value"].to_list() == pytest.approx([1.0 - (1.0 - 0.25 - 0.05)])
    assert found["split"].to_list() == ["validation"]
