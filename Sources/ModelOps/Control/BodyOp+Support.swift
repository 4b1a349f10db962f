import ModelGraph
import ModelTensor

extension Graph {
  /// The types of the outputs, in order.
  public var outputTypes: [TensorType] { outputs.map { self[$0.value].type } }
}

extension BodyOp {
  /// - Throws: `GraphError.invalidStructure` unless there are `count` bodies, each taking `inputs` values.
  func requireBodies(_ bodies: [Graph], _ count: Int, inputs: Int) throws {
    guard bodies.count == count else {
      throw GraphError(.invalidStructure, "\(displayName) has \(count) bodies, found \(bodies.count)")
    }
    for body in bodies where body.inputs.count != inputs {
      throw GraphError(
        .invalidStructure, "\(displayName): body \(body.name) takes \(body.inputs.count) inputs, found \(inputs)")
    }
  }

  func runBody(_ index: Int, _ inputs: [NDArray], in context: ExecutionContext) throws -> [NDArray] {
    guard let run = context.runBody else {
      throw ExecutionError(.noKernel, "\(displayName) has no bodies to run here")
    }
    return try run(index, inputs)
  }

  /// A condition's one boolean.
  func truth(_ array: NDArray?) throws -> Bool {
    guard let array, array.count == 1, let value = array.integers()?.first else {
      throw ExecutionError(.invalidInput, "\(displayName): a condition is one boolean, found \(array?.type.description ?? "nothing")")
    }
    return value != 0
  }
}

/// The type that both can have: dimensions that differ are unknown.
func merged(_ a: TensorType, _ b: TensorType) throws -> TensorType {
  // What is there is an optional that holds it.
  if case .optional(let held)? = a.variant, a.variant != b.variant, b.dtype == held.dtype { return .optional(try merged(held, b)) }
  if case .optional(let held)? = b.variant, a.variant != b.variant, a.dtype == held.dtype { return .optional(try merged(a, held)) }
  guard a.dtype == b.dtype else { throw GraphError(.wrongDType, "branches give \(a) and \(b)") }
  if a.dtype == .variant {
    guard let x = a.variant, let y = b.variant else { return TensorType(.variant, .ranked([]), variant: a.variant ?? b.variant) }
    switch (x, y) {
    case (.sequence(let x), .sequence(let y)): return .sequence(of: try merged(x, y))
    case (.optional(let x), .optional(let y)): return .optional(try merged(x, y))
    default: throw GraphError(.wrongDType, "branches give \(a) and \(b)")
    }
  }
  guard let x = a.shape.dims, let y = b.shape.dims, x.count == y.count else { return TensorType(a.dtype, .unranked) }
  return TensorType(a.dtype, .ranked(zip(x, y).map { $0 == $1 ? $0 : .unknown }))
}

/// No loop of a sound model runs longer; one that would never end is stopped.
let iterationLimit = 100_000_000

/// What a loop collects over its iterations, one slice each.
struct ScanCollector {
  private var slices: [[NDArray]]
  init(_ count: Int) { slices = Array(repeating: [], count: count) }

  /// - Throws: also what allocating the stacks would throw, long before a loop that goes on and on fills the memory.
  mutating func append(_ arrays: ArraySlice<NDArray>, op: any Op, in context: ExecutionContext) throws {
    for (index, array) in arrays.enumerated() {
      if let first = slices[index].first, first.shape != array.shape || first.dtype != array.dtype {
        throw ExecutionError(.shapeMismatch, "\(op.displayName) collects \(first.type) and then \(array.type)")
      }
      slices[index].append(array)
      let count = slices[index].count
      if count & (count - 1) == 0, count >= 64, array.dtype.arrayStride != nil { try context.demand(array.dtype, [count] + array.shape) }
    }
  }

  /// The slices along a new first axis. Without any, `types` say what is empty.
  func stacked(_ types: [TensorType], in context: ExecutionContext) throws -> [NDArray] {
    try slices.enumerated().map { index, arrays in
      guard let first = arrays.first else {
        guard index < types.count else { return try context.allocate(.float32, [0]) }
        let shape = (types[index].shape.dims ?? []).map { $0.value ?? 0 }
        return try context.allocate(types[index].dtype, [0] + shape)
      }
      let rows: [NDArray?] = arrays.map { $0.reshaped([1] + first.shape) }
      return try ConcatOp(axis: 0).evaluate(rows, in: context)[0]
    }
  }
}
