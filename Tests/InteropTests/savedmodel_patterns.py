"""Functions as people save them: what comes before and after a network, loops and lookups of their own, sparse and ragged features."""
import numpy as np
import tensorflow as tf

R = np.random.default_rng(11)
S = tf.TensorSpec

#: Name → how the module and its inputs are made, and the other formats that hold it.
PATTERNS = {}


def pattern(*targets):
    def keep(make):
        PATTERNS[make.__name__] = (make, targets)
        return make

    return keep


def f(*shape):
    return R.normal(size=shape).astype("float32")


def module(call, *specs, **state):
    made = tf.Module()
    for name, value in state.items():
        setattr(made, name, value)
    made.call = tf.function(call, input_signature=list(specs))
    return made


@pattern("onnx", "tflite", "tfjs", "keras")
def resize_normalise():
    k = tf.Variable(f(3, 3, 3, 8) * 0.3)
    w = tf.Variable(f(8, 5))

    def call(image):
        x = tf.image.resize(tf.cast(image, tf.float32), [24, 24])
        x = (x / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        x = tf.nn.relu(tf.nn.conv2d(x, k, 2, "SAME"))
        return {"probs": tf.nn.softmax(tf.reduce_mean(x, [1, 2]) @ w)}

    return module(call, S([None, None, None, 3], tf.uint8, name="image"), k=k, w=w), {"image": R.integers(0, 256, (2, 37, 51,
        3)).astype("uint8")}


@pattern("onnx", "tflite", "tfjs")
def resize_with_pad():
    def call(image):
        x = tf.image.resize_with_pad(tf.cast(image, tf.float32), 32, 32)
        x = tf.image.rgb_to_grayscale(x)
        return {"y": tf.image.per_image_standardization(x)}

    return module(call, S([None, None, None, 3], tf.uint8, name="image")), {"image": R.integers(0, 256, (2, 20, 31, 3)).astype("uint8")}


@pattern("onnx", "tflite", "tfjs", "keras")
def onehot_concat():
    w = tf.Variable(f(13, 3))

    def call(age, job, city):
        x = tf.concat([tf.expand_dims(age, 1) / 100.0, tf.one_hot(job, 5), tf.one_hot(tf.clip_by_value(city, 0, 6), 7)], 1)
        return {"score": tf.sigmoid(x @ w)}

    return module(call, S([None], tf.float32, name="age"), S([None], tf.int64, name="job"), S([None], tf.int32, name="city"),
        w=w), {"age": np.array([20, 33, 70.0], "float32"), "job": np.array([0, 4, 9], "int64"), "city": np.array([-1, 3, 8], "int32")}


@pattern("onnx", "tflite", "tfjs", "keras")
def static_hash_table():
    t = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b", "c"]), tf.constant([5, 6, 7], tf.int64)), -1)
    e = tf.Variable(f(9, 4))

    def call(word):
        ids = t.lookup(word)
        return {"ids": ids, "vec": tf.gather(e, ids + 1)}

    return module(call, S([None, None], tf.string, name="word"), t=t, e=e), {"word": np.array([["a", "q"], ["c", "b"]], object)}


@pattern("onnx", "tflite", "tfjs")
def inverse_labels():
    t = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.range(4, dtype=tf.int64), tf.constant(["cat", "dog", "owl",
        "fox"])), "?")
    w = tf.Variable(f(6, 4))

    def call(x):
        l = x @ w
        v, i = tf.math.top_k(l, 2)
        return {"labels": t.lookup(tf.cast(i, tf.int64)), "scores": tf.nn.softmax(v)}

    return module(call, S([None, 6], name="x"), t=t, w=w), {"x": f(3, 6)}


@pattern()
def strings_split_regex():
    def call(text):
        x = tf.strings.lower(tf.strings.strip(text))
        x = tf.strings.regex_replace(x, "[^a-z0-9 ,]", "")
        r = tf.strings.split(x, ",")
        n = tf.strings.to_number(r.to_tensor("0"))
        return {"n": n, "len": r.row_lengths(), "sum": tf.reduce_sum(n, 1)}

    return module(call, S([None], tf.string, name="text")), {"text": np.array(["1,2,3 ", " 4!", "5,6"], object)}


@pattern()
def strings_ngrams_hash():
    e = tf.Variable(f(50, 4))

    def call(text):
        tok = tf.strings.split(text)
        big = tf.strings.ngrams(tok, 2, separator="_")
        ids = tf.strings.to_hash_bucket_fast(big, 50)
        v = tf.gather(e, ids)
        return {"emb": tf.reduce_mean(v, 1), "n": big.row_lengths(), "k": tf.strings.length(text), "sub": tf.strings.substr(text, 0, 3)}

    return module(call, S([None], tf.string, name="text"), e=e), {"text": np.array(["the cat sat on", "a dog ran"], object)}


@pattern("onnx", "tflite", "tfjs")
def map_fn_images():
    def one(x):
        x = tf.image.random_flip_left_right if False else x
        m = tf.reduce_mean(x)
        return (x - m) / (tf.math.reduce_std(x) + 0.001)

    def call(x):
        return {"y": tf.map_fn(one, x)}

    return module(call, S([None, 6, 5, 3], name="x")), {"x": f(3, 6, 5, 3)}


@pattern("onnx", "tflite", "tfjs")
def while_beam():
    V, B = (7, 3)
    E = tf.Variable(f(V, 8))
    W = tf.Variable(f(8, V))
    U = tf.Variable(f(8, 8) * 0.3)

    def call(start, h):
        batch = tf.shape(start)[0]
        seq = tf.reshape(start, [batch, 1, 1])
        seq = tf.tile(seq, [1, B, 1])
        score = tf.tile(tf.constant([[0.0, -1000000000.0, -1000000000.0]]), [batch, 1])
        state = tf.tile(h[:, None], [1, B, 1])
        def body(i, seq, score, state):
            last = seq[:, :, -1]
            state = tf.tanh(tf.gather(E, last) + tf.einsum("bkh,hj->bkj", state, U))
            lp = tf.nn.log_softmax(tf.einsum("bkh,hv->bkv", state, W))
            tot = tf.reshape(score[:, :, None] + lp, [batch, B * V])
            score, idx = tf.math.top_k(tot, B)
            par = idx // V
            tok = idx % V
            seq = tf.concat([tf.gather(seq, par, batch_dims=1), tok[:, :, None]], 2)
            return (i + 1, seq, score, tf.gather(state, par, batch_dims=1))
        _, seq, score, _ = tf.while_loop(lambda i, *a: i < 4, body, [0, seq, score, state], shape_invariants=[tf.TensorShape([]),
            tf.TensorShape([None, B, None]), tf.TensorShape([None, B]), tf.TensorShape([None, B, 8])])
        return {"seq": seq, "score": score}

    return module(call, S([None], tf.int32, name="start"), S([None, 8], name="h"), E=E, W=W, U=U), {"start": np.array([1, 4], "int32"),
        "h": f(2, 8)}


@pattern("onnx", "tflite", "tfjs")
def cond_branches():
    w = tf.Variable(f(4, 4))

    def call(x, flag):
        return {"y": tf.cond(flag, lambda: tf.nn.relu(x @ w), lambda: x * 2.0), "s": tf.switch_case(tf.cast(tf.size(x) % 3, tf.int32),
            [lambda: tf.constant(1.0), lambda: tf.constant(2.0), lambda: tf.constant(3.0)])}

    return module(call, S([None, 4], name="x"), S([], tf.bool, name="flag"), w=w), {"x": f(3, 4), "flag": np.array(True)}


@pattern("tfjs")
def tensor_array_dynamic():
    def call(x, limit):
        ta = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[])
        t = tf.constant(0.0)
        i = tf.constant(0)
        while tf.logical_and(t < limit, i < tf.size(x)):
            t += x[i]
            ta = ta.write(i, t)
            i += 1
        return {"run": ta.stack(), "n": i}

    return module(call, S([None], name="x"), S([], name="limit")), {"x": np.array([1, 2, 3, 4, 5.0], "float32"), "limit": np.float32(7)}


@pattern("onnx", "tflite", "tfjs")
def dynamic_reshape():
    w = tf.Variable(f(6, 6))

    def call(x):
        s = tf.shape(x)
        y = tf.reshape(x, [-1, s[2]]) @ w
        y = tf.reshape(y, [s[0], s[1], 2, 3])
        y = tf.transpose(y, [0, 2, 1, 3])
        return {"y": tf.reshape(y, tf.stack([s[0] * 2, s[1], 3]))}

    return module(call, S([None, None, 6], name="x"), w=w), {"x": f(2, 4, 6)}


@pattern("onnx", "tflite", "tfjs")
def ctc_greedy():
    w = tf.Variable(f(8, 6))

    def call(x, lengths):
        l = tf.transpose(tf.einsum("bth,hv->btv", x, w), [1, 0, 2])
        d, s = tf.nn.ctc_greedy_decoder(l, lengths)
        return {"ids": tf.sparse.to_dense(d[0], default_value=-1), "score": s}

    return module(call, S([None, None, 8], name="x"), S([None], tf.int32, name="lengths"), w=w), {"x": f(2, 9, 8), "lengths": np.array([9,
        6], "int32")}


@pattern("onnx", "tflite", "tfjs")
def ctc_loss():
    def call(logits, labels, ll, xl):
        return {"loss": tf.nn.ctc_loss(labels, logits, ll, xl, logits_time_major=False, blank_index=0)}

    return module(call, S([None, None, 6], name="logits"), S([None, None], tf.int32, name="labels"), S([None], tf.int32, name="ll"),
        S([None], tf.int32, name="xl")), {"logits": f(2, 9, 6), "labels": np.array([[1, 2, 3], [4, 5, 0]], "int32"), "ll": np.array([3, 2],
        "int32"), "xl": np.array([9, 8], "int32")}


@pattern("tflite", "tfjs")
def nms():
    def call(boxes, scores):
        i = tf.image.non_max_suppression(boxes, scores, 5, 0.4, 0.1)
        j, s = tf.image.non_max_suppression_with_scores(boxes, scores, 5, 0.5, 0.1, 0.3)
        p, n = tf.image.non_max_suppression_padded(boxes, scores, 5, 0.4, 0.1, pad_to_max_output_size=True)
        return {"boxes": tf.gather(boxes, i), "scores": tf.gather(scores, i), "soft": s, "padded": p, "n": n}
    b = np.sort(R.uniform(size=(20, 2, 2)), 1).reshape(20, 4).astype("float32")

    return module(call, S([None, 4], name="boxes"), S([None], name="scores")), {"boxes": b, "scores": R.uniform(size=20).astype("float32")}


@pattern("onnx")
def ssd_detect():
    anchors = np.sort(R.uniform(size=(20, 2, 2)), 1).reshape(20, 4).astype("float32")
    k = tf.Variable(f(3, 3, 3, 8))

    def call(image):
        x = tf.nn.relu(tf.nn.conv2d(image, k, 2, "SAME"))
        x = tf.reshape(x, [tf.shape(image)[0], -1, 8])[:, :20]
        box = anchors + 0.05 * tf.tanh(x[..., :4])
        cls = tf.sigmoid(x[..., 4:])
        b, s, c, n = tf.image.combined_non_max_suppression(box[:, :, None], cls, 5, 10, 0.5, 0.3)
        return {"detection_boxes": b, "detection_scores": s, "detection_classes": c, "num_detections": n}

    return module(call, S([None, 10, 10, 3], name="image"), k=k), {"image": f(2, 10, 10, 3)}
