"""Makes the tiny generator and its reference of the client's tests: run it here with the trainer's Python.

features [batch, 6] and latent [batch, 4] go through one layer: response = relu(scaled features . W + latent . V + b),
[batch, 8, 16]. The reference outputs are NumPy's in float64, so that the runtime is compared with a second
implementation. Also made: a graph whose weights lie in another file, which must not be opened.
"""

import json
import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).parent
random = numpy.random.RandomState(20)
LOW = numpy.array([-20, -60, 35, 27, 0, 0.2], numpy.float32)
HIGH = numpy.array([20, 60, 290, 42, 52, 2.5], numpy.float32)


def rounded(values: numpy.ndarray) -> numpy.ndarray:
    """Weights with few significant bits: the file compresses well and sums are exact in float32."""
    return (numpy.round(values * 64) / 64).astype(numpy.float32)


weights = {
    "low": LOW,
    "span": HIGH - LOW,
    "w": rounded(random.normal(size=(6, 128)) * 4),
    "v": rounded(random.normal(size=(4, 128))),
    "b": rounded(random.normal(size=128) * 2),
    "shape": numpy.array([-1, 8, 16], numpy.int64),
}


def graph(initializers: list[TensorProto]) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Sub", ["features", "low"], ["shifted"]),
        helper.make_node("Div", ["shifted", "span"], ["scaled"]),
        helper.make_node("Gemm", ["scaled", "w", "b"], ["hidden"]),
        helper.make_node("MatMul", ["latent", "v"], ["noise"]),
        helper.make_node("Add", ["hidden", "noise"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["positive"]),
        helper.make_node("Reshape", ["positive", "shape"], ["response"]),
    ]
    inputs = [
        helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 6]),
        helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", 4]),
    ]
    outputs = [helper.make_tensor_value_info("response", TensorProto.FLOAT, ["batch", 8, 16])]
    return helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, outputs, initializers),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
        producer_name="driftline-testing",
    )


def safetensors(tensors: dict[str, numpy.ndarray]) -> bytes:
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(v.tobytes() for v in tensors.values())


model = graph([numpy_helper.from_array(values, name) for name, values in weights.items()])
onnx.checker.check_model(model)
(here / "tiny.onnx").write_bytes(model.SerializeToString(deterministic=True))

features = (LOW + (HIGH - LOW) * random.uniform(size=(16, 6))).astype(numpy.float32)
latent = random.normal(size=(16, 4)).astype(numpy.float32)
w = {name: values.astype(numpy.float64) for name, values in weights.items() if name != "shape"}
hidden = (features.astype(numpy.float64) - w["low"]) / w["span"] @ w["w"] + w["b"] + latent @ w["v"]
response = numpy.maximum(hidden, 0).reshape(16, 8, 16).astype(numpy.float32)
(here / "tiny.reference.safetensors").write_bytes(
    safetensors({"features": features, "latent": latent, "response": response})
)

hostile = [numpy_helper.from_array(values, name) for name, values in weights.items()]
for tensor in hostile:
    if tensor.name == "w":
        size = len(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": "weights.bin", "offset": "0", "length": str(size)}.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
(here / "external.onnx").write_bytes(graph(hostile).SerializeToString(deterministic=True))
