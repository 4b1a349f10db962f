"""Published networks and deep ones quantised to integers, against TensorFlow's converter with the same samples.

MobileNetV2 and EfficientNetB0 are small ones of their kind here (64 × 64 pixels, a width of 0.35 for the former), as the full ones take minutes.
Not among the corpus: MLPerf Tiny's visual wake words and anomaly detection.
"""
import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import litert
import modelctl
import quantizing
from quantizing import relative

CORPUS = pathlib.Path(os.environ.get("MODELCTL_CORPUS", modelctl.ROOT.parent / "shared/corpus"))
TINY = "mlcommons+tiny/benchmark/training"
PUBLISHED = {
    "image classification": f"{TINY}/image_classification/trained_models/pretrainedResnet.h5",
    "keyword spotting": f"{TINY}/keyword_spotting/trained_models/kws_ref_model",
    "streaming wake word": f"{TINY}/streaming_wakeword/trained_models/str_ww_ref_model.h5",
}


def smooth(count, shape, seed):
    """Pictures, or spectra over time, that change slowly from place to place."""
    random = np.random.default_rng(seed)
    coarse = random.normal(size=(count, *[max(2, -(-extent // 4)) for extent in shape[:-1]], shape[-1]))
    fine = tf.image.resize(coarse, shape[:-1], method="bicubic").numpy()
    low, high = fine.min(axis=(1, 2, 3), keepdims=True), fine.max(axis=(1, 2, 3), keepdims=True)
    return ((fine - low) / (high - low)).astype("f4")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published(name, tmp_path):
    source = CORPUS / PUBLISHED[name]
    if not source.exists():
        pytest.skip("the corpus of real models is not on this machine")
    saved = source
    if source.suffix == ".h5":
        saved = tmp_path / "saved"
        tf.saved_model.save(tf_keras.models.load_model(source, compile=False), str(saved))
    run = tf.saved_model.load(str(saved)).signatures["serving_default"]
    ((port, spec),) = run.structured_input_signature[1].items()
    shape = [extent or 30 for extent in spec.shape[1:]]
    factor = 255 if name == "image classification" else 20
    data, fresh = smooth(24, shape, 1) * factor, smooth(60, shape, 2) * factor
    exact = list(run(**{port: tf.constant(fresh)}).values())[0].numpy()
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in data)
    theirs, path = tmp_path / "theirs.tflite", tmp_path / "ours.tflite"
    theirs.write_bytes(converter.convert())
    np.savez(tmp_path / "samples.npz", **{port: data})
    report = modelctl.convert(source, path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")["quantization"]
    assert report["float"] == []
    # The residual network has sums whose operands TensorFlow gives the range of the sum: what comes before them differs, too.
    if name != "image classification":
        different, compared = quantizing.differences(theirs, path)
        assert different == [] and compared > 20
    assert path.stat().st_size <= 1.02 * theirs.stat().st_size
    ours, tf_ = [np.concatenate([quantizing.invoke(file, sample[None], litert.PLAIN) for sample in fresh]) for file in (path, theirs)]
    assert relative(exact, ours) <= relative(exact, tf_) * (1 if name != "image classification" else 1.05)
    expected = quantizing.invoke(path, fresh[:2])
    (found,) = quantizing.ours(path, {port: fresh[:2]}, tmp_path).values()
    np.testing.assert_array_equal(found, expected)


DEEP = {
    "MobileNetV2": lambda: keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), alpha=0.35, classes=20),
    "EfficientNetB0": lambda: keras.applications.EfficientNetB0(weights=None, input_shape=(64, 64, 3), classes=20),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep(name, tmp_path):
    model = quantizing.seeded(DEEP[name]())
    (port,) = model.inputs
    data = {port.name: smooth(4, port.shape[1:], 3) * (255 if name == "EfficientNetB0" else 2)}
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **data)
    path, theirs = tmp_path / "ours.tflite", tmp_path / "theirs.tflite"
    report = modelctl.convert(tmp_path / "model.keras", path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    assert report["quantization"]["float"] == []
    theirs.write_bytes(quantizing.tensorflow(model, data))
    assert path.stat().st_size <= 1.02 * theirs.stat().st_size
    fresh = smooth(4, port.shape[1:], 4) * (255 if name == "EfficientNetB0" else 2)
    exact = model(fresh, training=False).numpy()
    ours, tf_ = [np.concatenate([quantizing.invoke(file, sample[None], litert.PLAIN) for sample in fresh]) for file in (path, theirs)]
    assert relative(exact, ours) <= 1.05 * relative(exact, tf_)
    expected = quantizing.invoke(path, fresh[:1])
    (found,) = quantizing.ours(path, {port.name: fresh[:1]}, tmp_path).values()
    np.testing.assert_array_equal(found, expected)


def test_folded_normalisation_and_groups(tmp_path):
    """A convolution of one axis takes the normalisation behind it into its weights; one in groups is computed with integers."""
    L = keras.layers
    x = keras.Input((24, 12), name="x")
    y = L.ReLU()(L.BatchNormalization()(L.Conv1D(16, 3, padding="same")(x)))
    y = L.ReLU()(L.BatchNormalization()(L.Conv1D(16, 3, strides=2, padding="causal", use_bias=False)(y)))
    y = L.Reshape((12, 1, 16))(y)
    y = L.Conv2D(16, (3, 1), padding="same", groups=4, activation="relu")(y)
    model = quantizing.seeded(keras.Model(x, L.Dense(4, name="y")(L.Flatten()(y))))
    data = quantizing.samples(model)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **data)
    path = tmp_path / "y.tflite"
    report = modelctl.convert(tmp_path / "model.keras", path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    names = litert.operators(path)
    assert names.count("CONV_2D") == 3 and not {"MUL", "ADD", "SUB", "BATCH_MATMUL"} & set(names), names
    assert report["quantization"]["float"] == [] and report["quantization"]["error"] < 0.04
    expected = quantizing.invoke(path, data["x"][:3])
    (found,) = quantizing.ours(path, {"x": data["x"][:3]}, tmp_path).values()
    np.testing.assert_array_equal(found, expected)
    exact = model(data["x"][:3], training=False).numpy()
    assert relative(exact, expected) < 0.04
