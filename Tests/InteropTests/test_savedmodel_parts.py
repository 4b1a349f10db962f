"""What stands around the graph of a SavedModel, and what it was rarely made of: fingerprints, assets, tables, tag sets, old files."""
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import fingerprint_pb2
from tensorflow.python.saved_model.pywrap_saved_model import fingerprinting

import litert
import modelctl
import peers
import savedmodels
import tfjs
from test_savedmodel_patterns import TARGETS

v1 = tf.compat.v1
RNG = np.random.default_rng(5)


def spec(*shape, dtype=tf.float32, name="x"):
    return tf.TensorSpec(shape, dtype, name=name)


def save(path, **functions):
    """Functions by the names of their signatures; what else they use is kept by `keep`."""
    module = tf.Module()
    module.keep = functions.pop("keep", [])
    module.functions = list(functions.values())
    tf.saved_model.save(module, str(path), functions)


def execute(path, folder, inputs, *options):
    np.savez(folder / "in.npz", **{k: v.astype("U") if v.dtype == object else v for k, v in inputs.items()})
    modelctl.run("run", path, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", *options)
    with np.load(folder / "out.npz", allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def same(found, expected, names=None):
    for name in names or expected:
        a, e = np.asarray(found[name]), np.asarray(expected[name])
        if e.dtype.kind in "OSU":
            assert [x if isinstance(x, bytes) else str(x).encode() for x in a.ravel()] == [
                x if isinstance(x, bytes) else str(x).encode() for x in e.ravel()], name
        else:
            peers.compare([a], [e], what=name)


def test_fingerprint_is_tensorflows(tmp_path):
    L = keras.layers
    model = keras.Sequential([L.Input((4,)), L.Dense(3, activation="relu"), L.Dense(2)])
    model.save(tmp_path / "model.keras")
    modelctl.convert(tmp_path / "model.keras", tmp_path / "saved", "--to", "savedmodel")
    made, own = fingerprint_pb2.FingerprintDef(), fingerprint_pb2.FingerprintDef()
    made.ParseFromString(fingerprinting.CreateFingerprintDef(str(tmp_path / "saved")))
    own.ParseFromString((tmp_path / "saved/fingerprint.pb").read_bytes())
    for field in ("saved_model_checksum", "graph_def_program_hash", "signature_def_hash", "saved_object_graph_hash", "checkpoint_hash"):
        assert getattr(own, field) == getattr(made, field), field
    assert own.version.producer == made.version.producer and len(own.uuid) == 36
    assert tf.saved_model.experimental.read_fingerprint(str(tmp_path / "saved")).checkpoint_hash == own.checkpoint_hash
    assert modelctl.inspect(tmp_path / "saved")["metadata"]["uuid"] == own.uuid


def test_assets_and_tables_from_files(tmp_path):
    """Columns of a file are numbers where the table says so; the files go along when the model is written anew."""
    (tmp_path / "words.txt").write_text("cat\ndog\nbird\n")
    (tmp_path / "pairs.tsv").write_text("1\ta\n2\tb\n")
    T = tf.lookup
    words = T.StaticVocabularyTable(T.TextFileInitializer(
        str(tmp_path / "words.txt"), tf.string, T.TextFileIndex.WHOLE_LINE, tf.int64, T.TextFileIndex.LINE_NUMBER), 2)
    pairs = T.StaticHashTable(T.TextFileInitializer(str(tmp_path / "pairs.tsv"), tf.int64, 0, tf.string, 1), "?")
    kernel = tf.constant(RNG.normal(size=(3, 3, 2, 4)).astype("float32"))
    call = tf.function(lambda t, n, x: {"w": words.lookup(t), "p": pairs.lookup(n), "y": tf.nn.conv2d(x, kernel, 1, "SAME")}, input_signature=[
        spec(None, dtype=tf.string, name="t"), spec(None, dtype=tf.int64, name="n"), spec(None, 5, 6, 2)])
    save(tmp_path / "saved", serving_default=call, keep=[words, pairs])
    inputs = {"t": np.array(["dog", "cow", "bird"], object), "n": np.array([2, 5]), "x": RNG.normal(size=(1, 5, 6, 2)).astype("float32")}
    expected = savedmodels.run_signature(tmp_path / "saved", inputs)
    for name in ("words.txt", "pairs.tsv"):
        (tmp_path / name).unlink()
    same(execute(tmp_path / "saved", tmp_path, inputs), expected)
    modelctl.convert(tmp_path / "saved", tmp_path / "again", "--to", "savedmodel", "--io-layout", "nhwc")
    same(savedmodels.run_signature(tmp_path / "again", inputs), expected)
    assert (tmp_path / "again/assets/words.txt").read_text() == "cat\ndog\nbird\n"
    assets = tf.saved_model.load(str(tmp_path / "again")).assets
    assert {tf.io.read_file(a.asset_path).numpy() for a in assets} == {b"cat\ndog\nbird\n", b"1\ta\n2\tb\n"}


def test_tables_in_the_checkpoint(tmp_path):
    E = tf.lookup.experimental
    words, rows = E.MutableHashTable(tf.string, tf.int64, -1), E.MutableHashTable(tf.int64, tf.float32, tf.constant([0.5, -1.0]))
    dense = E.DenseHashTable(tf.int64, tf.int64, -1, -99, -98)
    words.insert(tf.constant(["a", "b"]), tf.constant([10, 20], tf.int64))
    rows.insert(tf.constant([1, 2], tf.int64), tf.constant([[1.0, 2.0], [3.0, 4.0]]))
    dense.insert(tf.constant([4, 5], tf.int64), tf.constant([40, 50], tf.int64))
    call = tf.function(lambda t, n: {"w": words.lookup(t), "r": rows.lookup(n), "d": dense.lookup(n), "size": dense.size()}, input_signature=[
        spec(None, dtype=tf.string, name="t"), spec(None, dtype=tf.int64, name="n")])
    save(tmp_path / "saved", serving_default=call, keep=[words, rows, dense])
    inputs = {"t": np.array(["a", "z", "b"], object), "n": np.array([2, 4, 9])}
    expected = savedmodels.run_signature(tmp_path / "saved", inputs)
    same(execute(tmp_path / "saved", tmp_path, inputs), expected)
    modelctl.convert(tmp_path / "saved", tmp_path / "graph", "--to", "tfjs-graph")
    modelctl.convert(tmp_path / "graph", tmp_path / "again", "--to", "savedmodel")
    same(savedmodels.run_signature(tmp_path / "again", inputs), expected)


def test_tag_sets_parts_and_text(tmp_path):
    """Several meta graphs, a variable in three parts, a variable of strings, a table that an init op fills; the same as text."""
    x_in = RNG.normal(size=(4, 8)).astype("float32")
    for path, as_text in ((tmp_path / "saved", False), (tmp_path / "text", True)):
        with tf.Graph().as_default():
            x = v1.placeholder(tf.float32, [None, 8], name="x")
            with v1.variable_scope("p", partitioner=v1.fixed_size_partitioner(3)):
                w = v1.get_variable("w", [8, 5], initializer=v1.random_normal_initializer(seed=2))
            words = v1.get_variable("words", initializer=tf.constant(["hi", "yo"]), use_resource=True, trainable=False)
            y = tf.matmul(x, tf.convert_to_tensor(w))
            table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["hi", "yo"], ["HI", "YO"]), "?")
            u = table.lookup(tf.gather(words, tf.cast(tf.argmax(y, 1) % 2, tf.int32)))
            info, sign = v1.saved_model.utils.build_tensor_info, v1.saved_model.signature_def_utils.build_signature_def
            with v1.Session() as session:
                session.run([v1.global_variables_initializer(), v1.tables_initializer()])
                builder = v1.saved_model.builder.SavedModelBuilder(str(path))
                builder.add_meta_graph_and_variables(
                    session, ["serve"], {"serving_default": sign({"x": info(x)}, {"y": info(y), "u": info(u)})}, main_op=v1.tables_initializer())
                builder.add_meta_graph(["serve", "gpu"], {"fast": sign({"x": info(x)}, {"z": info(tf.nn.relu(y))})})
                builder.save(as_text=as_text)
                expected = dict(zip("yu", session.run([y, u], {x: x_in})))
        same(execute(path, tmp_path, {"x": x_in}), expected)
        same(execute(path, tmp_path, {"x": x_in}, "--tag", "serve,gpu"), {"z": np.maximum(expected["y"], 0)})
        assert "[serve, gpu]" in modelctl.inspect(path)["metadata"]["tag sets"]
        # The file itself, also under another name; the variables stand beside it.
        (file,) = path.glob("saved_model.pb*")
        same(execute(file, tmp_path, {"x": x_in}), expected)
        same(execute(file.rename(path / "model.pb"), tmp_path, {"x": x_in}), expected)


def test_rare_operators(tmp_path):
    """Resampling to a size that is given at run time, soft suppression of boxes, encodings, histograms, the greedy path."""

    @tf.function(input_signature=[
        spec(None, 16, 12, 3), spec(2, dtype=tf.int32, name="size"), spec(None, dtype=tf.string, name="t"), spec(20, 4, name="boxes"),
        spec(20, name="scores")])
    def call(x, size, t, boxes, scores):
        results = {method: tf.image.resize(x, size, method, antialias=True) for method in (
            "bilinear", "lanczos3", "lanczos5", "gaussian", "mitchellcubic", "bicubic")}
        results |= {method + "_known": tf.image.resize(x, [7, 9], method) for method in ("lanczos3", "mitchellcubic")}
        picked = tf.image.non_max_suppression_with_scores(boxes, scores, 8, 0.5, 0.05, soft_nms_sigma=0.5)
        decoded = tf.nn.ctc_greedy_decoder(tf.transpose(x[:, :, :, 0], [2, 0, 1]), tf.fill([tf.shape(x)[0]], 9))
        return results | {
            "picked": picked[0], "then": picked[1], "utf16": tf.io.encode_base64(tf.strings.unicode_transcode(t, "UTF-8", "UTF-16-BE")),
            "latin": tf.strings.unicode_transcode(t, "ISO-8859-1", "UTF-8", replace_control_characters=True),
            "ascii": tf.strings.unicode_transcode(t, "US-ASCII", "UTF-8", errors="ignore"),
            "bins": tf.histogram_fixed_width(scores, [0.2, 0.8], 7), "labels": tf.sparse.to_dense(decoded[0][0], default_value=-1), "sum": decoded[1]}

    save(tmp_path / "saved", serving_default=call)
    boxes = np.sort(RNG.uniform(size=(20, 2, 2)), axis=1).reshape(20, 4).astype("float32")
    inputs = {"x": RNG.normal(size=(2, 16, 12, 3)).astype("float32"), "size": np.array([9, 20], "int32"), "boxes": boxes,
              "t": np.array(["h\u00e9llo w\u00f6rld", "abc", "\u65e5\u672c\U0001f600"], object), "scores": RNG.uniform(size=20).astype("float32")}
    fed = inputs | {"t": np.array([x.encode() for x in inputs["t"]], object)}
    expected = savedmodels.run_signature(tmp_path / "saved", fed)
    same(execute(tmp_path / "saved", tmp_path, inputs), expected)
    modelctl.convert(tmp_path / "saved", tmp_path / "again", "--to", "savedmodel", "--io-layout", "nhwc")
    same(savedmodels.run_signature(tmp_path / "again", fed), expected)


def test_greedy_path_reaches_onnx(tmp_path):
    call = tf.function(lambda x, n: dict(zip(("labels", "sum"), (
        tf.sparse.to_dense(tf.nn.ctc_greedy_decoder(x, n)[0][0], default_value=-1), tf.nn.ctc_greedy_decoder(x, n)[1]))), input_signature=[
            spec(None, None, 5), spec(None, dtype=tf.int32, name="n")])
    save(tmp_path / "saved", serving_default=call)
    inputs = {"x": RNG.normal(size=(9, 3, 5)).astype("float32"), "n": np.array([9, 4, 0], "int32")}
    expected = savedmodels.run_signature(tmp_path / "saved", inputs)
    modelctl.convert(tmp_path / "saved", tmp_path / "model.onnx")
    session = peers.onnx_session(tmp_path / "model.onnx")
    same(dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs))), expected)


@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_masked_recurrence_behind_a_table(package, tmp_path):
    """Strings that mean nothing are left out by the layers behind: as layers, and as loops of LiteRT without custom operators."""
    L = package.layers
    text, x = L.Input((None,), dtype="string", name="s"), L.Input((None, 3), name="x")
    words = L.Embedding(6, 4, mask_zero=True)(L.StringLookup(vocabulary=["a", "b", "c"], mask_token="")(text))
    package.Model(text, L.Dense(2)(L.LSTM(5)(words))).export(str(tmp_path / "text"))
    sentence = np.array([["a", "zz", "c", ""], ["b", "", "", ""]], object)
    expected = list(savedmodels.run_signature(tmp_path / "text", {"s": sentence}).values())
    modelctl.convert(tmp_path / "text", tmp_path / "text.keras")
    back = keras.saving.load_model(tmp_path / "text.keras")
    assert {"StringLookup", "Embedding", "LSTM", "Dense"} <= {type(layer).__name__ for layer in back.layers}
    peers.compare([np.asarray(back(tf.constant(sentence.tolist())))], expected, what="savedmodel → keras")
    package.Model(x, L.Bidirectional(L.GRU(4, return_sequences=True))(L.Masking()(x))).export(str(tmp_path / "numbers"))
    values = RNG.normal(size=(2, 6, 3)).astype("float32")
    values[1, 4:] = 0
    expected = list(savedmodels.run_signature(tmp_path / "numbers", {"x": values}).values())
    modelctl.convert(tmp_path / "numbers", tmp_path / "model.tflite")
    peers.compare(list(litert.run(tmp_path / "model.tflite", [values])), expected, what="savedmodel → tflite")


@tfjs.needed
def test_tables_of_a_converted_graph(tmp_path):
    """TensorFlow.js's converter puts tables into an initialiser of their own."""
    T = tf.lookup
    numbers = T.StaticHashTable(T.KeyValueTensorInitializer(["cat", "dog"], tf.constant([3, 8], tf.int64)), -1)
    names = T.StaticHashTable(T.KeyValueTensorInitializer(tf.constant([3, 8], tf.int64), ["C", "D"]), "?")
    weights = tf.Variable(np.arange(12, dtype="float32").reshape(3, 4))
    call = tf.function(lambda t: {
        "i": numbers.lookup(t), "s": names.lookup(numbers.lookup(t)), "y": tf.gather(weights, tf.cast(numbers.lookup(t) % 3, tf.int32))},
        input_signature=[spec(None, dtype=tf.string, name="t")])
    save(tmp_path / "saved", serving_default=call, keep=[numbers, names, weights])
    inputs = {"t": np.array(["dog", "cow"], object)}
    expected = savedmodels.run_signature(tmp_path / "saved", inputs)
    tfjs.call("save_graph", source=tmp_path / "saved", destination=tmp_path / "graph")
    assert '"modelInitializer"' in (tmp_path / "graph/model.json").read_text()
    same(execute(tmp_path / "graph", tmp_path, inputs), expected)
    modelctl.convert(tmp_path / "graph", tmp_path / "again", "--to", "savedmodel")
    same(savedmodels.run_signature(tmp_path / "again", inputs), expected)


def test_text_reaches_tensorflow_js(tmp_path):
    """TensorFlow.js has no op for lower case."""
    layer = keras.layers.TextVectorization(output_sequence_length=4, vocabulary=["a", "b", "hello", "world"])
    text = keras.Input((1,), dtype="string", name="t")
    keras.Model(text, keras.layers.Embedding(10, 3)(layer(text))).export(str(tmp_path / "saved"))
    modelctl.convert(tmp_path / "saved", tmp_path / "graph", "--to", "tfjs-graph")
    modelctl.convert(tmp_path / "graph", tmp_path / "again", "--to", "savedmodel")
    inputs = {"t": np.array([["Hello B!"], ["a wORLD a zz Q"], [""]], object)}
    expected = list(savedmodels.run_signature(tmp_path / "saved", inputs).values())
    peers.compare(list(savedmodels.run_signature(tmp_path / "again", inputs).values()), expected, what="savedmodel → tfjs → savedmodel")


def test_placeholders_without_shapes(tmp_path):
    """Old graphs say nothing of what they take; their kernels do. Time comes first, so that windows need many rows."""
    rng = np.random.default_rng(2)
    f = lambda *shape: tf.constant(rng.normal(0, 0.4, shape).astype("float32"))
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, name="x")
        h = tf.expand_dims(tf.expand_dims(x, 0), 2)
        h = tf.nn.relu(tf.nn.conv2d(h, f(5, 1, 6, 8), 1, "VALID") + f(8))
        h = tf.nn.relu(tf.nn.convolution(h, f(3, 1, 8, 8), padding="VALID", dilations=[7, 1]))
        y = tf.identity(tf.matmul(tf.squeeze(h, [0, 2]), f(8, 3)), name="y")
        inputs = {"x": rng.normal(size=(40, 6)).astype("float32")}
        expected = session.run(y, {x: inputs["x"]})
        (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    for to, (name, run) in TARGETS.items():
        report = modelctl.convert(tmp_path / "graph.pb", tmp_path / name, "--to", "tfjs-graph" if to == "tfjs" else to)
        assert report["verification"]["outputs"][0]["elements"] > 0
        found = run(tmp_path / name, inputs)
        peers.compare(list(found.values()) if isinstance(found, dict) else found, [expected], what=to)


def test_sparse_ports(tmp_path):
    """A sparse tensor of a signature is three dense ones, by the names that TensorFlow 2 gives them."""
    with tf.Graph().as_default(), v1.Session() as session:
        x, w = v1.sparse_placeholder(tf.float32, [None, 6], name="x"), tf.constant(np.arange(18, dtype="float32").reshape(6, 3))
        y, z = tf.sparse.sparse_dense_matmul(x, w), tf.sparse.SparseTensor(x.indices, x.values * 2.0, x.dense_shape)
        builder, info = v1.saved_model.Builder(str(tmp_path / "saved")), v1.saved_model.utils.build_tensor_info
        signature = v1.saved_model.build_signature_def({"x": info(x)}, {"y": info(y), "z": info(z)}, "predict")
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    inputs = {"x_indices": np.array([[0, 1], [1, 5], [3, 0]]), "x_values": np.array([2, -1, 0.5], "float32"), "x_dense_shape": np.array([4, 6])}
    result = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"](**{k: tf.constant(v) for k, v in inputs.items()})
    expected = {"y": result["y"], "z_indices": result["z"].indices, "z_values": result["z"].values, "z_dense_shape": result["z"].dense_shape}
    np.savez(tmp_path / "in.npz", **inputs)
    modelctl.run("run", tmp_path / "saved", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz")
    found = [dict(np.load(tmp_path / "out.npz"))]
    for to in ["onnx", "tfjs"]:
        name, run = TARGETS[to]
        modelctl.convert(tmp_path / "saved", tmp_path / name, "--to", "tfjs-graph" if to == "tfjs" else to)
        found.append(run(tmp_path / name, inputs))
    for outputs in found:
        assert set(outputs) == set(expected)
        for key, value in expected.items():
            peers.compare([outputs[key]], [value.numpy()], what=key)
