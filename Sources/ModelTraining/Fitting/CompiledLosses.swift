/// The losses of a compiled model, each at its output.
struct CompiledLosses {
  struct Part {
    let output: Int
    let loss: any Loss
    let weight: Double
    /// Of the output, for the figure `…_loss`.
    let name: String
  }
  let parts: [Part]
  private let outputCount: Int
  /// Figures of the parts, which are told only where there are several.
  var partNames: [String] { parts.count > 1 ? parts.map { "\($0.name)_loss" } : [] }

  /// - Parameter predictions: the shapes of the outputs.
  /// - Throws: `TensorError` for names that Keras does not know, and numbers that do not fit the outputs.
  init(_ arguments: CompileArguments, outputs: [String], targets: [[Int]], predictions: [[Int]]) throws {
    let losses = try arguments.losses.values(for: outputs, "loss", repeats: true)
    // One weight given as a number goes with one output.
    let weights = try arguments.lossWeights.values(for: outputs, "lossWeights", repeats: false)
    outputCount = outputs.count
    let withLoss = losses.indices.filter { losses[$0] != nil }
    parts = try withLoss.enumerated().map { place, index in
      // Targets are for all outputs, or for those that have a loss.
      let target = targets.count == outputs.count ? targets[index] : place < targets.count ? targets[place] : predictions[index]
      return Part(
        output: index, loss: try Self.resolve(losses[index], target, predictions[index]), weight: weights[index] ?? 1, name: outputs[index])
    }
  }

  private static func resolve(_ identifier: (any LossIdentifier)?, _ target: [Int], _ prediction: [Int]) throws -> any Loss {
    guard let name = identifier as? String else {
      guard let loss = identifier as? any Loss else { throw TensorError(.invalidArgument, "compile: expected a loss or its name") }
      return loss
    }
    guard ["crossentropy", "ce"].contains(name.lowercased()) else { return try Losses.get(name) }
    return try Losses.get(CategoricalKind(target, prediction).prefix + "crossentropy")
  }

  /// The target of a part.
  func target<T>(_ part: Part, _ place: Int, of targets: [T]) throws -> T {
    if targets.count == outputCount { return targets[part.output] }
    guard targets.count == parts.count else {
      throw TensorError(.invalidArgument, "\(outputCount) outputs, \(parts.count) losses and \(targets.count) targets")
    }
    return targets[place]
  }

  /// The loss of each part, unweighted, and their weighted sum, `nil` when there is none.
  func callAsFunction(_ y: [Tensor], _ predictions: [Tensor], sampleWeight: [Tensor?]) throws -> (total: Tensor?, parts: [Tensor]) {
    guard predictions.count == outputCount else {
      throw TensorError(.invalidArgument, "\(predictions.count) predictions for \(outputCount) outputs")
    }
    var total: Tensor?, values: [Tensor] = []
    for (place, part) in parts.enumerated() {
      let weight = try Self.weight(sampleWeight, part.output, place)
      // Losses of outputs of several types are one sum, in float32 as Keras has it.
      let value = try part.loss(try target(part, place, of: y), predictions[part.output], sampleWeight: weight).cast(to: .float32)
      values.append(value)
      let weighted = part.weight == 1 ? value : try value * part.weight
      total = try total.map { try $0 + weighted } ?? weighted
    }
    return (total, values)
  }

  /// One weight goes for all outputs.
  static func weight(_ weights: [Tensor?], _ output: Int, _ place: Int) throws -> Tensor? {
    if weights.count <= 1 { return weights.first ?? nil }
    if weights.indices.contains(output) { return weights[output] }
    return weights.indices.contains(place) ? weights[place] : nil
  }
}

/// What shapes tell of targets.
enum CategoricalKind {
  case binary, sparse, oneHot
  init(_ target: [Int], _ prediction: [Int]) {
    if prediction.last == 1 {
      self = .binary
    } else {
      self = target.count < prediction.count || (target.last == 1 && (prediction.last ?? 0) > 1) ? .sparse : .oneHot
    }
  }
  var prefix: String {
    switch self {
    case .binary: "binary_"
    case .sparse: "sparse_categorical_"
    case .oneHot: "categorical_"
    }
  }
}
