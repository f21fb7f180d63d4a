"""minilm-graph.py MODEL_FOLDER: writes model.onnx beside a BERT embedding model's config.json and model.safetensors.

The graph holds no weights: each of its tensors names the bytes of model.safetensors (ONNX external data), so the folder holds them once.
One sentence in, its embedding out: mean of the last layer over all tokens, L2-normalised, as the model's card says.
"""
import json
import struct
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = "model.safetensors"
DTYPES = {"F32": TensorProto.FLOAT}


class Graph:
    """Collects nodes and tensors; every method returns the name of what it added."""

    def __init__(self, folder):
        self.nodes, self.tensors = [], []
        with open(f"{folder}/{WEIGHTS}", "rb") as file:
            # safetensors: 8 bytes little-endian length of a JSON header, the header, then the tensors; offsets count from the header's end.
            (length,) = struct.unpack("<Q", file.read(8))
            self.header, self.start = json.loads(file.read(length)), 8 + length

    def constant(self, value, dtype):
        name = f"constant{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(numpy.array(value, dtype), name))
        return name

    def weight(self, name, rows=None):
        """The tensor `name` of the safetensors file, or its first `rows` rows."""
        entry = self.header[name]
        shape = entry["shape"] if rows is None else [rows, *entry["shape"][1:]]
        tensor = TensorProto(name=f"{name}{rows or ''}", data_type=DTYPES[entry["dtype"]], dims=shape, data_location=TensorProto.EXTERNAL)
        size = int(numpy.prod(shape)) * 4
        for key, value in {"location": WEIGHTS, "offset": self.start + entry["data_offsets"][0], "length": size}.items():
            tensor.external_data.add(key=key, value=str(value))
        self.tensors.append(tensor)
        return tensor.name

    def node(self, operator, *inputs, output=None, **attributes):
        output = output or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def linear(self, x, prefix):
        transposed = self.node("Transpose", self.weight(prefix + ".weight"), perm=[1, 0])
        return self.node("Add", self.node("MatMul", x, transposed), self.weight(prefix + ".bias"))

    def layer_norm(self, x, prefix, epsilon):
        return self.node("LayerNormalization", x, self.weight(prefix + ".weight"), self.weight(prefix + ".bias"), axis=-1, epsilon=epsilon)


def build(folder):
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    heads, hidden, epsilon = config["num_attention_heads"], config["hidden_size"], config["layer_norm_eps"]
    g = Graph(folder)
    zero, one, two = (g.constant([n], numpy.int64) for n in range(3))
    length = g.node("Slice", g.node("Shape", "input_ids"), one, two, zero)
    positions = g.node("Slice", g.weight("embeddings.position_embeddings.weight"), zero, length, zero)
    words = g.node("Gather", g.weight("embeddings.word_embeddings.weight"), "input_ids")
    first_sentence = g.weight("embeddings.token_type_embeddings.weight", rows=1)
    x = g.layer_norm(g.node("Add", g.node("Add", words, positions), first_sentence), "embeddings.LayerNorm", epsilon)
    split = g.constant([0, -1, heads, hidden // heads], numpy.int64)
    joined = g.constant([0, -1, hidden], numpy.int64)
    scale = g.constant((hidden // heads) ** -0.5, numpy.float32)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}."

        def projected(kind, perm):
            linear = g.linear(x, f"{prefix}attention.self.{kind}")
            return g.node("Transpose", g.node("Reshape", linear, split), perm=perm)

        scores = g.node("MatMul", projected("query", [0, 2, 1, 3]), projected("key", [0, 2, 3, 1]))
        attention = g.node("Softmax", g.node("Mul", scores, scale), axis=-1)
        context = g.node("Transpose", g.node("MatMul", attention, projected("value", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        attended = g.linear(g.node("Reshape", context, joined), prefix + "attention.output.dense")
        x = g.layer_norm(g.node("Add", x, attended), prefix + "attention.output.LayerNorm", epsilon)
        inner = g.node("Gelu", g.linear(x, prefix + "intermediate.dense"))
        x = g.layer_norm(g.node("Add", x, g.linear(inner, prefix + "output.dense")), prefix + "output.LayerNorm", epsilon)
    mean = g.node("ReduceMean", x, one, keepdims=0)
    g.node("LpNormalization", mean, output="embedding", axis=-1, p=2)
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, hidden])]
    graph = helper.make_graph(g.nodes, "sentence-embedding", inputs, outputs, g.tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


if __name__ == "__main__":
    model, path = build(sys.argv[1]), f"{sys.argv[1]}/model.onnx"
    with open(path, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))
    onnx.checker.check_model(path)
