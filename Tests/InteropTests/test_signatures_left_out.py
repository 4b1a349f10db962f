"""SavedModels whose entry points or inputs a target can hold only in part."""
import keras
import numpy as np
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
