"""More functions as people save them: features, ragged and sparse, that stand in rows."""
import numpy as np
import tensorflow as tf

from savedmodel_patterns import R, S, f, module, pattern


@pattern("tfjs")
def crop_and_resize():
    def call(image, boxes):
        c = tf.image.crop_and_resize(image, boxes, tf.zeros([tf.shape(boxes)[0]], tf.int32), [7, 7])
        return {"y": tf.nn.max_pool2d(c, 2, 2, "VALID")}

    return module(call, S([1, 20, 24, 3], name="image"), S([None, 4], name="boxes")), {"image": f(1, 20, 24, 3), "boxes": np.array([[0.1,
        0.1, 0.6, 0.7], [0, 0, 1, 1.0]], "float32")}


@pattern("onnx", "tflite", "tfjs")
def embedding_sparse():
    e = tf.Variable(f(10, 4))

    def call(ids):
        sp = tf.sparse.from_dense(ids)
        return {"y": tf.nn.embedding_lookup_sparse(e, sp, None, combiner="mean")}

    return module(call, S([None, None], tf.int64, name="ids"), e=e), {"ids": np.array([[1, 2, 0], [4, 0, 0], [5, 6, 7]], "int64")}


@pattern("onnx", "tfjs")
def safe_embedding_sparse_v1():
    e = tf.Variable(f(10, 4))

    def call(ids, wts):
        idx = tf.where(tf.not_equal(ids, -1))
        sp = tf.SparseTensor(idx, tf.gather_nd(ids, idx), tf.shape(ids, out_type=tf.int64))
        sw = tf.SparseTensor(idx, tf.gather_nd(wts, idx), tf.shape(ids, out_type=tf.int64))
        return {"y": tf.nn.safe_embedding_lookup_sparse(e, sp, sw, combiner="sqrtn")}

    return module(call, S([None, None], tf.int64, name="ids"), S([None, None], name="wts"), e=e), {"ids": np.array([[1, 2, -1], [-1, -1,
        -1], [5, 6, 7]], "int64"), "wts": np.abs(f(3, 3))}


@pattern("onnx")
def ragged_sum():
    e = tf.Variable(f(10, 4))

    def call(values, row_splits):
        r = tf.RaggedTensor.from_row_splits(values, row_splits)
        v = tf.gather(e, r)
        return {"mean": tf.reduce_mean(v, 1), "max": tf.reduce_max(v, 1), "dense": r.to_tensor(-1, shape=[None, 4]), "len": r.row_lengths()}

    return module(call, S([None], tf.int64, name="values"), S([None], tf.int64, name="row_splits"), e=e), {"values": np.array([1, 2, 3, 4,
        5, 6], "int64"), "row_splits": np.array([0, 2, 3, 6], "int64")}


@pattern("onnx", "tflite", "tfjs", "keras")
def asserts():
    def call(x):
        a = tf.debugging.assert_rank(x, 2)
        tf.debugging.assert_greater(tf.reduce_max(x), -1000000000.0)
        tf.debugging.assert_shapes([(x, ("N", 4))])
        tf.debugging.Assert(tf.shape(x)[0] > 0, [x])
        tf.debugging.assert_all_finite(x, "x")
        tf.print("hello", tf.shape(x))
        with tf.control_dependencies([tf.debugging.assert_non_negative(tf.abs(x))]):
            return {"y": tf.identity(tf.debugging.check_numerics(x, "c")) * 2}

    return module(call, S([None, 4], name="x")), {"x": f(2, 4)}


@pattern("onnx", "tflite", "tfjs", "keras")
def fake_quant():
    k = tf.Variable(f(3, 3, 3, 8) * 0.3)
    lo = tf.Variable(-np.abs(f(8)) * 3)
    hi = tf.Variable(np.abs(f(8)) * 3)

    def call(x):
        x = tf.quantization.fake_quant_with_min_max_args(x, -1, 1)
        kk = tf.quantization.fake_quant_with_min_max_vars_per_channel(k, lo, hi, narrow_range=True)
        y = tf.nn.relu6(tf.nn.conv2d(x, kk, 1, "SAME"))
        return {"y": tf.quantization.fake_quant_with_min_max_vars(y, 0.0, 6.0)}

    return module(call, S([None, 8, 8, 3], name="x"), k=k, lo=lo, hi=hi), {"x": f(2, 8, 8, 3) * 0.4}


@pattern("tfjs")
def audio_stft():
    mel = tf.constant(np.abs(f(129, 20)))

    def call(wave):
        s = tf.signal.stft(wave, 256, 128)
        m = tf.abs(s)
        l = tf.math.log(tf.tensordot(m, mel, 1) + 1e-06)
        return {"mfcc": tf.signal.mfccs_from_log_mel_spectrograms(l)[..., :13], "phase": tf.math.angle(s[..., 3:5])}

    return module(call, S([None, 2048], name="wave")), {"wave": f(2, 2048)}


@pattern("onnx", "tflite")
def sequence_mask_pool():
    def call(x, n):
        m = tf.sequence_mask(n, tf.shape(x)[1], tf.float32)
        r = tf.reverse_sequence(x, n, seq_axis=1)
        return {"mean": tf.reduce_sum(x * m[..., None], 1) / tf.maximum(tf.cast(n, tf.float32), 1.0)[:, None], "rev": r,
            "last": tf.gather_nd(x, tf.stack([tf.range(tf.shape(x)[0]), n - 1], 1))}

    return module(call, S([None, None, 4], name="x"), S([None], tf.int32, name="n")), {"x": f(2, 5, 4), "n": np.array([3, 5], "int32")}


@pattern("onnx", "tflite", "tfjs")
def boolean_mask_unique():
    def call(x):
        v = tf.boolean_mask(x, x > 0)
        u, i, c = tf.unique_with_counts(v)
        return {"v": v, "u": u, "i": i, "c": c, "seg": tf.math.unsorted_segment_sum(tf.cast(v, tf.float32), i, tf.size(u)),
            "bins": tf.math.bincount(v, minlength=6)}

    return module(call, S([None], tf.int32, name="x")), {"x": np.array([3, -1, 2, 3, 5, 2, 0], "int32")}


@pattern("onnx")
def graph_neural():
    w = tf.Variable(f(4, 4))

    def call(x, src, dst):
        m = tf.gather(x @ w, src)
        a = tf.math.unsorted_segment_mean(m, dst, tf.shape(x)[0])
        g = tf.math.unsorted_segment_max(tf.nn.leaky_relu(m), dst, tf.shape(x)[0])
        return {"y": tf.nn.elu(a), "g": tf.maximum(g, -1000.0), "s": tf.math.segment_sum(m, tf.sort(dst))}

    return module(call, S([None, 4], name="x"), S([None], tf.int32, name="src"), S([None], tf.int32, name="dst"), w=w), {"x": f(4, 4),
        "src": np.array([0, 1, 2, 3, 0], "int32"), "dst": np.array([1, 2, 0, 1, 3], "int32")}


@pattern()
def example_parsing():
    w = tf.Variable(f(7, 2))

    def call(examples):
        p = tf.io.parse_example(examples, {"age": tf.io.FixedLenFeature([1], tf.float32, 0.0), "vec": tf.io.FixedLenFeature([3],
            tf.float32), "cat": tf.io.FixedLenFeature([], tf.int64, 1), "tags": tf.io.VarLenFeature(tf.int64)})
        x = tf.concat([p["age"], p["vec"], tf.one_hot(p["cat"], 3)], 1)
        return {"y": x @ w, "tags": tf.sparse.to_dense(p["tags"], default_value=-1)}

    def ex(a, v, c, t):
        fe = {"vec": tf.train.Feature(float_list=tf.train.FloatList(value=v)),
            "cat": tf.train.Feature(int64_list=tf.train.Int64List(value=[c])), "tags": tf.train.Feature(int64_list=tf.train.Int64List(value=t))}
        if a is not None:
            fe["age"] = tf.train.Feature(float_list=tf.train.FloatList(value=[a]))
        return tf.train.Example(features=tf.train.Features(feature=fe)).SerializeToString()

    # The last byte of neither is 0, which NumPy's bytes would lose.
    examples = [ex(3.0, [1, 2, 3], 2, [5, 6]), ex(None, [4, 5, 6], 1, [7])]
    return module(call, S([None], tf.string, name="examples"), w=w), {"examples": np.array(examples, object)}


@pattern("onnx")
def sparse_elements():
    def call(idx, val, words):
        a = tf.sparse.reorder(tf.SparseTensor(idx, val, [4, 7]))
        b = tf.sparse.from_dense(tf.constant([[0, 1.0, 0, 0, 0, 2.0, 0], [0, 0, 0, 0, 0, 0, 0], [3.0, 0, 0, 0, 4.0, 0, 0], [0, 0, -1, 0, 0,
            0, 5.0]]))
        parts = tf.sparse.split(sp_input=a, num_split=3, axis=1)
        out = {f"part{i}": tf.sparse.to_dense(p) for i, p in enumerate(parts)}
        big = tf.sparse.add(a, b, 0.8)
        sm = tf.sparse.softmax(b)
        sl = tf.sparse.slice(a, [1, 2], [9, 3])
        n = tf.sets.size(tf.sparse.from_dense(words))
        return {**out, "big": big.values, "bigi": big.indices, "sm": sm.values, "sl": tf.sparse.to_dense(sl), "shape": sl.dense_shape, "n": n}

    return module(call, S([None, 2], tf.int64, name="idx"), S([None], name="val"), S([None, None, None], tf.string,
        name="words")), {"idx": np.array([[0, 1], [2, 5], [1, 0], [0, 4], [3, 2], [2, 3]], "int64"), "val": f(6), "words": np.array([[["a",
        "b", "a"], ["", "", "c"]], [["", "", ""], ["q", "q", "q"]]], object)}


@pattern()
def sets_and_edit():
    def call(a, b):
        return {"i": tf.sparse.to_dense(tf.sets.intersection(a, b)), "d": tf.sparse.to_dense(tf.sets.difference(a, b)),
            "n": tf.sets.size(tf.sets.union(a, b))}

    return module(call, S([None, None], tf.int32, name="a"), S([None, None], tf.int32, name="b")), {"a": np.array([[1, 2, 3], [4, 4, 5]],
        "int32"), "b": np.array([[2, 3, 9], [5, 6, 7]], "int32")}


@pattern("onnx", "tflite", "tfjs")
def saliency_of_activations():
    w = tf.Variable(f(6, 8))

    def call(x):
        with tf.GradientTape() as t:
            t.watch(x)
            h = x @ w
            parts = [tf.nn.relu(h), tf.nn.relu6(h * 4.0), tf.nn.leaky_relu(h, 0.3), tf.nn.elu(h), tf.nn.selu(h), tf.nn.softplus(h),
                tf.nn.softsign(h), tf.sigmoid(h), tf.tanh(h), tf.sqrt(tf.abs(h) + 0.1), tf.math.rsqrt(tf.abs(h) + 0.2), tf.math.reciprocal(h * h + 0.5)]
            y = tf.add_n([p * float(i + 1) for i, p in enumerate(parts)])
            z = tf.reduce_sum(y[:, 1:7:2]) + tf.reduce_sum(y[:, ::-3]) * 0.5 + tf.reduce_sum(y[..., 0] * y[:, tf.newaxis, 3])
        return {"saliency": t.gradient(z, x)}

    return module(call, S([None, 6], name="x"), w=w), {"x": f(4, 6)}


@pattern("onnx", "tflite", "tfjs", "keras")
def volumes_transposed():
    k = tf.Variable(f(3, 2, 4, 3, 4) * 0.2)
    k2 = tf.Variable(f(2, 3, 1, 2, 3) * 0.3)

    def call(x):
        n = tf.shape(x)[0]
        y = tf.nn.conv3d_transpose(x, k, tf.stack([n, 8, 5, 9, 3]), [1, 2, 1, 3, 1], "SAME")
        z = tf.nn.conv3d_transpose(tf.nn.relu(y), k2, tf.stack([n, 16, 12, 9, 2]), [1, 2, 2, 1, 1], "VALID")
        return {"y": y, "z": z}

    return module(call, S([None, 4, 5, 3, 4], name="x"), k=k, k2=k2), {"x": f(2, 4, 5, 3, 4)}


@pattern("onnx", "tfjs")
def time_series_scan():
    a = tf.Variable(0.3)

    def call(x):
        y = tf.scan(lambda l, v: a * v + (1 - a) * l, tf.transpose(x))
        c = tf.cumsum(x, 1)
        r = tf.foldl(lambda p, q: p * 0.5 + q, tf.transpose(x))
        d = x[:, 1:] - x[:, :-1]
        return {"ema": tf.transpose(y), "c": c, "r": r, "d": d, "roll": tf.roll(x, 1, 1), "q": tf.nn.moments(x, 1)[1]}

    return module(call, S([None, None], name="x"), a=a), {"x": f(2, 6)}


@pattern("onnx", "tflite", "tfjs", "keras")
def denoised_frame():
    w = tf.Variable(f(33, 33) * 0.2)

    def call(x):
        z = tf.signal.rfft(x)
        mask = tf.sigmoid(tf.abs(z) @ w)
        y = tf.signal.irfft(tf.complex(mask * tf.math.real(z), mask * tf.math.imag(z)))
        return {"y": y, "short": tf.signal.irfft(tf.complex(tf.math.real(z)[:, :20], mask[:, 3:23]), [31])}

    return module(call, S([1, 64], name="x"), w=w), {"x": f(1, 64)}
