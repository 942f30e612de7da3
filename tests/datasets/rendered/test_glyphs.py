import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.artifacts.dataset import read_dataset, write_dataset
from neurosieve.datasets.rendered import glyphs
from neurosieve.datasets.rendered.glyphs import FACES, SETS, Params, prepare
from neurosieve.datasets.selection import where
from neurosieve.errors import UserError

STILL = {"rotation": 0, "scale": (1.0, 1.0), "shear": 0, "shift": 0, "scaling": "unit"}
FEW = {"faces": ("Sans", "Serif"), "test_faces": ("Serif",)}


@pytest.fixture(scope="module")
def made():
    return prepare(Params(), 0)


def rows_by_id(dataset, column="x"):
    return {name: row for split in dataset.splits.values() for name, row in zip(split.ids, split[column], strict=True)}


def test_glyph100_has_its_shapes_counts_and_faces(made):
    train, test = made.split("train"), made.split("test")
    assert (train.x.shape, train.x.dtype, train.y.dtype) == ((5400, 1, 16, 16), np.float32, np.int64)
    assert np.bincount(train.y).tolist() == [54] * 100
    assert np.bincount(test.y).tolist() == [18] * 100
    assert set(test["face"]) == {"Sans-Oblique", "SansMono-Bold", "Serif"}
    assert set(train["face"]) == set(FACES) - set(test["face"])
    assert (made.info.name, made.info.origin) == ("glyph100", "rendered")
    assert set(made.splits) == {"train", "test"}


def test_the_set_is_latin_cyrillic_greek_and_armenian():
    chars = SETS["glyph100"]
    assert len(set(chars)) == len(chars) == 100
    blocks = [chars[:26], chars[26:57], chars[57:82], chars[82:]]
    assert [(b[0], b[-1]) for b in blocks] == [("A", "Z"), ("б", "я"), ("α", "ω"), ("ա", "ղ")]
    assert len(FACES) == 12


def test_columns_agree_with_each_other(made):
    train = made.split("train")
    np.testing.assert_array_equal(train["label"], train["fine"])
    np.testing.assert_array_equal(train["coarse"], train["fine"] // 5)
    assert "".join(made.info.class_names) == SETS["glyph100"]
    np.testing.assert_array_equal(train["char"], np.array(made.info.class_names)[train["fine"]])
    expected = [f"{c:03d}-{f}-{j}" for c, f, j in zip(train["fine"], train["face"], train["jitter"], strict=True)]
    np.testing.assert_array_equal(train.ids, expected)


def test_training_pixels_are_standardised_and_test_pixels_by_their_figures(made):
    raw = prepare(Params(scaling="unit"), 0)
    x = raw.split("train").x
    assert (x.min(), x.max() <= 1, x.max() > 0.9) == (0, True, True)
    for name in ("train", "test"):
        expected = (raw.split(name).x - x.mean(dtype=np.float64)) / x.std(dtype=np.float64)
        np.testing.assert_allclose(made.split(name).x, expected, atol=1e-4)


def test_equal_seeds_give_equal_bytes_and_other_seeds_other_jitter(made):
    again, other = prepare(Params(), 0), prepare(Params(), 1)
    for name in made.splits:
        assert made.split(name).table.equals(again.split(name).table)
    one, two = rows_by_id(made), rows_by_id(other)
    assert all(not np.array_equal(one[name], two[name]) for name in list(one)[:200])


def test_rows_lie_in_random_order(made):
    assert np.count_nonzero(np.diff(made.split("train").y)) > 5200


def test_coarse_labels_are_the_same_pictures_and_the_same_rule_finds_the_class(made):
    coarse = prepare(Params(labels="coarse"), 0)
    assert coarse.split("train").x.tobytes() == made.split("train").x.tobytes()
    np.testing.assert_array_equal(coarse.split("train").y, made.split("train").y // 5)
    assert (len(coarse.info.class_names), coarse.info.class_names[0]) == (20, "ABCDE")
    chosen = [where.prepare(where.Params(where="fine = 12"), d).rows for d in (made, coarse)]
    assert {name: len(rows) for name, rows in chosen[0].items()} == {"train": 54, "test": 18}
    assert all(np.array_equal(chosen[0][name], chosen[1][name]) for name in chosen[0])


def test_text_columns_can_be_named_by_a_condition(made):
    rule = where.Params(where="char = 'Q' AND face = 'Serif'")
    assert {name: len(rows) for name, rows in where.prepare(rule, made).rows.items()} == {"train": 0, "test": 6}


def test_validation_rows_come_from_training_faces_and_change_no_picture(made):
    split = prepare(Params(validation=1, scaling="unit"), 0)
    assert split.info.counts == {"train": 4500, "validation": 900, "test": 1800}
    assert set(split.split("validation")["face"]) == set(made.split("train")["face"])
    assert np.bincount(split.split("validation").y).tolist() == [9] * 100
    whole, parts = rows_by_id(prepare(Params(scaling="unit"), 0)), rows_by_id(split)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_without_jitter_ink_is_centred_and_all_jitters_are_equal():
    still = prepare(Params(chars="xЖ", jitters=2, size=64, **STILL, **FEW), 0)
    rows = rows_by_id(still)
    assert np.array_equal(rows["000-Sans-0"], rows["000-Sans-1"])
    for image in rows.values():
        for axis in (1, 2):
            inked = np.flatnonzero(image.max(axis=(0, axis)))
            assert abs((inked[0] + inked[-1]) / 2 - 31.5) <= 1


def ink_centre(image):
    weights = image[0] / image.sum()
    return np.array([(weights.sum(axis=1 - axis) * (np.arange(len(weights)) + 0.5)).sum() for axis in (1, 0)])


def spread(image):
    place = np.arange(image.shape[1]) + 0.5 - ink_centre(image)[0]
    return np.sqrt((image[0].sum(axis=0) * place**2).sum() / image.sum())


def test_shift_and_scale_move_and_widen_the_ink_as_far_as_told():
    def drawn(**change):
        params = Params(chars="H", jitters=40, size=64, **{**STILL, **change}, **FEW)
        return rows_by_id(prepare(params, 3))

    still = drawn()
    moves = np.array([ink_centre(image) - ink_centre(still[name]) for name, image in drawn(shift=5).items()])
    assert 4 < np.abs(moves).max() <= 5.1
    scaled = drawn(scale=(0.5, 0.6)).items()
    ratios = np.array([spread(image) / spread(still[name]) for name, image in scaled])
    assert (ratios > 0.45).all()
    assert (ratios < 0.65).all()


def test_rotation_turns_about_the_centre(monkeypatch):
    params = Params(chars="F", size=64, jitters=1, **STILL, **FEW)
    quarter = np.array([0.0, 1, 0, -1, 0, 64])  # x = y', y = 64 - x'
    monkeypatch.setattr(glyphs, "_inverse_maps", lambda p, shape, draw: np.broadcast_to(quarter, (*shape, 6)))
    image = rows_by_id(prepare(params, 0))["000-Sans-0"][0]
    monkeypatch.undo()
    upright = rows_by_id(prepare(params, 0))["000-Sans-0"][0]
    np.testing.assert_allclose(image, np.rot90(upright, -1), atol=1e-6)


def test_inverse_maps_undo_rotation_scale_shear_and_shift():
    params = Params()
    numbers = glyphs._inverse_maps(params, (500,), np.random.default_rng(0)).reshape(-1, 2, 3)
    forward = np.linalg.inv(numbers[:, :, :2])
    angle = np.rad2deg(np.arctan2(forward[:, 1, 0], forward[:, 0, 0]))
    scale = np.hypot(forward[:, 0, 0], forward[:, 1, 0])
    shear = (forward[:, 0, 0] * forward[:, 0, 1] + forward[:, 1, 0] * forward[:, 1, 1]) / scale**2
    centre = np.full(2, 32.0)
    shift = np.einsum("nij,nj->ni", forward, centre - numbers[:, :, 2]) - centre
    for values, low, high in [(angle, -15, 15), (scale, 0.8, 1.2), (shear, -0.2, 0.2), (shift, -5, 5)]:
        margin = 0.05 * (high - low)
        assert low <= values.min() < low + margin
        assert high - margin < values.max() <= high


def test_a_face_without_the_character_is_refused():
    with pytest.raises(UserError, match=r"face Sans has no character '漢' \(U\+6F22\)"):
        prepare(Params(chars="A漢", **FEW), 0)


def test_a_glyph_larger_than_the_canvas_is_refused():
    with pytest.raises(UserError, match="'Щ' in face Sans at 60 px exceeds canvas 32"):
        prepare(Params(chars="Щ", px=60, canvas=32, **FEW), 0)


def test_survives_the_disk(made, tmp_path):
    write_dataset(tmp_path, made)
    back = read_dataset(tmp_path)
    assert back.info == made.info
    assert back.split("test").table.equals(made.split("test").table)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"faces": ("Sans", "Comic")}, "no face 'Comic'"),
        ({"chars": "ABA"}, "'A' stands twice"),
        ({"faces": ("Serif",), "test_faces": ("Serif",)}, "some, not all"),
        ({"size": 15}, "canvas 64 is no multiple of size 15"),
        ({"scale": (1.2, 0.8)}, "no range of positive factors"),
        ({"validation": 6}, "leaves no training row"),
        ({"set": "glyph50"}, "glyph100"),
        ({"labels": "medium"}, "fine"),
    ],
)
def test_bad_parameters_are_refused(bad, words):
    with pytest.raises(ValidationError, match=words):
        Params(**bad)
