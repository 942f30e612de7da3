import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from neurosieve.artifacts.model import build_model, read_model, write_model
from neurosieve.errors import UserError
from neurosieve.export import onnx
from neurosieve.kernels.fisher import row_gradients
from neurosieve.models.vision.vit import Params, build
from neurosieve.optim.loop import Recipe, fit
from neurosieve.optim.losses import supervised

GLYPH = {"input_shape": [1, 16, 16], "classes": 100}
TINY = {"patch": 2, "dim": 8, "depth": 1, "heads": 2}
TINY_SCHEMA = {"input_shape": [1, 6, 4], "classes": 3}


def tiny(seed=0):
    torch.manual_seed(seed)
    return build(Params(**TINY), TINY_SCHEMA).eval()


@pytest.mark.parametrize(("shape", "patch"), [([1, 16, 16], 4), ([3, 16, 24], 8), ([1, 28, 28], 7)])
def test_shapes(shape, patch):
    net = build(Params(patch=patch), {"input_shape": shape, "classes": 5}).eval()
    assert net(torch.randn(2, *shape)).shape == (2, 5)


def test_weights_of_the_default_and_of_vit_b_16():
    assert sum(p.numel() for p in build(Params(), GLYPH).parameters()) == 63_220
    with torch.device("meta"):
        params = Params(patch=16, dim=768, depth=12, heads=12, mlp_ratio=4)
        large = build(params, {"input_shape": [3, 224, 224], "classes": 1000})
    assert sum(p.numel() for p in large.parameters()) == 86_567_656
    assert {"cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.11.attn.qkv.bias", "norm.weight"} <= set(
        large.state_dict()
    )


def test_attention_is_softmax_of_scaled_products_per_head():
    net, tokens = tiny(), torch.randn(3, 7, 8)
    attention = net.blocks[0].attn
    query, key, value = attention.qkv(tokens).split(8, dim=2)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        weights = torch.softmax(query[..., part] @ key[..., part].transpose(1, 2) / 2, dim=-1)
        heads.append(weights @ value[..., part])
    torch.testing.assert_close(attention(tokens), attention.proj(torch.cat(heads, dim=2)))


def test_positions_tell_patches_apart_and_without_them_order_is_lost():
    net = tiny()
    x = torch.randn(2, 1, 6, 4)
    swapped = torch.cat([x[:, :, 2:4], x[:, :, :2], x[:, :, 4:]], dim=2)  # two rows of patches change places
    assert not torch.allclose(net(x), net(swapped), atol=1e-5)
    with torch.no_grad():
        net.pos_embed.zero_()
    torch.testing.assert_close(net(x), net(swapped))


def test_patches_are_read_row_by_row():
    net = tiny()
    x = torch.zeros(1, 1, 6, 4)
    x[0, 0, 2:4, 2:] = 1.0  # second row, second column of patches
    tokens = net.patch_embed(x)[0]
    differs = (tokens != tokens[0]).any(dim=1)
    assert differs.tolist() == [False, False, False, True, False, False]


def test_starts_with_deviation_by_inputs_and_no_bias():
    torch.manual_seed(0)
    net = build(Params(), GLYPH)
    assert net.blocks[0].mlp.fc1.weight.std().item() == pytest.approx(48**-0.5, rel=0.05)
    assert net.pos_embed.std().item() == pytest.approx(0.02, rel=0.1)
    assert not net.blocks[0].attn.qkv.bias.any()


def test_learns_to_tell_where_the_ink_is():
    draw = np.random.default_rng(0)
    labels = torch.from_numpy(draw.integers(0, 3, 96))
    x = torch.from_numpy(draw.normal(0, 0.1, (96, 1, 6, 4)).astype(np.float32))
    for row, label in enumerate(labels.tolist()):
        x[row, 0, 2 * label : 2 * label + 2] += 1.0
    net = tiny()
    fit(net, (x, labels), supervised, Recipe(30, 16, 5e-3, "adam"), torch.Generator().manual_seed(0))
    assert (net(x).argmax(dim=1) == labels).float().mean() > 0.95


def test_importances_per_row_agree_with_single_backward_passes():
    net, x, labels = tiny(), torch.randn(5, 1, 6, 4), torch.tensor([0, 1, 2, 0, 1])
    found = row_gradients(
        net, x, [torch.arange(5)], lambda logits, rows: F.cross_entropy(logits, labels[rows], reduction="none")
    )
    assert set(found) == dict(net.named_parameters()).keys()
    for name, p in net.named_parameters():
        squares = [
            torch.autograd.grad(F.cross_entropy(net(x[i : i + 1]), labels[i : i + 1]), p)[0] ** 2 for i in range(5)
        ]
        torch.testing.assert_close(found[name], torch.stack(squares).mean(dim=0), rtol=1e-3, atol=1e-8)


def test_survives_the_disk(tmp_path):
    model = build_model("vision.vit", TINY, TINY_SCHEMA)
    write_model(tmp_path, model)
    back = read_model(tmp_path, lambda key: tmp_path)
    x = torch.randn(2, 1, 6, 4)
    assert torch.equal(back.system(x), model.system(x))


def test_exports_with_a_free_batch(tmp_path):
    model = build_model("vision.vit", TINY, TINY_SCHEMA)
    rows = np.random.default_rng(0).normal(size=(64, 1, 6, 4)).astype(np.float32)
    record = onnx.export(model, rows, onnx.Params(repeats=3), tmp_path)
    (difference,) = [m.value for m in record.measures if m.metric == "max_logit_difference"]
    assert difference < 1e-5


@pytest.mark.parametrize("shape", [[1, 14, 16], [256]])
def test_sides_that_are_no_multiple_of_the_patch_are_refused(shape):
    with pytest.raises(UserError, match="multiples of patch 4"):
        build(Params(), {"input_shape": shape, "classes": 10})


def test_heads_must_divide_dim():
    with pytest.raises(ValidationError, match="dim 48 is no multiple of heads 5"):
        Params(heads=5)
