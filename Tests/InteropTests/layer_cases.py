"""Every layer of the list in several configurations.

A case is a name, the shapes of its inputs (without the batch) and a function that takes a Keras package (`keras` or
`tf_keras`) and symbolic tensors and returns the outputs.
"""
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

from seeded import Ints


@dataclass
class Case:
    name: str
    inputs: list
    build: Callable
    #: Layers or options that Keras 2 does not know.
    keras3_only: bool = False
    #: Why an `.h5` file made of the Keras 3 model is for Keras 3 alone, although Keras 2 knows the layers.
    keras3_reads: str = ""
    #: Written to ONNX and back, the result is compared with this tolerance instead of (1e-5, 1e-4); always with a reason.
    tolerance: tuple = (1e-5, 1e-4)

    def __repr__(self):
        return self.name


CASES = []


def case(name, *inputs, keras3_only=False, keras3_reads="", tolerance=(1e-5, 1e-4)):
    def add(build):
        CASES.append(Case(name, list(inputs), build, keras3_only, keras3_reads, tolerance))
        return build
    return add


def one(name, layer, *inputs, **options):
    """A case of one layer on one input (or a list of inputs)."""
    case(name, *inputs, **options)(lambda K, *x: layer(K.layers)(x[0] if len(x) == 1 else list(x)))


# Core
one("dense", lambda L: L.Dense(5, activation="relu"), (4,))
one("dense no bias", lambda L: L.Dense(5, use_bias=False, activation="tanh"), (4,))
one("dense of sequences", lambda L: L.Dense(5, activation="softmax"), (7, 4))
one("dense regularised", lambda L: L.Dense(5, kernel_regularizer="l2", bias_regularizer="l1", kernel_constraint="max_norm"), (4,))
one("dense activity", lambda L: L.Dense(3, activity_regularizer="l2", kernel_initializer="he_normal", bias_initializer="ones"), (4,))
one("einsum dense", lambda L: L.EinsumDense("abc,cd->abd", output_shape=(None, 6), bias_axes="d"), (5, 4))
one("einsum dense heads", lambda L: L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de", activation="relu"), (5, 4))
one("embedding", lambda L: L.Embedding(11, 6), Ints(7, high=11))
one("flatten", lambda L: L.Flatten(), (3, 4, 5))
one("reshape", lambda L: L.Reshape((5, 12)), (3, 4, 5))
one("reshape inferred", lambda L: L.Reshape((-1, 6)), (3, 4, 5))
one("permute", lambda L: L.Permute((3, 1, 2)), (3, 4, 5))
one("repeat vector", lambda L: L.RepeatVector(4), (5,))
one("activity regularization", lambda L: L.ActivityRegularization(0.1, 0.2), (5,))

# Activation layers and functions
for name in ["relu", "sigmoid", "tanh", "softmax", "softplus", "softsign", "selu", "elu", "exponential", "linear",
             "hard_sigmoid", "gelu", "swish"]:
    one(f"activation {name}", lambda L, name=name: L.Activation(name), (4, 5), keras3_only=name in ("hard_sigmoid",))
for name in ["relu6", "leaky_relu", "mish", "silu", "hard_silu", "log_sigmoid", "log_softmax", "celu", "hard_tanh", "tanh_shrink",
             "soft_shrink", "hard_shrink", "squareplus", "sparse_plus", "sparse_sigmoid", "glu", "sparsemax", "threshold"]:
    if name != "threshold":
        one(f"activation {name}", lambda L, name=name: L.Activation(name), (4, 6), keras3_only=True)
one("relu layer", lambda L: L.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2), (4, 5))
one("relu6 layer", lambda L: L.ReLU(max_value=6), (4, 5))
one("leaky relu layer", lambda L: L.LeakyReLU(0.2), (4, 5))
one("elu layer", lambda L: L.ELU(0.7), (4, 5))
one("prelu layer", lambda L: L.PReLU(), (4, 5))
one("prelu layer shared", lambda L: L.PReLU(shared_axes=[1, 2]), (4, 5, 3))
one("softmax layer", lambda L: L.Softmax(axis=1), (4, 5))
one("softmax layer axes", lambda L: L.Softmax(axis=[1, 2]), (4, 5, 3))

# Convolution
for padding in ["valid", "same"]:
    one(f"conv1d {padding}", lambda L, p=padding: L.Conv1D(6, 3, padding=p, activation="relu"), (11, 4))
    one(f"conv2d {padding}", lambda L, p=padding: L.Conv2D(6, (3, 2), padding=p, activation="elu"), (9, 7, 4))
    one(f"conv2d strided {padding}", lambda L, p=padding: L.Conv2D(6, 3, strides=(2, 3), padding=p), (10, 9, 4))
    one(f"conv2d dilated {padding}", lambda L, p=padding: L.Conv2D(6, 3, dilation_rate=(2, 1), padding=p), (11, 9, 4))
    one(f"conv2d grouped {padding}", lambda L, p=padding: L.Conv2D(6, 3, groups=2, padding=p, use_bias=False), (8, 9, 4))
    one(f"conv3d {padding}", lambda L, p=padding: L.Conv3D(5, (2, 3, 2), strides=(1, 2, 1), padding=p), (5, 7, 6, 3))
    one(f"conv2d transpose {padding}", lambda L, p=padding: L.Conv2DTranspose(5, 3, strides=2, padding=p, activation="relu"), (5, 4, 3))
    one(f"conv2d transpose small kernel {padding}", lambda L, p=padding: L.Conv2DTranspose(5, 2, strides=3, padding=p), (4, 5, 3))
    one(f"conv2d transpose big kernel {padding}", lambda L, p=padding: L.Conv2DTranspose(5, (4, 5), strides=(1, 2), padding=p), (4, 5, 3))
    one(f"conv1d transpose {padding}", lambda L, p=padding: L.Conv1DTranspose(5, 3, strides=2, padding=p), (6, 3))
    one(f"conv3d transpose {padding}", lambda L, p=padding: L.Conv3DTranspose(4, 3, strides=2, padding=p), (3, 4, 2, 3))
    one(f"depthwise {padding}", lambda L, p=padding: L.DepthwiseConv2D(3, depth_multiplier=2, padding=p, activation="relu"), (8, 7, 4))
    one(f"depthwise strided {padding}", lambda L, p=padding: L.DepthwiseConv2D(3, strides=2, padding=p), (9, 7, 4))
    one(f"depthwise 1d {padding}", lambda L, p=padding: L.DepthwiseConv1D(3, strides=2, padding=p, depth_multiplier=2), (9, 4))
    one(f"separable {padding}", lambda L, p=padding: L.SeparableConv2D(6, 3, strides=2, padding=p, depth_multiplier=2), (9, 7, 4))
    one(f"separable 1d {padding}", lambda L, p=padding: L.SeparableConv1D(6, 3, padding=p, activation="tanh"), (9, 4))
    one(f"conv2d even kernel {padding}", lambda L, p=padding: L.Conv2D(4, 4, strides=2, padding=p), (9, 11, 3))
one("conv1d causal", lambda L: L.Conv1D(6, 3, padding="causal", dilation_rate=2), (11, 4))
one("conv2d transpose output padding", lambda L: L.Conv2DTranspose(5, 3, strides=2, padding="same", output_padding=1), (5, 4, 3))
one("conv2d all equal extents", lambda L: L.Conv2D(4, 4, padding="same"), (4, 4, 4))


# Pooling
for padding in ["valid", "same"]:
    one(f"max pool 1d {padding}", lambda L, p=padding: L.MaxPooling1D(3, 2, padding=p), (10, 4))
    one(f"max pool 2d {padding}", lambda L, p=padding: L.MaxPooling2D((3, 2), (2, 1), padding=p), (9, 8, 4))
    one(f"max pool 3d {padding}", lambda L, p=padding: L.MaxPooling3D(2, padding=p), (5, 6, 7, 3))
    one(f"average pool 1d {padding}", lambda L, p=padding: L.AveragePooling1D(3, 2, padding=p), (10, 4))
    one(f"average pool 2d {padding}", lambda L, p=padding: L.AveragePooling2D(3, 2, padding=p), (9, 8, 4))
    one(f"average pool 3d {padding}", lambda L, p=padding: L.AveragePooling3D(2, padding=p), (5, 6, 7, 3))
for rank, shape in [(1, (7, 4)), (2, (6, 7, 4)), (3, (4, 5, 6, 3))]:
    one(f"global average pool {rank}d", lambda L, r=rank: getattr(L, f"GlobalAveragePooling{r}D")(), shape)
    one(f"global max pool {rank}d keepdims", lambda L, r=rank: getattr(L, f"GlobalMaxPooling{r}D")(keepdims=True), shape)

# Normalisation
one("batch normalization", lambda L: L.BatchNormalization(), (5, 6, 4))
one("batch normalization axis 1", lambda L: L.BatchNormalization(axis=1, epsilon=0.01), (5, 6, 4))
one("batch normalization plain", lambda L: L.BatchNormalization(center=False, scale=False), (5,))
one("layer normalization", lambda L: L.LayerNormalization(), (5, 6))
one("layer normalization axes", lambda L: L.LayerNormalization(axis=[1, 2], epsilon=0.01), (5, 6))
one("layer normalization plain", lambda L: L.LayerNormalization(center=False, scale=False), (5, 6))
one("group normalization", lambda L: L.GroupNormalization(groups=2), (5, 6, 4))
one("instance normalization", lambda L: L.GroupNormalization(groups=-1, epsilon=0.01), (5, 6, 4))
one("unit normalization", lambda L: L.UnitNormalization(axis=-1), (5, 6))
one("rms normalization", lambda L: L.RMSNormalization(), (5, 6), keras3_only=True)
one("spectral normalization", lambda L: L.SpectralNormalization(L.Dense(4)), (5,), keras3_only=True)

# Regularisation: identities at inference
one("dropout", lambda L: L.Dropout(0.3, seed=1), (5, 6))
one("spatial dropout 1d", lambda L: L.SpatialDropout1D(0.3), (5, 6))
one("spatial dropout 2d", lambda L: L.SpatialDropout2D(0.3), (5, 6, 4))
one("spatial dropout 3d", lambda L: L.SpatialDropout3D(0.3), (3, 5, 6, 4))
one("gaussian noise", lambda L: L.GaussianNoise(0.3), (5, 6))
one("gaussian dropout", lambda L: L.GaussianDropout(0.3), (5, 6))
one("alpha dropout", lambda L: L.AlphaDropout(0.3), (5, 6))

# Merging
for name in ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]:
    one(f"merge {name}", lambda L, n=name: getattr(L, n)(), (5, 6), (5, 6))
one("merge add three broadcast", lambda L: L.Add(), (5, 6), (1, 6), (5, 1))
one("concatenate", lambda L: L.Concatenate(), (5, 6), (5, 3))
one("concatenate axis 1", lambda L: L.Concatenate(axis=1), (5, 6), (3, 6))
one("dot", lambda L: L.Dot(axes=1), (5,), (5,))
one("dot matrices", lambda L: L.Dot(axes=(2, 1), normalize=True), (4, 5), (5, 3))

# Reshaping
one("zero padding 1d", lambda L: L.ZeroPadding1D((1, 2)), (5, 4))
one("zero padding 2d", lambda L: L.ZeroPadding2D(((1, 2), (0, 3))), (5, 6, 4))
one("zero padding 3d", lambda L: L.ZeroPadding3D((1, 2, 0)), (3, 4, 5, 2))
one("cropping 1d", lambda L: L.Cropping1D((1, 2)), (7, 4))
one("cropping 2d", lambda L: L.Cropping2D(((1, 2), (0, 3))), (6, 7, 4))
one("cropping 3d", lambda L: L.Cropping3D(1), (4, 5, 6, 2))
one("up sampling 1d", lambda L: L.UpSampling1D(3), (5, 4))
one("up sampling 2d nearest", lambda L: L.UpSampling2D((2, 3)), (4, 5, 3))
one("up sampling 2d bilinear", lambda L: L.UpSampling2D(2, interpolation="bilinear"), (4, 5, 3))
one("up sampling 3d", lambda L: L.UpSampling3D((1, 2, 3)), (3, 4, 2, 3))
one("rescaling", lambda L: L.Rescaling(1 / 127.5, offset=-1), (5, 6, 3))
one("normalization", lambda L: L.Normalization(mean=[0.1, 0.2, -0.3], variance=[1.5, 0.7, 1.1]), (5, 6, 3))
@case("normalization adapted", (5, 3))
def adapted(K, x):
    layer = K.layers.Normalization(axis=-1)
    layer.adapt(np.random.default_rng(4).normal([0.3, -1.0, 2.0], [0.5, 1.5, 1.0], (20, 5, 3)).astype("float32"))
    return layer(x)



one("resizing", lambda L: L.Resizing(7, 9), (5, 6, 3))
one("center crop", lambda L: L.CenterCrop(4, 3), (7, 6, 3))

# Recurrent
for cell in ["LSTM", "GRU", "SimpleRNN"]:
    one(f"{cell} last", lambda L, c=cell: getattr(L, c)(5), (7, 4))
    one(f"{cell} sequences", lambda L, c=cell: getattr(L, c)(5, return_sequences=True), (7, 4))
    one(f"{cell} states", lambda L, c=cell: getattr(L, c)(5, return_sequences=True, return_state=True), (7, 4))
    one(f"{cell} backwards", lambda L, c=cell: getattr(L, c)(5, go_backwards=True, return_sequences=True), (7, 4))
    one(f"{cell} unrolled", lambda L, c=cell: getattr(L, c)(5, unroll=True, dropout=0.2, recurrent_dropout=0.2), (7, 4))
    one(f"{cell} no bias relu", lambda L, c=cell: getattr(L, c)(5, use_bias=False, activation="relu"), (7, 4))
    one(f"{cell} bidirectional", lambda L, c=cell: L.Bidirectional(getattr(L, c)(5, return_sequences=True)), (7, 4))
    one(f"{cell} bidirectional sum", lambda L, c=cell: L.Bidirectional(getattr(L, c)(5), merge_mode="sum"), (7, 4))
    case(f"{cell} initial state", (7, 4), (5,), (5,), keras3_reads="keras.ops operations, and tensors among keywords")(
        lambda K, x, h, c, cell=cell: getattr(K.layers, cell)(5)(x, initial_state=[h, c] if cell == "LSTM" else [h]) + c * 0.5)
    case(f"{cell} masked embedding", Ints(7, high=6))(
        lambda K, x, cell=cell: getattr(K.layers, cell)(5, return_sequences=True)(K.layers.Embedding(6, 4, mask_zero=True)(x)))
    case(f"{cell} masked last", Ints(7, high=4))(
        lambda K, x, cell=cell: getattr(K.layers, cell)(5)(K.layers.Embedding(4, 4, mask_zero=True)(x)))
    case(f"{cell} bidirectional masked", Ints(7, high=4))(
        lambda K, x, cell=cell: K.layers.Bidirectional(getattr(K.layers, cell)(5))(K.layers.Embedding(4, 4, mask_zero=True)(x)))
one("GRU reset before", lambda L: L.GRU(5, reset_after=False), (7, 4))
one("LSTM activations", lambda L: L.LSTM(5, activation="softsign", recurrent_activation="hard_sigmoid"), (7, 4), keras3_only=True)
one("rnn of a cell", lambda L: L.RNN(L.LSTMCell(5), return_sequences=True), (7, 4))
one("rnn of stacked cells", lambda L: L.RNN([L.GRUCell(5), L.LSTMCell(3)]), (7, 4))
one("conv lstm 2d", lambda L: L.ConvLSTM2D(4, 3, padding="same"), (5, 6, 7, 3))
one("conv lstm 2d both ways", lambda L: L.Bidirectional(
    L.ConvLSTM2D(2, 3, padding="same", recurrent_activation="sigmoid", return_sequences=True), merge_mode="ave"), (4, 5, 6, 2))
one("time distributed dense", lambda L: L.TimeDistributed(L.Dense(5, activation="relu")), (7, 4))
one("time distributed conv", lambda L: L.TimeDistributed(L.Conv2D(4, 3)), (5, 8, 7, 3))
case("masking", (7, 4), keras3_reads="Keras 3 writes the mask of a Masking layer as keras.ops operations, which stay that")(lambda K, x: K.layers.LSTM(5)(K.layers.Masking(0.0)(K.layers.ReLU()(x))))
case("masked pooling", Ints(7, high=4))(
    lambda K, x: K.layers.GlobalAveragePooling1D()(K.layers.Embedding(4, 5, mask_zero=True)(x)))

# Attention
# Keras 3 can't read tensors among the keywords of Keras 2's calls, nor the shapes that Keras 2 wants in the configuration.
TWO_ARGUMENTS = "several tensors as arguments, which only Keras 3's spelling says to Keras 3"
case("multi head attention", (6, 8), keras3_reads=TWO_ARGUMENTS)(lambda K, x: K.layers.MultiHeadAttention(2, 4)(x, x))
case("multi head attention value dim", (6, 8), (5, 7), keras3_reads=TWO_ARGUMENTS)(lambda K, q, v: K.layers.MultiHeadAttention(3, 4, value_dim=5, output_shape=9)(q, v))
case("multi head attention causal", (6, 8), keras3_reads=TWO_ARGUMENTS)(lambda K, x: K.layers.MultiHeadAttention(2, 4, use_bias=False)(x, x, use_causal_mask=True))
case("multi head attention scores", (6, 8), keras3_reads=TWO_ARGUMENTS)(lambda K, x: K.layers.MultiHeadAttention(2, 4)(x, x, return_attention_scores=True))
case("attention", (6, 8), (5, 8))(lambda K, q, v: K.layers.Attention(use_scale=True)([q, v]))
case("additive attention", (6, 8), (5, 8))(lambda K, q, v: K.layers.AdditiveAttention()([q, v]))
case("grouped query attention", (6, 8), keras3_only=True)(lambda K, x: K.layers.GroupQueryAttention(4, 4, 2)(x, x))


# keras.ops nodes
def ops_case(name, *inputs):
    return case("ops " + name, *inputs, keras3_only=True)


ops_case("arithmetic", (5, 6), (5, 6))(lambda K, a, b: (a + b * 2.0 - 1.0) / (K.ops.abs(b) + 1.5))
ops_case("operators", (5, 6))(lambda K, a: 1.0 - a ** 2)
ops_case("matmul", (5, 6), (6, 4))(lambda K, a, b: K.ops.matmul(a, b))
ops_case("einsum", (5, 6), (7, 6))(lambda K, a, b: K.ops.einsum("bij,bkj->bik", a, b))
ops_case("reductions", (5, 6))(lambda K, a: [K.ops.mean(a, axis=1), K.ops.max(a, axis=-1, keepdims=True), K.ops.sum(a, axis=(1, 2))])
ops_case("shapes", (5, 6))(lambda K, a: K.ops.expand_dims(K.ops.transpose(K.ops.reshape(a, (-1, 3, 10)), (0, 2, 1)), 1))
ops_case("slicing", (5, 6))(lambda K, a: [a[:, 1:4], a[:, -1, ::2], a[..., 2]])
ops_case("concat and stack", (5, 6), (5, 6))(lambda K, a, b: [K.ops.concatenate([a, b], axis=1), K.ops.stack([a, b], axis=2)])
ops_case("where", (5, 6), (5, 6))(lambda K, a, b: K.ops.where(a > b, a, K.ops.exp(b)))
ops_case("softmax and activations", (5, 6))(lambda K, a: [K.ops.softmax(a, axis=1), K.ops.gelu(a), K.ops.silu(a), K.ops.sigmoid(a)])
ops_case("take", (5, 6))(lambda K, a: K.ops.take(a, [0, 3, 1], axis=1))
ops_case("split", (5, 6))(lambda K, a: K.ops.split(a, 2, axis=2))
ops_case("clip and cast", (5, 6))(lambda K, a: K.ops.cast(K.ops.clip(a, -0.5, 0.7) > 0, "float32"))
ops_case("top k", (5, 6))(lambda K, a: K.ops.top_k(a, 3)[0])
ops_case("math", (5, 6))(lambda K, a: [K.ops.sqrt(K.ops.abs(a)), K.ops.log1p(K.ops.square(a)), K.ops.sin(a), K.ops.erf(a)])
ops_case("pad and flip", (5, 6))(lambda K, a: K.ops.flip(K.ops.pad(a, [[0, 0], [1, 2], [0, 1]]), axis=1))
