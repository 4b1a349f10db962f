"""Sequences: text, time series, sound, video."""
from zoo import zoo


@zoo("lstm autoencoder")
def lstm_autoencoder(K):
    L = K.layers
    return K.Sequential([L.Input((6, 2)), L.LSTM(8, activation="relu"), L.RepeatVector(6), L.LSTM(8, activation="relu", return_sequences=True),
                         L.TimeDistributed(L.Dense(2))])


# Keras 2 does not read calls in Keras 3's spelling, which states beside a sequence need.
@zoo("seq2seq with states", h5_for_keras2=False)
def seq2seq(K):
    L = K.layers
    source, target = L.Input((None, 9), name="source"), L.Input((None, 7), name="target")
    _, h, c = L.LSTM(6, return_state=True)(source)
    y, _, _ = L.LSTM(6, return_sequences=True, return_state=True)(target, initial_state=[h, c])
    return K.Model([source, target], L.Dense(7, activation="softmax")(y))


@zoo("gru translator", high=12, h5_for_keras2=False)
def gru_translator(K):
    L = K.layers
    source, target = L.Input((None,), dtype="int64", name="english"), L.Input((None,), dtype="int64", name="spanish")
    x = L.Embedding(12, 6, mask_zero=True)(source)
    encoded = L.Bidirectional(L.GRU(8), merge_mode="sum")(x)
    y = L.Embedding(12, 6, mask_zero=True)(target)
    y = L.GRU(8, return_sequences=True)(y, initial_state=encoded)
    return K.Model([source, target], L.Dense(12, activation="softmax")(L.Dropout(0.5)(y)))


@zoo("bidirectional states", h5_for_keras2=False)
def bidirectional_states(K):
    L = K.layers
    inputs = L.Input((5, 4))
    y, fh, fc, bh, bc = L.Bidirectional(L.LSTM(3, return_sequences=True, return_state=True))(inputs)
    h, c = L.Concatenate()([fh, bh]), L.Concatenate()([fc, bc])
    return K.Model(inputs, L.LSTM(6)(y, initial_state=[h, c]))


@zoo("attention over lstm")
def attention_over_lstm(K):
    L = K.layers
    inputs = L.Input((8, 5))
    x = L.LSTM(6, return_sequences=True)(inputs)
    scores = L.Softmax(axis=1)(L.Dense(1, activation="tanh")(x))
    context = L.Dot(axes=1)([scores, x])
    return K.Model(inputs, L.Dense(2)(L.Flatten()(context)))


@zoo("attention by permutes")
def attention_by_permutes(K):
    L = K.layers
    inputs = L.Input((8, 5))
    x = L.Bidirectional(L.LSTM(3, return_sequences=True))(inputs)
    e = L.Activation("softmax")(L.Flatten()(L.Dense(1, activation="tanh")(x)))
    e = L.Permute([2, 1])(L.RepeatVector(6)(e))
    x = L.multiply([x, e])
    return K.Model(inputs, L.Dense(1)(L.GlobalMaxPooling1D()(x)))


@zoo("luong attention", high=9)
def luong(K):
    L = K.layers
    a, b = L.Input((6,), dtype="int32"), L.Input((5,), dtype="int32")
    q, v = L.Embedding(9, 8)(a), L.Embedding(9, 8, mask_zero=True)(b)
    e, d = L.LSTM(8, return_sequences=True)(q), L.LSTM(8, return_sequences=True)(v)
    return K.Model([a, b], L.Dense(3)(L.Concatenate()([L.GlobalAveragePooling1D()(L.Attention()([e, d])), L.GlobalAveragePooling1D()(L.AdditiveAttention()([e, d]))])))


@zoo("text cnn", high=30)
def text_cnn(K):
    L = K.layers
    inputs = L.Input((14,), dtype="int32", name="words")
    x = L.SpatialDropout1D(0.2)(L.Embedding(30, 8)(inputs))
    pooled = [L.GlobalMaxPooling1D()(L.Conv1D(5, size, activation="relu")(x)) for size in (3, 4, 5)]
    return K.Model(inputs, L.Dense(1, activation="sigmoid")(L.Dropout(0.5)(L.Concatenate()(pooled))))


@zoo("text cnn 2d", high=30)
def text_cnn_2d(K):
    L = K.layers
    inputs = L.Input((14,), dtype="int32")
    x = L.Reshape((14, 8, 1))(L.Embedding(30, 8)(inputs))
    pooled = [L.MaxPooling2D((14 - size + 1, 1), strides=(1, 1))(L.Conv2D(5, (size, 8), activation="relu")(x)) for size in (2, 3)]
    return K.Model(inputs, L.Dense(3, activation="softmax")(L.Flatten()(L.Concatenate(axis=1)(pooled))))


@zoo("wavenet", any=20)
def wavenet(K):
    L = K.layers
    inputs = L.Input((None, 1))
    x = L.Conv1D(6, 2, padding="causal")(inputs)
    skips = []
    for rate in (1, 2, 4):
        gated = L.Multiply()([L.Conv1D(6, 2, dilation_rate=rate, padding="causal", activation="tanh")(x),
                              L.Conv1D(6, 2, dilation_rate=rate, padding="causal", activation="sigmoid")(x)])
        skip = L.Conv1D(6, 1)(gated)
        skips.append(skip)
        x = L.Add()([x, skip])
    x = L.Activation("relu")(L.Add()(skips))
    return K.Model(inputs, L.Conv1D(4, 1, activation="softmax")(x))


@zoo("tagger", high=20)
def tagger(K):
    L = K.layers
    return K.Sequential([L.Input((None,), dtype="int32"), L.Embedding(20, 8, mask_zero=True), L.Bidirectional(L.LSTM(5, return_sequences=True, recurrent_dropout=0.1)),
                         L.TimeDistributed(L.Dense(6, activation="relu")), L.Dense(4, activation="softmax")])


@zoo("resnet 1d")
def resnet1d(K):
    L = K.layers
    x = inputs = L.Input((40, 3))
    for filters in (4, 6):
        y = L.ReLU()(L.BatchNormalization()(L.Conv1D(filters, 8, padding="same")(x)))
        y = L.BatchNormalization()(L.Conv1D(filters, 5, padding="same")(y))
        x = L.ReLU()(L.add([y, L.BatchNormalization()(L.Conv1D(filters, 1)(x))]))
        x = L.MaxPooling1D(2, padding="same")(x)
    return K.Model(inputs, L.Dense(4, activation="softmax")(L.GlobalAveragePooling1D()(x)))


@zoo("conv lstm video")
def conv_lstm(K):
    L = K.layers
    x = inputs = L.Input((6, 8, 8, 1))
    x = L.BatchNormalization()(L.ConvLSTM2D(4, 5, padding="same", return_sequences=True, activation="relu")(x))
    x = L.ConvLSTM2D(3, 3, padding="same", return_sequences=True, strides=1)(x)
    return K.Model(inputs, L.Conv3D(1, 3, activation="sigmoid", padding="same")(x))


@zoo("conv lstm 1d and backwards")
def conv_lstm_1d(K):
    L = K.layers
    x = inputs = L.Input((5, 9, 2))
    return K.Model(inputs, [L.ConvLSTM1D(3, 3)(x), L.ConvLSTM1D(2, 3, go_backwards=True, return_sequences=True, padding="same")(x)])


@zoo("time distributed cnn lstm")
def cnn_lstm(K):
    L = K.layers
    cnn = K.Sequential([L.Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(), L.BatchNormalization(), L.Flatten()], name="cnn")
    return K.Sequential([L.Input((5, 8, 8, 3)), L.TimeDistributed(cnn), L.LSTM(6), L.Dense(3, activation="softmax")])


@zoo("time distributed layers")
def time_distributed(K):
    L = K.layers
    x = inputs = L.Input((4, 8, 9, 3))
    x = L.TimeDistributed(L.Conv2D(4, 3, activation="relu"))(x)
    x = L.TimeDistributed(L.MaxPooling2D(2))(x)
    x = L.TimeDistributed(L.BatchNormalization())(x)
    x = L.TimeDistributed(L.Flatten())(x)
    x = L.TimeDistributed(L.Dropout(0.3))(x)
    return K.Model(inputs, L.GRU(3)(x))


@zoo("masking in the middle")
def masking(K):
    L = K.layers
    inputs = L.Input((7, 4))
    x = L.Masking(mask_value=0.0)(L.ReLU(threshold=1.2)(L.Dense(2)(inputs)))
    x = L.Dropout(0.2)(L.Dense(5, activation="tanh")(x))
    x = L.LSTM(4, return_sequences=True)(x)
    return K.Model(inputs, [L.GRU(3)(x), L.GlobalAveragePooling1D()(x), L.SimpleRNN(2, go_backwards=True)(x)])


# Keras runs the steps one after the other: as many as the input has, which only a loop of ONNX could say.
@zoo("conv lstm of open length", refused="the number of steps must be known")
def open_conv_lstm(K):
    L = K.layers
    inputs = L.Input((None, 5, 4, 2))
    return K.Model(inputs, L.GlobalAveragePooling3D()(L.ConvLSTM2D(3, 3, padding="same", return_sequences=True)(inputs)))


@zoo("stacked cells")
def stacked_cells(K):
    L = K.layers
    inputs = L.Input((6, 3))
    y = L.RNN([L.LSTMCell(4), L.GRUCell(5, reset_after=False), L.SimpleRNNCell(3, activation="relu")], return_sequences=True, return_state=True)(inputs)
    flat = []
    for item in y:
        flat += list(item) if isinstance(item, (list, tuple)) else [item]
    return K.Model(inputs, flat)


@zoo("bidirectional backward layer")
def backward_layer(K):
    L = K.layers
    inputs = L.Input((6, 3))
    both = L.Bidirectional(L.LSTM(4, return_sequences=True), backward_layer=L.GRU(4, return_sequences=True, go_backwards=True), merge_mode="mul")
    none = L.Bidirectional(L.SimpleRNN(3), merge_mode=None)(inputs)
    return K.Model(inputs, [both(inputs)] + list(none))


@zoo("stateful")
def stateful(K):
    L = K.layers
    inputs = L.Input(batch_shape=(2, 5, 3))
    return K.Model(inputs, L.Dense(2)(L.GRU(4, stateful=True)(L.LSTM(4, stateful=True, return_sequences=True)(inputs))))


@zoo("recurrent activations")
def recurrent_activations(K):
    L = K.layers
    inputs = L.Input((6, 3))
    return K.Model(inputs, [L.LSTM(3, activation="relu", recurrent_activation="hard_sigmoid" if K.__name__ == "tf_keras" else "sigmoid", unit_forget_bias=False)(inputs),
                            L.GRU(3, activation="elu", recurrent_activation="tanh")(inputs), L.GRU(3, activation="softsign", reset_after=False)(inputs),
                            L.SimpleRNN(3, activation="gelu")(inputs), L.LSTM(3, activation="swish", go_backwards=True)(inputs),
                            L.GRU(3, activation="softmax", recurrent_activation="selu", use_bias=False)(inputs)])


@zoo("time major", keras2_only=True)
def time_major(K):
    L = K.layers
    inputs = L.Input(batch_shape=(5, 3, 4))
    return K.Model(inputs, [L.LSTM(3, time_major=True, return_sequences=True)(inputs), L.GRU(3, time_major=True)(inputs)])


@zoo("keyword spotting")
def keyword_spotting(K):
    L = K.layers
    x = inputs = L.Input((49, 10, 1))
    x = L.Activation("relu")(L.BatchNormalization()(L.Conv2D(8, (10, 4), strides=(2, 2), padding="same", kernel_regularizer=K.regularizers.L2(1e-4))(x)))
    for _ in range(2):
        x = L.Activation("relu")(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(x)))
        x = L.Activation("relu")(L.BatchNormalization()(L.Conv2D(8, 1)(x)))
    return K.Model(inputs, L.Dense(12, activation="softmax")(L.Flatten()(L.AveragePooling2D((25, 5))(x))))


@zoo("speech ctc", any=12)
def ctc(K):
    L = K.layers
    x = inputs = L.Input((None, 20), name="input")
    x = L.Reshape((-1, 20, 1), name="expand_dim")(x)
    x = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, (11, 7), strides=(2, 2), padding="same", use_bias=False)(x)))
    x = L.Reshape((-1, x.shape[-2] * x.shape[-1]))(x)
    x = L.Bidirectional(L.GRU(5, activation="tanh", recurrent_activation="sigmoid", use_bias=True, return_sequences=True, reset_after=True))(x)
    return K.Model(inputs, L.Dense(6, activation="softmax")(x))


@zoo("captcha ocr")
def ocr(K):
    L = K.layers
    x = inputs = L.Input((24, 12, 1), name="image")
    x = L.MaxPooling2D((2, 2))(L.Conv2D(4, 3, activation="relu", kernel_initializer="he_normal", padding="same")(x))
    x = L.Dense(8, activation="relu")(L.Reshape((12, 24))(x))
    x = L.Bidirectional(L.LSTM(6, return_sequences=True, dropout=0.25))(x)
    return K.Model(inputs, L.Dense(11, activation="softmax")(x))
