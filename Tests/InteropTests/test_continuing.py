"""Training that changes hands: Keras goes on where modelctl stopped and the other way round, runs that were killed go on, and TensorBoard
reads what training wrote."""
import json
import random
import signal
import subprocess
import time

import h5py
import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import modelctl

RNG = np.random.default_rng(1)
X = RNG.normal(size=(96, 8)).astype("float32")
Y = (X @ RNG.normal(size=(8, 3))).argmax(1).astype("int32")
CE = "sparse_categorical_crossentropy"


def make(dropout=0.0):
    keras.utils.set_random_seed(3)
    L = keras.layers
    inputs = L.Input((8,), name="x")
    h = L.Dense(10, activation="relu", kernel_regularizer=keras.regularizers.L1L2(1e-3, 2e-3), activity_regularizer="l2")(inputs)
    h = L.BatchNormalization()(h)
    if dropout:
        h = L.Dropout(dropout)(h)
    h = L.Dense(6, activation="tanh", kernel_constraint=keras.constraints.MaxNorm(1.2), bias_constraint="non_neg")(h)
    return keras.Model(inputs, L.Dense(3, activation="softmax", name="kind")(h))


def optimizers():
    O = keras.optimizers
    return {
        "adam": O.Adam(0.01, clipnorm=1.0), "sgd": O.SGD(O.schedules.CosineDecay(0.1, 30), momentum=0.9, nesterov=True),
        "adamw": O.AdamW(0.01, use_ema=True, ema_momentum=0.9), "scaled": O.LossScaleOptimizer(O.RMSprop(0.003, centered=True)),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("continuing")
    np.savez(folder / "d.npz", x=X, y=Y)
    return folder


def train(folder, source, out, *options):
    return json.loads(modelctl.run(
        "train", source, "--data", folder / "d.npz", "--batch-size", 16, "--no-shuffle", "--output", out, "--force", "--json", *options))["history"]


def fit(model, epochs):
    return model.fit(X, Y, batch_size=16, epochs=epochs, shuffle=False, verbose=0).history


def close(ours, theirs):
    for name, values in theirs.items():
        assert np.allclose(ours[name], values, rtol=1e-4, atol=1e-5), (name, ours[name], values)


def same_weights(ours, theirs):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.allclose(a, b, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", list(optimizers()))
def test_ours_goes_on_where_keras_stopped(folder, name):
    model = make()
    model.compile(optimizers()[name], CE, metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="two")])
    fit(model, 2)
    before, after = folder / f"before-{name}.keras", folder / f"after-{name}.keras"
    model.save(before)
    if name == "adam":
        model.save(folder / "before.h5")
    ours, theirs = train(folder, before, after, "--epochs", 3), fit(model, 3)
    close(ours, theirs)
    if name == "adam":
        # The older format too. Keras writes its optimiser there, and does not train on after it has read one.
        close(train(folder, folder / "before.h5", folder / "after.h5", "--epochs", 3), theirs)
        with h5py.File(folder / "after.h5") as file:
            names = file["optimizer_weights"].attrs["weight_names"]
            for stored, variable in zip(names, model.optimizer.variables, strict=True):
                found = file["optimizer_weights"][stored][()]
                assert np.allclose(found, variable.numpy(), rtol=1e-4, atol=2e-5)
        same_weights(keras.saving.load_model(folder / "after.h5"), model)
    # And back: what modelctl wrote goes on in Keras as if Keras had trained it.
    again = keras.saving.load_model(after)
    same_weights(again, model)
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations) == 30
    close(fit(again, 2), fit(model, 2))
    same_weights(again, model)


def test_keras_goes_on_where_ours_stopped(folder):
    model = make()
    model.save(folder / "fresh.keras")
    train(folder, folder / "fresh.keras", folder / "ours.keras", "--epochs", 3, "--loss", CE, "--optimizer", "nadam", "--learning-rate", 0.01,
          "--metric", "accuracy")
    again = keras.saving.load_model(folder / "ours.keras")
    model.compile(keras.optimizers.Nadam(0.01), CE, metrics=["accuracy"])
    fit(model, 3)
    assert type(again.optimizer) is keras.optimizers.Nadam and int(again.optimizer.iterations) == 18
    close(fit(again, 2), fit(model, 2))
    same_weights(again, model)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "ftrl"])
def test_rows_that_are_looked_up_often(folder, optimizer):
    """TensorFlow's gradient of a table comes in parts, whose squares Keras's optimisers add up."""
    keras.utils.set_random_seed(6)
    L = keras.layers
    model = keras.Sequential([keras.Input((6,), dtype="int32", name="x"), L.Embedding(5, 4), L.Flatten(),
                              L.SpectralNormalization(L.Dense(5, activation="relu"), power_iterations=2), L.Dense(3, activation="softmax", name="kind")])
    words = np.random.default_rng(8).integers(0, 5, (96, 6)).astype("int32")
    np.savez(folder / "words.npz", x=words, y=Y)
    model.save(folder / "words.keras")
    history = json.loads(modelctl.run(
        "train", folder / "words.keras", "--data", folder / "words.npz", "--batch-size", 16, "--epochs", 3, "--no-shuffle", "--loss", CE,
        "--optimizer", optimizer, "--learning-rate", 0.02, "--output", folder / "words-out.keras", "--force", "--json"))["history"]
    rate = keras.optimizers.get(optimizer)
    rate.learning_rate = 0.02
    model.compile(rate, CE)
    theirs = model.fit(words, Y, batch_size=16, epochs=3, shuffle=False, verbose=0).history
    close(history, theirs)
    same_weights(keras.saving.load_model(folder / "words-out.keras", compile=False), model)


def kept_in_check():
    """Networks whose layers hold regularisers and constraints in every place where configurations have them."""
    L, R, K = keras.layers, keras.regularizers, keras.constraints
    i = L.Input((6, 5), name="x")
    h = L.TimeDistributed(L.Dense(5, kernel_regularizer="l2", activity_regularizer=R.L2(0.1)))(i)
    h = L.Bidirectional(L.LSTM(4, return_sequences=True, kernel_regularizer="l1", recurrent_regularizer=R.L2(0.02), recurrent_constraint=K.MaxNorm(1.0),
                               bias_regularizer="l2", activity_regularizer=R.L2(0.03)))(h)
    h = L.MultiHeadAttention(2, 3, kernel_regularizer="l2", bias_constraint="non_neg")(h, h)
    h = L.LayerNormalization(gamma_regularizer="l2", beta_constraint="non_neg")(h)
    h = L.GRU(4, kernel_constraint="unit_norm", activity_regularizer="l1")(h)
    yield keras.Model(i, L.Dense(3, activation="softmax", name="kind")(h))
    i = L.Input((8, 8, 3), name="x")
    h = L.Conv2D(4, 3, kernel_regularizer="l2", kernel_constraint=K.MaxNorm(1, axis=[0, 1, 2]))(i)
    h = L.BatchNormalization(gamma_regularizer="l1", beta_regularizer="l2", gamma_constraint="non_neg")(h)
    h = L.DepthwiseConv2D(3, depthwise_regularizer="l2", depthwise_constraint=K.UnitNorm([0, 1]), activity_regularizer="l2")(h)
    h = L.SeparableConv2D(4, 3, depthwise_regularizer="l1", pointwise_regularizer="l2", pointwise_constraint="non_neg")(h)
    h = L.ActivityRegularization(0.01, 0.01)(L.Flatten()(L.PReLU(alpha_regularizer="l2")(h)))
    yield keras.Model(i, L.Dense(3, activation="softmax", name="kind")(h))
    inner = keras.Sequential([L.Input((5,)), L.Dense(4, kernel_regularizer="l2", activity_regularizer="l2"), L.Dense(4)])
    i = L.Input((5,), name="x")
    h = L.Add()([inner(i), L.Dense(4, trainable=False, kernel_regularizer="l2")(i)])
    yield keras.Model(i, L.Dense(3, activation="softmax", name="kind")(h))


def test_regularizers_and_constraints_of_files(folder):
    keras.utils.set_random_seed(4)
    for model in kept_in_check():
        x = RNG.normal(size=(48, *model.inputs[0].shape[1:])).astype("float32")
        np.savez(folder / "kept.npz", x=x, y=Y[:48])
        model.compile(keras.optimizers.SGD(0.02, momentum=0.9), CE)
        model.save(folder / "kept.keras")
        history = json.loads(modelctl.run("train", folder / "kept.keras", "--data", folder / "kept.npz", "--batch-size", 8, "--epochs", 2, "--no-shuffle",
                                          "--validation-split", 0.25, "--output", folder / "kept-out.keras", "--force", "--json"))["history"]
        close(history, model.fit(x, Y[:48], batch_size=8, epochs=2, shuffle=False, verbose=0, validation_split=0.25).history)
        same_weights(keras.saving.load_model(folder / "kept-out.keras"), model)


@pytest.mark.parametrize("layer", ["attention", "merged", "nested"])
def test_penalties_that_would_be_left_out_are_refused(folder, layer):
    L = keras.layers
    i = L.Input((6, 5), name="x")
    h = {
        "attention": lambda: L.MultiHeadAttention(2, 3, activity_regularizer="l2")(i, i),
        "merged": lambda: L.Bidirectional(L.GRU(4, return_sequences=True, activity_regularizer="l2"), merge_mode="sum")(i),
        "nested": lambda: L.TimeDistributed(keras.Sequential([L.Input((5,)), L.Dense(4, kernel_regularizer="l2")]))(i),
    }[layer]()
    keras.Model(i, L.Dense(3, activation="softmax", name="kind")(L.Flatten()(h))).save(folder / "left.keras")
    np.savez(folder / "left.npz", x=np.zeros((8, 6, 5), "float32"), y=np.zeros(8, "int32"))
    modelctl.run("train", folder / "left.keras", "--data", folder / "left.npz", "--batch-size", 8, "--epochs", 1, "--loss", CE, "--optimizer", "sgd",
                 "--output", folder / "left-out.keras", expect=69)


def test_weights_alone_keep_the_optimizer(folder):
    model = make()
    model.compile("adam", CE)
    fit(model, 1)
    model.save(folder / "w.keras")
    modelctl.convert(folder / "w.keras", folder / "w.weights.h5", "--no-verify")
    with h5py.File(folder / "w.weights.h5") as file:
        assert len(file["optimizer/vars"]) == len(model.optimizer.variables)
    other = make()
    other.compile("adam", CE)
    other.optimizer.build(other.trainable_variables)
    other.load_weights(folder / "w.weights.h5")
    close(fit(other, 1), fit(model, 1))


def test_killed_runs_go_on(folder):
    """Kills a run at random moments until it has come to its end: the result is that of a run without a break."""
    make(dropout=0.3).save(folder / "dropped.keras")
    out, backup = folder / "resumed.keras", folder / "backup"
    options = ["train", folder / "dropped.keras", "--data", folder / "d.npz", "--batch-size", "4", "--epochs", "60", "--loss", CE, "--optimizer", "adam",
               "--seed", "5", "--no-verify"]
    start = time.monotonic()
    modelctl.run(*options, "--output", folder / "whole.keras")
    whole = time.monotonic() - start
    kills = 0
    for attempt in range(40):
        process = subprocess.Popen([modelctl.BINARY, *map(str, options), "--output", str(out), "--backup", str(backup), "--backup-every", "7"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            # Later attempts get longer, so that the run ends on any machine.
            process.wait(random.uniform(0.2, 0.7) * whole * (1 + attempt / 4))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        errors = process.communicate()[1].decode()
        assert process.returncode in (0, -signal.SIGKILL), errors
        # Whatever the moment, the backup is a whole one.
        if (backup / "latest.npz").exists():
            with np.load(backup / "latest.npz") as arrays:
                assert len({name: arrays[name] for name in arrays.files}) > 10
        if process.returncode == 0:
            break
    assert kills and not backup.exists() and out.exists()
    for a, b in zip(*(keras.saving.load_model(p, compile=False).get_weights() for p in (out, folder / "whole.keras")), strict=True):
        assert np.array_equal(a, b)


def test_tensorboard_reads_our_events(folder):
    make().save(folder / "board.keras")
    logs = folder / "logs"
    history = train(folder, folder / "board.keras", folder / "boarded.keras", "--epochs", 3, "--loss", CE, "--optimizer", "adam", "--metric", "accuracy",
                    "--validation-split", 0.25, "--tensorboard", logs)
    runs = {}
    for name in ["train", "validation"]:
        runs[name] = EventAccumulator(str(logs / name), size_guidance={"tensors": 0})
        runs[name].Reload()

    def scalars(run, tag):
        return [(e.step, float(np.frombuffer(e.tensor_proto.tensor_content, "float32")[0])) for e in runs[run].Tensors(tag)]

    for figure in ["loss", "accuracy"]:
        for run, prefix in [("train", ""), ("validation", "val_")]:
            assert np.allclose(scalars(run, f"epoch_{figure}"), list(enumerate(history[prefix + figure])), rtol=1e-6)
    assert runs["train"].Tensors("epoch_learning_rate") and runs["validation"].Tensors("evaluation_loss_vs_iterations")[-1].step == 15
    histogram = runs["train"].Tensors("kind/kernel/histogram")[-1].tensor_proto
    rows = np.frombuffer(histogram.tensor_content, "float64").reshape(-1, 3)
    values = keras.saving.load_model(folder / "boarded.keras", compile=False).get_layer("kind").get_weights()[0]
    assert rows[:, 2].sum() == values.size and np.isclose(rows[0, 0], values.min()) and np.isclose(rows[-1, 1], values.max())
    expected, _ = np.histogram(values.astype("float64"), 30)
    assert np.array_equal(rows[:, 2], expected)
    graph = runs["train"].Graph()
    kinds = {node.op for node in graph.node}
    assert {"Dense", "BatchNormalization"} <= kinds and any("kind" in node.name for node in graph.node)
    assert runs["train"].summary_metadata["epoch_loss"].plugin_data.plugin_name == "scalars"
    assert json.loads(runs["train"].Tensors("keras")[0].tensor_proto.string_val[0])["class_name"] == "Functional"
