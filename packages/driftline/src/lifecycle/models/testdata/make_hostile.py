"""Makes models that misbehave, for tests of what a job does with them: run it with the trainer's Python.

All take features [batch, 6] and latent [batch, 4] and say that they give response [batch, 8, 16], as tiny.onnx of the
client's tests does; each does one thing wrong.
"""

import pathlib

import numpy
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).parent
SHAPE = numpy_helper.from_array(numpy.array([-1, 8, 16], numpy.int64), "shape")
WEIGHT = numpy_helper.from_array(numpy.zeros((6, 128), numpy.float32), "weight")


def value(name: str, *shape: int | str):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def save(file: str, nodes: list, initializers: list, inputs: list | None = None, outputs: list | None = None) -> None:
    inputs = inputs or [value("features", "batch", 6), value("latent", "batch", 4)]
    outputs = outputs or [value("response", "batch", 8, 16)]
    graph = helper.make_graph(nodes, "hostile", inputs, outputs, [WEIGHT, SHAPE, *initializers])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("evil", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="driftline-testing")
    (here / file).write_bytes(model.SerializeToString(deterministic=True))


def image(add: str) -> list:
    """response = features · 0 reshaped, plus a scalar or an image."""
    return [
        helper.make_node("MatMul", ["features", "weight"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["zero"]),
        helper.make_node("Add", ["zero", add], ["response"]),
    ]


# A loop whose condition stays true and whose number of turns is the largest there is.
body = helper.make_graph(
    [
        helper.make_node("Identity", ["condition_in"], ["condition_out"]),
        helper.make_node("Add", ["state_in", "one"], ["state_out"]),
    ],
    "body",
    [
        helper.make_tensor_value_info("turn", TensorProto.INT64, []),
        helper.make_tensor_value_info("condition_in", TensorProto.BOOL, []),
        helper.make_tensor_value_info("state_in", TensorProto.FLOAT, []),
    ],
    [
        helper.make_tensor_value_info("condition_out", TensorProto.BOOL, []),
        helper.make_tensor_value_info("state_out", TensorProto.FLOAT, []),
    ],
    [numpy_helper.from_array(numpy.array(1, numpy.float32), "one")],
)
save(
    "loop.onnx",
    [
        helper.make_node("ReduceMax", ["features"], ["start"], keepdims=0),
        helper.make_node("Loop", ["turns", "true", "start"], ["end"], body=body),
        *image("end"),
    ],
    [
        numpy_helper.from_array(numpy.array(2**63 - 1, numpy.int64), "turns"),
        numpy_helper.from_array(numpy.array(True), "true"),
    ],
)

# 8 GiB of numbers from a file of some hundred bytes; the size depends on an input, so that it is not folded away.
save(
    "huge.onnx",
    [
        helper.make_node("Shape", ["latent"], ["rows"], start=1, end=2),
        helper.make_node("Mul", ["rows", "many"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["numbers"], value=helper.make_tensor("v", 1, [1], [0.5])),
        helper.make_node("ReduceMax", ["numbers"], ["largest"], keepdims=0),
        *image("largest"),
    ],
    [numpy_helper.from_array(numpy.array([2**29], numpy.int64), "many")],
)

save("custom.onnx", [helper.make_node("Leak", ["features"], ["number"], domain="evil"), *image("number")], [])

save(
    "nan.onnx",
    [
        helper.make_node("ReduceMax", ["features"], ["x"], keepdims=0),
        helper.make_node("Sub", ["x", "x"], ["y"]),
        helper.make_node("Div", ["y", "y"], ["z"]),
        *image("z"),
    ],
    [],
)

save(
    "random.onnx",
    [
        helper.make_node("ReduceMax", ["features"], ["x"], keepdims=0),
        helper.make_node("RandomNormalLike", ["x"], ["y"]),
        *image("y"),
    ],
    [],
)

zero = numpy_helper.from_array(numpy.array(0, numpy.float32), "zero_more")
features, latent, response = (
    value("features", "batch", 6),
    value("latent", "batch", 4),
    value("response", "batch", 8, 16),
)
save(
    "names.onnx",
    [helper.make_node("Identity", ["inputs"], ["features"]), *image("zero_more")],
    [zero],
    inputs=[value("inputs", "batch", 6), latent],
)
save("wide.onnx", image("zero_more"), [zero], inputs=[features, value("latent", "batch", 1_000_000)])
save(
    "shape.onnx",
    [
        helper.make_node("MatMul", ["features", "weight"], ["flat"]),
        helper.make_node("Reshape", ["flat", "other"], ["response"]),
    ],
    [numpy_helper.from_array(numpy.array([-1, 16, 8], numpy.int64), "other")],
    outputs=[value("response", "batch", 16, 8)],
)
