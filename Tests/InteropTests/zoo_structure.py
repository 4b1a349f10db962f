"""How models are put together: names, nesting, sharing, several ends."""
from zoo import zoo


@zoo("names z a m")
def names(K):
    L = K.layers
    z, a, m = (L.Input((n,), name=s) for n, s in ((3, "z"), (4, "a"), (5, "m")))
    x = L.Concatenate()([m, z, a])
    return K.Model([z, a, m], [L.Dense(2, name="q")(x), L.Dense(3, name="b")(z), L.Dense(4, name="k")(a)])


@zoo("strange names")
def strange_names(K):
    L = K.layers
    x = inputs = L.Input((4, 6, 2), name="eingabe.1" if K.__name__ == "tf_keras" else "eingabe größe")
    # Keras 2 takes none but the names of TensorFlow's scopes.
    x = L.Conv2D(3, 3, padding="same", name="conv.1->x\\y" if K.__name__ == "tf_keras" else "conv (1) – été")(x)
    x = L.BatchNormalization(name="bn.1-x" if K.__name__ == "tf_keras" else "bn.1:x")(x)
    return K.Model(inputs, L.Dense(2, name="0.out" if K.__name__ == "tf_keras" else "出力 0")(L.Flatten()(x)), name="my model v1.0")


@zoo("names with slashes", keras2_only=True)
def slashes(K):
    L = K.layers
    x = inputs = L.Input((4,), name="in")
    return K.Model(inputs, L.Dense(2, name="head/out")(L.BatchNormalization(name="block/bn/1")(L.Dense(3, name="block/dense")(x))))


@zoo("dict outputs")
def dict_outputs(K):
    L = K.layers
    inputs = {"z": L.Input((3,), name="z"), "a": L.Input((4,), name="a")}
    x = L.Concatenate()([inputs["z"], inputs["a"]])
    return K.Model(inputs, {"second": L.Dense(2, name="o2")(x), "first": L.Dense(3, name="o1")(x)})


@zoo("dict inputs of other names", keras3_only=True)
def dict_other(K):
    L = K.layers
    z, a = L.Input((3,), name="zz"), L.Input((3,), name="aa")
    return K.Model({"b": z, "c": a}, L.Dense(2)(L.Subtract()([z, a])))


@zoo("nested outputs", keras3_only=True)
def nested_outputs(K):
    L = K.layers
    x = L.Input((3,))
    return K.Model(x, [L.Dense(2)(x), {"a": L.Dense(1)(x), "b": (L.Dense(4)(x), L.Dense(5)(x))}])


@zoo("output is input")
def output_is_input(K):
    L = K.layers
    x = L.Input((3,), name="x")
    return K.Model(x, [x, L.Dense(2, name="y")(x)])


@zoo("same output twice")
def same_twice(K):
    L = K.layers
    x = L.Input((3,), name="x")
    y = L.Dense(2, name="y")(x)
    return K.Model(x, [y, L.ReLU(name="r")(y), y])


@zoo("identity only")
def identity_only(K):
    L = K.layers
    x = L.Input((3, 4))
    return K.Model(x, L.Dropout(0.3)(L.Activation("linear")(x)))


@zoo("layer used three times")
def three_times(K):
    L = K.layers
    x = inputs = L.Input((5,))
    dense, norm = L.Dense(5, activation="tanh"), L.BatchNormalization()
    for _ in range(3):
        x = norm(dense(x))
    return K.Model(inputs, L.Dense(1)(x))


@zoo("nested three deep")
def three_deep(K):
    L = K.layers
    def inner(n, depth):
        x = inputs = L.Input((n,))
        x = L.BatchNormalization()(L.Dense(n, activation="relu")(x))
        if depth:
            x = inner(n, depth - 1)(x)
        return K.Model(inputs, L.Add()([x, L.Dense(n)(inputs)]))
    x = inputs = L.Input((4,))
    return K.Model(inputs, L.Dense(2)(inner(4, 2)(x)))


@zoo("nested sequential shared")
def nested_shared(K):
    L = K.layers
    body = K.Sequential([L.Input((6, 6, 2)), L.Conv2D(3, 3), L.BatchNormalization(), K.Sequential([L.Input((4, 4, 3)), L.Flatten(), L.Dense(4)], name="tail")], name="body")
    a, b, c = (L.Input((6, 6, 2), name=n) for n in "abc")
    return K.Model([a, b, c], L.Concatenate()([body(a), body(b), body(c)]))


@zoo("nested with several ends")
def nested_ends(K):
    L = K.layers
    i, j = L.Input((4,), name="i"), L.Input((3,), name="j")
    inner = K.Model([i, j], [L.Dense(2)(i), L.Concatenate()([i, j])], name="two.ends" if K.__name__ == "tf_keras" else "two ends")
    x, y = L.Input((4,)), L.Input((3,))
    p, q = inner([x, y])
    r, s = inner([L.Dense(4)(q), y])
    return K.Model([x, y], [L.Add()([p, r]), s])


@zoo("transfer learning")
def transfer(K):
    L = K.layers
    base = K.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35)
    base.trainable = False
    x = inputs = L.Input((32, 32, 3))
    x = L.RandomFlip("horizontal")(x)
    x = L.Rescaling(1 / 127.5, -1)(x)
    x = L.GlobalAveragePooling2D()(base(x, training=False))
    return K.Model(inputs, L.Dense(1)(L.Dropout(0.2)(x)))


@zoo("sequential of models without input layers")
def sequential_of_models(K):
    L = K.layers
    model = K.Sequential([K.Sequential([L.Dense(4, activation="relu"), L.Dense(3)]), K.Sequential([L.LayerNormalization(), L.Dense(2)])])
    model.build((None, 5))
    return model


@zoo("fixed batch")
def fixed_batch(K):
    L = K.layers
    x = inputs = L.Input(batch_shape=(2, 6, 6, 1))
    return K.Model(inputs, L.Dense(2)(L.Flatten()(L.Conv2D(3, 3, strides=2)(x))))


@zoo("partly frozen")
def frozen(K):
    L = K.layers
    model = K.Sequential([L.Input((6, 6, 1)), L.Conv2D(3, 3, trainable=False), L.BatchNormalization(trainable=False), L.Flatten(), L.Dense(2)])
    return model


@zoo("unused input and dead branches")
def unused_input(K):
    L = K.layers
    a, b = L.Input((3,), name="a"), L.Input((2,), name="b")
    return K.Model([a, b], [L.Dense(2)(a), L.Activation("relu")(b)])


@zoo("intermediate outputs")
def intermediate(K):
    L = K.layers
    x = inputs = L.Input((8, 8, 3))
    outputs = []
    for n in range(3):
        x = L.ReLU(name=f"stage{n}")(L.BatchNormalization()(L.Conv2D(4 + n, 3, padding="same", name=f"conv{n}")(x)))
        outputs.append(x)
    return K.Model(inputs, outputs[::-1])


@zoo("activation layers")
def activation_layers(K):
    L = K.layers
    x = L.Input((4, 5))
    return K.Model(x, [L.LeakyReLU()(x), L.PReLU(shared_axes=[1])(x), L.ELU(alpha=0.5)(x), L.ReLU(max_value=6.0)(x), L.ReLU(negative_slope=0.1)(x),
                       L.Softmax(axis=1)(x), L.Activation(K.activations.swish)(x), L.Activation("tanh")(x), L.Dense(3, activation=K.activations.softplus)(x),
                       L.Dense(3, activation="exponential")(x), L.Activation("gelu")(x), L.Activation("mish" if K.__name__ != "tf_keras" else "softsign")(x)])


@zoo("activation objects", keras3_only=True)
def activation_objects(K):
    L = K.layers
    x = L.Input((4, 5))
    return K.Model(x, [L.Dense(3, activation=L.LeakyReLU(0.3))(x), L.Activation(L.ReLU(max_value=2.0))(x), L.Conv1D(3, 2, activation=L.Softmax(axis=1))(x),
                       L.Dense(3, activation=K.ops.tanh)(x)])


@zoo("merge functions")
def merge_functions(K):
    L = K.layers
    a, b = L.Input((4, 3)), L.Input((4, 3))
    return K.Model([a, b], [L.add([a, b]), L.subtract([a, b]), L.multiply([a, b]), L.average([a, b]), L.maximum([a, b]), L.minimum([a, b]),
                            L.concatenate([a, b], axis=1), L.dot([a, b], axes=-1)])


@zoo("python operators", h5_for_keras2=False)
def operators(K):
    L = K.layers
    a, b = L.Input((4, 3)), L.Input((4, 3))
    return K.Model([a, b], [a + b, 2.0 * a - b / 3.0, a[:, 1:3], a[:, 0], -a, a * b + 1.0])


@zoo("float64 model")
def float64(K):
    L = K.layers
    x = inputs = L.Input((5,), dtype="float64")
    return K.Model(inputs, L.Dense(3, dtype="float64")(L.BatchNormalization(dtype="float64")(L.Dense(4, activation="tanh", dtype="float64")(x))))


@zoo("integer outputs", high=9)
def integer_outputs(K):
    L = K.layers
    x = L.Input((4,), dtype="int32", name="ids")
    return K.Model(x, [L.Reshape((2, 2))(x), L.Embedding(9, 3)(x), L.Flatten()(x)])


@zoo("large rank and ones")
def ranks(K):
    L = K.layers
    x = L.Input((1, 1, 3, 1, 2))
    return K.Model(x, [L.Permute((5, 4, 3, 2, 1))(x), L.Flatten()(x), L.Dense(2)(x), L.Reshape((-1, 1))(x)])
