import KerasH5Format
import ModelSupport
import ModelTensor
import ModelVerify

/// Compares two files of Keras by their weights alone, for files that hold nothing else.
public enum WeightsComparison {
  /// Whether there is nothing but weights at `path`: no model that computes with them.
  /// - Throws: `StorageError`, and `FormatError` for an HDF5 file that is none of Keras.
  public static func holdsWeightsAlone(_ path: String) throws -> Bool {
    guard let format = try? FormatRegistry.detect(path), format == .h5 else { return false }
    return try KerasH5File(path: path).kind != .model
  }

  /// Each weight of the reference against the candidate's: by name where both files name weights alike, else the one with the same
  /// elements.
  ///
  /// - Returns: the comparison, or `nil` when both files hold models, or one is no file of Keras.
  public static func compare(_ reference: String, _ candidate: String, _ options: VerificationOptions) throws -> VerificationReport? {
    guard try holdsWeightsAlone(reference) || holdsWeightsAlone(candidate) else { return nil }
    let formats: Set<ModelFormat> = [.h5, .keras]
    guard try formats.contains(FormatRegistry.detect(reference)), try formats.contains(FormatRegistry.detect(candidate)) else { return nil }
    let first = try tensors(FormatRegistry.inspect(reference).weights())
    let second = try tensors(FormatRegistry.inspect(candidate).weights())
    return try compare(first, second, options)
  }

  typealias Weight = (name: String, tensor: Tensor)

  static func tensors(_ entries: [WeightEntry]) throws -> [Weight] { try entries.map { ($0.name, try $0.tensor.get()) } }

  static func compare(_ reference: [Weight], _ candidate: [Weight], _ options: VerificationOptions) throws -> VerificationReport {
    var report = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol)
    report.method = .weights
    var places = Dictionary(candidate.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    let isNamedAlike = candidate.count == reference.count && reference.allSatisfy { places[$0.name] != nil }
    var free = Array(candidate.indices)
    for weight in reference {
      let index: Int?
      if isNamedAlike {
        index = places.removeValue(forKey: weight.name)
      } else {
        index = try free.firstIndex { try StructureComparison.areEqual(candidate[$0].tensor, weight.tensor) }.map { free.remove(at: $0) }
      }
      var statistics = OutputStatistics(name: weight.name, candidateName: index.map { candidate[$0].name })
      if let index {
        try statistics.add(weight.tensor, candidate[index].tensor, options)
      } else {
        statistics.problem = "the candidate has no such weight"
      }
      report.outputs.append(statistics)
    }
    if !isNamedAlike, !free.isEmpty {
      report.failure = "the candidate has \(free.count) weights that the reference has not: \(candidate[free[0]].name), …"
    }
    if !isNamedAlike { report.notes.append("the files name weights differently: those with the same elements are paired") }
    report.notes.append("compared weight by weight: no model is there that could be run")
    return report
  }
}

extension OutputStatistics {
  /// Compares two weights as wholes.
  fileprivate mutating func add(_ reference: Tensor, _ candidate: Tensor, _ options: VerificationOptions) throws {
    guard reference.extents == candidate.extents, reference.dtype == candidate.dtype else {
      problem = "the reference holds \(reference.type), the candidate \(candidate.type)"
      return
    }
    add(try reference.array(), try candidate.array(), atol: options.atol, rtol: options.rtol)
  }
}
