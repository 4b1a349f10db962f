import ModelKit
import ModelSupport
import ModelTensor
import ModelVerify

/// The arrays of a data set, in the order of a model's inputs and outputs and checked against them.
struct TrainingData {
  private(set) var x: [Tensor] = []
  private(set) var y: [Tensor] = []
  /// One for each output, or none.
  private(set) var sampleWeight: [Tensor] = []
  /// Keys that nothing asked for.
  private(set) var unused: [String] = []
  private var names: [String] = []

  var count: Int { x.first?.shape.first ?? 0 }
  static let weightName = "sample_weight"

  /// - Throws: `FormatError` naming the array that is missing or does not fit, with what was expected.
  init(_ entries: [DataFile.Entry], for stored: StoredModel, losses: [any Loss]) throws {
    let inputs = stored.inputNames, outputs = stored.outputNames
    let weights = entries.first { $0.name == Self.weightName && !(inputs + outputs).contains($0.name) }
    let arrays = weights == nil ? entries : entries.filter { $0.name != Self.weightName }
    let places = try Self.match(inputs, outputs, arrays.map(\.name))
    names = places.map { arrays[$0].name }
    unused = arrays.indices.filter { !places.contains($0) }.map { arrays[$0].name }
    let count = arrays[places[0]].array.shape.first ?? 0
    for place in places {
      let (name, array) = arrays[place]
      guard let found = array.shape.first else {
        throw FormatError(.sizeMismatch, "array '\(name)': expected a first axis that counts the samples, found a single number")
      }
      guard found == count, count > 0 else {
        throw FormatError(
          .sizeMismatch,
          count == 0 ? "array '\(name)' holds no samples" : "array '\(name)': expected \(count) samples as in '\(names[0])', found \(found)"
        )
      }
    }
    for (index, input) in stored.model.inputs.enumerated() {
      let (name, array) = arrays[places[index]]
      x.append(try Self.fitted(array, to: input, input: inputs[index], name))
    }
    for (index, output) in stored.model.outputs.enumerated() {
      let (name, array) = arrays[places[inputs.count + index]]
      try Self.check(target: array, name, output, outputs[index], losses[index])
      y.append(Tensor(array))
    }
    if let weights {
      guard weights.array.shape == [count], weights.array.dtype.isNumber else {
        throw FormatError(
          .sizeMismatch,
          "array '\(Self.weightName)': expected \(count) numbers, found \(TensorType(weights.array.dtype, weights.array.shape))")
      }
      let tensor = try Tensor(weights.array).cast(to: .float32)
      sampleWeight = outputs.map { _ in tensor }
    }
  }

  /// The place of each input's and each target's array: by name, `x` and `y` where there is one of each, then by order.
  private static func match(_ inputs: [String], _ outputs: [String], _ keys: [String]) throws -> [Int] {
    let wanted = inputs + outputs
    var found = wanted.map { keys.firstIndex(of: $0) }
    if inputs.count == 1, found[0] == nil { found[0] = keys.firstIndex(of: "x") }
    if outputs.count == 1, found[inputs.count] == nil { found[inputs.count] = keys.firstIndex(of: "y") }
    let open = found.indices.filter { found[$0] == nil }, free = keys.indices.filter { !found.contains($0) }
    for (index, match) in zip(open, PortMatching.match(open.map { wanted[$0] }, free.map { keys[$0] })) {
      if let match { found[index] = free[match] }
    }
    let places = found.compactMap { $0 }
    guard places.count == wanted.count else {
      func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
      let short = inputs.count == 1 && outputs.count == 1 ? ", or 'x' and 'y'" : ""
      throw FormatError(
        .missingReference,
        "expected arrays \(list(inputs)) (inputs) and \(list(outputs)) (targets)\(short); found \(keys.isEmpty ? "none" : list(keys))")
    }
    return places
  }

  private static func fitted(_ array: NDArray, to input: Tensor, input inputName: String, _ name: String) throws -> Tensor {
    let type = input.type
    func mismatch() -> FormatError {
      FormatError(
        .invalidValue,
        "array '\(name)': the model's input '\(inputName)' takes \(type), found \(TensorType(array.dtype, array.shape))")
    }
    var tensor = Tensor(array)
    if array.dtype != type.dtype {
      guard array.dtype.isNumber, type.dtype.isNumber else { throw mismatch() }
      let cast = try tensor.cast(to: type.dtype)
      // Integers are indices or classes: what is no integer is a mistake.
      if type.dtype.isInteger {
        guard try zip(cast.doubles(), tensor.doubles()).allSatisfy({ $0 == $1 }) else { throw mismatch() }
      }
      tensor = cast
    }
    guard let dims = type.shape.dims else { return tensor }
    // An axis of one channel may be left out, as Keras allows.
    if tensor.rank == dims.count - 1, dims.last?.value == 1 { tensor = try tensor.expandDims(axis: -1) }
    if tensor.rank == dims.count + 1, tensor.shape.last == 1 { tensor = try tensor.squeeze(axis: tensor.rank - 1) }
    guard tensor.rank == dims.count, zip(dims, tensor.shape).dropFirst().allSatisfy({ $0.value == nil || $0.value == $1 }) else {
      throw mismatch()
    }
    return tensor
  }

  /// Whether a loss can compare the target with the output: same number of elements, or class numbers.
  private static func check(target: NDArray, _ name: String, _ output: Tensor, _ outputName: String, _ loss: any Loss) throws {
    guard target.dtype.isNumber else {
      throw FormatError(.invalidValue, "array '\(name)': expected numbers as targets of '\(outputName)', found \(target.dtype)")
    }
    // Their targets are of other shapes than what they are compared with.
    if loss is Losses.CTC || loss is Losses.Circle { return }
    let dims = Array(output.shape.dropFirst()),
      isSparse = loss is Losses.SparseCategoricalCrossentropy || loss is Losses.CategoricalGeneralizedCrossEntropy
    guard output.rank > 0, !dims.contains(-1) else { return }
    let wanted = isSparse ? Array(dims.dropLast()) : dims, found = Array(target.shape.dropFirst())
    func trimmed(_ shape: [Int]) -> [Int] { shape.last == 1 ? Array(shape.dropLast()) : shape }
    guard trimmed(wanted) == trimmed(found) else {
      let hint =
        !isSparse && trimmed(found) == Array(dims.dropLast()) && target.dtype.isInteger
        ? "; for class numbers there is sparse_categorical_crossentropy"
        : isSparse && found == dims ? "; for targets with a number for each class there is categorical_crossentropy" : ""
      throw FormatError(
        .sizeMismatch,
        "array '\(name)': \(loss.name) compares the output '\(outputName)' with targets of \(wanted) a sample, found \(found)\(hint)")
    }
    guard isSparse, let classes = dims.last else { return }
    if let wrong = target.doubles().first(where: { !($0 >= 0 && $0 < Double(classes) && $0 == $0.rounded()) }) {
      throw FormatError(.invalidValue, "array '\(name)': expected class numbers from 0 to \(classes - 1), found \(wrong)")
    }
  }

  /// Where an array holds what is not a finite number: the reason why a loss may not be one either.
  var nonFinite: String? {
    for (name, tensor) in zip(names + [Self.weightName], x + y + sampleWeight.prefix(1)) where tensor.dtype.isFloatingPoint {
      guard let values = try? tensor.doubles(), let place = values.firstIndex(where: { !$0.isFinite }) else { continue }
      return
        "array '\(name)': expected finite numbers, found \(values[place]) in sample \(place / Swift.max(1, values.count / Swift.max(1, count)))"
    }
    return nil
  }
}

extension DType {
  fileprivate var isNumber: Bool { isFloatingPoint || isInteger || self == .bool }
}
