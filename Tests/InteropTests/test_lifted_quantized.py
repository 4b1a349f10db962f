"""TFLite files that TensorFlow quantised, as Keras layers and as ONNX for ONNX Runtime with all its optimisations."""
import keras
import numpy as np
import pytest
import tensorflow as tf

import litert
import modelctl
import peers
import seeded


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network whose input has a zero point of 0, with groups and a Dense over three axes: in float, hybrid and in int8."""
    folder = tmp_path_factory.mktemp("lifted_quantized")
    keras.utils.set_random_seed(3)
    x = keras.layers.Input((9, 8, 4), name="x")
    y = keras.layers.Conv2D(8, (3, 2), strides=(2, 1), groups=2, padding="same", activation="swish")(x)
    y = keras.layers.Dense(5, activation="relu")(y)
    model = seeded.fill_weights(keras.Model(x, keras.layers.Dense(3)(y)), "lifted")
    model.export(str(folder / "sm"), format="tf_saved_model", verbose=False)
    data = seeded.batch("lifted", (9, 8, 4), size=8)
    data[0, 0, 0, 0] = -np.abs(data).max()
    data[1, 0, 0, 0] = -data[0, 0, 0, 0] * 127 / 128  # So that the scale fits with a zero point of 0.

    def write(name, *, quantize=False, full=False):
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "sm"))
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if full:
            converter.representative_dataset = lambda: ([row[None]] for row in data)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        (folder / name).write_bytes(converter.convert())

    write("float.tflite")
    write("hybrid.tflite", quantize=True)
    write("int8.tflite", quantize=True, full=True)
    return folder, model, data


@pytest.mark.parametrize("source", ["sm", "float.tflite", "hybrid.tflite"])
def test_keras_layers(made, source):
    folder, model, data = made
    modelctl.convert(folder / source, folder / "lifted.keras")
    lifted = keras.saving.load_model(folder / "lifted.keras", compile=False)
    kinds = [type(layer).__name__ for layer in lifted.layers]
    assert kinds.count("Dense") == 2 and kinds.count("Conv2D") == 1 and "Reshape" not in kinds, kinds
    assert sum(w.trainable for w in lifted.weights) == 6
    # Weights of 8 bits are off by half a step each.
    peers.compare(peers.run_model(lifted, [data]), peers.run_model(model, [data]), (0.05, 0.05) if source == "hybrid.tflite" else (1e-5, 1e-4))


def test_integers(made):
    folder, _, data = made
    interpreter = litert.open_model(folder / "int8.tflite")
    scale, zero = interpreter.get_input_details()[0]["quantization"]
    assert zero == 0
    values = np.clip(np.round(data / scale), -128, 127).astype("int8")
    (expected,) = litert.run(folder / "int8.tflite", [values])
    modelctl.convert(folder / "int8.tflite", folder / "int8.onnx")
    modelctl.convert(folder / "int8.tflite", folder / "int8.keras")
    lifted = keras.saving.load_model(folder / "int8.keras", compile=False)
    kinds = [type(layer).__name__ for layer in lifted.layers]
    assert kinds.count("Dense") == 2 and kinds.count("Conv2D") == 1, kinds
    for (actual,) in [peers.run_onnx(folder / "int8.onnx", [values]), peers.run_model(lifted, [values])]:
        # Rounded as floats and as integers, four quantised operators deep.
        assert np.abs(actual.astype(int) - expected.astype(int)).max() <= 4
