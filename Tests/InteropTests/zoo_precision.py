"""Dtype policies."""
from zoo import zoo

#: float16 keeps 11 bits: some units in the last place, and sums in another order.
HALF = (4e-3, 4e-3)


def small(K, policy, last="float32"):
    L = K.layers
    x = inputs = L.Input((9, 8, 3))
    x = L.Conv2D(4, 3, activation="relu", dtype=policy)(x)
    x = L.BatchNormalization(dtype=policy)(x)
    x = L.GlobalAveragePooling2D(dtype=policy)(x)
    return K.Model(inputs, L.Dense(3, dtype=last)(x))


def policy(K, name):
    return K.mixed_precision.Policy(name) if K.__name__ == "tf_keras" else K.DTypePolicy(name)


@zoo("mixed float16", tolerance=HALF)
def mixed_float16(K):
    return small(K, policy(K, "mixed_float16"))


@zoo("float16 all through", tolerance=HALF)
def float16(K):
    L = K.layers
    x = inputs = L.Input((6,), dtype="float16")
    return K.Model(inputs, L.Dense(3, dtype="float16")(L.Dense(8, activation="relu", dtype="float16")(x)))


@zoo("mixed transformer", tolerance=HALF, high=10)
def mixed_transformer(K):
    L, p = K.layers, policy(K, "mixed_float16")
    x = inputs = L.Input((6,), dtype="int32")
    x = L.Embedding(10, 8, dtype=p)(x)
    x = L.LayerNormalization(dtype=p)(L.Add(dtype=p)([x, L.MultiHeadAttention(2, 4, dtype=p)(x, x)]))
    return K.Model(inputs, L.Dense(2, dtype="float32")(L.GlobalAveragePooling1D(dtype=p)(x)))


@zoo("mixed lstm", tolerance=HALF)
def mixed_lstm(K):
    L, p = K.layers, policy(K, "mixed_float16")
    inputs = L.Input((6, 4))
    return K.Model(inputs, L.Dense(2, dtype="float32")(L.LSTM(5, dtype=p)(L.Bidirectional(L.GRU(4, return_sequences=True, dtype=p), dtype=p)(inputs))))


@zoo("float64 all through")
def float64_all(K):
    L = K.layers
    x = inputs = L.Input((6, 3), dtype="float64")
    return K.Model(inputs, L.Dense(2, dtype="float64")(L.Flatten(dtype="float64")(L.Dense(4, activation="tanh", dtype="float64")(x))))


# ONNX Runtime has neither of float64.
@zoo("float64 convolutions and recurrence", in_onnx_runtime=False)
def float64_convolutions(K):
    L = K.layers
    x = inputs = L.Input((6, 3), dtype="float64")
    return K.Model(inputs, L.Dense(2, dtype="float64")(L.LSTM(4, dtype="float64")(L.Conv1D(4, 3, dtype="float64")(x))))
