"""Records small whole models of the real Keras: fixtures/networks/<generation>.json, each with its
configuration, its weights as both kinds of weights files hold them, inputs and outputs.

Run with a Python that has keras, tf_keras and tensorflow:
  $PYTHON Tests/KerasConfigTests/generate_network_cases.py keras3
  $PYTHON Tests/KerasConfigTests/generate_network_cases.py keras2
"""
import base64, io, json, os, sys, tempfile, zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
generation = sys.argv[1] if len(sys.argv) > 1 else "keras3"
import h5py
import numpy as np

if generation == "keras3":
    import keras
    from keras import layers as L, ops
else:
    import tensorflow as tf
    import tf_keras as keras
    from tf_keras import layers as L

rng = np.random.default_rng(11)
keras.utils.set_random_seed(3)
cases = []


def encode(a):
    a = np.ascontiguousarray(a)
    return {"dtype": a.dtype.name, "shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def x(*shape):
    return rng.normal(size=shape).astype("float32")


def ints(high, *shape):
    return rng.integers(0, high, size=shape).astype("int32")


def strings(values):
    return [v.decode() if isinstance(v, bytes) else v for v in values]


def case(name, model, *inputs, tolerance=1e-5):
    """One model, with weights that are no defaults."""
    for w in model.weights:
        v = rng.normal(size=w.shape) * 0.4
        if "variance" in w.name:
            v = np.abs(v) + 0.4
        if "int" in str(w.dtype):
            continue
        w.assign(v.astype(np.float32))
    outputs = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
    if isinstance(outputs, dict):
        outputs = [outputs[k] for k in sorted(outputs)]
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    record = {"name": name, "version": keras.__version__}
    with tempfile.TemporaryDirectory() as d:
        if generation == "keras3":
            path = os.path.join(d, "m.keras")
            model.save(path)
            archive = zipfile.ZipFile(path)
            record["config"] = json.loads(archive.read("config.json"))
            tree = {}
            with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as f:
                f.visititems(lambda n, o: tree.__setitem__(n, encode(o[()])) if isinstance(o, h5py.Dataset) else None)
            record["tree"] = tree
        path = os.path.join(d, "m.h5")
        try:
            model.save(path)
        except Exception as e:
            print("no h5:", name, e)
            path = None
        if path:
            with h5py.File(path) as f:
                record["legacy_config"] = json.loads(f.attrs["model_config"])
                group = f["model_weights"]
                record["lists"] = [
                    [n, [[w, encode(group[n][w][()])] for w in strings(group[n].attrs["weight_names"])]]
                    for n in strings(group.attrs["layer_names"])
                ]
    record["inputs"] = [encode(i) for i in inputs]
    record["outputs"] = [encode(np.asarray(o)) for o in outputs]
    record["tolerance"] = tolerance
    cases.append(record)


def build(name, *args):
    keras.backend.clear_session()
    return args


# Sequential
case("mlp", keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dropout(0.2), L.Dense(3, activation="softmax")]), x(2, 5))
case("cnn", keras.Sequential([keras.Input((8, 9, 3)), L.Conv2D(4, 3, padding="same", kernel_regularizer="l2"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(2), L.Flatten(), L.Dense(3)]), x(2, 8, 9, 3))
m = keras.Sequential([L.Dense(4), L.Dense(3)]); m.build((None, 5)); case("built later", m, x(2, 5))
case("masked text", keras.Sequential([keras.Input((6,), dtype="int32"), L.Embedding(9, 4, mask_zero=True), L.LSTM(3, return_sequences=True), L.Bidirectional(L.GRU(2)), L.Dense(2)]), ints(9, 3, 6))
case("time distributed", keras.Sequential([keras.Input((4, 6, 5, 2)), L.TimeDistributed(L.Conv2D(3, 2)), L.TimeDistributed(L.GlobalAveragePooling2D()), L.SimpleRNN(3)]), x(2, 4, 6, 5, 2))
frozen = keras.Sequential([keras.Input((4, 4, 2)), L.Conv2D(3, 2), L.BatchNormalization(), L.Flatten(), L.Dense(2)])
frozen.layers[0].trainable = False
frozen.layers[1].trainable = False
case("frozen", frozen, x(2, 4, 4, 2))

# Functional
a = keras.Input((5,)); y = L.Dense(4, activation="tanh")(a); y = L.Add()([y, L.Dense(4)(a)]); case("residual", keras.Model(a, y), x(2, 5))
a, b = keras.Input((4,), name="z"), keras.Input((4,), name="a")
shared = L.Dense(3, name="shared")
case("siamese", keras.Model([a, b], [L.Subtract()([shared(a), shared(b)]), L.Concatenate(name="m")([shared(a), b])]), x(2, 4), x(2, 4))
a, b, c = (keras.Input((3,), name=n) for n in "zam")
case("names", keras.Model([a, b, c], [L.Dense(2, name="z_out")(c), L.Dense(3, name="a_out")(a), L.Dense(4, name="m_out")(b)]), x(2, 3), x(2, 3), x(2, 3))
inner = keras.Sequential([keras.Input((3,)), L.Dense(3, activation="relu"), L.BatchNormalization()], name="inner")
i = keras.Input((3,)); body = keras.Model(i, L.Dense(2)(L.BatchNormalization()(L.Dense(4)(i))), name="body")
a = keras.Input((5,)); y = inner(L.Dense(3)(a)); y = L.Concatenate()([inner(y), body(y)])
case("nested", keras.Model(a, y), x(2, 5))
i = keras.Input((3,)); deep = keras.Model(i, inner(i), name="deep")
a = keras.Input((3,)); case("nested twice", keras.Model(a, [deep(a), body(deep(a))]), x(2, 3))
a = keras.Input((6, 4)); y = L.MultiHeadAttention(2, 3)(a, a); y = L.LayerNormalization()(L.Add()([a, y]))
y = L.Add()([y, L.Dense(4)(L.Dense(8, activation="gelu")(y))]); case("encoder", keras.Model(a, L.GlobalAveragePooling1D()(y)), x(2, 6, 4))
a = keras.Input((5, 3)); _, h, c = L.LSTM(4, return_state=True)(a); b = keras.Input((6, 2))
case("states", keras.Model([a, b], L.LSTM(4, return_sequences=True)(b, initial_state=[h, c])), x(2, 5, 3), x(2, 6, 2))
a = keras.Input((6, 4)); q = L.Dense(4)(a); case("attention keywords", keras.Model(a, L.MultiHeadAttention(2, 3)(query=q, value=a, key=q)), x(2, 6, 4))
a = keras.Input((8, 8, 3)); d1 = L.Conv2D(4, 3, padding="same", activation="relu")(a); d2 = L.Conv2D(6, 3, padding="same")(L.MaxPooling2D()(d1))
u = L.Conv2DTranspose(4, 2, strides=2)(d2); case("unet", keras.Model(a, L.Conv2D(1, 1, activation="sigmoid")(L.Concatenate()([u, d1]))), x(1, 8, 8, 3))
a = keras.Input((4,)); y = L.Activation("hard_sigmoid")(L.Dense(3)(a)); case("hard sigmoid", keras.Model(a, y), x(2, 4) * 3)
a = keras.Input((5, 2)); case("hard gates", keras.Model(a, L.LSTM(3, recurrent_activation="hard_sigmoid")(a)), x(2, 5, 2) * 3)

if generation == "keras3":
    a, b = keras.Input((4,), name="b"), keras.Input((4,), name="a")
    case("dictionary", keras.Model({"b": a, "a": b}, {"z": L.Dense(2)(a), "w": L.Dense(3)(b)}), x(2, 4), x(2, 4)) if False else None
    a = keras.Input((4, 3)); y = ops.relu(L.Dense(3)(a)) * 2.0 + ops.mean(a, axis=1, keepdims=True)
    case("operations", keras.Model(a, ops.concatenate([y, a[:, :2]], axis=1)), x(2, 4, 3))
    keras.config.set_dtype_policy("mixed_float16")
    a = keras.Input((4,)); case("mixed", keras.Model(a, L.Dense(2, dtype="float32")(L.Dense(3, activation="relu")(a))), x(2, 4), tolerance=2e-3)
    keras.config.set_dtype_policy("float32")
    i = keras.Input((3,)); step = keras.Model(i, L.Dense(2)(L.Dense(4, activation="relu")(i)), name="step")
    a = keras.Input((5, 3)); case("model in time", keras.Model(a, L.TimeDistributed(step)(a)), x(2, 5, 3))
else:
    a = keras.Input((4, 3)); y = tf.nn.relu(L.Dense(3)(a)) * 2.0 + tf.reduce_mean(a, axis=1, keepdims=True)
    case("lambdas", keras.Model(a, tf.concat([y, a[:, :2]], axis=1)), x(2, 4, 3))
    a = keras.Input((4,)); y = tf.math.add(1.0, tf.expand_dims(a, 1)); y = tf.cast(tf.squeeze(y, 1), "float32") - tf.nn.softmax(a)
    case("lambda constants", keras.Model(a, tf.reshape(tf.transpose(y), (-1, 4)) / 3.0), x(2, 4))

here = os.path.dirname(os.path.abspath(__file__))
out = os.path.join(here, "..", "..", "fixtures", "networks")
os.makedirs(out, exist_ok=True)
with open(os.path.join(out, generation + ".json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(len(cases), "cases")
