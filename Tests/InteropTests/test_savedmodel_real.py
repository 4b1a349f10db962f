"""SavedModels as people export them: tables in front, run-time shapes inside, detections and labels at the end."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import modelctl
import peers
import savedmodels


def save(function, path):
    module = tf.Module()
    module.call = function
    tf.saved_model.save(module, str(path), {"serving_default": function})


@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_lookup_tables_become_layers(package, tmp_path):
    L = package.layers
    city, code = L.Input((1,), dtype="string", name="city"), L.Input((1,), dtype="int64", name="code")
    x = L.Embedding(5, 4)(L.StringLookup(vocabulary=["rome", "paris", "oslo"])(city))
    y = L.Embedding(5, 4)(L.IntegerLookup(vocabulary=[30, 7, 9])(code))
    model = package.Model([city, code], L.Dense(2)(L.Flatten()(L.Add()([x, y]))))
    model.export(str(tmp_path / "saved"))
    cities, codes = np.array([["oslo"], ["bonn"], ["rome"]], object), np.array([[7], [8], [30]])
    expected = list(savedmodels.run_signature(tmp_path / "saved", {"city": cities, "code": codes}).values())
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras")
    assert {"StringLookup", "IntegerLookup", "Embedding", "Dense"} <= {type(layer).__name__ for layer in back.layers}
    found = back({"city": tf.constant(cities.tolist()), "code": tf.constant(codes)}) if isinstance(back.input, dict) else back(
        [{"city": tf.constant(cities.tolist()), "code": tf.constant(codes)}[i.name.split(":")[0]] for i in back.inputs])
    peers.compare([np.asarray(found)], expected, what="savedmodel → keras")


def test_detections_reach_onnx(tmp_path):
    @tf.function(input_signature=[tf.TensorSpec([None, 12, 1, 4], name="boxes"), tf.TensorSpec([None, 12, 3], name="scores")])
    def call(boxes, scores):
        found = tf.image.combined_non_max_suppression(boxes, scores, 4, 8, 0.3, 0.2)
        return dict(zip(("boxes_out", "scores_out", "classes", "count"), found))

    save(call, tmp_path / "saved")
    rng = np.random.default_rng(7)
    boxes = np.sort(rng.uniform(-0.1, 1.1, (2, 12, 2, 2)), axis=2).reshape(2, 12, 1, 4).astype("float32")
    inputs = {"boxes": boxes, "scores": rng.uniform(size=(2, 12, 3)).astype("float32")}
    expected = savedmodels.run_signature(tmp_path / "saved", inputs)
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    session = peers.onnx_session(tmp_path / "model.onnx")
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs)))
    for name in expected:
        peers.compare([found[name]], [expected[name]], what=name)


def test_branches_that_pass_values_through(tmp_path):
    """A branch whose result is a value from outside, within a loop."""

    @tf.function(input_signature=[tf.TensorSpec([None, 3], name="x"), tf.TensorSpec([], tf.int32, name="n")])
    def call(x, n):
        y = x
        for i in tf.range(n):
            if tf.reduce_sum(y) > 4.0:
                y = tf.where(y > 1.0, y - x, y) if i % 2 == 0 else x
            else:
                y = y + tf.abs(x)
        return {"y": y}

    save(call, tmp_path / "saved")
    x = np.random.default_rng(2).normal(size=(2, 3)).astype("float32")
    modelctl.convert(tmp_path / "saved", tmp_path / "graph", "--to", "tfjs-graph")
    modelctl.convert(tmp_path / "graph", tmp_path / "again", "--to", "savedmodel")
    for n in (0, 1, 4, 7):
        inputs = {"x": x, "n": np.int32(n)}
        peers.compare([savedmodels.run_signature(tmp_path / "again", inputs)["y"]], [savedmodels.run_signature(tmp_path / "saved", inputs)["y"]], what=f"{n} turns")


def test_attention_over_open_lengths(tmp_path):
    """Heads split off and put together with shapes computed at run time come back as keras.ops."""
    rng = np.random.default_rng(3)
    table, places, q, k, v, o = (tf.constant(rng.normal(0, 0.4, s).astype("float32")) for s in ((50, 16), (32, 16), (16, 16), (16, 16), (16, 16), (16, 16)))

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")])
    def call(ids):
        batch, steps = tf.unstack(tf.shape(ids))
        x = tf.gather(table, ids) + places[:steps]
        heads = lambda w: tf.transpose(tf.reshape(x @ w, [batch, steps, 4, 4]), [0, 2, 1, 3])
        weights = tf.nn.softmax(tf.matmul(heads(q), heads(k), transpose_b=True) / 2.0)
        joined = tf.reshape(tf.transpose(weights @ heads(v), [0, 2, 1, 3]), [batch, steps, 16])
        return {"y": x + joined @ o}

    save(call, tmp_path / "saved")
    modelctl.convert(tmp_path / "saved", tmp_path / "model.keras")
    for steps in (1, 7, 11):
        ids = rng.integers(0, 50, (3, steps)).astype("int32")
        peers.compare(peers.run_keras(tmp_path / "model.keras", [ids]), [savedmodels.run_signature(tmp_path / "saved", {"ids": ids})["y"]], what=f"{steps} steps")
