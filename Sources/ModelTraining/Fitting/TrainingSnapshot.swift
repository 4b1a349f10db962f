import ModelLayers
import ModelSupport
import ModelTensor

/// Everything that a run needs to go on as if it had not been interrupted: weights, the optimiser's state, what metrics gathered,
/// seeds, states of recurrent layers, what callbacks remember, and the place in the data.
struct TrainingSnapshot {
  private let tensors: [String: Tensor]

  /// As things stand now.
  init(of model: Model) throws {
    guard let progress = model.fitProgress else {
      throw TensorError(.invalidArgument, "'\(model.name)' is not being trained: there is nothing to back up")
    }
    var tensors = try progress.callbacks?.savedState() ?? [:]
    for (key, variable) in try Self.variables(of: model) { tensors[key] = variable.stored }
    var place = [progress.epoch, progress.batch, progress.pass, progress.taken].map(Int64.init)
    place += [model.stopTraining ? 1 : 0, progress.seed == nil ? 0 : 1, Int64(progress.seed ?? 0)]
    tensors["place"] = Tensor(place)
    tensors["figures"] = Tensor(progress.figures.saved)
    for (key, words) in progress.identity { tensors["run/\(key)"] = Tensor(Array(words.utf8)) }
    self.tensors = tensors
  }
  /// From a file that `save` wrote.
  /// - Throws: `FormatError`, `StorageError`.
  init(path: String) throws {
    tensors = try Tensor.load(npz: path)
    guard tensors["place"]?.size == 7 else {
      throw FormatError(.invalidStructure, "expected a backup of a training run, found no place in one", at: SourceLocation(file: path))
    }
  }
  /// Writes an `.npz` archive, which appears whole or not at all, whenever the machine stops.
  func save(_ path: String) throws { try Tensor.save(tensors, npz: path, durably: true) }

  var callbacks: [String: Tensor] { tensors.filter { $0.key.hasPrefix("callbacks/") } }
  private func place() throws -> [Int] {
    let numbers = try tensors["place"]?.cast(to: .int64).array().values(Int64.self).map { Int($0) } ?? []
    guard numbers.count == 7, numbers.prefix(4).allSatisfy((0..<(1 << 40)).contains) else {
      throw TensorError(.invalidArgument, "the backup says no place to go on at")
    }
    return numbers
  }
  var isStopped: Bool { (try? place()[4]) == 1 }

  func restorePlace(of progress: FitProgress) throws {
    let place = try place()
    (progress.epoch, progress.batch, progress.pass, progress.taken) = (place[0], place[1], place[2], place[3])
    if place[5] == 1 { progress.seed = place[6] }
    progress.figures = LossFigures(try tensors["figures"]?.doubles() ?? [])
  }

  /// - Throws: `TensorError` when the run differs from the one that was backed up: it could not end alike.
  func check(_ identity: [String: String]) throws {
    for (key, words) in identity.sorted(by: { $0.key < $1.key }) {
      guard let bytes = try tensors["run/\(key)"]?.array().values(UInt8.self) else { continue }
      let old = String(decoding: bytes, as: UTF8.self)
      guard old != words else { continue }
      throw TensorError(
        .invalidArgument, "the backup is of a run with the \(key) \(old), this one has \(words); to begin anew, remove the backup")
    }
  }

  /// - Throws: `TensorError` when the model has other variables; it then stays as it is.
  func restoreVariables(of model: Model) throws {
    let variables = try Self.variables(of: model)
    let found = try variables.map { key, variable -> Tensor in
      guard let tensor = tensors[key], tensor.dtype == variable.dtype, tensor.shape == variable.shape else {
        throw TensorError(
          .shapeMismatch,
          "the backup is of another run: '\(key)' ('\(variable.name)') is \(variable.type), found "
            + (tensors[key]?.type.description ?? "none"))
      }
      return tensor
    }
    for ((_, variable), tensor) in zip(variables, found) { try variable.assign(tensor) }
  }

  /// By key, in an order that the same model has in another process.
  private static func variables(of model: Model) throws -> [(key: String, variable: Variable)] {
    var result: [(String, Variable)] = []
    for (index, variable) in model.weights.enumerated() { result.append(("weights/\(index)", variable)) }
    for (index, variable) in (model.optimizer?.variables ?? []).enumerated() { result.append(("optimizer/\(index)", variable)) }
    for (index, metric) in model.metrics.enumerated() {
      for (place, variable) in metric.variables.enumerated() { result.append(("metrics/\(index)/\(place)", variable)) }
    }
    for (index, variable) in model.hiddenVariables.enumerated() { result.append(("hidden/\(index)", variable)) }
    result.append(("session", try Session.current.generator().state))
    return result
  }
}

extension Layer {
  /// Variables that are no weights: seeds, and the states of recurrent layers.
  var hiddenVariables: [Variable] {
    var result: [Variable] = [], seen: Set<ObjectIdentifier> = []
    func visit(_ layer: Layer) {
      guard seen.insert(ObjectIdentifier(layer)).inserted else { return }
      if let layer = layer as? StandardLayer {
        if case .generator(let generator) = layer.seeds { result.append(generator.state) }
        if layer.definition is ModelLayers.Bidirectional, case .generator(let second) = layer.backwardSeeds { result.append(second.state) }
        result += layer.states
      }
      for inner in layer.sublayers { visit(inner) }
    }
    visit(self)
    return result
  }
}
