"""Published networks and deep ones quantised to integers, against TensorFlow's converter with the same samples.

The networks of Keras are small ones of their kind here (64 × 64 pixels, a width of 0.35 for MobileNetV2, of a quarter for ResNet50), as the
full ones take minutes. MLPerf Tiny's visual wake words and anomaly detection are built anew, as the corpus has not got their files.
"""
import os
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers as L

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
    different, compared = quantizing.differences(theirs, path)
    assert different == [] and compared > 20
    assert path.stat().st_size <= 1.02 * theirs.stat().st_size
    ours, tf_ = [np.concatenate([quantizing.invoke(file, sample[None], litert.PLAIN) for sample in fresh]) for file in (path, theirs)]
    # Folded normalisations may round a few weights to the step beside.
    assert relative(exact, ours) <= 1.02 * relative(exact, tf_)
    expected = quantizing.invoke(path, fresh[:2])
    (found,) = quantizing.ours(path, {port: fresh[:2]}, tmp_path).values()
    np.testing.assert_array_equal(found, expected)


def quarter_resnet50():
    """ResNet50's blocks, with a quarter of its channels."""
    blocks = [(16, 3, 1), (32, 4, 2), (64, 6, 2), (128, 3, 2)]
    x = keras.Input((64, 64, 3), name="x")
    y = L.ReLU()(L.BatchNormalization()(L.Conv2D(16, 7, strides=2)(L.ZeroPadding2D(3)(x))))
    y = L.MaxPooling2D(3, strides=2)(L.ZeroPadding2D(1)(y))
    for channels, count, stride in blocks:
        for index in range(count):
            step = stride if index == 0 else 1
            past = L.BatchNormalization()(L.Conv2D(4 * channels, 1, strides=step)(y)) if index == 0 else y
            y = L.ReLU()(L.BatchNormalization()(L.Conv2D(channels, 1, strides=step)(y)))
            y = L.ReLU()(L.BatchNormalization()(L.Conv2D(channels, 3, padding="same")(y)))
            y = L.ReLU()(L.Add()([past, L.BatchNormalization()(L.Conv2D(4 * channels, 1)(y))]))
    return keras.Model(x, L.Dense(20, name="y")(L.GlobalAveragePooling2D()(y)))


def unet():
    """Three levels, with normalisations and transposed convolutions."""
    def twice(y, channels):
        for _ in range(2):
            y = L.ReLU()(L.BatchNormalization()(L.Conv2D(channels, 3, padding="same")(y)))
        return y

    x = keras.Input((64, 64, 3), name="x")
    a = twice(x, 8)
    b = twice(L.MaxPooling2D()(a), 16)
    c = twice(L.MaxPooling2D()(b), 32)
    y = twice(L.Concatenate()([L.Conv2DTranspose(16, 3, strides=2, padding="same")(c), b]), 16)
    y = twice(L.Concatenate()([L.Conv2DTranspose(8, 2, strides=2, padding="same")(y), a]), 8)
    return keras.Model(x, L.Conv2D(3, 1, activation="softmax", name="y")(y))


def encoder():
    """Two blocks of a transformer's encoder."""
    x = keras.Input((16, 32), name="x")
    y = x
    for _ in range(2):
        y = L.LayerNormalization()(L.Add()([y, L.MultiHeadAttention(4, 8)(y, y)]))
        y = L.LayerNormalization()(L.Add()([y, L.Dense(32)(L.Dense(64, activation="gelu")(y))]))
    return keras.Model(x, L.Dense(5, activation="softmax", name="y")(L.GlobalAveragePooling1D()(y)))


def anomaly_detection():
    """MLPerf Tiny's autoencoder of spectra."""
    x = keras.Input((640,), name="x")
    y = x
    for width in [128] * 4 + [8] + [128] * 4:
        y = L.ReLU()(L.BatchNormalization()(L.Dense(width)(y)))
    return keras.Model(x, L.Dense(640, name="y")(y))


A = keras.applications
#: network, the largest number of its input, and whether both converters make the same operators of it.
DEEP = {
    "MobileNetV2": (lambda: A.MobileNetV2(weights=None, input_shape=(64, 64, 3), alpha=0.35, classes=20), 2, True),
    "EfficientNetB0": (lambda: A.EfficientNetB0(weights=None, input_shape=(64, 64, 3), classes=20), 255, True),
    "ResNet50": (quarter_resnet50, 2, True),
    "visual wake words": (lambda: A.MobileNet(weights=None, input_shape=(96, 96, 3), alpha=0.25, classes=2), 2, True),
    "anomaly detection": (anomaly_detection, 2, True),
    "U-Net": (unet, 2, True),
    "transformer encoder": (encoder, 2, False),
}


def numbers(model, seed, largest):
    """Few pictures, as they have many numbers; more rows."""
    (port,) = model.inputs
    if len(port.shape) == 4:
        return smooth(4, port.shape[1:], seed) * largest
    return quantizing.samples(model, count=12 if seed == 3 else 20, seed=5 if seed == 3 else 9)[port.name]


@pytest.mark.parametrize("name", DEEP)
def test_deep(name, tmp_path):
    build, largest, is_alike = DEEP[name]
    model = quantizing.seeded(build())
    (port,) = model.inputs
    data, fresh = numbers(model, 3, largest), numbers(model, 4, largest)
    quantizing.one_at_a_time(model).save(tmp_path / "model.keras")
    np.savez(tmp_path / "samples.npz", **{port.name: data})
    path, theirs = tmp_path / "ours.tflite", tmp_path / "theirs.tflite"
    report = modelctl.convert(tmp_path / "model.keras", path, "--quantize", "int8", "--representative", tmp_path / "samples.npz")
    assert report["quantization"]["float"] == []
    theirs.write_bytes(quantizing.tensorflow(model, {port.name: data}))
    assert path.stat().st_size <= 1.02 * theirs.stat().st_size
    if is_alike:
        # Sums are compensated while ranges are looked for: what is left is TensorFlow's own rounding, 0.9e-6 after ResNet50's layers.
        different, compared = quantizing.differences(theirs, path)
        assert different == [] and compared > 20, different
        # Every weight is the same integer. One bias in a hundred is the step beside: TensorFlow folds normalisations with its processor's
        # estimate of reciprocal roots, here they are rounded once.
        weights, biases = quantizing.integers(theirs, path)
        assert weights[:2] == (0, 0) and biases[0] <= 0.01 * biases[2] and biases[1] <= 1, (weights, biases)
    exact = model(fresh, training=False).numpy()
    ours, tf_ = [np.concatenate([quantizing.invoke(file, sample[None], litert.PLAIN) for sample in fresh]) for file in (path, theirs)]
    # Where operators, scales, and all integers but those biases are the same, what is left is which way single sums are rounded: over several
    # sets of samples one is ahead as often as the other (0.99 to 1.06 for MobileNetV2).
    assert relative(exact, ours) <= 1.05 * relative(exact, tf_)
    expected = quantizing.invoke(path, fresh[:1])
    (found,) = quantizing.ours(path, {port.name: fresh[:1]}, tmp_path).values()
    np.testing.assert_array_equal(found, expected)


def test_folded_normalisation_and_groups(tmp_path):
    """A convolution of one axis takes the normalisation behind it into its weights; one in groups is computed with integers."""
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
