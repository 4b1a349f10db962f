import ModelGradients
import ModelGraph
import ModelOps
import ModelTensor
import Synchronization

/// What a gradient can be taken with respect to: a watched tensor, or a variable.
public protocol GradientSource {
  /// The tensors that stand for it on a tape.
  func handles(on tape: GradientTape) -> [Tensor]
  /// What a gradient for it looks like: its type.
  var sourceTensor: Tensor { get }
}
extension Tensor: GradientSource {
  public func handles(on tape: GradientTape) -> [Tensor] { [self] }
  public var sourceTensor: Tensor { self }
}
extension Variable: GradientSource {
  public func handles(on tape: GradientTape) -> [Tensor] { tape.reads(of: self) }
  public var sourceTensor: Tensor { stored }
}

/// Records operations, and takes gradients of their results afterwards.
///
/// ```swift
/// let tape = GradientTape()
/// let loss = try tape.record { try (model(x) - y).square().reduceMean() }
/// let gradients = try tape.gradient(of: loss, with: [w, b])
/// ```
/// Trainable variables are watched by themselves, tensors after `watch`. A tape inside another one's `record` gives gradients that
/// the outer one can differentiate again. A tape that is not persistent gives gradients once.
public final class GradientTape: Sendable {
  private struct State {
    var calls: [(op: any Op, inputs: [Tensor?], outputs: [Tensor])] = []
    /// Handles of what is watched and of all that was computed from it.
    var tracked: Set<ObjectIdentifier> = []
    /// Keeps the handles alive, so that no other tensor gets their identity.
    var watched: [Tensor] = []
    var reads: [ObjectIdentifier: (variable: Variable, tensors: [Tensor])] = [:]
    /// In the order in which they were first read.
    var variables: [Variable] = []
    var isUsed = false
  }
  private let state = Mutex(State())
  public let isPersistent: Bool
  public let watchesVariables: Bool

  /// The tapes that record now, outermost first.
  @TaskLocal private static var active: [GradientTape] = []
  static var isRecording: Bool { !active.isEmpty }

  public init(persistent: Bool = false, watchAccessedVariables: Bool = true) {
    isPersistent = persistent
    watchesVariables = watchAccessedVariables
  }

  /// Runs `body` while the tape records.
  public func record<R>(_ body: () throws -> R) rethrows -> R {
    try Self.$active.withValue(Self.active + [self]) { try body() }
  }
  /// Runs `body` while no tape records.
  public static func stopRecording<R>(_ body: () throws -> R) rethrows -> R { try $active.withValue([]) { try body() } }

  public func watch(_ tensor: Tensor) {
    state.withLock { state in
      state.tracked.insert(tensor.id)
      state.watched.append(tensor)
    }
  }
  public func watch(_ variable: Variable) { note(variable, variable.tensor) }

  /// The gradient of a target (the sum of its elements, if it has several) with respect to each source; `nil` where the target
  /// does not depend on it.
  ///
  /// - Parameter outputGradients: what to start from instead of ones.
  public func gradient(
    of target: Tensor, with sources: [any GradientSource], outputGradients: Tensor? = nil
  ) throws -> [Tensor?] {
    try gradient(of: [target], with: sources, outputGradients: [outputGradients])
  }
  public func gradient(of target: Tensor, with source: some GradientSource) throws -> Tensor? {
    try gradient(of: [target], with: [source])[0]
  }
  /// The gradient of the sum of several targets.
  public func gradient(
    of targets: [Tensor], with sources: [any GradientSource], outputGradients: [Tensor?] = []
  ) throws -> [Tensor?] {
    let calls = try take()
    var numbers: [ObjectIdentifier: Int] = [:]
    func number(_ tensor: Tensor) -> Int {
      if let known = numbers[tensor.id] { return known }
      numbers[tensor.id] = numbers.count
      return numbers.count - 1
    }
    let recorded = calls.map { call in
      RecordedCall(
        op: call.op, inputs: call.inputs, inputIDs: call.inputs.map { $0.map(number) }, outputs: call.outputs,
        outputIDs: call.outputs.map(number))
    }
    var context = TensorContext()
    var seeds: [Int: Tensor] = [:]
    for (index, target) in targets.enumerated() {
      guard target.dtype.isFloatingPoint else {
        throw TensorError(.wrongDType, "gradient: a target of type \(target.type) is no float")
      }
      let given = index < outputGradients.count ? outputGradients[index] : nil
      if let given, given.type.shape != target.type.shape || given.dtype != target.dtype {
        throw TensorError(.shapeMismatch, "gradient: a target of type \(target.type) with an output gradient of type \(given.type)")
      }
      let seed = try given ?? Tensor.ones(like: target), id = number(target)
      seeds[id] = try seeds[id].map { try $0 + seed } ?? seed
    }
    let handles = sources.map { source in source.handles(on: self).map(number) }
    let results: [Int: Tensor]
    do {
      results = try ReverseWalk.run(recorded, seeds: seeds, sources: Set(handles.joined()), in: &context)
    } catch let error as GradientError { throw TensorError(.noGradient, "\(error)") }
    return try handles.map { ids in
      var sum: Tensor?
      for id in Set(ids).sorted() {
        guard let part = results[id] else { continue }
        sum = try sum.map { try $0 + part } ?? part
      }
      return sum
    }
  }

  /// The derivative of each element of the target with respect to each element of the source: `[target…, source…]`. Zero
  /// where it does not depend on it.
  public func jacobian(of target: Tensor, with source: some GradientSource) throws -> Tensor {
    let wanted = source.sourceTensor
    let rows = try rows(target, source, count: target.size) { place in
      try Tensor(NDArray(scalar: Int64(place))).oneHot(depth: target.size, dtype: target.dtype).reshape(target.shape)
    }
    guard !rows.isEmpty else { return try Tensor.zeros(target.shape + wanted.shape, dtype: target.dtype) }
    return try Tensor.stack(rows).reshape(target.shape + wanted.shape)
  }

  /// The derivatives of each sample's results with respect to the same sample's part of the source, where samples don't depend on each other:
  /// `[batch, target…, source…]`.
  /// - Throws: `TensorError` when target and source have not as many samples.
  public func batchJacobian(of target: Tensor, with source: some GradientSource) throws -> Tensor {
    let wanted = source.sourceTensor
    guard let count = target.shape.first, wanted.shape.first == count else {
      throw TensorError(.shapeMismatch, "batchJacobian: a target of the shape \(target.shape) for a source of the shape \(wanted.shape)")
    }
    let own = Array(target.shape.dropFirst()), size = own.reduce(1, *), shape = [count] + own + wanted.shape.dropFirst()
    let rows = try rows(target, source, count: size) { place in
      let one = try Tensor(NDArray(scalar: Int64(place))).oneHot(depth: size, dtype: target.dtype).reshape([1] + own)
      return try Tensor.zeros(target.shape, dtype: target.dtype) + one
    }
    guard !rows.isEmpty else { return try Tensor.zeros(shape, dtype: target.dtype) }
    return try Tensor.stack(rows, axis: 1).reshape(shape)
  }

  /// The gradients of a target that is weighed in several ways.
  private func rows(
    _ target: Tensor, _ source: some GradientSource, count: Int, _ seed: (Int) throws -> Tensor
  ) throws -> [Tensor] {
    guard target.size >= 0, !target.isSymbolic else { throw TensorError(.symbolic, "jacobian of a symbolic tensor") }
    let keeps = state.withLock { state in
      let used = state.isUsed && !isPersistent
      state.isUsed = false
      return !used
    }
    guard keeps else { throw Self.spent }
    defer { state.withLock { $0.isUsed = true } }
    let wanted = source.sourceTensor
    return try (0..<count).map { place in
      let row = try gradient(of: [target], with: [source], outputGradients: [try seed(place)])[0]
      state.withLock { $0.isUsed = false }
      return try row ?? Tensor.zeros(like: wanted)
    }
  }

  /// The variables that were read while the tape recorded, in that order.
  public var watchedVariables: [Variable] { state.withLock { $0.variables } }

  /// Forgets what was recorded.
  public func reset() { state.withLock { $0 = State() } }

  // MARK: Recording

  static func watching(_ inputs: [Tensor?]) -> [GradientTape] {
    let active = active
    return active.isEmpty ? [] : active.filter { $0.tracks(inputs) }
  }
  static func noteRead(of variable: Variable, _ tensor: Tensor) {
    for tape in active where tape.watchesVariables && variable.isTrainable { tape.note(variable, tensor) }
  }

  private func tracks(_ inputs: [Tensor?]) -> Bool {
    state.withLock { state in inputs.contains { input in input.map { state.tracked.contains($0.id) } ?? false } }
  }
  private func note(_ variable: Variable, _ tensor: Tensor) {
    guard variable.dtype.isFloatingPoint else { return }
    state.withLock { state in
      guard state.tracked.insert(tensor.id).inserted else { return }
      if state.reads[ObjectIdentifier(variable)] == nil { state.variables.append(variable) }
      state.reads[ObjectIdentifier(variable), default: (variable, [])].tensors.append(tensor)
    }
  }
  func reads(of variable: Variable) -> [Tensor] { state.withLock { $0.reads[ObjectIdentifier(variable)]?.tensors ?? [] } }

  func record(_ op: any Op, _ inputs: [Tensor?], _ outputs: [Tensor]) {
    state.withLock { state in
      state.calls.append((op, inputs, outputs))
      for output in outputs { state.tracked.insert(output.id) }
    }
  }

  private static let spent = TensorError(.invalidArgument, "gradient: a tape that is not persistent gives gradients once")

  private func take() throws -> [(op: any Op, inputs: [Tensor?], outputs: [Tensor])] {
    try state.withLock { state in
      guard isPersistent || !state.isUsed else { throw Self.spent }
      state.isUsed = true
      return state.calls
    }
  }
}
