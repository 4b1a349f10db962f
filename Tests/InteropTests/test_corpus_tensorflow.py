"""SavedModels, frozen graphs and TensorFlow.js models that others published. Skipped, saying so, where the corpus is absent.

Every sound one computes what TensorFlow computes, by every signature, and what is converted from it computes the same in the real
runtime of the target.
"""
import numpy as np
import pytest
import tensorflow as tf

import modelctl
import peers
import tfjs_graphs
from test_corpus import CORPUS, MANIFEST

SAVED = [entry for entry in MANIFEST if entry["format"] == "savedmodel" and (CORPUS / entry["path"]).is_dir()]
GRAPHS = [entry for entry in MANIFEST if entry["format"] == "tfjs" and "graph-model" in entry.get("features", [])]

pytestmark = pytest.mark.skipif(not SAVED and not GRAPHS, reason="the corpus of real models is not on this machine")

#: Sums of many products in other orders, through deep networks: relative to the largest value of the output.
LIMIT = 1e-4


def example():
    """What models that parse `tf.train.Example`s take."""
    feature = {name: tf.train.Feature(float_list=tf.train.FloatList(value=[value])) for name, value in (("x", 1.5), ("x2", 2.5))}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def made_up(dtype, shape):
    rng = np.random.default_rng(7)
    shape = [2] if shape is None else [3 if extent is None else extent for extent in shape]
    if dtype == "string":
        return np.full(shape, example(), object)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    return rng.uniform(0, 5, shape).astype(dtype) if "int" in dtype else rng.uniform(0, 1, shape).astype(dtype)


def run(path, inputs, folder, *options):
    np.savez(folder / "in.npz", **{name: value.astype("S") if value.dtype == object else value for name, value in inputs.items()})
    modelctl.run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", *options)
    with np.load(folder / "out.npz") as outputs:
        return dict(outputs)


def compare(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        if value.dtype == object:
            # Arrays of words lose trailing zero bytes, which no output here has.
            assert [bytes(word) for word in found[name].astype("S").ravel()] == [bytes(word) for word in value.ravel()], name
        else:
            scale = max(1.0, float(np.abs(value[np.isfinite(value)]).max(initial=0))) if value.size else 1.0
            np.testing.assert_allclose(found[name].astype("float64"), value.astype("float64"), rtol=0, atol=LIMIT * scale, err_msg=name)


def saved_results(path):
    """By signature: inputs and TensorFlow's outputs. Without those that TensorFlow itself does not run on made-up inputs."""
    loaded, found = tf.saved_model.load(str(path)), {}
    for name, function in loaded.signatures.items():
        inputs = {
            key: made_up(spec.dtype.name, None if spec.shape.rank is None else spec.shape.as_list())
            for key, spec in function.structured_input_signature[1].items()
        }
        try:
            outputs = function(**{key: tf.constant(value, tf.string if value.dtype == object else None) for key, value in inputs.items()})
        except tf.errors.InvalidArgumentError:
            continue
        found[name] = inputs, {key: value.numpy() for key, value in outputs.items()}
    return found


@pytest.mark.parametrize("entry", SAVED, ids=lambda entry: entry["id"])
def test_every_signature_computes_the_same(entry, tmp_path):
    path = CORPUS / entry["path"]
    modelctl.inspect(path)
    results = saved_results(path)
    if not results:
        pytest.skip("TensorFlow takes no made-up inputs in any signature")
    for name, (inputs, expected) in results.items():
        compare(run(path, inputs, tmp_path, "--signature", name), expected)


@pytest.mark.parametrize("entry", SAVED, ids=lambda entry: entry["id"])
def test_rewritten_by_way_of_onnx_and_tfjs(entry, tmp_path):
    """The main signature, as far as the targets have its operators: they name what they lack. Judged by TensorFlow and ONNX Runtime."""
    path = CORPUS / entry["path"]
    inputs, expected = saved_results(path).get("serving_default", (None, None))
    is_plain = inputs is not None and all(value.dtype != object for value in [*inputs.values(), *expected.values()])
    for target in ("onnx", "tfjs-graph"):
        try:
            report = modelctl.convert(path, tmp_path / f"out.{target}", "--to", target)
        except modelctl.Failed as failure:
            assert failure.code == 69 and "×" in failure.errors, failure.errors
            continue
        assert report["verification"]["equivalent"]
        if not is_plain:
            continue
        if target == "tfjs-graph":
            compare(tfjs_graphs.run(tmp_path / "out.tfjs-graph", inputs), expected)
        else:
            session = peers.onnxruntime.InferenceSession(str(tmp_path / "out.onnx"))
            compare(dict(zip([port.name for port in session.get_outputs()], session.run(None, inputs))), expected)


@pytest.mark.parametrize("entry", GRAPHS, ids=lambda entry: entry["id"])
def test_tfjs_graphs_compute_the_same(entry, tmp_path):
    path = CORPUS / entry["path"]
    report = modelctl.inspect(path)
    inputs = {port["name"]: made_up(port["dtype"], port["shape"]) for port in report["inputs"]}
    expected = tfjs_graphs.run(path, inputs)
    found = run(path, inputs, tmp_path)
    outputs = {name.split(":")[0]: value for name, value in expected.items()}
    compare({name.split(":")[0]: value for name, value in found.items()}, outputs)
    modelctl.convert(path, tmp_path / "back", "--to", "tfjs-graph")
    again = tfjs_graphs.run(tmp_path / "back", inputs)
    compare({name.split(":")[0]: value for name, value in again.items()}, outputs)
    modelctl.convert(path, tmp_path / "saved", "--to", "savedmodel")
    function = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    values = {name: value.numpy() for name, value in function(**{name: tf.constant(value) for name, value in inputs.items()}).items()}
    # Names of a TF.js graph are tensors; those of the result stand in the same order.
    places = [port["name"].split(":")[0] for port in report["outputs"]]
    names = [port["name"] for port in modelctl.inspect(tmp_path / "saved")["outputs"]]
    assert sorted(names) == sorted(values) and len(names) == len(places)
    compare({place: values[name] for place, name in zip(places, names)}, outputs)
