"""SavedModels whose entry points or inputs a target can hold only in part."""
import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

import litert
import modelctl
import peers
import savedmodels

FEATURES = {"x": tf.io.FixedLenFeature([3], tf.float32)}


@pytest.fixture
def served(tmp_path):
    """Examples at one entry point, arrays at two others."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def parsed(examples):
        return {"y": tf.io.parse_example(examples, FEATURES)["x"] * 0.5 + 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def plain(x):
        return {"y": x * 0.5 + 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def other(x):
        return {"z": x * x - 1.0}

    module.functions = [parsed, plain, other]
    tf.saved_model.save(module, str(tmp_path / "saved"), {"classify": parsed, "serving_default": plain, "other": other})
    return tmp_path / "saved"


def test_what_can_be_written_is(served, tmp_path):
    report = modelctl.convert(served, tmp_path / "model.tflite")
    assert any("signature 'classify'" in note and "ParseExample" in note for note in report["notes"]), report["notes"]
    assert not any("'other'" in note for note in report["notes"])
    x = np.random.default_rng(2).normal(size=(4, 3)).astype("float32")
    runners = litert.open_model(tmp_path / "model.tflite")
    assert set(runners.get_signature_list()) == {"serving_default", "other"}
    verified = report["verification"]
    assert verified["signature"] == "serving_default" and [output["name"] for output in verified["outputs"]] == ["y"]
    assert [(other["name"], other["equivalent"], [output["name"] for output in other["outputs"]]) for other in verified["signatures"]] == [
        ("other", True, ["z"])]
    peers.compare([runners.get_signature_runner("serving_default")(x=x)["y"]], [x * 0.5 + 2], what="serving_default")
    peers.compare([runners.get_signature_runner("other")(x=x)["z"]], [x * x - 1], what="other")


def test_every_signature_is_compared(served, tmp_path):
    """TensorFlow's own conversion of a model that differs at its second entry point only."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def plain(x):
        return {"y": x * 0.5 + 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x")])
    def other(x):
        return {"z": x * x - 1.25}

    module.functions = [plain, other]
    tf.saved_model.save(module, str(tmp_path / "changed"), {"serving_default": plain, "other": other})
    for name, code in ((served, 0), (tmp_path / "changed", 1)):
        converter = tf.lite.TFLiteConverter.from_saved_model(str(name), signature_keys=["serving_default", "other"])
        (tmp_path / "model.tflite").write_bytes(converter.convert())
        report = modelctl.verify(served, tmp_path / "model.tflite", expect=code)
        assert report["equivalent"] == (code == 0) and report["outputs"][0]["mismatched"] == 0
        (found,) = report["signatures"]
        assert found["name"] == "other" and found["equivalent"] == (code == 0)
        assert any("'classify'" in note for note in report["notes"])


def test_the_main_one_decides(served, tmp_path):
    failure = pytest.raises(modelctl.Failed, modelctl.convert, served, tmp_path / "model.tflite", "--signature", "classify").value
    assert failure.code == 69 and "ParseExample" in failure.errors and not (tmp_path / "model.tflite").exists()


def test_complex_numbers_between_real_ones(tmp_path):
    """Magnitude and phase put together again, as in speech enhancement: no complex number is left in ONNX."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([2, 5], name="size"), tf.TensorSpec([2, 5], name="angle")])
    def call(size, angle):
        whole = tf.cast(size, tf.complex64) * tf.exp(1j * tf.cast(angle, tf.complex64))
        return {"real": tf.math.real(whole), "imaginary": tf.math.imag(whole)}

    module.call = call
    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": call})
    rng = np.random.default_rng(4)
    inputs = {"size": rng.uniform(0.1, 2, (2, 5)).astype("float32"), "angle": rng.uniform(-3, 3, (2, 5)).astype("float32")}
    expected = savedmodels.run_signature(tmp_path / "saved", inputs)
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    session = peers.onnx_session(tmp_path / "model.onnx")
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs)))
    for name in expected:
        peers.compare([found[name]], [expected[name]], what=name)


def test_an_input_of_any_rank_in_keras(tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec(None, name="x")])
    def call(x):
        return {"y": x * 0.5 + 2.0}

    module.call = call
    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": call})
    notes = modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")["notes"]
    assert any("the open rank of the input 'x'" in note for note in notes), notes
    x = np.array([1, 2, 5], "float32")
    peers.compare([np.asarray(keras.saving.load_model(tmp_path / "model.keras")(x))], [x * 0.5 + 2], what="keras")


def effects_of(report):
    return sorted(note for note in report["notes"] if " × " in note)


@pytest.fixture(scope="module")
def trained_on_device(tmp_path_factory):
    """As TensorFlow Lite's guide to training on devices has it: variables that one entry point changes and another looks at, a
    counter that nothing looks at, and an entry point that writes a file."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(3)

    class Trained(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(rng.normal(size=(4, 3)).astype("float32"), name="kernel")
            self.count = tf.Variable(0.0, name="count")

        @tf.function(input_signature=[tf.TensorSpec([2, 4], name="x")])
        def train(self, x):
            loss = tf.reduce_mean(tf.square(x @ self.kernel))
            self.kernel.assign_sub(0.1 * self.kernel)
            self.count.assign_add(1.0)
            return {"loss": loss}

        @tf.function(input_signature=[tf.TensorSpec([2, 4], name="x")])
        def infer(self, x):
            tf.print("inferring", x)
            tf.debugging.Assert(tf.reduce_all(x < 1e6), [x])
            return {"y": tf.nn.softmax(x @ self.kernel)}

        @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="path")])
        def save(self, path):
            tf.raw_ops.Save(filename=path, tensor_names=["kernel"], data=[self.kernel.read_value()])
            return {"path": path}

    model = Trained()
    signatures = {name: getattr(model, name).get_concrete_function() for name in ("train", "infer", "save")}
    tf.saved_model.save(model, str(folder / "saved"), signatures)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved"), signature_keys=list(signatures))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    converter.experimental_enable_resource_variables = True
    (folder / "model.tflite").write_bytes(converter.convert())
    return folder, model


@pytest.mark.parametrize("target", ["model.onnx", "model.keras"])
@pytest.mark.parametrize("source", ["saved", "model.tflite"])
def test_weights_of_what_was_trained_on_a_device_stay_weights(trained_on_device, tmp_path, source, target):
    folder, model = trained_on_device
    report = modelctl.convert(folder / source, tmp_path / target, "--signature", "infer")
    assert any(note.startswith("PrintV2 × 1: ") for note in effects_of(report)), report["notes"]
    x = np.random.default_rng(4).normal(size=(2, 4)).astype("float32")
    expected = tf.nn.softmax(x @ model.kernel.numpy()).numpy()
    if target.endswith("onnx"):
        session = onnxruntime.InferenceSession(str(tmp_path / target))
        assert [given.name for given in session.get_inputs()] == ["x"]
        peers.compare(session.run(None, {"x": x}), [expected], what=source)
    else:
        loaded = keras.saving.load_model(tmp_path / target)
        assert len(loaded.inputs) == 1 and loaded.count_params() == 12
        peers.compare([np.asarray(loaded(x))], [expected], what=source)


def test_what_is_written_to_files_is_told_of(trained_on_device, tmp_path):
    folder, model = trained_on_device
    report = modelctl.convert(folder / "model.tflite", tmp_path / "saved", "--to", "savedmodel")
    assert [note.split(":")[0] for note in effects_of(report)] == ["PrintV2 × 1", "Save × 1"], report["notes"]
    assert any(note.startswith("assignment to 'count'") for note in report["notes"]), report["notes"]
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    x = np.random.default_rng(5).normal(size=(2, 4)).astype("float32")
    kernel = model.kernel.numpy()
    peers.compare([loaded.signatures["infer"](x=tf.constant(x))["y"].numpy()], [tf.nn.softmax(x @ kernel).numpy()], what="before")
    loaded.signatures["train"](x=tf.constant(x))
    peers.compare(
        [loaded.signatures["infer"](x=tf.constant(x))["y"].numpy()], [tf.nn.softmax(x @ (0.9 * kernel)).numpy()], what="after")


def test_checks_and_files_of_graphs_are_told_of(tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([2, 3], name="x")])
    def plain(x):
        tf.debugging.Assert(tf.reduce_all(x < 1e6), [x])
        tf.io.write_file(str(tmp_path / "never"), "text")
        return {"y": tf.debugging.check_numerics(x, "bad") * 2.0}

    module.functions = [plain]
    tf.saved_model.save(module, str(tmp_path / "saved"), {"serving_default": plain})
    report = modelctl.convert(tmp_path / "saved", tmp_path / "model.tflite")
    assert sorted(note.split(":")[0] for note in effects_of(report)) == ["Assert × 1", "CheckNumerics × 1", "WriteFile × 1"], report["notes"]
