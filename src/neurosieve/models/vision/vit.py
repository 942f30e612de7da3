"""Vision transformer: an image as a sequence of patches, read out at a class token.

Dosovitskiy et al., "An Image is Worth 16x16 Words" (ICLR 2021), equations 1 to 4: patches of `patch` pixels a side
are mapped linearly to `dim` values, a learnt class token goes in front, learnt positions are added, then come `depth`
blocks
  z = z + attention(norm(z)), z = z + mlp(norm(z)),
and the logits are a linear map of the normed class token. GELU, LayerNorm with epsilon 1e-6, biases everywhere, no
dropout. Weights start truncated normal with deviation 1 / sqrt(inputs), tokens with 0.02, biases at 0. The defaults fit
16 x 16 images (16 patches; 63,220 weights for 100 classes); ViT-B/16 is patch 16, dim 768, depth 12, heads 12,
mlp_ratio 4. Parameters are named as in the package timm, so that its weights load.
Inputs [rows, channels, height, width], outputs logits [rows, classes].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from neurosieve.errors import UserError

DEVIATION = 0.02
EPSILON = 1e-6


class Params(BaseModel):
    """The network's size."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    patch: int = Field(4, ge=1)
    """Side of a patch in pixels; divides both sides of the image."""
    dim: int = Field(48, ge=1)
    """Values per token; a multiple of `heads`."""
    depth: int = Field(2, ge=1)
    """Blocks."""
    heads: int = Field(4, ge=1)
    """Attention heads per block."""
    mlp_ratio: float = Field(4.0, gt=0)
    """Hidden units of a block's mlp over `dim`."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Params:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is no multiple of heads {self.heads}")
        return self


def build(params: Params, schema: Mapping[str, Any]) -> nn.Module:
    """A fresh network for `schema["input_shape"]` = [channels, height, width] and `schema["classes"]`.

    Raises UserError when the input is no image or its sides are no multiples of the patch.
    """
    shape = tuple(schema["input_shape"])
    if len(shape) != 3 or shape[1] % params.patch or shape[2] % params.patch:
        raise UserError(
            f"vision.vit needs images [channels, height, width] whose sides are multiples of patch {params.patch},"
            f" the data have shape {list(shape)}; choose another patch or size"
        )
    return VisionTransformer(shape, int(schema["classes"]), params)


class VisionTransformer(nn.Module):
    """See the module's description."""

    def __init__(self, shape: tuple[int, ...], classes: int, params: Params) -> None:
        super().__init__()
        dim, patch = params.dim, params.patch
        self.patch_embed = _Patches(shape[0], dim, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (shape[1] // patch) * (shape[2] // patch), dim))
        hidden = round(dim * params.mlp_ratio)
        self.blocks = nn.Sequential(*[_Block(dim, params.heads, hidden) for _ in range(params.depth)])
        self.norm = nn.LayerNorm(dim, EPSILON)
        self.head = nn.Linear(dim, classes)
        self.apply(_start)
        for token in (self.cls_token, self.pos_embed):
            nn.init.trunc_normal_(token, std=DEVIATION)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits [rows, classes] of images [rows, channels, height, width]."""
        patches = self.patch_embed(inputs)
        tokens = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(tokens)[:, 0]))


class _Patches(nn.Module):
    def __init__(self, channels: int, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch, patch)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Tokens [rows, patches, dim], row by row of the image."""
        return self.proj(inputs).flatten(2).transpose(1, 2)


class _Block(nn.Module):
    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, EPSILON), _Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, EPSILON), _Mlp(dim, hidden)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """softmax(q k' / sqrt(dim / heads)) v per head, heads side by side, mapped linearly."""
        # no size enters as a number: the batch stays free in exports
        split = self.qkv(tokens).unflatten(2, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind()
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class _Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(tokens)))


def _start(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.trunc_normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
