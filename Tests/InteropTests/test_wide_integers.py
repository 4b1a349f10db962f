"""Integers that double precision does not hold: 2⁵³ + 1, 2⁶² + 3 and the ends of 64 bits through every kernel for integers, held
against ONNX Runtime where it has the kernel, against LiteRT's reference kernels, and against NumPy everywhere."""
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto as T, helper, numpy_helper

import modelctl
import test_tflite_read as reading
from tflite_models import Model

LOW, HIGH = {"int64": -(2**63), "uint64": 0}, {"int64": 2**63 - 1, "uint64": 2**64 - 1}


def edges(dtype):
    """Neighbours that are one double, and both ends."""
    values = [2**53 + 1, 2**53, 2**62 + 3, 2**62 + 2, 7, HIGH[dtype], HIGH[dtype] - 1, LOW[dtype], LOW[dtype] + 1, 2**53 + 3, 2**53 + 2, 0]
    return np.array(values, dtype).reshape(3, 4)


def wrapped(function, *arrays):
    with np.errstate(all="ignore"):
        return function(*arrays)


def pooled(x):
    return np.stack([x[..., i:i + 2].max(-1) for i in range(x.shape[-1] - 1)], -1)


def scattered(x, function):
    y = x.reshape(-1).copy()
    with np.errstate(all="ignore"):
        for place, value in zip(PLACES, UPDATES):
            y[place] = function(y[place], np.array(value).astype(y.dtype))
    return y


#: ONNX Runtime computes these of int64 in double precision; NumPy and TensorFlow do not.
IN_DOUBLES = {"Pow", "ReduceSum", "ReduceProd", "ReduceSumSquare", "ReduceL1"}
PLACES, UPDATES = [1, 0, 5, 1, 7, 2], [1, 3, 1, 2**53 + 1, 9, 2**62 + 3]
UNIQUE = [2**53 + 1, 2**53, 2**62 + 3, 2**53 + 1, 2**62 + 2, 2**53]


def cases(dtype):
    """By name: the operator, its inputs, its attributes, its result's index, and what NumPy says."""
    x = edges(dtype)
    other = np.roll(x, 1)
    unit, three, signed = np.array(1, dtype), np.array([[3, 1, 2**53 + 1, 7]], dtype), dtype == "int64"
    flat, places, updates = x.reshape(-1), np.array(PLACES, "int64"), np.array(UPDATES, dtype)
    axes = np.array([1], "int64")
    distinct = np.array(UNIQUE, dtype)
    result = {
        "Add": ([x, other], {}, wrapped(np.add, x, other)),
        "Sub": ([x, other], {}, wrapped(np.subtract, x, other)),
        "Mul": ([x, three], {}, wrapped(np.multiply, x, three)),
        "Div": ([x, three], {}, np.array([[abs(int(a)) // int(b) * (-1 if a < 0 else 1) for a, b in zip(row, three[0])] for row in x], dtype)),
        "Mod": ([x, three], {}, np.mod(x, three)),
        "Mod C": ([x, three], dict(fmod=1), np.fmod(x, three)),
        "Pow": ([x, np.array([1, 2, 3, 1], dtype)], {}, wrapped(np.power, x, np.array([1, 2, 3, 1], dtype))),
        "Min": ([x, other], {}, np.minimum(x, other)), "Max": ([x, other], {}, np.maximum(x, other)),
        "Clip": ([x, np.array(2**53 + 1, dtype), np.array(2**62 + 2, dtype)], {}, np.clip(x, 2**53 + 1, 2**62 + 2)),
        "Abs": ([x], {}, np.abs(x)), "Sign": ([x], {}, np.sign(x)),
        "Equal": ([x, other], {}, x == other), "Less": ([x, other], {}, x < other), "Greater": ([x, other], {}, x > other),
        "LessOrEqual": ([x, other], {}, x <= other), "GreaterOrEqual": ([x, other], {}, x >= other),
        "Where": ([x > other, x, other], {}, np.maximum(x, other)),
        "BitwiseAnd": ([x, other], {}, x & other), "BitwiseOr": ([x, other], {}, x | other), "BitwiseXor": ([x, other], {}, x ^ other),
        "BitwiseNot": ([x], {}, ~x),
        "ReduceSum": ([x, axes], dict(keepdims=0), wrapped(lambda a: a.sum(1), x)),
        "ReduceMax": ([x, axes], dict(keepdims=0), x.max(1)), "ReduceMin": ([x, axes], dict(keepdims=0), x.min(1)),
        "ReduceProd": ([x | unit, axes], dict(keepdims=0), wrapped(lambda a: a.prod(1), x | unit)),
        "ReduceMax of nothing": ([x[:, :0], axes], dict(keepdims=0), np.full(3, LOW[dtype], dtype)),
        "ReduceMin of nothing": ([x[:, :0], axes], dict(keepdims=0), np.full(3, HIGH[dtype], dtype)),
        "ReduceMean": ([np.array([[2**53 + 1, 2**53 + 3]], dtype), axes], dict(keepdims=0), np.array([2**53 + 2], dtype)),
        "ReduceSumSquare": ([x, axes], dict(keepdims=0), wrapped(lambda a: (a * a).sum(1), x)),
        "ReduceL1": ([x, axes], dict(keepdims=0), wrapped(lambda a: np.abs(a).sum(1), x)),
        "CumSum": ([x, np.array(1, "int64")], {}, wrapped(lambda a: np.cumsum(a, 1), x)),
        "ArgMax": ([x], dict(axis=1, keepdims=0), x.argmax(1)), "ArgMin": ([x], dict(axis=1, keepdims=0), x.argmin(1)),
        "TopK": ([x, np.array([3], "int64")], {}, np.sort(x, 1)[:, ::-1][:, :3]),
        "TopK#1": ([x, np.array([4], "int64")], dict(largest=0), np.argsort(x, 1, kind="stable")),
        "Unique": ([distinct], {}, np.unique(distinct)),
        "Unique#2": ([distinct], {}, np.unique(distinct, return_inverse=True)[1]),
        "MaxPool": ([x[None]], dict(kernel_shape=[2]), pooled(x[None])),
        "OneHot": ([np.array([1, -1, 9], "int64"), np.array(3, "int64"), np.array([2**53 + 1, 2**62 + 3], dtype)], {},
                   np.where(np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], bool), np.array(2**62 + 3, dtype), np.array(2**53 + 1, dtype))),
        "Range": ([np.array(HIGH[dtype] - 7, dtype), np.array(HIGH[dtype], dtype), np.array(3, dtype)], {},
                  np.array([HIGH[dtype] - 7, HIGH[dtype] - 4, HIGH[dtype] - 1], dtype)),
        "MatMul": ([x, other.T], {}, wrapped(np.matmul, x, other.T)),
        "Gather": ([flat, places], {}, flat[places]), "Concat": ([x, other], dict(axis=0), np.concatenate([x, other])),
        "Pad": ([flat, np.array([1, 2], "int64"), np.array(2**53 + 1, dtype)], {}, np.pad(flat, (1, 2), constant_values=2**53 + 1)),
        "Expand": ([x[:, None], np.array([3, 2, 4], "int64")], {}, np.broadcast_to(x[:, None], (3, 2, 4))),
        "NonZero": ([flat], {}, np.stack(np.nonzero(flat))),
        "Sum": ([x, other, other], {}, wrapped(lambda a, b: a + b + b, x, other)),
    }
    for name in ("add", "mul", "max", "min"):
        function = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[name]
        result[f"ScatterElements {name}"] = [flat, places, updates], dict(reduction=name), scattered(flat, function)
        result[f"ScatterND {name}"] = [flat, places[:, None], updates], dict(reduction=name), scattered(flat, function)
    for to in ("float32", "float16", "float64", "int32", "uint8", "bool", "uint64" if signed else "int64"):
        wide = np.array([[2**62 + 2**38 + 1, 2**24 + 1, 2**53 + 1, 2**40 + 2**16 + 1]], dtype)
        source = np.concatenate([x, wide]) if to != "float16" else np.array([1 + 2**11, 2**15 + 2**4 + 1, 77], dtype)
        result[f"Cast {to}"] = [source], dict(to=helper.np_dtype_to_tensor_dtype(np.dtype(to))), wrapped(lambda a: a.astype(to), source)
    result["Cast text"] = [x], dict(to=T.STRING), x.astype(str).astype(object)
    if signed:
        result["Neg"] = [x], {}, wrapped(np.negative, x)
        result["Range down"] = [np.array(LOW[dtype] + 7), np.array(LOW[dtype]), np.array(-3)], {}, np.array([LOW[dtype] + 7, LOW[dtype] + 4, LOW[dtype] + 1])
    else:
        for direction, function in (("LEFT", np.left_shift), ("RIGHT", np.right_shift)):
            result[f"BitShift {direction}"] = [x, three % np.array(64, dtype)], dict(direction=direction), function(x, three % np.array(64, dtype))
    return result


def node(name, inputs, attributes, result):
    op, _, index = name.split(" ")[0].partition("#")
    index = int(index or 0)
    outputs = [f"{result}_{place}" for place in range(index)] + [result]
    return helper.make_node(op, inputs, outputs, **attributes)


def graph_of(cases):
    """One model with every case in it, its inputs by name."""
    nodes, feeds, outputs, constants = [], {}, [], []
    for place, (name, (arrays, attributes, expected)) in enumerate(cases.items()):
        names = [f"x{place}_{index}" for index in range(len(arrays))]
        nodes.append(node(name, names, attributes, f"y{place}"))
        # What TopK, reductions and the like take as numbers stands in the file.
        for index, (key, array) in enumerate(zip(names, arrays)):
            if index and array.dtype == "int64" and array.size < 4 and not name.startswith(("Clip", "Range", "Pow")):
                constants.append(numpy_helper.from_array(array, key))
            else:
                feeds[key] = array
        outputs.append(helper.make_tensor_value_info(f"y{place}", helper.np_dtype_to_tensor_dtype(expected.dtype), None))
    infos = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for k, a in feeds.items()]
    graph = helper.make_graph(nodes, "wide", infos, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), feeds


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_onnx(dtype, tmp_path):
    table = cases(dtype)
    model, feeds = graph_of(table)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    np.savez(tmp_path / "in.npz", **feeds)
    modelctl.run("run", path, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=True) as file:
        results = [file[f"y{place}"] for place in range(len(table))]
    wrong = []
    for (name, (_, _, expected)), result in zip(table.items(), results):
        if result.dtype.kind == "S":
            result = result.astype(str).astype(object)
        if result.dtype != expected.dtype and expected.dtype != object or not np.array_equal(result, expected):
            wrong.append(f"{name}: {result.tolist()} instead of {expected.tolist()}")
    assert not wrong, "\n".join(wrong)
    # NumPy says what ONNX Runtime says, where it has a kernel.
    judged = 0
    for name, case in table.items():
        single, inputs = graph_of({name: case})
        try:
            session = onnxruntime.InferenceSession(single.SerializeToString(), providers=["CPUExecutionProvider"])
        except Exception as error:
            assert "NOT_IMPLEMENTED" in str(error) or "INVALID_GRAPH" in str(error) or "Type Error" in str(error), (name, error)
            continue
        if name in IN_DOUBLES:
            continue
        judged += 1
        (answer,) = session.run(None, inputs)
        assert np.array_equal(answer, case[2]), (name, answer, case[2])
    assert judged >= (55 if dtype == "int64" else 42), judged


def lite_cases():
    x = edges("int64")
    other, flat, axis = np.roll(x, 1), x.reshape(-1), np.array([1], "int32")
    three = np.array([[3, 1, 2**53 + 1, 7]])
    places, updates = np.array(PLACES, "int32")[:, None], np.array(UPDATES)
    kept, rows = ("int64", [3, 4]), ("int64", [3])
    reduce = ("ReducerOptions", dict(keepDims=False))
    yield "SCATTER_ND", [places, updates, np.array([8], "int32")], ("int64", [8]), None, (2,)
    yield "RANGE", [np.array(2**63 - 8), np.array(2**63 - 1), np.array(3)], ("int64", [3]), None, (0, 1, 2)
    yield "RANGE", [np.array(2**53 + 5), np.array(2**53 + 1), np.array(-1)], ("int64", [4]), None, (0, 1, 2)
    for code in ("ADD", "SUB", "MUL"):
        yield code, [x, three], kept, (f"{code.title()}Options", dict()), ()
    for code in ("MAXIMUM", "MINIMUM"):
        yield code, [x, other], kept, ("MaximumMinimumOptions", dict()), ()
    yield "FLOOR_MOD", [x, three], kept, ("FloorModOptions", dict()), ()
    for code in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
        yield code, [x, other], ("bool", [3, 4]), None, ()
    yield "SELECT_V2", [x > other, x, other], kept, None, ()
    for code in ("SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        yield code, [x, axis], rows, reduce, (1,)
    yield "CUMSUM", [x, np.array(1, "int32")], kept, ("CumsumOptions", dict()), (1,)
    yield "NEG", [x], kept, ("NegOptions", dict()), ()
    yield "TOPK_V2", [x, np.array(3, "int32")], ("int64", [3, 3]), None, (1,)
    yield "ONE_HOT", [np.array([1, 2], "int32"), np.array(3, "int32"), np.array(2**62 + 3), np.array(2**53 + 1)], ("int64", [2, 3]), ("OneHotOptions", dict(axis=-1)), (1, 2, 3)
    yield "CAST", [np.append(flat, 2**62 + 2**38 + 1)], ("float32", [13]), None, ()
    yield "CAST", [flat], ("int32", [12]), None, ()
    yield "PADV2", [x, np.array([[0, 1], [1, 0]], "int32"), np.array(2**53 + 1)], ("int64", [4, 5]), None, (1,)
    yield "TILE", [x, np.array([1, 2], "int32")], ("int64", [3, 8]), None, (1,)
    yield "FILL", [np.array([2, 2], "int32"), np.array(2**53 + 1)], ("int64", [2, 2]), None, (0,)


def test_tflite(tmp_path):
    model, feeds, codes = Model(), {}, []
    graph = model.graph("main")
    for code, arrays, result, options, constants in lite_cases():
        numbers = []
        for index, array in enumerate(map(np.asarray, arrays)):
            name = f"{code}{len(codes)}_{index}"
            if index in constants:
                numbers.append(graph.constant(name, array))
            else:
                numbers.append(graph.input(name, str(array.dtype), array.shape))
                feeds[name] = array
        graph.output(*graph.op(code, numbers, [result, ("int32", result[1])] if code == "TOPK_V2" else [result], options))
        codes += [code] * (2 if code == "TOPK_V2" else 1)
    path = tmp_path / "model.tflite"
    model.write(path)
    expected, actual = reading.run_litert(path, feeds), reading.run_modelctl(path, feeds)
    wrong = [f"{code}: {a.tolist()} instead of {e.tolist()}" for code, a, e in zip(codes, actual, expected, strict=True)
             if a.dtype != e.dtype or not np.array_equal(a, e)]
    assert not wrong, "\n".join(wrong)
