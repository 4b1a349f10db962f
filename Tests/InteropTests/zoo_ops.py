"""Models made of `keras.ops`."""
import numpy as np

from zoo import zoo


def ops_zoo(name, *shapes, **options):
    """A model of one function of `ops` and input tensors."""
    def add(function):
        dtype = options.pop("dtype", "float32")

        def build(K):
            inputs = [K.layers.Input(shape, dtype=dtype, name=f"x{index}") for index, shape in enumerate(shapes)]
            outputs = function(K.ops, *inputs)
            return K.Model(inputs if len(inputs) > 1 else inputs[0], list(outputs) if isinstance(outputs, (list, tuple)) else outputs)
        zoo("ops " + name, keras3_only=True, **options)(build)
        return function
    return add


@ops_zoo("gather and one hot", (5,), dtype="int32", high=6)
def gather(ops, i):
    table = np.random.default_rng(3).normal(size=(6, 4)).astype("float32")
    return [ops.take(table, i, axis=0), ops.one_hot(i, 6), ops.multi_hot(i, 6), ops.one_hot(i, 6, axis=1), ops.cast(i, "float32") * 2.0, ops.equal(i, 3), i % 4, i // 2]


@ops_zoo("take along axis", (4, 5))
def take_along(ops, x):
    order = ops.argsort(x, axis=-1)
    return [ops.take_along_axis(x, order, axis=-1), order, ops.sort(x, axis=1), ops.argmax(x, axis=-1), ops.argmin(x, axis=1)]


@ops_zoo("top k", (4, 9))
def top_k(ops, x):
    values, indices = ops.top_k(x, 3)
    return [values, indices, ops.in_top_k(ops.argmax(x[:, 0], axis=-1), x[:, 0], 2)]


@ops_zoo("cumulative", (4, 5))
def cumulative(ops, x):
    return [ops.cumsum(x, axis=1), ops.cumprod(x, axis=-1), ops.diff(x, axis=1), ops.flip(x, axis=2), ops.roll(x, 2, axis=1)]


@ops_zoo("reductions", (4, 5, 3))
def reductions(ops, x):
    return [ops.var(x, axis=1), ops.std(x, axis=(1, 2), keepdims=True), ops.prod(x, axis=-1), ops.logsumexp(x, axis=2), ops.any(x > 1.0, axis=1),
            ops.all(x > -2.0, axis=-1), ops.count_nonzero(x > 0.0, axis=1), ops.norm(x, axis=-1), ops.amax(x, axis=1), ops.amin(x, axis=-1, keepdims=True)]


@ops_zoo("moments and normalise", (6, 4))
def moments(ops, x):
    mean, variance = ops.moments(x, axes=[1], keepdims=True)
    return [(x - mean) / ops.sqrt(variance + 1e-5), ops.normalize(x, axis=-1), ops.rsqrt(ops.square(x) + 1.0), ops.layer_normalization(x)]


@ops_zoo("unary", (4, 5))
def unary(ops, x):
    p = ops.abs(x) + 0.5
    return [ops.exp(x), ops.expm1(x), ops.log(p), ops.log2(p), ops.log10(p), ops.log1p(p), ops.sqrt(p), ops.sin(x), ops.cos(x), ops.tan(x), ops.tanh(x),
            ops.sinh(x), ops.cosh(x), ops.arctan(x), ops.arcsinh(x), ops.arcsin(ops.tanh(x)), ops.arccos(ops.tanh(x)), ops.arctanh(ops.tanh(x)), ops.arccosh(p + 1.0),
            ops.floor(x), ops.ceil(x), ops.round(x * 3.0), ops.sign(x), ops.negative(x), ops.reciprocal(p), ops.square(x), ops.erf(x), ops.erfinv(ops.tanh(x)),
            ops.isnan(x), ops.isinf(x), ops.isfinite(x), ops.trunc(x * 2.0), ops.real(x), ops.conj(x)]


@ops_zoo("binary", (4, 5), (4, 5))
def binary(ops, a, b):
    p = ops.abs(a) + 0.5
    return [ops.add(a, b), ops.subtract(a, b), ops.multiply(a, b), ops.divide(a, p), ops.power(p, b), ops.maximum(a, b), ops.minimum(a, b), ops.mod(a, p),
            ops.floor_divide(a, p), ops.arctan2(a, b), ops.greater(a, b), ops.less_equal(a, b), ops.logical_and(a > 0.0, b > 0.0), ops.logical_xor(a > 0.0, b > 0.0),
            ops.not_equal(a, b), ops.hypot(a, b), ops.logaddexp(a, b), ops.divide_no_nan(a, b), ops.true_divide(a, p), ops.squared_difference(a, b) if hasattr(ops, "squared_difference") else a]


@ops_zoo("shapes", (4, 6))
def shapes(ops, x):
    return [ops.reshape(x, (-1, 2, 12)), ops.squeeze(ops.expand_dims(x, 2), 2), ops.swapaxes(x, 1, 2), ops.moveaxis(x, 1, 2), ops.tile(x, (1, 2, 1)),
            ops.repeat(x, 2, axis=1), ops.broadcast_to(x[:, :1], (3, 4, 6)) if False else ops.zeros_like(x), ops.ones_like(x), ops.full_like(x, 2.5), ops.ravel(x),
            ops.pad(x, [[0, 0], [1, 1], [0, 2]], mode="reflect"), ops.pad(x, [[0, 0], [1, 0], [0, 2]], constant_values=1.5), ops.stack([x, x * 2.0], axis=1)]


@ops_zoo("splits and joins", (6, 4), (6, 4))
def splits(ops, a, b):
    p, q, r = ops.split(a, [2, 3], axis=1)
    return [ops.concatenate([q, r], axis=1), p, ops.hstack([a, b]), ops.vstack([a, b]), ops.unstack(a, axis=2)[1], ops.append(a, b, axis=1), ops.array_split(a, 4, axis=1)[1]]


@ops_zoo("products", (4, 5), (5, 3))
def products(ops, a, b):
    return [ops.matmul(a, b), ops.einsum("bij,bjk->bki", a, b), ops.einsum("bij->bj", a), ops.einsum("bij,bjk->b", a, b), ops.tensordot(a, np.ones((5, 2), "float32"), axes=1),
            ops.dot(a, np.ones((5, 2), "float32")), ops.outer(a[0, 0], a[0, 1]) if False else a, ops.multiply(a, ops.transpose(b, (0, 2, 1))[:, :1])]


@ops_zoo("conditions", (4, 5))
def conditions(ops, x):
    return [ops.where(x > 0.0, x, 0.0), ops.where(x > 0.0, 1, 0), ops.clip(x, -0.5, 0.5), ops.nan_to_num(x), ops.logical_not(x > 0.0), ops.select([x > 1.0, x > 0.0], [x, x * 2.0], 3.0),
            ops.cast(x > 0.3, "int32"), ops.maximum(x, 0.1), ops.digitize(x, np.array([-1.0, 0.0, 1.0], "float32"))]


@ops_zoo("triangles and diagonals", (5, 5))
def triangles(ops, x):
    return [ops.tril(x), ops.triu(x, k=1), ops.trace(x, axis1=1, axis2=2), ops.diagonal(x, axis1=1, axis2=2), ops.tril(x, k=-1)]


@ops_zoo("segments", (4,))
def segments(ops, x):
    ids = np.array([0, 0, 2], "int32")
    return [ops.segment_sum(x, ids, num_segments=3), ops.segment_max(x, np.array([0, 1, 1], "int32"), num_segments=2)]


@ops_zoo("scatter", (4, 5))
def scatter(ops, x):
    return [ops.slice(x, [0, 1, 2], [3, 2, 3]), ops.slice(x, [0, 0, 0], [3, 2, 5]) * 2.0]


@ops_zoo("indexing", (6, 7))
def indexing(ops, x):
    return [x[:, -1], x[:, ::2, 1:-1], x[..., None], x[:, 2, 3], x[:, 1:5:2], x[:, ::-1]]


@ops_zoo("activations", (4, 6))
def activations(ops, x):
    return [ops.relu(x), ops.relu6(x), ops.sigmoid(x), ops.softplus(x), ops.softsign(x), ops.silu(x), ops.log_sigmoid(x), ops.leaky_relu(x, 0.3), ops.hard_sigmoid(x),
            ops.hard_silu(x), ops.elu(x, 0.7), ops.selu(x), ops.gelu(x, approximate=False), ops.gelu(x), ops.softmax(x, axis=1), ops.log_softmax(x), ops.celu(x), ops.glu(x),
            ops.hard_tanh(x), ops.tanh_shrink(x), ops.soft_shrink(x), ops.hard_shrink(x), ops.squareplus(x), ops.sparse_plus(x), ops.sparsemax(x), ops.threshold(x, 0.2, 0.1), ops.swish(x)]


@ops_zoo("network operations", (10, 9, 4), h5=False)
def network(ops, x):
    rng = np.random.default_rng(5)
    random = lambda *shape: ops.convert_to_tensor(rng.normal(size=shape).astype("float32"))
    k, d = random(3, 3, 4, 5), random(3, 3, 4, 1)
    return [ops.conv(x, k, strides=2, padding="same"), ops.conv(x, k), ops.depthwise_conv(x, d, padding="same"), ops.max_pool(x, 2), ops.average_pool(x, 3, strides=2, padding="same"),
            ops.separable_conv(x, d, random(1, 1, 4, 3))]


@ops_zoo("images", (6, 8, 3))
def images(ops, x):
    return [ops.image.resize(x, (12, 10)), ops.image.resize(x, (9, 4), interpolation="nearest"), ops.image.rgb_to_grayscale(x), ops.image.pad_images(x, 1, 2, 1, 1),
            ops.image.crop_images(x, top_cropping=1, left_cropping=2, target_height=4, target_width=5),
            ops.image.affine_transform(x, np.array([0.9, -0.3, 0.7, 0.25, 1.1, -0.8, 0, 0], "float32"), fill_mode="reflect"),
            ops.unfold(ops.transpose(x, (0, 3, 1, 2)), (2, 3), stride=(1, 2), padding=1)]


@ops_zoo("cross entropy", (5,), (5,))
def entropy(ops, a, b):
    p = ops.softmax(a)
    return [ops.categorical_crossentropy(ops.softmax(b), p), ops.binary_crossentropy(ops.sigmoid(b), ops.sigmoid(a)), ops.sum(p * ops.log(p / ops.softmax(b)), axis=-1),
            ops.binary_crossentropy(ops.sigmoid(b), 30.0 * a, from_logits=True), ops.sparse_categorical_crossentropy(ops.argmax(b, axis=-1), p)]


@ops_zoo("euclidean distance", (6,), (6,))
def distance(ops, a, b):
    return ops.sqrt(ops.maximum(ops.sum(ops.square(a - b), axis=1, keepdims=True), 1e-7))


@ops_zoo("dynamic shapes", (None, 4))
def dynamic(ops, x):
    positions = ops.cumsum(ops.ones_like(x[..., 0]), axis=1) - 1.0
    return [ops.reshape(x, (-1, 4)), ops.concatenate([x, positions[..., None]], axis=2), ops.max(x, axis=1), ops.flip(x, axis=1), x[:, 1:] - x[:, :-1], ops.softmax(x, axis=1)]


@ops_zoo("meshes and ranges", (4, 4))
def meshes(ops, x):
    a, b = ops.meshgrid(ops.arange(4, dtype="float32"), ops.linspace(0.0, 1.0, 4))
    return [x * a + b, x + ops.eye(4), x * ops.identity(4), x + ops.full((4, 1), 0.5)]


@ops_zoo("integers", (4,), (4,), dtype="int32", high=9)
def integers(ops, a, b):
    return [a + b, a * b - 3, ops.maximum(a, b), ops.bitwise_and(a, b), ops.bitwise_or(a, b), ops.abs(a - b), ops.sum(a, axis=1), ops.max(b, axis=1),
            ops.mean(a, axis=1), a / (b + 1), ops.cast(a, "int64"), ops.power(a, 2), ops.sign(a - b), ops.floor_divide(a, b + 1), ops.mod(a, b + 1), ops.gcd(a, b)]


@ops_zoo("linear algebra", (4, 4))
def linear_algebra(ops, x):
    return [ops.matmul(x, ops.transpose(x, (0, 2, 1))), ops.norm(x, ord=1, axis=-1), ops.norm(x, ord="fro", axis=(1, 2)), ops.norm(x, ord=3, axis=1), ops.norm(x, ord=float("-inf"), axis=-1),
            ops.norm(x, ord=float("inf"), axis=(2, 1), keepdims=True), ops.norm(x, ord=0, axis=-1), ops.vdot(x, x) if False else x, ops.cross(x[..., :3], x[..., 1:])]


@ops_zoo("spectra and back", (6, 9), (6, 9))
def spectra(ops, a, b):
    return [ops.istft((a, b), 16, 5, 16), ops.istft((a, b), 10, 4, 16, length=20, window="hamming"), ops.angle(a)]


@ops_zoo("diagonals and parts", (7, 9, 3))
def parts(ops, x):
    return [ops.roll(x, 4), ops.diag(x[0, 0, :, 1], k=2), ops.diagflat(x[0, :2, :2, 0], k=-1), ops.isreal(x), ops.imag(x), ops.normalize(x, axis=-1, order=3),
            ops.slice_update(x, [0, 2, 1, 0], x[:, 3:6, :4] * 2.0)]


@ops_zoo("images of other ratios", (12, 9, 3), tolerance=(1e-4, 1e-4))
def ratios(ops, x):
    """Filters of images are sums in another order."""
    resize = ops.image.resize
    return [resize(x, (5, 4), antialias=True), resize(x, (5, 5), crop_to_aspect_ratio=True), resize(x, (7, 7), pad_to_aspect_ratio=True, fill_value=0.3),
            resize(x, (7, 10), interpolation="lanczos3")]
