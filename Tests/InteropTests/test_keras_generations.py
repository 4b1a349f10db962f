"""What older versions of Keras 2 wrote otherwise, made by today's: operators between layers, initialisers with a dtype, places of weights."""
import json
import zipfile

import h5py
import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
import tf_keras
from tf_keras.src.engine.base_layer import TensorFlowOpLayer

import litert
import modelctl
import peers
import savedmodels
import seeded
import tfjs


def operators(function, *tensors):
    """A function as Keras of TensorFlow 2.0 to 2.3 kept it: each operator of its graph a layer, constants by their places."""
    with tf.Graph().as_default() as graph:
        results = tf.nest.flatten(function(*[tf.compat.v1.placeholder(t.dtype, t.shape) for t in tensors]))
    nodes = [op for op in graph.get_operations() if op.type not in ("Placeholder", "Const", "NoOp")]
    places = [op for op in graph.get_operations() if op.type == "Placeholder"]
    known = {place.outputs[0].name: tensor for place, tensor in zip(places, tensors)}
    for op in nodes:
        inputs = [known[x.name] for x in op.inputs if x.name in known]
        with graph.as_default():
            constants = {i: tf.get_static_value(x) for i, x in enumerate(op.inputs) if x.name not in known}
        layer = TensorFlowOpLayer(op.node_def.SerializeToString(), op.name.replace("/", "_"), constants)
        layer.node_def = op.node_def
        outputs = tf.nest.flatten(layer(inputs if len(inputs) > 1 else inputs[0]))
        known.update({x.name: y for x, y in zip(op.outputs, outputs)})
    found = [known[x.name] for x in results]
    return found if len(found) > 1 else found[0]


#: name → (shape, function)
FUNCTIONS = {
    "scaled": ((4, 4, 8), lambda x: (x - tf.reduce_min(x, [1, 2, 3], keepdims=True)) / (tf.reduce_max(x, axis=[1, 2, 3], keepdims=True) + 3.0)),
    "blocks": ((4, 4, 8), lambda x: tf.nn.depth_to_space(tf.clip_by_value(1.0 - x, -0.5, 1.5), 2)),
    "slices": ((6, 5), lambda x: tf.concat([x[:, 1:, ::2], tf.expand_dims(x[:, -1, 2:], 1), x[:, :1, :3] * x[..., 1:2, 2:]], axis=1)),
    "shapes": ((6, 4), lambda x: tf.transpose(tf.tile(tf.stack([x, x * [1.0, 2.0, 3.0, 4.0]], axis=2), [1, 1, 2, 1]), [0, 2, 1, 3])),
    "products": ((6, 4), lambda x: tf.matmul(tf.nn.softmax(tf.matmul(x, x, transpose_b=True) * 0.5), tf.square(x) + tf.sqrt(tf.abs(x) + 0.1))),
    "resized": ((4, 5, 2), lambda x: tf.compat.v1.image.resize_bilinear(tf.pad(x, [[0, 0], [1, 0], [0, 2], [0, 0]]), [7, 6])),
    "chosen": ((6,), lambda x: tf.where(x > 0.2, tf.gather(x, [5, 4, 3, 2, 1, 0], axis=1), tf.cast(tf.equal(tf.sign(x), -1.0), tf.float32) - x)),
    "parts": ((6, 4), lambda x: tf.add_n([tf.exp(-y) for y in tf.split(x, 2, axis=2)] + [tf.reduce_mean(tf.reshape(x, [-1, 6, 2, 2]), axis=3)])),
    "rows": ((6, 4), lambda x: tf.one_hot(tf.argmax(x, axis=2), 4) + tf.squeeze(tf.expand_dims(tf.nn.leaky_relu(x, 0.3), 1), [1])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_operators_between_layers(name, tmp_path):
    shape, function = FUNCTIONS[name]
    tf_keras.backend.clear_session()
    x = tf_keras.Input(shape)
    y = operators(function, tf_keras.layers.Dense(shape[-1])(x))
    model = tf_keras.Model(x, tf_keras.layers.Dense(2)(tf_keras.layers.Flatten()(y)))
    assert {"TensorFlowOpLayer"} < {type(layer).__name__ for layer in model.layers}
    seeded.fill_weights(model, name)
    model.save(tmp_path / "source.h5")
    x = seeded.batch(name, shape, 3)
    expected = peers.run_tf_keras(tmp_path / "source.h5", [x])
    for target, run in [("onnx", peers.run_onnx), ("tflite", litert.run), ("keras", peers.run_keras), ("h5", peers.run_tf_keras)]:
        modelctl.convert(tmp_path / "source.h5", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, what=f"{name} → {target}")


@pytest.mark.parametrize("size", [(5, 6), (4, 9), (11, 7)])
def test_crops_of_keras_2(size, tmp_path):
    """`RandomCrop` of Keras 2 crops and stretches when a model predicts; that of Keras 3 leaves images alone."""
    tf_keras.backend.clear_session()
    image = tf_keras.Input((8, 9, 3), dtype="uint8", name="image")
    tf_keras.Model(image, tf_keras.layers.RandomCrop(*size)(image)).save(tmp_path / "source.h5")
    x = seeded.generator("crops").integers(0, 255, (2, 8, 9, 3)).astype("uint8")
    expected = peers.run_tf_keras(tmp_path / "source.h5", [x])
    for target, run in [("onnx", peers.run_onnx), ("tflite", litert.run), ("keras", peers.run_keras), ("h5", peers.run_tf_keras)]:
        report = modelctl.convert(tmp_path / "source.h5", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, (1e-4, 1e-5), what=target)
        assert any("RandomCrop" in note for note in report["notes"]) == (target in ("keras", "h5")), report["notes"]


def test_causal_separable_convolution(tmp_path):
    """Keras 3 has no such padding."""
    tf_keras.backend.clear_session()
    x = tf_keras.Input((9, 3))
    y = tf_keras.layers.SeparableConv1D(4, 3, padding="causal", dilation_rate=2, depth_multiplier=2, activation="tanh")(x)
    model = tf_keras.Model(x, tf_keras.layers.SeparableConv1D(2, 2, strides=2, padding="causal")(y))
    seeded.fill_weights(model, "causal").save(tmp_path / "source.h5")
    x = seeded.batch("causal", (9, 3), 2)
    expected = peers.run_tf_keras(tmp_path / "source.h5", [x])
    for target, run in [("keras", peers.run_keras), ("onnx", peers.run_onnx), ("h5", peers.run_tf_keras)]:
        modelctl.convert(tmp_path / "source.h5", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, what=target)


def test_layers_of_tensorflow_js_for_both(tmp_path):
    """Keras 3 takes no `time_major` and no shape of noise from Keras 2's layers, which a layers model keeps."""
    tf_keras.backend.clear_session()
    K = tf_keras.layers
    x = tf_keras.Input((6, 3))
    y = K.SpatialDropout1D(0.2)(K.SeparableConv1D(4, 2)(x))
    model = seeded.fill_weights(tf_keras.Model(x, [K.GRU(3, reset_after=False)(y), K.Bidirectional(K.LSTM(2))(y)]), "both")
    model.save(tmp_path / "source.h5")
    tfjs.call("save_layers", source=tmp_path / "source.h5", destination=tmp_path / "layers")
    x = seeded.batch("both", (6, 3), 2)
    modelctl.convert(tmp_path / "layers", tmp_path / "m.h5")
    expected = peers.run_tf_keras(tmp_path / "source.h5", [x])
    for run in (peers.run_keras, peers.run_tf_keras):
        peers.compare(run(tmp_path / "m.h5", [x]), expected, what=run.__name__)


def test_unknown_operators_are_named(tmp_path):
    x = tf_keras.Input((4,))
    tf_keras.Model(x, operators(lambda x: tf.math.bessel_i0(x) + tf.math.bessel_i0e(x), x)).save(tmp_path / "source.h5")
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.convert(tmp_path / "source.h5", tmp_path / "m.onnx")
    assert failure.value.code == 69 and "TensorFlowOpLayer" in failure.value.errors


def test_initialisers_of_tensorflow_1(tmp_path):
    """TensorFlow 1 says the dtype of what an initialiser draws; Keras 3 takes no such argument."""
    K = tf_keras
    model = K.Sequential([
        K.layers.Conv2D(3, 3, input_shape=(6, 6, 2)), K.layers.BatchNormalization(), K.layers.Flatten(),
        K.layers.Dense(2, kernel_initializer=K.initializers.VarianceScaling())])
    model.save(tmp_path / "source.h5")
    with h5py.File(tmp_path / "source.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for key, value in layer["config"].items():
                if key.endswith("_initializer"):
                    value["config"]["dtype"] = "float32"
                    value.pop("module", None)
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.2.4-tf"
    x = np.random.default_rng(1).standard_normal((2, 6, 6, 2)).astype("float32")
    expected = K.models.load_model(tmp_path / "source.h5")(x)
    modelctl.convert(tmp_path / "source.h5", tmp_path / "m.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "m.keras")(x), expected, 1e-4, 1e-5)
    modelctl.convert(tmp_path / "source.h5", tmp_path / "m.h5")
    np.testing.assert_allclose(K.models.load_model(tmp_path / "m.h5")(x), expected, 1e-4, 1e-5)


def windows(parts, _):
    """`layers\\dense`, and a layer inside another beside it."""
    held = parts.index("vars") if "vars" in parts else len(parts)
    return "/".join(["\\".join(parts[:held])] + parts[held:])


def dependencies(parts, counts):
    """Layers with weights stand twice among the dependencies, and groups are numbered so: `dense`, `dense_2`, `dense_4`."""
    if parts[0] != "layers":
        return "/".join(parts)
    base, number = (parts[1].rsplit("_", 1) + [""])[:2] if parts[1].rsplit("_", 1)[-1].isdigit() else (parts[1], "0")
    place = int(number) * (2 if counts[parts[1]] else 1)
    return "/".join(["_layer_checkpoint_dependencies", f"{base}_{place}" if place else base] + parts[2:])


@pytest.mark.parametrize("K,place", [(tf_keras, windows), (keras, windows), (tf_keras, dependencies)], ids=["keras2", "keras3", "dependencies"])
def test_places_of_weights(K, place, tmp_path):
    """Keras up to 3.0 joins them by what the system joins paths with; 2.12 and 2.13 go by a model's dependencies."""
    K.backend.clear_session()
    K.utils.set_random_seed(2)
    inputs = K.Input((5, 4))
    x = K.layers.MultiHeadAttention(2, 3)(inputs, inputs)
    x = K.layers.LSTM(3)(K.layers.Dense(3)(K.layers.Dense(3)(K.layers.BatchNormalization()(x))))
    model = K.Model(inputs, K.layers.Dense(2)(x))
    model.compile("adam", "mse")
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive, zipfile.ZipFile(tmp_path / "source.keras", "w") as other:
        for name in archive.namelist():
            if name != "model.weights.h5":
                other.writestr(name, archive.read(name))
                continue
            (tmp_path / "weights.h5").write_bytes(archive.read(name))
            with h5py.File(tmp_path / "weights.h5") as old, h5py.File(tmp_path / "older.h5", "w") as new:
                held = {name: False for name in old["layers"]}
                old["layers"].visititems(lambda path, item: held.update({path.split("/")[0]: True}) if isinstance(item, h5py.Dataset) else None)

                def copy(path, item):
                    if isinstance(item, h5py.Dataset):
                        new[place(path.split("/"), held)] = item[()]

                old.visititems(copy)
                assert "layers" not in new
            other.write(tmp_path / "older.h5", "model.weights.h5")
    x = np.random.default_rng(1).standard_normal((2, 5, 4)).astype("float32")
    for target in ("m.keras", "m.onnx"):
        modelctl.convert(tmp_path / "source.keras", tmp_path / target)
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "m.keras")(x), model(x), 1e-4, 1e-5)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    np.testing.assert_allclose(session.run(None, {session.get_inputs()[0].name: x})[0], model(x), 1e-4, 1e-5)


def as_list(path):
    """Up to Keras 2.2.2 the configuration of a `Sequential` was the list of its layers."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        layers = [layer for layer in config["config"]["layers"] if layer["class_name"] != "InputLayer"]
        for layer in layers:
            layer.pop("module", None)
        config["config"] = layers
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(config), "2.1.3"


@tfjs.needed
def test_sequential_models_that_are_lists(tmp_path):
    K = tf_keras
    K.backend.clear_session()
    model = K.Sequential([
        K.layers.Bidirectional(K.layers.LSTM(4, return_sequences=True), input_shape=(5, 3)), K.layers.BatchNormalization(),
        K.layers.TimeDistributed(K.layers.Dense(2, kernel_regularizer="l2"))])
    seeded.fill_weights(model, "list")
    model.save(tmp_path / "source.h5")
    as_list(tmp_path / "source.h5")
    x = seeded.batch("list", (5, 3), 3)
    expected = peers.run_tf_keras(tmp_path / "source.h5", [x])
    modelctl.convert(tmp_path / "source.h5", tmp_path / "js", "--to", "tfjs-layers")
    peers.compare(tfjs.run_layers(tmp_path / "js", [x], tmp_path), expected, what="list → tfjs-layers")
    modelctl.convert(tmp_path / "source.h5", tmp_path / "saved", "--to", "savedmodel")
    loaded = tf_keras.models.load_model(tmp_path / "saved")
    assert [type(layer).__name__ for layer in loaded.layers] == ["Bidirectional", "BatchNormalization", "TimeDistributed"]
    peers.compare(peers.run_model(loaded, [x]), expected, what="list → savedmodel")
    # What TensorFlow.js can't is looked for there, too.
    K.Sequential([K.layers.Dense(4, input_shape=(3,)), K.layers.ReLU(negative_slope=0.2, threshold=0.3)]).save(tmp_path / "sloped.h5")
    as_list(tmp_path / "sloped.h5")
    with pytest.raises(modelctl.Failed) as failure:
        modelctl.convert(tmp_path / "sloped.h5", tmp_path / "sloped", "--to", "tfjs-layers")
    assert failure.value.code == 69 and "negative_slope" in failure.value.errors


def test_hard_sigmoid_of_keras_2_is_noted(tmp_path):
    """`0.2x + 0.5` to Keras 2, `x/6 + 0.5` to Keras 3, which opens the file all the same."""
    tf_keras.backend.clear_session()
    x = tf_keras.Input((5, 4))
    y = tf_keras.layers.TimeDistributed(tf_keras.layers.Dense(6, activation="hard_sigmoid"))(x)
    model = tf_keras.Model(x, tf_keras.layers.Conv1D(3, 2, activation="hard_sigmoid")(y))
    seeded.fill_weights(model, "hard").save(tmp_path / "source.h5")
    x = seeded.batch("hard", (5, 4), 3)
    expected = peers.run_tf_keras(tmp_path / "source.h5", [x])
    for target, run in [("h5", peers.run_tf_keras), ("keras", peers.run_keras)]:
        report = modelctl.convert(tmp_path / "source.h5", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, what=target)
        assert any("hard_sigmoid" in note for note in report["notes"]) == (target == "h5"), report["notes"]
    assert np.abs(peers.run_keras(tmp_path / "m.h5", [x])[0] - expected[0]).max() > 1e-3


def shared_by_models(K, name):
    """A layer, or a model, that stands in a model and in another one inside it."""
    x = K.Input((4,))
    if name == "layer":
        shared, inner = K.layers.Dense(4, name="shared"), K.Input((4,))
        return K.Model(x, K.layers.Add()([K.Model(inner, K.layers.ReLU()(shared(inner)), name="inner")(x), shared(x)]))
    shared = K.Sequential([K.Input((4,)), K.layers.Dense(4, name="p"), K.layers.BatchNormalization(name="q")], name="shared")
    towers = []
    for tower in ("one", "two"):
        inner = K.Input((4,))
        towers.append(K.Model(inner, K.layers.Dense(2, name="head")(shared(inner)), name=tower)(x))
    return K.Model(x, towers + [shared(x)])


@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras3", "keras2"])
@pytest.mark.parametrize("name", ["layer", "model"])
def test_layers_of_a_model_and_of_one_inside_it(K, name, tmp_path):
    """Archives hold such weights once, where Keras itself does not find them again."""
    K.backend.clear_session()
    model = seeded.fill_weights(shared_by_models(K, name), name)
    model.save(tmp_path / "source.keras")
    with pytest.raises(Exception):
        K.models.load_model(tmp_path / "source.keras")
    x = seeded.batch(name, (4,), 3)
    expected = peers.run_model(model, [x])
    for target, run in [("keras", peers.run_keras), ("h5", peers.run_keras), ("onnx", peers.run_onnx)]:
        modelctl.convert(tmp_path / "source.keras", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, what=f"{name} → {target}")


#: name → (shape, layers of Keras 2)
OLD_LAYERS = {
    "local 1d": ((9, 3), lambda L, x: L.LocallyConnected1D(4, 3, strides=2, activation="tanh")(x)),
    "local 2d": ((6, 7, 2), lambda L, x: L.LocallyConnected2D(3, (2, 3), strides=(1, 2), activation="relu")(x)),
    "local channels first": ((2, 6, 5), lambda L, x: L.LocallyConnected2D(3, (3, 2), data_format="channels_first")(x)),
    "local whole": ((6, 5, 2), lambda L, x: L.LocallyConnected2D(3, 3, strides=2, padding="same", implementation=2)(x)),
    "local whole first": ((2, 7), lambda L, x: L.LocallyConnected1D(3, 4, padding="same", implementation=2, data_format="channels_first")(x)),
    "local sparse": ((6, 5, 2), lambda L, x: L.LocallyConnected2D(3, (3, 2), padding="same", use_bias=False, implementation=3)(x)),
    "normalised axes": ((4, 5, 3), lambda L, x: L.Conv2D(2, 2)(L.BatchNormalization(axis=[-1, 1])(x))),
    "normalised places": ((4, 5, 3), lambda L, x: L.BatchNormalization(axis=[1, 2, 3], scale=False, epsilon=0.1)(x)),
    "batch of two axes": ((2, 7, 8, 3), lambda L, x: L.Conv2D(5, 3, strides=2, padding="same", activation="relu")(x)),
    "batch of three axes": ((2, 3, 8, 3), lambda L, x: L.Conv1D(5, 3, padding="causal", dilation_rate=2)(x)),
}


@pytest.mark.parametrize("name", OLD_LAYERS)
def test_layers_of_keras_2_alone(name, tmp_path):
    shape, layers = OLD_LAYERS[name]
    tf_keras.backend.clear_session()
    x = tf_keras.Input(shape)
    model = tf_keras.Model(x, layers(tf_keras.layers, x))
    seeded.fill_weights(model, name).save(tmp_path / "source.h5")
    x = seeded.batch(name, shape, 3)
    expected = peers.run_tf_keras(tmp_path / "source.h5", [x])
    for target, run in [("h5", peers.run_tf_keras), ("onnx", peers.run_onnx), ("tflite", litert.run)]:
        modelctl.convert(tmp_path / "source.h5", tmp_path / f"m.{target}")
        peers.compare(run(tmp_path / f"m.{target}", [x]), expected, what=f"{name} → {target}")
    modelctl.convert(tmp_path / "source.h5", tmp_path / "saved", "--to", "savedmodel")
    results = savedmodels.run_signature(tmp_path / "saved", {modelctl.inspect(tmp_path / "saved")["inputs"][0]["name"]: x})
    peers.compare(list(results.values()), expected, what=f"{name} → savedmodel")
    reason = {"local": "Keras 3 has no such layer", "normalised": "Keras 3 normalises one axis"}.get(name.split()[0])
    if reason:
        with pytest.raises(modelctl.Failed) as failure:
            modelctl.convert(tmp_path / "source.h5", tmp_path / "m.keras")
        assert failure.value.code == 69 and reason in failure.value.errors
    else:
        modelctl.convert(tmp_path / "source.h5", tmp_path / "m.keras")
        peers.compare(peers.run_keras(tmp_path / "m.keras", [x]), expected, what=f"{name} → keras")


def test_encoded_numbers_of_keras_2_are_floats(tmp_path):
    """Keras 3 encodes in integers."""
    tf_keras.backend.clear_session()
    x = tf_keras.Input((4,), dtype="int64")
    modes = ("multi_hot", "count")
    model = tf_keras.Model(x, [tf_keras.layers.IntegerLookup(vocabulary=[3, 7, 11], output_mode=mode)(x) for mode in modes])
    model.save(tmp_path / "source.h5")
    x = np.array([[3, 7, 3, 1], [11, 11, 11, 5]])
    modelctl.convert(tmp_path / "source.h5", tmp_path / "m.keras")
    peers.compare(peers.run_keras(tmp_path / "m.keras", [x]), peers.run_model(model, [x]), what="keras")


def test_subclassed_models_stay_those_of_keras_2(tmp_path):
    """What they compute is code: the archive is written again as it is, with all of its weights."""
    tf_keras.backend.clear_session()
    model = Stacked()
    model(np.zeros((2, 4), "float32"))
    seeded.fill_weights(model, "stacked").save(tmp_path / "source.keras")
    report = modelctl.convert(tmp_path / "source.keras", tmp_path / "m.keras")
    assert report["verification"]["method"] == "structure" and any("stays one of Keras 2" in note for note in report["notes"])
    x = seeded.batch("stacked", (4,), 3)
    again = tf_keras.models.load_model(tmp_path / "m.keras", custom_objects={"Stacked": Stacked})
    peers.compare([again(x).numpy()], [model(x).numpy()], what="keras")


class Stacked(tf_keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.second = tf_keras.layers.Dense(3, activation="tanh"), tf_keras.layers.Dense(2)

    def call(self, x):
        return self.second(self.first(x))
