import ModelTraining
import Testing

/// What Keras 3.15 prints for the same models.
@Suite(.serialized) struct SummaryTests {
  @Test func chains() throws {
    let model = try Sequential(
      [
        Dense(16, activation: "relu", name: "dense"), BatchNormalization(name: "batch_normalization"), Dropout(0.5, name: "dropout"),
        Dense(3, activation: "softmax", name: "dense_1"),
      ], inputShape: [10], name: "sequential")
    #expect(
      model.summary() == """
        Model: "sequential"
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
        ┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
        │ dense (Dense)                   │ (None, 16)             │           176 │
        ├─────────────────────────────────┼────────────────────────┼───────────────┤
        │ batch_normalization             │ (None, 16)             │            64 │
        │ (BatchNormalization)            │                        │               │
        ├─────────────────────────────────┼────────────────────────┼───────────────┤
        │ dropout (Dropout)               │ (None, 16)             │             0 │
        ├─────────────────────────────────┼────────────────────────┼───────────────┤
        │ dense_1 (Dense)                 │ (None, 3)              │            51 │
        └─────────────────────────────────┴────────────────────────┴───────────────┘
         Total params: 291 (1.14 KB)
         Trainable params: 259 (1.01 KB)
         Non-trainable params: 32 (128.00 B)

        """)
  }

  @Test func branches() throws {
    let x = Input(shape: [28, 28, 1], name: "input_layer")
    let a = try Conv2D(8, 3, padding: .same, activation: .relu, name: "conv2d")(x)
    let b = try Conv2D(8, 5, padding: .same, name: "conv2d_1")(x)
    let c = try Add(name: "a_rather_long_name_for_an_addition_layer")([a, b])[0]
    let d = try GlobalAveragePooling2D(name: "global_average_pooling2d")(c)
    let model = try Model(inputs: x, outputs: try Dense(10, name: "dense")(d), name: "functional")
    #expect(
      model.summary() == """
        Model: "functional"
        ┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
        ┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
        ┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
        │ input_layer         │ (None, 28, 28, 1) │          0 │ -                 │
        │ (InputLayer)        │                   │            │                   │
        ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
        │ conv2d (Conv2D)     │ (None, 28, 28, 8) │         80 │ input_layer[0][0] │
        ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
        │ conv2d_1 (Conv2D)   │ (None, 28, 28, 8) │        208 │ input_layer[0][0] │
        ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
        │ a_rather_long_name… │ (None, 28, 28, 8) │          0 │ conv2d[0][0],     │
        │ (Add)               │                   │            │ conv2d_1[0][0]    │
        ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
        │ global_average_poo… │ (None, 8)         │          0 │ a_rather_long_na… │
        │ (GlobalAveragePool… │                   │            │                   │
        ├─────────────────────┼───────────────────┼────────────┼───────────────────┤
        │ dense (Dense)       │ (None, 10)        │         90 │ global_average_p… │
        └─────────────────────┴───────────────────┴────────────┴───────────────────┘
         Total params: 378 (1.48 KB)
         Trainable params: 378 (1.48 KB)
         Non-trainable params: 0 (0.00 B)

        """)
  }
}
