"""Compiled models between the Keras formats: the default `load_model()` compiles them again, in Keras 3 and in Keras 2, to the same loss, and
where the optimiser's state is kept the next step is the same."""
import json
import zipfile

import keras
import numpy as np
import pytest
import tf_keras

import modelctl

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 4)).astype("float32")
KINDS = RNG.integers(0, 3, 16)
TARGETS = {"kinds": KINDS, "one hot": np.eye(3, dtype="float32")[KINDS], "numbers": abs(X[:, :3]), "yes": (X[:, :1] > 0).astype("float32")}


def losses(K):
    L = K.losses
    # Keras 3 forgets this option in its own files.
    huber = L.Huber(delta=0.7) if K is tf_keras else L.Huber()
    return {
        "words": ("sparse_categorical_crossentropy", ["accuracy"], "kinds"), "short words": ("mse", ["mae"], "numbers"),
        "logits": (L.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"], "kinds"),
        "smoothed": (L.CategoricalCrossentropy(label_smoothing=0.1), [K.metrics.CategoricalAccuracy(name="right")], "one hot"),
        "mse": (L.MeanSquaredError(), [K.metrics.MeanAbsoluteError()], "numbers"), "huber": (huber, None, "numbers"),
        "binary": (L.BinaryCrossentropy(from_logits=True), [K.metrics.AUC(from_logits=True)], "yes"), "divergence": ("kld", None, "numbers"),
    }


def optimizers(K):
    O, S = K.optimizers, K.optimizers.schedules
    found = {
        "words": "adam", "sgd": O.SGD(0.1), "momentum": O.SGD(0.1, momentum=0.9, nesterov=True), "clipped": O.Adam(0.01, clipnorm=1.0),
        "schedule": O.Adam(S.ExponentialDecay(0.01, 10, 0.9)), "cosine": O.RMSprop(S.CosineDecay(0.01, 20)), "adamw": O.AdamW(0.01, weight_decay=0.01),
        "amsgrad": O.Adam(0.01, amsgrad=True), "nadam": O.Nadam(0.01), "lion": O.Lion(0.01), "adamax": O.Adamax(0.01), "adagrad": O.Adagrad(0.01),
    }
    if K is tf_keras:
        found["legacy"] = O.legacy.Adam(0.01)
        found["decaying"] = O.legacy.SGD(0.1, momentum=0.5, decay=0.1)
    return found


#: Each optimiser and each loss once or more.
PAIRS = [
    ("words", "words"), ("sgd", "short words"), ("momentum", "mse"), ("clipped", "logits"), ("schedule", "smoothed"), ("cosine", "huber"),
    ("adamw", "binary"), ("amsgrad", "divergence"), ("nadam", "words"), ("lion", "mse"), ("adamax", "huber"), ("adagrad", "smoothed"),
    ("legacy", "logits"), ("decaying", "short words"),
]
#: Keras 2 saves all of this optimiser's state but the product of its momentum's schedule, and so goes on otherwise itself.
FORGETFUL = {"nadam"}
#: What an .h5 file can name with its options for one generation alone: it does for the one that made the model.
OF_ONE_GENERATION = {"adamw", "nadam", "lion"}
#: Whose rate is another one at each step.
SCHEDULED = {"schedule", "cosine", "decaying"}
#: The state that Keras 2 keeps in no archive.
STATELESS_ARCHIVE = {"legacy", "decaying"}


def compiled(K, optimizer, loss):
    K.utils.set_random_seed(5)
    told, metrics, target = losses(K)[loss]
    probabilities = loss in ("words", "smoothed", "divergence")
    L = K.layers
    layers = [L.Input((4,)), L.Dense(5, activation="tanh"), L.Dense(1 if target == "yes" else 3, activation="softmax" if probabilities else None)]
    model = K.Sequential(layers)
    model.compile(optimizers(K)[optimizer], told, metrics=metrics)
    model.fit(X, TARGETS[target], batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model, TARGETS[target]


def loss_of(model, target):
    return np.ravel(model.evaluate(X, target, verbose=0))[0]


def step(model, target):
    model.fit(X, target, batch_size=16, epochs=1, shuffle=False, verbose=0)
    return model.get_weights()


GENERATIONS = {"keras3": keras, "keras2": tf_keras}


@pytest.mark.parametrize(
    "generation, optimizer, loss", [(name, *pair) for name, K in GENERATIONS.items() for pair in PAIRS if pair[0] in optimizers(K)])
def test_compiled_again(generation, optimizer, loss, tmp_path):
    K = GENERATIONS[generation]
    model, target = compiled(K, optimizer, loss)
    made = []
    for source in ("keras", "h5"):
        model.save(tmp_path / f"of.{source}")
        for goal in ("keras", "h5"):
            if source == goal == "h5":
                continue  # is copied, whatever Keras can do with it
            path = tmp_path / f"{source}-to.{goal}"
            notes = json.loads(modelctl.run("convert", tmp_path / f"of.{source}", path, "--no-verify", "--json"))["notes"]
            told = any("in Keras 2" in note if K is keras else "in Keras 3" in note for note in map(str, notes))
            assert told == (goal == "h5" and optimizer in OF_ONE_GENERATION), notes
            made.append((source, goal, path))
    expected, outputs, rate = loss_of(model, target), np.asarray(model(X)), float(model.optimizer.learning_rate)
    after = step(model, target)
    for source, goal, path in made:
        for reader in (keras, tf_keras):
            if reader is tf_keras and goal == "keras":
                continue
            case = f"{source} to {goal}, read by {reader.__name__}"
            if K is keras and reader is tf_keras and optimizer in OF_ONE_GENERATION:
                assert np.allclose(reader.models.load_model(path, compile=False)(X), outputs, atol=1e-6), case
                continue
            again = reader.models.load_model(path)
            assert again.optimizer is not None, case
            lost = K is tf_keras and reader is keras and goal == "h5" and optimizer in OF_ONE_GENERATION
            if not lost and optimizer not in SCHEDULED:
                assert np.isclose(float(again.optimizer.learning_rate), rate), case
            assert np.isclose(loss_of(again, target), expected, rtol=1e-4), case
            # Keras 3 builds the optimiser of an .h5 file for no weights, and does not train on; its own files neither.
            if goal == "h5" and reader is keras or source == "keras" and optimizer in STATELESS_ARCHIVE:
                continue
            if optimizer in FORGETFUL and tf_keras in (K, reader):
                continue
            for ours, theirs in zip(step(again, target), after, strict=True):
                assert np.allclose(ours, theirs, rtol=1e-4, atol=2e-5), case


def test_without_an_optimizer(tmp_path):
    compiled(keras, "words", "words")[0].save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive, zipfile.ZipFile(tmp_path / "b.keras", "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["compile_config"]["optimizer"] = None
                content = json.dumps(config)
            other.writestr(name, content)
    notes = modelctl.convert(tmp_path / "b.keras", tmp_path / "b.h5")["notes"]
    assert any("RMSprop" in str(note) for note in notes)
    assert type(keras.models.load_model(tmp_path / "b.h5").optimizer) is keras.optimizers.RMSprop


@pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras3", "keras2"])
def test_structure_stays(K, tmp_path):
    L = K.layers
    a, b = L.Input((6,), name="a"), L.Input((6,), name="b")
    held = {
        "dictionaries": K.Model({"b": b, "a": a}, {"z": L.Dense(2, name="zz")(L.Subtract()([a, b])), "aa": L.Dense(3, name="d")(a)}),
        "nested": K.Model({"b": b, "a": a}, [L.Dense(2)(b), {"q": L.Dense(3)(a)}]),
        "single": K.Model(a, L.Dense(2)(a)),
    }
    values = {"a": np.arange(6, dtype="float32")[None], "b": np.float32([[0, 1, 0, 2, 0, 3]])}
    arguments = {"dictionaries": values, "nested": values, "single": values["a"]}

    def outputs(model, name):
        found = model(arguments[name])
        return found, [np.array(y) for y in (found.values() if isinstance(found, dict) else [found[0], found[1]["q"]] if name == "nested" else [found])]

    for name, model in held.items():
        expected, numbers = outputs(model, name)
        for source in ("keras", "h5"):
            model.save(tmp_path / f"of.{source}")
            for goal in ("keras", "h5"):
                if source == goal == "h5":
                    continue
                path = tmp_path / f"{source}-to.{goal}"
                modelctl.run("convert", tmp_path / f"of.{source}", path, "--force")
                for reader in (keras, tf_keras) if goal == "h5" else (keras,):
                    found, ours = outputs(reader.models.load_model(path, compile=False), name)
                    case = f"{name}: {source} to {goal}, read by {reader.__name__}"
                    assert type(found) is type(expected) and (not isinstance(found, dict) or list(found) == list(expected)), case
                    for x, y in zip(ours, numbers, strict=True):
                        assert np.allclose(x, y, atol=1e-6), case
