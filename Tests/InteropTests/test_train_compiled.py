"""`modelctl train` goes on with compiled models as Keras does: figures and weights follow Keras's, step by step."""
import json

import keras
import numpy as np
import pytest

import modelctl

L = keras.layers
RNG = np.random.default_rng(5)
X = RNG.normal(size=(24, 6)).astype("float32")
CLASSES = RNG.integers(0, 3, 24).astype("int32")
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
STEPS = RNG.normal(size=(16, 5, 4)).astype("float32")
TARGETS = RNG.normal(size=(16, 2)).astype("float32")


def mlp(activation):
    return keras.Sequential([keras.Input((6,), name="x"), L.Dense(8, activation="tanh"), L.Dense(3, activation=activation)])


def train(folder, model, x, y, expect=0):
    """Both go on for three epochs in the order of the file."""
    model.save(folder / "m.keras")
    np.savez(folder / "data.npz", x=x, y=y)
    text = modelctl.run(
        "train", folder / "m.keras", "--data", folder / "data.npz", "--epochs", "3", "--batch-size", "8", "--no-shuffle", "--output",
        folder / "out.keras", "--json", expect=expect)
    return json.loads(text) if expect == 0 else None


def follows(folder, model, x, y):
    report = train(folder, model, x, y)
    history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    for name, values in history.items():
        assert np.allclose(np.array(values), np.array(report["history"][name]), rtol=1e-4, atol=1e-5), name
    for ours, theirs in zip(keras.saving.load_model(folder / "out.keras", compile=False).get_weights(), model.get_weights()):
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("activation, loss, y", [
    # Keras takes cross-entropies by what went into a softmax or sigmoid, whichever of the two it was and whatever the loss says.
    ("softmax", keras.losses.BinaryCrossentropy(), ONE_HOT),
    ("softmax", keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True), ONE_HOT),
    ("sigmoid", keras.losses.CategoricalCrossentropy(label_smoothing=0.1), ONE_HOT),
    ("sigmoid", keras.losses.SparseCategoricalCrossentropy(), CLASSES),
    ("sigmoid", keras.losses.SparseCategoricalCrossentropy(ignore_class=1), CLASSES),
    ("softmax", keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES),
    ("softmax", keras.losses.CategoricalCrossentropy(from_logits=True), ONE_HOT),
    ("sigmoid", keras.losses.BinaryCrossentropy(from_logits=True), ONE_HOT),
    ("softmax", keras.losses.CategoricalGeneralizedCrossEntropy(q=0.3), CLASSES),
    # Its configuration says `null`.
    ("softmax", keras.losses.CategoricalCrossentropy(reduction=None), ONE_HOT),
])
def test_losses_on_probabilities(tmp_path, activation, loss, y):
    keras.utils.set_random_seed(1)
    model = mlp(activation)
    model.compile(keras.optimizers.SGD(0.1), loss)
    follows(tmp_path, model, X, y)


def test_metrics_of_several_numbers(tmp_path):
    keras.utils.set_random_seed(1)
    model = mlp("sigmoid")
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=[
        keras.metrics.Precision(thresholds=[0.2, 0.7]), keras.metrics.FalseNegatives(thresholds=[0.2, 0.9]), keras.metrics.F1Score()])
    follows(tmp_path, model, X, ONE_HOT)


@pytest.mark.parametrize("optimizer", [
    keras.optimizers.Muon(0.01, exclude_layers=["dense_1"], momentum=0.9), keras.optimizers.Muon(0.01, exclude_layers=["^nothing", "first"]),
    # Never fitted: its scale is not in the file yet.
    keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=16.0, dynamic_growth_steps=3),
])
def test_optimizers(tmp_path, optimizer):
    keras.utils.set_random_seed(2)
    model = keras.Sequential([
        keras.Input((6,), name="x"), L.Dense(8, activation="tanh", name="first"), L.Dense(4, name="dense_1"),
        L.Dense(3, activation="softmax", name="last")])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    follows(tmp_path, model, X, CLASSES)


@pytest.mark.parametrize("optimizer", [
    keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05), initial_scale=64.0, dynamic_growth_steps=4),
    keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, clipvalue=0.02), initial_scale=64.0),
    keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, global_clipnorm=0.05), initial_scale=64.0),
])
def test_scaled_losses_of_rows(tmp_path, optimizer):
    """Gradients of rows that are looked up several times stay in parts when they are scaled back."""
    keras.utils.set_random_seed(6)
    model = keras.Sequential([keras.Input((6,), dtype="int32", name="x"), L.Embedding(5, 4), L.Flatten(), L.Dense(3, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    follows(tmp_path, model, np.random.default_rng(1).integers(0, 5, (24, 6)).astype("int32"), CLASSES)


@pytest.mark.parametrize("fitted", [True, False])
def test_several_optimizers(tmp_path, fitted):
    O = keras.optimizers
    keras.utils.set_random_seed(7)
    i = keras.Input((6,), name="x")
    model = keras.Model(i, L.Dense(3, activation="softmax", name="c")(L.Dense(4, name="b")(L.Dense(8, activation="tanh", name="a")(i))))
    shared = O.Adam(0.01, use_ema=True, ema_momentum=0.8)
    model.compile(O.MultiOptimizer(O.OptimizerMap(O.SGD(0.1, momentum=0.5), {"a/.*": shared, "b/kernel": shared, "c/bias": O.RMSprop(0.01)})),
                  "sparse_categorical_crossentropy")
    if fitted:
        model.fit(X, CLASSES, batch_size=8, verbose=0)
    follows(tmp_path, model, X, CLASSES)
    again = keras.saving.load_model(tmp_path / "out.keras")
    for ours, theirs in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-5), theirs.path
    again.fit(X, CLASSES, batch_size=8, shuffle=False, verbose=0)
    model.fit(X, CLASSES, batch_size=8, shuffle=False, verbose=0)
    for ours, theirs in zip(again.get_weights(), model.get_weights()):
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_gradients_that_are_stopped(tmp_path):
    """Training ends at `stop_gradient`, in files that came from others too; one that does not end there is no equal, and what only layers say is told."""
    def model(stop, rate=0.1):
        keras.utils.set_random_seed(9)
        i = keras.Input((6,), name="x")
        h = L.Dropout(rate)(L.Dense(4, name="d", kernel_regularizer="l2")(i))
        m = keras.Model(i, L.Dense(3, activation="softmax", name="c")(h + stop(keras.ops.tanh(h) * 2)))
        m.compile("sgd", "sparse_categorical_crossentropy")
        return m

    stopped = model(keras.ops.stop_gradient, rate=0.0)
    follows(tmp_path, stopped, X, CLASSES)
    stopped.save(tmp_path / "a.keras")
    model(lambda h: h).save(tmp_path / "b.keras")
    stopped.save(tmp_path / "c.h5")
    keras.saving.load_model(tmp_path / "a.keras").save(tmp_path / "c.keras")
    verdicts = {name: json.loads(modelctl.run("verify", tmp_path / "a.keras", tmp_path / name, "--training", "--json", expect=code))["training"]
                for name, code in [("a.keras", 0), ("b.keras", 1), ("c.keras", 0), ("c.h5", 0)]}
    notes = verdicts["b.keras"]["notes"]
    assert any("rate 0.1" in note for note in notes) and any("kernel_regularizer" in note for note in notes)
    assert len(verdicts["c.h5"]["notes"]) == 1
    # Written again, it still ends there; where a format has no word for that, it is told.
    modelctl.convert(tmp_path / "a.keras", tmp_path / "d.h5")
    modelctl.run("verify", tmp_path / "a.keras", tmp_path / "d.h5", "--training")
    report = modelctl.run("convert", tmp_path / "a.keras", tmp_path / "d.onnx", "--json")
    assert "stop_gradient" in report


def test_optimizers_by_path(tmp_path):
    """Patterns meet variables under Keras's paths: those of a `Sequential` begin with its name, those of recurrent layers have their cell's."""
    O = keras.optimizers
    keras.utils.set_random_seed(9)
    model = keras.Sequential([keras.Input((6,), name="x"), L.Reshape((3, 2)), L.Bidirectional(L.GRU(3, return_sequences=True), name="both"), L.LSTM(4, name="l"),
                              L.Dense(3, activation="softmax", name="c")], name="net")
    paths = {"net/both/forward_gru/gru_cell/.*": O.Adam(0.01), "net/l/lstm_cell/(recurrent_)?kernel": O.RMSprop(0.01), "c/.*": O.Adam(0.3)}
    model.compile(O.MultiOptimizer(O.OptimizerMap(O.SGD(0.1, momentum=0.5), paths)), "sparse_categorical_crossentropy")
    follows(tmp_path, model, X, CLASSES)


@pytest.mark.parametrize("fitted", [True, False])
def test_policies_that_scale_losses(tmp_path, fitted):
    """Keras scales the losses of a model of half precision by itself: its file names the optimiser inside and holds the variables of both."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        keras.utils.set_random_seed(8)
        model = keras.Sequential([keras.Input((6,), name="x"), L.Dense(8, activation="tanh"), L.Dense(3, activation="softmax", dtype="float32")])
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    finally:
        keras.config.set_dtype_policy("float32")
    if fitted:
        model.fit(X, CLASSES, batch_size=8, shuffle=False, verbose=0)
    assert type(model.optimizer) is keras.optimizers.LossScaleOptimizer
    report = train(tmp_path, model, X, CLASSES)
    history = model.fit(X, CLASSES, batch_size=8, epochs=3, shuffle=False, verbose=0).history
    # Half precision rounds each product.
    assert np.allclose(history["loss"], report["history"]["loss"], rtol=2e-3)
    again = keras.saving.load_model(tmp_path / "out.keras")
    assert type(again.optimizer) is keras.optimizers.LossScaleOptimizer
    assert float(again.optimizer.dynamic_scale) == float(model.optimizer.dynamic_scale)
    assert int(again.optimizer.step_counter) == int(model.optimizer.step_counter) and int(again.optimizer.iterations) == int(model.optimizer.iterations)


@pytest.mark.parametrize("layer, shape", [
    (lambda: L.Bidirectional(L.LSTM(3, stateful=True)), (5, 4)),
    (lambda: L.Bidirectional(L.GRU(3, stateful=True, return_sequences=True), merge_mode="sum"), (5, 4)),
    (lambda: L.Bidirectional(L.LSTM(3, stateful=True), backward_layer=L.SimpleRNN(3, stateful=True, go_backwards=True)), (5, 4)),
    (lambda: L.TimeDistributed(L.LSTM(3, stateful=True)), (3, 5, 4)),
])
def test_states_in_wrappers(tmp_path, layer, shape):
    keras.utils.set_random_seed(3)
    inputs = keras.Input(batch_shape=(8, *shape), name="x")
    model = keras.Model(inputs, L.Dense(2)(L.Flatten()(layer()(inputs))))
    model.compile(keras.optimizers.SGD(0.05), "mse")
    follows(tmp_path, model, RNG.normal(size=(16, *shape)).astype("float32"), TARGETS)


def test_lora_says_so(tmp_path):
    model = keras.Sequential([keras.Input((6,), name="x"), L.Dense(8, lora_rank=2), L.Dense(3)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    train(tmp_path, model, X, ONE_HOT, expect=69)
    assert not (tmp_path / "out.keras").exists()


@pytest.mark.parametrize("layer", [
    lambda: L.RandomPerspective(0.8, 0.5, seed=1), lambda: L.RandomPerspective((0.3, 1.0), 0.2, fill_value=40.0, seed=3),
    lambda: L.RandomElasticTransform(0.7, 1.0, seed=3), lambda: L.RandomElasticTransform(fill_mode="wrap", seed=5),
    lambda: L.RandomElasticTransform((0.9, 1.0), (0.5, 1.0), fill_mode="constant", fill_value=7.0, interpolation="nearest", seed=6),
    lambda: L.RandAugment(seed=4),
])
def test_augmentation(tmp_path, layer):
    keras.utils.set_random_seed(4)
    inputs = keras.Input((8, 6, 3), name="x")
    model = keras.Model(inputs, L.Dense(2)(L.Flatten()(L.Rescaling(1 / 255)(layer()(inputs)))))
    model.compile(keras.optimizers.SGD(0.02), "mse")
    follows(tmp_path, model, RNG.uniform(0, 255, size=(16, 8, 6, 3)).astype("float32"), TARGETS)


@pytest.mark.parametrize("activation, operation", [
    # Rows of zeros have no direction, and give no gradient.
    ("hard_shrink", lambda x: L.Dot(1, normalize=True)([x, L.Dense(4)(x)])),
    ("hard_shrink", lambda x: keras.ops.normalize(x, axis=-1)),
    ("hard_shrink", lambda x: keras.ops.divide_no_nan(x, keras.ops.flip(x, axis=-1))),
    (None, lambda x: keras.ops.celu(x, 0.7)),
], ids=["dot", "normalize", "divide", "celu"])
def test_gradients_where_there_is_no_slope(tmp_path, activation, operation):
    keras.utils.set_random_seed(2)
    inputs = keras.Input((4,), name="x")
    outputs = L.Dense(2)(operation(L.Dense(4, activation=activation)(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    x = np.concatenate([np.zeros((6, 4)), RNG.normal(size=(10, 4))]).astype("float32")
    follows(tmp_path, model, x, TARGETS)


@pytest.mark.parametrize("activation, loss, y", [
    # Samples without a class, and with several: TensorFlow's gradient is that of targets that add up to 1.
    ("softmax", keras.losses.CategoricalCrossentropy(), ONE_HOT * (np.arange(24) % 3 > 0)[:, None]),
    (None, keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), ONE_HOT + np.roll(ONE_HOT, 1, 1)),
    # Logits of 0 at first.
    ("sigmoid", keras.losses.BinaryCrossentropy(), ONE_HOT), (None, keras.losses.BinaryFocalCrossentropy(from_logits=True), ONE_HOT),
], ids=["no class", "classes", "sigmoid", "focal"])
def test_losses_of_unusual_targets(tmp_path, activation, loss, y):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,), name="x"), L.Dense(3, activation=activation, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1), loss)
    follows(tmp_path, model, X, y.astype("float32"))
