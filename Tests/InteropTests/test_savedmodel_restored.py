"""What TensorFlow 2 saved, restored in a graph of TensorFlow 1 and saved again: tables are made and filled by functions, and the
files they are filled from are listed in a collection."""
import numpy as np
import tensorflow as tf

import modelctl

v1 = tf.compat.v1


def test_a_table_restored_and_saved_again(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("red\ngreen\nblue\n")

    class Vocabulary(tf.Module):
        def __init__(self):
            index = tf.lookup.TextFileIndex
            lines = tf.lookup.TextFileInitializer(str(words), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)
            self.table = tf.lookup.StaticVocabularyTable(lines, 2)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def find(self, words):
            return self.table.lookup(words)

    vocabulary = Vocabulary()
    tf.saved_model.save(vocabulary, str(tmp_path / "first"), {"serving_default": vocabulary.find})
    with tf.Graph().as_default(), v1.Session() as session:
        restored = tf.saved_model.load(str(tmp_path / "first"))
        x = v1.placeholder(tf.string, [None], name="x")
        y = restored.find(x)
        session.run(v1.tables_initializer())
        expected = session.run(y, {x: ["blue", "red", "pink", "green"]})
        builder = v1.saved_model.Builder(str(tmp_path / "second"))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, main_op=v1.tables_initializer(),
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS))
        builder.save()
    np.savez(tmp_path / "in.npz", x=np.array([b"blue", b"red", b"pink", b"green"]))
    for source in ("second", "again"):
        modelctl.run("run", tmp_path / source, "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
        with np.load(tmp_path / "out.npz") as outputs:
            np.testing.assert_array_equal(outputs["y"], expected)
        modelctl.convert(tmp_path / "second", tmp_path / "again", "--to", "savedmodel")


def test_what_calls_would_have_left_behind_is_noted(tmp_path):
    class Counter(tf.Module):
        def __init__(self):
            self.count = tf.Variable(2.5, name="count")

        @tf.function(input_signature=[tf.TensorSpec([], name="x")])
        def add(self, x):
            return {"sum": self.count.assign_add(x)}

    counter = Counter()
    tf.saved_model.save(counter, str(tmp_path / "source"), {"serving_default": counter.add})
    report = modelctl.convert(tmp_path / "source", tmp_path / "model.onnx")
    assert any("'count'" in note and "nothing between invocations" in note for note in report["notes"]), report["notes"]
