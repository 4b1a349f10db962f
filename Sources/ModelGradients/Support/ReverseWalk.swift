import ModelGraph
import ModelOps
import ModelTensor

/// One application of an op that was recorded on the way forward; values go by numbers.
public struct RecordedCall<V> {
  public var op: any Op
  public var inputs: [V?]
  public var inputIDs: [Int?]
  public var outputs: [V]
  public var outputIDs: [Int]
  public init(op: any Op, inputs: [V?], inputIDs: [Int?], outputs: [V], outputIDs: [Int]) {
    self.op = op
    self.inputs = inputs
    self.inputIDs = inputIDs
    self.outputs = outputs
    self.outputIDs = outputIDs
  }
}

/// From the gradients of results to those of sources, through what was recorded.
public enum ReverseWalk {
  /// - Parameters:
  ///   - calls: in the order in which they were made.
  ///   - seeds: gradients of values, by number.
  ///   - sources: the values whose gradients are asked for.
  /// - Returns: the gradient of each source that the seeds depend on.
  /// - Throws: `GradientError` where the way leads through an op that has no gradient, and whatever the context throws.
  public static func run<C: OpContext>(
    _ calls: [RecordedCall<C.Value>], seeds: [Int: C.Value], sources: Set<Int>, in context: inout C
  ) throws -> [Int: C.Value] {
    // What depends on a source, from the front.
    var needed = sources
    for call in calls where call.inputIDs.contains(where: { $0.map(needed.contains) ?? false }) {
      for (id, value) in zip(call.outputIDs, call.outputs) where context.type(of: value).dtype.hasGradients { needed.insert(id) }
    }
    var gradients = seeds
    for call in calls.reversed() {
      let own = call.outputIDs.map { gradients[$0] }
      guard own.contains(where: { $0 != nil }) else { continue }
      let needs = zip(call.inputs, call.inputIDs).map { value, id in
        guard let value, let id, needed.contains(id) else { return false }
        return context.type(of: value).dtype.hasGradients
      }
      guard needs.contains(true) else { continue }
      guard let op = call.op as? any DifferentiableOp else {
        // Results that are constant wherever they are smooth have no gradient to pass on.
        if NonDifferentiable.isConstant(call.op) { continue }
        throw GradientError(call.op.displayName)
      }
      let pullback = Pullback(inputs: call.inputs, outputs: call.outputs, gradients: own, needs: needs)
      let results: [C.Value?]
      do { results = try op.pullback(pullback, in: &context) } catch let error as GraphError {
        throw error.within("gradient of \(call.op.displayName)")
      }
      // The same value may stand in several places.
      for (index, result) in results.enumerated() where index < needs.count && needs[index] {
        guard let result, let id = call.inputIDs[index] else { continue }
        if let old = gradients[id] {
          gradients[id] = try context.sum(old, result)
        } else {
          gradients[id] = result
        }
      }
      // Nobody asks for these again, except where they are sources themselves.
      for id in call.outputIDs where !sources.contains(id) { gradients[id] = nil }
    }
    return gradients.filter { sources.contains($0.key) }
  }
}

extension DType {
  /// Whether a small change of such numbers says something.
  fileprivate var hasGradients: Bool { isFloatingPoint || isComplex }
  fileprivate var isComplex: Bool { self == .complex64 || self == .complex128 }
}

extension OpContext {
  /// Complex numbers are added part by part.
  fileprivate mutating func sum(_ a: Value, _ b: Value) throws -> Value {
    guard type(of: a).dtype.isComplex else { return try add(a, b) }
    return try apply(ComplexFromPartsOp(), try add(try apply(ComplexPartsOp(), a), try apply(ComplexPartsOp(), b)))
  }
}

/// A gradient was asked for through an op that has none.
public struct GradientError: Error, Sendable, CustomStringConvertible {
  public var op: String
  public init(_ op: String) { self.op = op }
  public var description: String {
    "\(op) has no gradient" + (NonDifferentiable.refused[op].map { ": it \($0)" } ?? ": no gradient can be taken through it")
  }
}
