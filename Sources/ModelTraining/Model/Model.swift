/// A network that can be trained, evaluated and saved.
open class Model: Layer {
  /// Whether `fit` is to end after this batch.
  public var stopTraining = false
}
