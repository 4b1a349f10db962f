import ModelTensor
import Synchronization

/// A piece of a network with weights of its own (Keras's `Layer`).
///
/// A subclass makes its weights in `build` with `addWeight`, keeps further layers with `track`, and computes in `call`.
open class Layer {
  public let name: String
  /// Whether optimisers change its weights; holds for the layers inside too.
  open var isTrainable: Bool {
    didSet {
      for variable in own where variable.declaredTrainable { variable.variable.isTrainable = isTrainable }
      for layer in sublayers { layer.isTrainable = isTrainable }
    }
  }
  public internal(set) var isBuilt = false
  /// The layers inside, in the order in which they were tracked.
  public private(set) var sublayers: [Layer] = []
  private var own: [(variable: Variable, declaredTrainable: Bool)] = []

  public init(name: String? = nil, trainable: Bool = true) {
    self.name = name ?? LayerNames.next(for: String(describing: Self.self))
    isTrainable = trainable
  }

  // MARK: To be overridden

  /// Makes the weights, for inputs of these shapes (-1 for an extent that is not known).
  open func build(_ inputShapes: [[Int]]) throws {}
  /// The results for `inputs`.
  open func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    throw TensorError(.notSupported, "\(type(of: self)) does not say what it computes: override call(_:training:)")
  }

  // MARK: Building

  /// A weight of this layer.
  @discardableResult
  public func addWeight(
    _ name: String, shape: [Int], initializer: some Initializer, dtype: DType = .float32, trainable: Bool = true
  ) throws -> Variable {
    let variable = try Variable(try initializer.callAsFunction(shape, dtype: dtype), name: name, trainable: trainable && isTrainable)
    own.append((variable, trainable))
    return variable
  }
  /// Takes a layer in: its weights become weights of this one.
  @discardableResult
  public func track<L: Layer>(_ layer: L) -> L {
    if !sublayers.contains(where: { $0 === layer }) { sublayers.append(layer) }
    return layer
  }

  // MARK: Calling

  public func callAsFunction(_ inputs: [Tensor], training: Bool? = nil) throws -> [Tensor] {
    let training = training ?? TrainingMode.current
    if !isBuilt {
      try build(inputs.map(\.shape))
      isBuilt = true
    }
    return try TrainingMode.$current.withValue(training) { try call(inputs, training: training) }
  }
  public func callAsFunction(_ input: Tensor, training: Bool? = nil) throws -> Tensor {
    guard let first = try self([input], training: training).first else {
      throw TensorError(.invalidArgument, "\(name) has no result")
    }
    return first
  }

  // MARK: Weights

  /// The variables in Keras's order: the layer's own, trainable ones first, then those of the layers inside.
  open var trainableWeights: [Variable] {
    isTrainable ? unique(own.filter { $0.declaredTrainable }.map(\.variable) + sublayers.flatMap(\.trainableWeights)) : []
  }
  open var nonTrainableWeights: [Variable] {
    let fixed = own.filter { !$0.declaredTrainable }.map(\.variable)
    if isTrainable { return unique(fixed + sublayers.flatMap(\.nonTrainableWeights)) }
    return weights
  }
  open var weights: [Variable] {
    unique(
      own.filter { $0.declaredTrainable }.map(\.variable) + own.filter { !$0.declaredTrainable }.map(\.variable)
        + sublayers.flatMap(\.weights))
  }
  public func countParams() -> Int { weights.reduce(0) { $0 + $1.size } }
  public func getWeights() -> [Tensor] { weights.map(\.stored) }
  /// - Throws: `TensorError` when number or types differ.
  public func setWeights(_ tensors: [Tensor]) throws {
    let weights = weights
    guard weights.count == tensors.count else {
      throw TensorError(.shapeMismatch, "'\(name)' has \(weights.count) weights, found \(tensors.count)")
    }
    for (variable, tensor) in zip(weights, tensors) { try variable.assign(tensor) }
  }

  private func unique(_ variables: [Variable]) -> [Variable] {
    var seen: Set<ObjectIdentifier> = []
    return variables.filter { seen.insert(ObjectIdentifier($0)).inserted }
  }
}

/// Whether layers that are called now train.
enum TrainingMode {
  @TaskLocal static var current = false
}

/// Keras's automatic names: `dense`, `dense_1`, …
enum LayerNames {
  private static let counts = Mutex<[String: Int]>([:])
  static func next(for className: String) -> String {
    let base = snakeCase(className)
    return counts.withLock { counts in
      let count = counts[base, default: 0]
      counts[base] = count + 1
      return count == 0 ? base : "\(base)_\(count)"
    }
  }
  static func reset() { counts.withLock { $0 = [:] } }

  /// `BatchNormalization` to `batch_normalization`, `Conv2D` to `conv2d`, `LSTM` to `lstm`.
  static func snakeCase(_ name: String) -> String {
    let plain = name.prefix { $0 != "<" }
    let letters = Array(plain)
    var result = ""
    for (index, letter) in letters.enumerated() {
      if letter.isUppercase, index > 0 {
        let before = letters[index - 1], after = index + 1 < letters.count ? letters[index + 1] : nil
        // A word starts where a small letter stands before, or where a small one follows a run of capitals.
        if before.isLowercase || (before.isUppercase && (after?.isLowercase ?? false)) { result.append("_") }
      }
      result.append(letter.lowercased())
    }
    return result
  }
}

/// Starts automatic names anew (Keras's `clear_session`).
public func clearSession() { LayerNames.reset() }
