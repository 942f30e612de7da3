"""A network as an ONNX graph: written from an eval-mode module with a free batch dimension; the weights in a graph."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.errors import UserError

if TYPE_CHECKING:
    import onnx
    from torch import nn

BATCHES = (1, 2, 7, 64)
"""Rows per batch at which every file is run."""


def written(module: nn.Module, example: np.ndarray, opset: int) -> bytes:
    """The bytes of an ONNX file of an eval-mode module with input `x` [batch, ...] and a free batch dimension.

    Raises UserError where the network cannot be exported, or only with a fixed batch.
    """
    import torch

    _check_batches(module, example)
    inputs = torch.from_numpy(rows(example, 2))
    logging.disable(logging.WARNING)  # the exporter reports every optional package that is not installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (inputs,),
                dynamo=True,
                opset_version=opset,
                input_names=["x"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    except Exception as error:  # the exporter wraps whatever a user's module raises
        raise UserError(f"export to ONNX: the network cannot be exported: {_reason(error)}") from None
    finally:
        logging.disable(logging.NOTSET)
    if program is None:
        raise UserError("export to ONNX: the exporter returned nothing")
    _check_graph(program.model_proto, opset)
    return clean(program.model_proto)


def rows(example: np.ndarray, batch: int) -> np.ndarray:
    """`batch` rows, repeating those of the example [n, ...] in turn."""
    return example[np.arange(batch) % len(example)]


def clean(proto: onnx.ModelProto) -> bytes:
    """Bytes of the graph without the notes of the tools that made it (they hold paths of this machine)."""
    for owner in [
        proto,
        proto.graph,
        *proto.graph.node,
        *proto.graph.input,
        *proto.graph.output,
        *proto.graph.value_info,
        *proto.graph.initializer,
        *proto.functions,
    ]:
        del owner.metadata_props[:]
        owner.doc_string = ""
    return proto.SerializeToString(deterministic=True)


def weights(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Single-precision tensors of one dimension and more stored in a graph, by name: weights, biases, constants."""
    from onnx import TensorProto, numpy_helper

    return {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in proto.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and len(tensor.dims)
    }


def count_nonzeros(tensors: dict[str, np.ndarray]) -> int:
    """Elements that are not 0."""
    return sum(int(np.count_nonzero(value)) for value in tensors.values())


def _check_batches(module: nn.Module, example: np.ndarray) -> None:
    """Run the network at every batch size. Raises UserError naming the operation that forbids one."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Last(TorchDispatchMode):
        name = "no operation"

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            self.name = str(func)
            return func(*args, **(kwargs or {}))

    for batch in BATCHES:
        last = Last()
        try:
            with torch.no_grad(), last:
                module(torch.from_numpy(rows(example, batch)))
        except Exception as error:
            raise UserError(
                f"export to ONNX: the network does not run at a batch of {batch}: {last.name} fails"
                f" ({_reason(error)}); let it accept any number of rows"
            ) from None


def _check_graph(proto: onnx.ModelProto, opset: int) -> None:
    """Raises UserError when the batch dimension is not free or the operator set is not the one asked for."""
    versions = {entry.domain: entry.version for entry in proto.opset_import}
    if versions[""] != opset:
        raise UserError(f"export to ONNX: operator set {opset} asked for, the exporter gave {versions['']}")
    first = proto.graph.input[0].type.tensor_type.shape.dim[0]
    if not first.dim_param:
        raise UserError(
            f"export to ONNX: an operation of the network fixes the batch to {first.dim_value} rows (a size turned"
            " into a number, or a branch on it); use sizes of the input tensor instead"
        )


def _reason(error: BaseException) -> str:
    """First line of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
