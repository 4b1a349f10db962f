"""Attention, groups, volumes and the newer GRU by layers that TensorFlow.js has."""
import keras

L = keras.layers

CASES = {
    "attention": (lambda a, b: [
        L.MultiHeadAttention(2, 4)(a, b), L.MultiHeadAttention(3, 2, value_dim=5, use_bias=False, output_shape=4)(a, b, b),
        L.MultiHeadAttention(2, 3)(a, a, use_causal_mask=True), L.Attention(use_scale=True)([a, b]), L.Attention()([a, a], use_causal_mask=True),
        L.Attention(score_mode="concat", use_scale=True)([a, b]), L.AdditiveAttention()([a, b]), L.AdditiveAttention(use_scale=False)([a, b])],
        (5, 8), (7, 8)),
    "open attention": (lambda a, b: [L.MultiHeadAttention(2, 4)(a, b), L.Attention()([a, b])], (None, 8), (None, 8)),
    "groups": (lambda x: [
        L.Conv2D(6, 3, groups=2, strides=(2, 1), padding="same", activation="relu")(x), L.DepthwiseConv2D(3, dilation_rate=2, depth_multiplier=2)(x),
        L.GroupNormalization(2)(x), L.GroupNormalization(-1, scale=False)(x), L.GroupNormalization(1, center=False, epsilon=0.1)(x),
        L.UnitNormalization()(x), L.RMSNormalization()(x)], (7, 6, 4)),
    "group sequences": (lambda x: [L.Conv1D(6, 3, groups=3, dilation_rate=2)(x), L.GroupNormalization(3)(x)], (8, 6)),
    "padded volumes": (lambda x: [
        L.ZeroPadding3D(((0, 1), (2, 0), (1, 1)))(x), L.Cropping3D(((1, 0), (0, 2), (1, 1)))(x), L.UpSampling3D((1, 2, 3))(x),
        L.Conv3D(4, 2, groups=2)(x)], (3, 4, 5, 2)),
    "wrapped": (lambda x: [L.TimeDistributed(L.DepthwiseConv2D(3))(x), L.TimeDistributed(L.BatchNormalization())(x)], (3, 6, 5, 2)),
    "gru": (lambda x: [
        L.GRU(4)(x), L.GRU(4, return_sequences=True, go_backwards=True)(x), L.GRU(3, use_bias=False, activation="relu")(x),
        L.RNN(L.GRUCell(3), return_sequences=True)(x), L.Dense(2)(L.GRU(3)(L.GRU(4, return_sequences=True)(x)))], (5, 3)),
    "gru both ways": (lambda x: [
        L.Bidirectional(L.GRU(4, return_sequences=sequences), merge_mode=mode)(x) for sequences, mode in
        [(False, "concat"), (True, "sum"), (True, "mul"), (False, "ave"), (True, "concat")]], (5, 3)),
}
