import ModelSupport
import ModelTensor
import ModelVerify

/// Compares two files of one format, or of the two Keras formats, by what is in them: operators, layers, interfaces, and weights bit by bit.
struct StructureComparison {
  private(set) var result: VerificationReport

  init(_ first: String, _ second: String, _ report: ConversionReport, _ options: VerificationOptions) throws {
    result = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol)
    result.method = .structure
    let a = try FormatRegistry.inspect(first, as: report.sourceFormat)
    let b = try FormatRegistry.inspect(second, as: report.format)
    guard report.sourceFormat == report.format else {
      // The formats name classes and weights differently, and not all say the types of what they don't know.
      if a.inputs.map(\.name) != b.inputs.map(\.name) { result.failure = "the inputs differ" }
      if a.outputs.map(\.name) != b.outputs.map(\.name) { result.failure = "the outputs differ" }
      if a.layers?.count != b.layers?.count { result.failure = "the layers differ" }
      try matchWeights(a.weights(), b.weights())
      return
    }
    if a.inputs != b.inputs { result.failure = "the inputs differ" }
    if a.outputs != b.outputs { result.failure = "the outputs differ" }
    if a.operators != b.operators { result.failure = "the operators differ" }
    if a.layers != b.layers { result.failure = "the layers differ" }
    try compareWeights(a.weights(), b.weights())
  }

  private mutating func compareWeights(_ a: [WeightEntry], _ b: [WeightEntry]) throws {
    guard a.map(\.name) == b.map(\.name) else {
      result.failure = "the weights' names differ"
      return
    }
    for (x, y) in zip(a, b) where try !Self.areEqual(x.tensor.get(), y.tensor.get()) {
      result.failure = "weight '\(x.name)' differs"
      return
    }
  }

  /// Whether each weight of one is among the other's.
  private mutating func matchWeights(_ a: [WeightEntry], _ b: [WeightEntry]) throws {
    var rest = try b.map { try $0.tensor.get() }
    for weight in a {
      let tensor = try weight.tensor.get()
      guard let index = try rest.firstIndex(where: { try Self.areEqual($0, tensor) }) else {
        result.failure = "weight '\(weight.name)' is not there"
        return
      }
      rest.remove(at: index)
    }
    if !rest.isEmpty { result.failure = "\(rest.count) weights are too many" }
  }

  /// Whether both are of one type and hold the same.
  static func areEqual(_ a: Tensor, _ b: Tensor) throws -> Bool {
    guard a.type == b.type, a.source.byteCount == b.source.byteCount else { return false }
    if let strings = a.source as? StringSource { return strings.strings == (b.source as? StringSource)?.strings }
    return try a.source.hasSameBytes(as: b.source)
  }
}

extension ModelFormat {
  /// Whether both name and hold the same things, so that structure can be compared.
  func isLike(_ other: ModelFormat) -> Bool { self == other || Set([self, other]) == [.keras, .h5] }
}
