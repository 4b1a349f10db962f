"""Image models as people write them: classifiers, encoders and decoders, generators, detectors' parts."""
from zoo import zoo


@zoo("conv autoencoder")
def conv_autoencoder(K):
    L = K.layers
    x = inputs = L.Input((28, 28, 1))
    for filters in (16, 8):
        x = L.MaxPooling2D(2, padding="same")(L.Conv2D(filters, 3, activation="relu", padding="same")(x))
    for filters in (8, 16):
        x = L.Conv2DTranspose(filters, 3, strides=2, activation="relu", padding="same")(x)
    return K.Model(inputs, L.Conv2D(1, 3, activation="sigmoid", padding="same")(x))


@zoo("dcgan generator")
def generator(K):
    L = K.layers
    return K.Sequential([L.Input((16,)), L.Dense(4 * 4 * 12), L.BatchNormalization(), L.LeakyReLU(), L.Reshape((4, 4, 12)),
                         L.Conv2DTranspose(8, 4, strides=2, padding="same", use_bias=False), L.BatchNormalization(momentum=0.8), L.LeakyReLU(),
                         L.UpSampling2D(), L.Conv2D(3, 5, padding="same", activation="tanh")], name="generator")


@zoo("dcgan discriminator")
def discriminator(K):
    L = K.layers
    return K.Sequential([L.Input((16, 16, 3)), L.Conv2D(8, 4, strides=2, padding="same"), L.LeakyReLU(), L.Dropout(0.4),
                         L.Conv2D(12, 4, strides=2, padding="same"), L.LeakyReLU(), L.Flatten(), L.Dropout(0.2), L.Dense(1, activation="sigmoid")])


@zoo("pix2pix")
def pix2pix(K):
    L = K.layers
    x = inputs = L.Input((32, 32, 3), name="input_image")
    skips = []
    for index, filters in enumerate((6, 8, 10)):
        x = L.Conv2D(filters, 4, strides=2, padding="same", use_bias=False, kernel_initializer=K.initializers.RandomNormal(0.0, 0.02))(x)
        x = L.LeakyReLU()(L.BatchNormalization()(x) if index else x)
        skips.append(x)
    for filters, skip in zip((8, 6), reversed(skips[:-1])):
        x = L.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)(x)
        x = L.ReLU()(L.Dropout(0.5)(L.BatchNormalization()(x)))
        x = L.Concatenate()([x, skip])
    return K.Model(inputs, L.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(x))


@zoo("super resolution by permutes")
def super_resolution(K):
    L = K.layers
    x = inputs = L.Input((6, 5, 1))
    x = L.Conv2D(8, 5, padding="same", activation="tanh", kernel_initializer="orthogonal")(x)
    x = L.Conv2D(9, 3, padding="same")(x)
    x = L.Reshape((6, 5, 3, 3, 1))(x)
    x = L.Permute((1, 3, 2, 4, 5))(x)
    return K.Model(inputs, L.Reshape((18, 15, 1))(x))


@zoo("super resolution of any size", keras3_only=True)
def any_super_resolution(K):
    L, ops = K.layers, K.ops
    x = inputs = L.Input((None, None, 1))
    x = L.Conv2D(8, 5, padding="same", activation="relu")(x)
    x = L.Conv2D(4, 3, padding="same")(x)
    return K.Model(inputs, ops.depth_to_space(x, 2) if hasattr(ops, "depth_to_space") else L.UpSampling2D(2)(x))


@zoo("fully convolutional of any size", any=16)
def fully_convolutional(K):
    L = K.layers
    x = inputs = L.Input((None, None, 3))
    a = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    b = L.Conv2D(8, 3, strides=2, padding="same", activation="relu")(a)
    x = L.Concatenate()([L.UpSampling2D(2, interpolation="bilinear")(b), a])
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    return K.Model(inputs, [L.Conv2D(2, 1, activation="softmax")(x), L.GlobalAveragePooling2D()(b)])


@zoo("cbam")
def cbam(K):
    L = K.layers
    x = inputs = L.Input((10, 9, 6))
    d1, d2 = L.Dense(3, activation="relu"), L.Dense(6)
    channel = L.Activation("sigmoid")(L.Add()([d2(d1(L.GlobalAveragePooling2D()(x))), d2(d1(L.GlobalMaxPooling2D()(x)))]))
    x = L.Multiply()([x, L.Reshape((1, 1, 6))(channel)])
    space = L.Conv2D(1, 7, padding="same", activation="sigmoid")(x)
    return K.Model(inputs, L.Multiply()([x, space]))


@zoo("inception block")
def inception(K):
    L = K.layers
    inputs = L.Input((12, 11, 5))
    a = L.Conv2D(4, 1, activation="relu", padding="same")(inputs)
    b = L.Conv2D(5, 3, activation="relu", padding="same")(L.Conv2D(3, 1, activation="relu", padding="same")(inputs))
    c = L.Conv2D(3, 5, activation="relu", padding="same")(L.Conv2D(2, 1, activation="relu", padding="same")(inputs))
    d = L.Conv2D(4, 1, activation="relu", padding="same")(L.MaxPooling2D(3, strides=1, padding="same")(inputs))
    return K.Model(inputs, L.AveragePooling2D(3, strides=2, padding="same")(L.concatenate([a, b, c, d], axis=-1)))


@zoo("squeezenet")
def squeezenet(K):
    L = K.layers
    x = inputs = L.Input((33, 33, 3))
    x = L.MaxPooling2D(3, strides=2)(L.Conv2D(8, 3, strides=2, activation="relu", name="conv1")(x))
    for n in (2, 3):
        s = L.Activation("relu", name=f"fire{n}/relu_squeeze")(L.Conv2D(4, 1, name=f"fire{n}/squeeze1x1")(x)) if K.__name__ == "tf_keras" else \
            L.Activation("relu")(L.Conv2D(4, 1)(x))
        x = L.Concatenate(axis=3)([L.Conv2D(6, 1, activation="relu")(s), L.Conv2D(6, 3, padding="same", activation="relu")(s)])
    return K.Model(inputs, L.Softmax()(L.GlobalAveragePooling2D()(L.Conv2D(5, 1, padding="valid")(L.Dropout(0.5)(x)))))


@zoo("hourglass")
def hourglass(K):
    L = K.layers
    def residual(x, filters):
        y = L.Conv2D(filters, 3, padding="same")(L.ReLU()(L.BatchNormalization()(x)))
        return L.Add()([L.Conv2D(filters, 1)(x) if x.shape[-1] != filters else x, y])
    def level(x, depth):
        up = residual(x, 6)
        low = residual(L.MaxPooling2D()(x), 6)
        low = level(low, depth - 1) if depth else residual(low, 6)
        return L.Add()([up, L.UpSampling2D()(low)])
    inputs = L.Input((16, 16, 3))
    x = level(residual(inputs, 6), 2)
    heat = L.Conv2D(4, 1, activation="sigmoid", name="heatmaps")(x)
    return K.Model(inputs, [heat, L.GlobalMaxPooling2D(name="peaks")(heat)])


@zoo("resnext and shuffles", keras3_only=True)
def shuffles(K):
    L, ops = K.layers, K.ops
    x = inputs = L.Input((8, 8, 12))
    y = L.Conv2D(12, 3, padding="same", groups=4, activation="relu")(x)
    y = ops.reshape(y, (-1, 8, 8, 4, 3))
    y = ops.reshape(ops.transpose(y, (0, 1, 2, 4, 3)), (-1, 8, 8, 12))
    a, b = ops.split(y + x, 2, axis=-1)
    return K.Model(inputs, L.Concatenate()([L.DepthwiseConv2D(3, padding="same")(a), b]))


@zoo("unet 3d")
def unet3d(K):
    L = K.layers
    x = inputs = L.Input((8, 8, 4, 1))
    a = L.Conv3D(4, 3, padding="same", activation="relu")(x)
    b = L.BatchNormalization()(L.Conv3D(6, 3, padding="same", activation="relu")(L.MaxPooling3D(2)(a)))
    x = L.concatenate([L.Conv3DTranspose(4, 2, strides=2)(b), a])
    return K.Model(inputs, L.Conv3D(1, 1, activation="sigmoid")(x))


@zoo("deeplab")
def deeplab(K):
    L = K.layers
    x = inputs = L.Input((24, 24, 3))
    x = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    pool = L.UpSampling2D((12, 12), interpolation="bilinear")(L.Conv2D(4, 1)(L.AveragePooling2D((12, 12))(x)))
    branches = [L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, dilation_rate=r, padding="same", use_bias=False)(x))) for r in (1, 3, 6)]
    return K.Model(inputs, L.Conv2D(2, 1)(L.Concatenate()([pool] + branches)))


@zoo("preprocessing in the model")
def preprocessing(K):
    L = K.layers
    return K.Sequential([L.Input((20, 18, 3), name="image"), L.Resizing(16, 16), L.Rescaling(1 / 127.5, offset=-1), L.RandomFlip("horizontal"),
                         L.RandomRotation(0.1), L.RandomZoom(0.2), L.Conv2D(4, 3, activation="relu"), L.CenterCrop(8, 8), L.Flatten(), L.Dense(3)])


@zoo("random augmentations")
def augmentations(K):
    L = K.layers
    return K.Sequential([L.Input((16, 18, 3)), L.RandomTranslation(0.1, 0.1), L.RandomContrast(0.2), L.RandomBrightness(0.2),
                         L.RandomCrop(16, 18), L.Conv2D(4, 3)])


@zoo("separable classifier")
def separable(K):
    L = K.layers
    x = inputs = L.Input((24, 20, 3))
    x = L.Activation("relu")(L.BatchNormalization()(L.Conv2D(8, 3, strides=2, padding="same")(L.Rescaling(1 / 255)(x))))
    before = x
    for size in (10, 12):
        x = L.BatchNormalization()(L.SeparableConv2D(size, 3, padding="same")(L.Activation("relu")(x)))
        x = L.MaxPooling2D(3, strides=2, padding="same")(x)
        x = before = L.add([x, L.Conv2D(size, 1, strides=2, padding="same")(before)])
    return K.Model(inputs, L.Dense(1, activation="sigmoid")(L.Dropout(0.25)(L.GlobalAveragePooling2D()(x))))


@zoo("yolo head")
def yolo_head(K):
    L = K.layers
    x = inputs = L.Input((16, 16, 3))
    x = L.LeakyReLU(0.1)(L.BatchNormalization()(L.Conv2D(8, 3, use_bias=False)(L.ZeroPadding2D(((1, 0), (1, 0)))(x))))
    outputs = []
    for index in range(2):
        x = L.LeakyReLU(0.1)(L.Conv2D(10, 3, strides=2, padding="same")(x))
        outputs.append(L.Reshape((x.shape[1], x.shape[2], 3, 7), name=f"yolo_{index}")(L.Conv2D(21, 1)(x)))
    return K.Model(inputs, outputs)


@zoo("keras 2 channels first data movement", keras3_only=True)
def channels_first(K):
    L = K.layers
    x = inputs = L.Input((3, 9, 8))
    x = L.ZeroPadding2D(1, data_format="channels_first")(x)
    x = L.BatchNormalization(axis=1)(x)
    x = L.Conv2D(4, 3, padding="same", data_format="channels_first")(x)
    x = L.UpSampling2D(2, data_format="channels_first")(x)
    x = L.Cropping2D(1, data_format="channels_first")(x)
    x = L.SpatialDropout2D(0.2, data_format="channels_first")(x)
    return K.Model(inputs, [L.GlobalAveragePooling2D(data_format="channels_first")(x), L.Flatten(data_format="channels_first")(x)])
