"""Transformers and relatives."""
import numpy as np

from zoo import zoo


def encoder(L, x, heads, size, hidden, **attention):
    y = L.LayerNormalization(epsilon=1e-6)(x)
    y = L.Dropout(0.1)(L.MultiHeadAttention(heads, size, dropout=0.1, **attention)(y, y))
    x = L.Add()([x, y])
    y = L.LayerNormalization(epsilon=1e-6)(x)
    return L.Add()([x, L.Dense(x.shape[-1])(L.Dropout(0.1)(L.Dense(hidden, activation="gelu")(y)))])


@zoo("transformer for time series")
def time_series(K):
    L = K.layers
    x = inputs = L.Input((20, 1))
    for _ in range(2):
        y = L.MultiHeadAttention(key_dim=6, num_heads=2, dropout=0.25)(x, x)
        res = L.LayerNormalization(epsilon=1e-6)(L.Dropout(0.25)(y)) + x
        y = L.Conv1D(filters=1, kernel_size=1)(L.Dropout(0.25)(L.Conv1D(4, 1, activation="relu")(res)))
        x = L.LayerNormalization(epsilon=1e-6)(y) + res
    x = L.GlobalAveragePooling1D(data_format="channels_last")(x)
    return K.Model(inputs, L.Dense(2, activation="softmax")(x))


@zoo("vision transformer", keras3_only=True)
def vit(K):
    L, ops = K.layers, K.ops
    inputs = L.Input((16, 16, 3))
    x = L.Reshape((16, 12))(L.Conv2D(12, 4, strides=4)(inputs))
    x = x + L.Embedding(16, 12)(ops.expand_dims(ops.arange(0, 16, step=1), 0))
    for _ in range(2):
        x = encoder(L, x, 3, 4, 16)
    x = L.Dropout(0.5)(L.Flatten()(L.LayerNormalization(epsilon=1e-6)(x)))
    return K.Model(inputs, L.Dense(5)(x))


@zoo("vision transformer class token", keras3_only=True)
def vit_token(K):
    L, ops = K.layers, K.ops
    inputs = L.Input((16, 16, 3))
    x = L.Reshape((-1, 12))(L.Conv2D(12, 4, strides=4)(inputs))
    token = ops.zeros_like(x[:, :1])
    x = ops.concatenate([token, x], axis=1)
    x = x + L.Embedding(17, 12)(np.arange(17))
    x = encoder(L, x, 2, 6, 16)
    return K.Model(inputs, L.Dense(5)(L.LayerNormalization()(x)[:, 0]))


@zoo("vision transformer patches by reshape")
def vit_reshape(K):
    L = K.layers
    inputs = L.Input((16, 16, 3))
    x = L.Reshape((4, 4, 4, 4, 3))(inputs)
    x = L.Reshape((16, 48))(L.Permute((1, 3, 2, 4, 5))(x))
    x = encoder(L, L.Dense(12)(x), 2, 6, 16)
    return K.Model(inputs, L.Dense(5)(L.GlobalAveragePooling1D()(x)))


@zoo("image patches by ops", keras3_only=True)
def patches(K):
    L, ops = K.layers, K.ops
    inputs = L.Input((12, 12, 3))
    x = ops.image.extract_patches(inputs, size=4)
    x = ops.reshape(x, (-1, 9, 48))
    return K.Model(inputs, L.Dense(4)(x))


@zoo("mlp mixer")
def mixer(K):
    L = K.layers
    inputs = L.Input((16, 16, 3))
    x = L.Reshape((16, 10))(L.Conv2D(10, 4, strides=4)(inputs))
    for _ in range(2):
        y = L.Permute((2, 1))(L.LayerNormalization(epsilon=1e-6)(x))
        y = L.Dense(16)(L.Activation("gelu")(L.Dense(8)(y)))
        x = L.add([x, L.Permute((2, 1))(y)])
        y = L.Dense(10)(L.Dense(20, activation="gelu")(L.LayerNormalization(epsilon=1e-6)(x)))
        x = L.add([x, y])
    return K.Model(inputs, L.Dense(5)(L.GlobalAveragePooling1D()(x)))


@zoo("gmlp and fnet gates", keras3_only=True)
def gmlp(K):
    L, ops = K.layers, K.ops
    x = inputs = L.Input((9, 8))
    u, v = ops.split(L.Dense(16, activation="gelu")(x), 2, axis=-1)
    v = L.Permute((2, 1))(L.Dense(9, bias_initializer="ones")(L.Permute((2, 1))(L.LayerNormalization()(v))))
    return K.Model(inputs, L.Dense(8)(u * v) + x)


@zoo("decoder only language model", high=20, keras3_only=True)
def decoder(K):
    L, ops = K.layers, K.ops
    tokens = L.Input((None,), dtype="int32", name="tokens")
    x = L.Embedding(20, 8)(tokens)
    positions = L.Embedding(32, 8)(ops.cumsum(ops.ones_like(tokens), axis=1) - 1)
    x = x + positions
    y = L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    x = L.LayerNormalization()(x + y)
    return K.Model(tokens, L.Dense(20)(x))


@zoo("masked transformer", high=6)
def masked_transformer(K):
    L = K.layers
    tokens = L.Input((9,), dtype="int32", name="tokens")
    x = L.Embedding(6, 8, mask_zero=True)(tokens)
    y = L.MultiHeadAttention(2, 4)(x, x)
    x = L.LayerNormalization()(L.Add()([x, y]))
    return K.Model(tokens, L.Dense(2)(L.GlobalAveragePooling1D()(x)))


@zoo("explicit attention mask", high=20)
def explicit_mask(K):
    L = K.layers
    tokens = L.Input((9,), dtype="int32", name="tokens")
    mask = L.Input((9, 9), dtype="bool", name="mask")
    x = L.Embedding(20, 8)(tokens)
    y = L.MultiHeadAttention(2, 4)(x, x, attention_mask=mask)
    return K.Model([tokens, mask], L.Dense(2)(L.Add()([x, y])))


@zoo("encoder decoder transformer", high=15)
def encoder_decoder(K):
    L = K.layers
    source, target = L.Input((7,), dtype="int32", name="encoder_inputs"), L.Input((6,), dtype="int32", name="decoder_inputs")
    e = encoder(L, L.Embedding(15, 8)(source), 2, 4, 16)
    d = L.Embedding(15, 8)(target)
    d = L.LayerNormalization()(d + L.MultiHeadAttention(2, 4)(query=d, value=d, key=d, use_causal_mask=True))
    d = L.LayerNormalization()(d + L.MultiHeadAttention(2, 4)(query=d, value=e, key=e))
    return K.Model([source, target], L.Dense(15, activation="softmax")(d))


@zoo("einsum attention", keras3_only=True)
def einsum_attention(K):
    L, ops = K.layers, K.ops
    inputs = L.Input((7, 8))
    q, k, v = (ops.reshape(L.Dense(8, use_bias=False)(inputs), (-1, 7, 2, 4)) for _ in range(3))
    scores = ops.einsum("bqhd,bkhd->bhqk", q, k) / ops.sqrt(4.0)
    mask = ops.tril(ops.ones((7, 7)))
    scores = ops.where(mask == 0, -1e9, scores)
    y = ops.einsum("bhqk,bkhd->bqhd", ops.softmax(scores, axis=-1), v)
    return K.Model(inputs, L.Dense(3)(ops.reshape(y, (-1, 7, 8))))


@zoo("rms and rotary", keras3_only=True)
def rotary(K):
    L, ops = K.layers, K.ops
    inputs = L.Input((6, 8))
    x = L.RMSNormalization()(inputs)
    angles = np.outer(np.arange(6), 1 / 10000 ** (np.arange(4) / 4)).astype("float32")
    a, b = x[..., :4], x[..., 4:]
    x = ops.concatenate([a * np.cos(angles) - b * np.sin(angles), a * np.sin(angles) + b * np.cos(angles)], axis=-1)
    gate = L.Dense(16, activation="silu", use_bias=False)(x) * L.Dense(16, use_bias=False)(x)
    y = L.GroupQueryAttention(4, 4, 2)(x, x, use_causal_mask=True)
    return K.Model(inputs, L.Dense(8, use_bias=False)(gate) + y)


@zoo("tab transformer", high=5)
def tab_transformer(K):
    L = K.layers
    numeric = L.Input((4,), name="numeric")
    categories = [L.Input((1,), dtype="int32", name=f"c{i}") for i in range(3)]
    x = L.Concatenate(axis=1)([L.Embedding(5, 8)(c) for c in categories])
    x = encoder(L, x, 2, 4, 16)
    x = L.Concatenate()([L.Flatten()(x), L.LayerNormalization(epsilon=1e-6)(numeric)])
    return K.Model([numeric] + categories, L.Dense(1, activation="sigmoid")(L.Dense(8, activation=K.activations.selu)(x)))


@zoo("attention layers", high=9)
def attention_layers(K):
    L = K.layers
    q, v = L.Input((6, 8), name="q"), L.Input((5, 8), name="v")
    a, scores = L.MultiHeadAttention(2, 3, value_dim=4, output_shape=(5,))(q, v, return_attention_scores=True)
    c = L.Attention(score_mode="concat", use_scale=True)([q, v])
    s = L.Attention(use_scale=True, dropout=0.1)([q, v, v])
    return K.Model([q, v], [a, scores, c, s, L.Attention()([q, q], use_causal_mask=True)])
