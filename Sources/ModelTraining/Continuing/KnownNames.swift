// What the registries know, for messages and for whoever offers a choice. Each name can be given to `get` as it stands.

extension Losses {
  /// The names of Keras's losses; `mse`, `mae`, `mape`, `msle`, `kld` and `bce` are short for some.
  public static let names = [
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy", "categorical_hinge", "circle", "cosine_similarity", "ctc", "dice", "hinge", "huber",
    "kl_divergence", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "poisson", "sparse_categorical_crossentropy", "squared_hinge", "tversky",
  ]
  /// Those that take logits when asked to.
  static let namesWithLogits: Set<String> = [
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
  ]
}

extension Optimizers {
  /// The names of Keras's optimisers.
  public static let names = [
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion", "muon", "nadam", "rmsprop",
    "schedulefreeadamw", "sgd",
  ]
}

extension Metrics {
  /// The names of Keras's metrics that need no more than a name; losses' short names are known here too.
  public static let names = [
    "accuracy", "auc", "binary_accuracy", "binary_crossentropy", "binary_io_u", "categorical_accuracy", "categorical_crossentropy",
    "categorical_hinge", "concordance_correlation", "cosine_similarity", "crossentropy", "f1_score", "false_negatives",
    "false_positives", "fbeta_score", "hinge", "kl_divergence", "log_cosh_error", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "pearson_correlation", "poisson",
    "precision", "r2_score", "recall", "root_mean_squared_error", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy", "true_negatives", "true_positives",
  ]
}
