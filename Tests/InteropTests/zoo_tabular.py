"""Tables and recommendations."""
import numpy as np

from zoo import zoo


@zoo("wide and deep", high=6)
def wide_deep(K):
    L = K.layers
    inputs = {"age": L.Input((1,), name="age"), "hours": L.Input((1,), name="hours"), "job": L.Input((1,), name="job", dtype="int64")}
    numeric = L.concatenate([inputs["age"], inputs["hours"]])
    wide = L.concatenate([L.Flatten()(L.CategoryEncoding(num_tokens=6, output_mode="one_hot")(inputs["job"])), numeric])
    deep = L.concatenate([L.Flatten()(L.Embedding(6, 4)(inputs["job"])), numeric])
    for units in (8, 6):
        deep = L.Dropout(0.1)(L.ReLU()(L.BatchNormalization()(L.Dense(units)(deep))))
    return K.Model(inputs, L.Dense(2, activation="softmax")(L.concatenate([L.BatchNormalization()(wide), deep])))


@zoo("deep and cross")
def dcn(K):
    L = K.layers
    x0 = cross = L.Input((7,), name="features")
    for _ in range(2):
        cross = L.Add()([L.Multiply()([x0, L.Dense(7)(cross)]), cross])
    return K.Model(x0, L.Dense(1)(L.Concatenate()([L.BatchNormalization()(cross), L.Dense(5, activation="relu")(x0)])))


@zoo("two tower", high=10)
def two_tower(K):
    L = K.layers
    user, item = L.Input((1,), dtype="int64", name="user id"), L.Input((1,), dtype="int64", name="item id")
    u = L.Flatten()(L.Embedding(10, 6, embeddings_regularizer="l2", embeddings_initializer="he_normal")(user))
    v = L.Flatten()(L.Embedding(10, 6, embeddings_constraint="non_neg")(item))
    bias = L.Flatten()(L.Embedding(10, 1)(item))
    score = L.Add()([L.Dot(axes=1, normalize=True)([L.Dense(5)(u), L.Dense(5)(v)]), bias])
    return K.Model([user, item], L.Activation("sigmoid", name="rating")(score))


@zoo("vector inputs", high=10)
def vector_inputs(K):
    L = K.layers
    user, movie = L.Input((), dtype="int32", name="user"), L.Input((), dtype="int32", name="movie")
    u, m = L.Embedding(10, 5)(user), L.Embedding(10, 5)(movie)
    return K.Model([user, movie], L.Dense(1)(L.Concatenate()([u, m, L.Multiply()([u, m])])))


@zoo("dlrm", high=5)
def dlrm(K):
    L = K.layers
    dense = L.Input((6,), name="dense_features")
    ids = L.Input((3,), dtype="int64", name="sparse")
    d = L.Reshape((1, 4))(L.Dense(4, activation="relu")(dense))
    e = L.Embedding(5, 4)(ids)
    x = L.Concatenate(axis=1)([d, e])
    pairs = L.Dot(axes=2)([x, x])
    return K.Model([dense, ids], L.Dense(1, activation="sigmoid")(L.Concatenate()([L.Flatten()(pairs), L.Flatten()(d)])))


@zoo("feature normalisation")
def normalisation(K):
    L = K.layers
    layer = L.Normalization(axis=-1)
    layer.adapt(np.random.default_rng(1).normal(3, 2, (50, 4)).astype("float32"))
    inverse = L.Normalization(axis=None, mean=2.0, variance=4.0, invert=True)
    inputs = L.Input((4,))
    return K.Model(inputs, [L.Dense(3)(layer(inputs)), inverse(inputs)])


@zoo("discretisation", h5_for_keras2=False)
def discretisation(K):
    L = K.layers
    inputs = L.Input((4,))
    a = L.Discretization(bin_boundaries=[-1.0, 0.0, 0.5])(inputs)
    b = L.Discretization(bin_boundaries=[-0.5, 0.7], output_mode="multi_hot")(inputs)
    return K.Model(inputs, [a, b, L.Flatten()(L.Embedding(4, 3)(a))])


@zoo("category encodings", high=5)
def encodings(K):
    L = K.layers
    inputs = L.Input((3,), dtype="int32")
    return K.Model(inputs, [L.CategoryEncoding(5, output_mode="multi_hot")(inputs), L.CategoryEncoding(5, output_mode="count")(inputs)])


@zoo("hashed crossing", high=50)
def hashed(K):
    L = K.layers
    a = L.Input((1,), dtype="int32", name="a")
    return K.Model(a, L.Flatten()(L.Embedding(50, 3)(a)))


@zoo("regression with regularisers")
def regularisers(K):
    L, R, C, I = K.layers, K.regularizers, K.constraints, K.initializers
    return K.Sequential([
        L.Input((5,)),
        L.Dense(6, kernel_regularizer=R.L1L2(0.1, 0.2), bias_regularizer=R.L1(0.1), activity_regularizer=R.L2(0.01), kernel_constraint=C.MaxNorm(2, axis=0)),
        L.Dense(6, kernel_regularizer=R.OrthogonalRegularizer(0.1), kernel_constraint=C.UnitNorm(), bias_constraint=C.NonNeg()),
        L.Dense(6, kernel_constraint=C.MinMaxNorm(0.1, 2.0, rate=0.5), kernel_initializer=I.VarianceScaling(2.0, "fan_out", "uniform")),
        L.Dense(6, kernel_initializer=I.TruncatedNormal(stddev=0.02, seed=3), bias_initializer=I.Constant(0.3)),
        L.Dense(6, kernel_initializer=I.Orthogonal(1.2), bias_initializer=I.RandomUniform(-0.1, 0.1)), L.Dense(1, kernel_initializer=I.Identity())], name="house prices")


@zoo("self normalising")
def snn(K):
    L = K.layers
    return K.Sequential([L.Input((5,)), L.Dense(6, activation="selu", kernel_initializer="lecun_normal"), L.AlphaDropout(0.1), L.GaussianNoise(0.2), L.Dense(3)])


@zoo("gated residual and variable selection")
def grn(K):
    L = K.layers
    x = inputs = L.Input((6,))
    y = L.Dense(5)(L.ELU()(L.Dense(5)(x)))
    y = L.multiply([L.Dense(5)(y), L.Dense(5, activation="sigmoid")(y)])
    return K.Model(inputs, L.Dense(1)(L.LayerNormalization()(L.add([L.Dense(5)(x), y]))))


@zoo("spectral normalization", keras3_only=True)
def spectral(K):
    L = K.layers
    inputs = L.Input((4,))
    return K.Model(inputs, L.Dense(2)(L.SpectralNormalization(L.Dense(3, activation="relu"))(inputs)))
