import KerasConfig
import KerasH5Format
import ModelGraph
import ModelKit
import ModelSupport
import ModelTensor

extension Model {
  /// Writes the model in a format: by its name (`keras`, `savedmodel`, `onnx`, …) or as the extension of `path` says. It appears whole or not
  /// at all.
  ///
  /// A compiled model is written with its optimiser where the format holds that (`keras`, `h5`).
  ///
  /// - Returns: what the format can't hold.
  /// - Throws: `UnsupportedError`, `StorageError`.
  @discardableResult
  public func save(_ path: String, format: String? = nil, overwrite: Bool = true) throws -> [String] {
    guard let format = format.flatMap({ ModelFormat(rawValue: $0) }) ?? ModelFormat(destination: path) else {
      throw UsageError("'\(path)' does not tell its format; give one of " + ModelFormat.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let output = try StagedOutput(destination: path, replaceExisting: overwrite)
    let losses = try FormatRegistry.write(try canonical(), as: format, to: output.path)
    try output.commit()
    var notes = losses.map(\.description)
    do { _ = try trainingState() } catch { notes.append("compile: \(error)") }
    return notes
  }

  /// A model from a file of any format, ready to be trained further.
  /// - Parameter compile: a model that was saved compiled is so again, its optimiser where it stood.
  public static func load(_ path: String, compile: Bool = true) throws -> Model {
    var source = try FormatRegistry.open(path)
    if !compile { source.training = nil }
    return try from(source)
  }

  /// Writes the weights alone (`.weights.h5`), and the optimiser's variables, as Keras 3 does.
  public func saveWeights(_ path: String) throws {
    guard path.hasSuffix(".weights.h5") else { throw UsageError("'\(path)': a file of weights alone ends in .weights.h5") }
    let output = try StagedOutput(destination: path, replaceExisting: true)
    try FormatRegistry.write(try canonical(), as: .h5, to: output.path)
    try output.commit()
  }

  /// Takes the weights of a file that `saveWeights`, or Keras, wrote for the same layers; those of the optimiser too when the model is compiled.
  ///
  /// - Throws: `FormatError` when a weight is missing or has another shape; the model then stays as it is.
  public func loadWeights(_ path: String) throws {
    // Read as this model's configuration with those weights.
    let (own, variables) = try CanonicalWriter.write(self)
    let document = try KerasModelConfig.write(own, generation: .keras3)
    let file = try KerasH5File(path: path)
    let read = try KerasModelConfig.read(document.config, weights: try file.store(), version: document.version)
    guard read.parameters.count == own.parameters.count else {
      throw FormatError(
        .sizeMismatch, "expected \(own.parameters.count) weights, found \(read.parameters.count)", at: SourceLocation(file: path))
    }
    var byName: [String: Int] = [:]
    for (index, parameter) in read.parameters.enumerated() { byName[parameter.name] = index }
    let named = byName.count == own.parameters.count && own.parameters.allSatisfy { byName[$0.name] != nil }
    let arrays = try own.parameters.enumerated().map { index, parameter -> NDArray in
      let found = read.parameters[named ? byName[parameter.name] ?? index : index]
      let array = try found.tensor.array()
      guard array.shape == parameter.tensor.extents else {
        throw FormatError(
          .sizeMismatch, "weight '\(parameter.name)' has the shape \(parameter.tensor.extents), found \(array.shape)",
          at: SourceLocation(file: path))
      }
      return array
    }
    let optimizer = training.optimizer == nil || file.kind != .weightTree ? [] : try file.optimizerWeights()
    do { try restoreOptimizer(TrainingState(optimizerVariables: optimizer.map { ($0.name, $0.tensor) })) } catch let error as FormatError {
      // As Keras does: the weights are what was asked for.
      Console.warn("the optimiser starts anew: \(error.inFile(path))")
    }
    for (variable, array) in zip(variables, arrays) { try variable.assign(try Tensor(array).cast(to: variable.dtype)) }
  }
}
