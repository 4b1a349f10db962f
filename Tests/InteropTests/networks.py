"""Whole networks, each a function of a Keras package (`keras` or `tf_keras`) that returns a model, and its input specs."""
from seeded import Ints

NETWORKS = {}


def network(name, *inputs, keras3_only=False):
    def add(build):
        NETWORKS[name] = (build, list(inputs), keras3_only)
        return build
    return add


@network("mlp sequential", (20,))
def mlp_sequential(K):
    L = K.layers
    return K.Sequential([L.Input((20,)), L.Dense(64, activation="relu"), L.Dropout(0.3), L.Dense(32, activation="tanh"),
                         L.Dense(5, activation="softmax")])


@network("mlp functional", (20,))
def mlp_functional(K):
    L = K.layers
    x = inputs = L.Input((20,), name="features")
    for units in (64, 32):
        x = L.BatchNormalization()(L.Dense(units, use_bias=False)(x))
        x = L.Activation("relu")(x)
    return K.Model(inputs, L.Dense(5, activation="softmax", name="classes")(x))


@network("cifar cnn", (32, 32, 3))
def cifar_cnn(K):
    L = K.layers
    layers = [L.Input((32, 32, 3))]
    for filters in (16, 32, 48):
        layers += [L.Conv2D(filters, 3, padding="same", use_bias=False, kernel_regularizer=K.regularizers.L2(1e-4)), L.BatchNormalization(),
                   L.Activation("relu"), L.Conv2D(filters, 3, padding="same", activation="relu"), L.MaxPooling2D(2), L.SpatialDropout2D(0.2)]
    return K.Sequential(layers + [L.GlobalAveragePooling2D(), L.Dense(10, activation="softmax", kernel_regularizer="l2")])


@network("resnet50", (64, 96, 3))
def resnet50(K):
    return K.applications.ResNet50(weights=None, input_shape=(64, 96, 3), classes=10)


@network("mobilenet v2", (96, 64, 3))
def mobilenet_v2(K):
    return K.applications.MobileNetV2(weights=None, input_shape=(96, 64, 3), classes=10)


@network("efficientnet b0", (64, 96, 3))
def efficientnet_b0(K):
    return K.applications.EfficientNetB0(weights=None, input_shape=(64, 96, 3), classes=10)


@network("transformer encoder", Ints(12, high=50))
def transformer_encoder(K):
    L = K.layers
    tokens = L.Input((12,), dtype="int32", name="tokens")
    x = L.Embedding(50, 16)(tokens)
    for _ in range(2):
        attended = L.MultiHeadAttention(4, 4)(x, x)
        x = L.LayerNormalization(epsilon=1e-6)(L.Add()([x, L.Dropout(0.1)(attended)]))
        hidden = L.Dense(16)(L.Dense(32, activation="gelu")(x))
        x = L.LayerNormalization(epsilon=1e-6)(L.Add()([x, hidden]))
    return K.Model(tokens, L.Dense(3, activation="softmax")(L.GlobalAveragePooling1D()(x)))


@network("lstm stack", (9, 6))
def lstm_stack(K):
    L = K.layers
    return K.Sequential([L.Input((9, 6)), L.LSTM(12, return_sequences=True), L.LSTM(8, return_sequences=True), L.Bidirectional(L.LSTM(5)),
                         L.Dense(4, activation="softmax")])


@network("gru stack", (9, 6))
def gru_stack(K):
    L = K.layers
    return K.Sequential([L.Input((9, 6)), L.Bidirectional(L.GRU(7, return_sequences=True)), L.GRU(8), L.Dense(4)])


@network("text classifier", Ints(10, high=30))
def text_classifier(K):
    L = K.layers
    return K.Sequential([L.Input((10,), dtype="int32"), L.Embedding(30, 8, mask_zero=True), L.Bidirectional(L.LSTM(6, return_sequences=True)),
                         L.GRU(5), L.Dense(2, activation="softmax")])


@network("any length", Ints(10, high=30))
def any_length(K):
    L = K.layers
    return K.Sequential([L.Input((None,), dtype="int32"), L.Embedding(30, 8), L.LSTM(6, return_sequences=True), L.Conv1D(5, 3, padding="same"),
                         L.GlobalMaxPooling1D(), L.Dense(2)])


@network("u-net", (32, 48, 3))
def u_net(K):
    L = K.layers
    def block(x, filters):
        for _ in range(2):
            x = L.ReLU()(L.BatchNormalization()(L.Conv2D(filters, 3, padding="same")(x)))
        return x
    inputs = L.Input((32, 48, 3))
    a = block(inputs, 8)
    b = block(L.MaxPooling2D()(a), 12)
    c = block(L.MaxPooling2D()(b), 16)
    x = block(L.Concatenate()([L.Conv2DTranspose(12, 2, strides=2, padding="same")(c), b]), 12)
    x = block(L.Concatenate()([L.UpSampling2D(interpolation="bilinear")(x), a]), 8)
    return K.Model(inputs, L.Conv2D(2, 1, activation="sigmoid")(x))


@network("siamese", (16,), (16,))
def siamese(K):
    L = K.layers
    tower = K.Sequential([L.Input((16,)), L.Dense(12, activation="relu"), L.Dense(6)], name="tower")
    left, right = L.Input((16,), name="left"), L.Input((16,), name="right")
    a, b = tower(left), tower(right)
    joined = L.Concatenate()([L.Subtract()([a, b]), L.Multiply()([a, b])])
    return K.Model([left, right], L.Dense(1, activation="sigmoid", name="same")(joined))


@network("shared layers", (5, 8), (7, 8))
def shared_layers(K):
    L = K.layers
    z, a = L.Input((5, 8), name="z"), L.Input((7, 8), name="a")
    dense, lstm = L.Dense(6, activation="tanh"), L.LSTM(4)
    return K.Model([z, a], [L.Dense(2, name="m")(lstm(dense(a))), L.Dense(3, name="b")(L.Add()([lstm(dense(z)), lstm(dense(a))]))])


@network("nested models", (8, 9, 3))
def nested_models(K):
    L = K.layers
    stem = K.Sequential([L.Input((8, 9, 3)), L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU()], name="stem")
    inside = L.Input((6, 7, 4))
    head = K.Model(inside, L.Dense(5)(stem_free(L, inside)), name="head")
    inputs = L.Input((8, 9, 3))
    return K.Model(inputs, head(stem(inputs)))


def stem_free(L, x):
    return L.GlobalAveragePooling2D()(L.SeparableConv2D(6, 3)(x))


@network("several inputs and outputs", (6,), (4, 5, 3))
def several(K):
    L = K.layers
    z, a = L.Input((6,), name="z"), L.Input((4, 5, 3), name="a")
    x = L.Concatenate()([L.Dense(4)(z), L.Flatten()(a)])
    return K.Model([z, a], [L.Dense(2, name="m")(x), L.Dense(3, name="c", activation="softmax")(x), L.Flatten(name="k")(a)])


@network("squeeze and excite", (12, 10, 4))
def squeeze_excite(K):
    L = K.layers
    inputs = L.Input((12, 10, 4))
    x = L.Conv2D(8, 3, padding="same", activation="swish")(inputs)
    s = L.Reshape((1, 1, 8))(L.GlobalAveragePooling2D()(x))
    s = L.Conv2D(8, 1, activation="sigmoid")(L.Conv2D(2, 1, activation="swish")(s))
    return K.Model(inputs, L.Flatten()(L.Multiply()([x, s])))


@network("keras ops", (6, 8), keras3_only=True)
def keras_ops(K):
    L = K.layers
    inputs = L.Input((6, 8))
    x = L.Dense(8)(inputs) * 0.5 + inputs
    scores = K.ops.softmax(K.ops.matmul(x, K.ops.transpose(x, (0, 2, 1))) / 8.0 ** 0.5)
    return K.Model(inputs, L.Dense(3)(K.ops.mean(K.ops.matmul(scores, x), axis=1)))


@network("mixed precision", (9, 8, 3), keras3_only=True)
def mixed_precision(K):
    L = K.layers
    policy = K.DTypePolicy("mixed_float16")
    inputs = L.Input((9, 8, 3))
    x = L.Conv2D(4, 3, dtype=policy, activation="relu")(inputs)
    return K.Model(inputs, L.Dense(3, dtype="float32")(L.GlobalAveragePooling2D(dtype=policy)(x)))
