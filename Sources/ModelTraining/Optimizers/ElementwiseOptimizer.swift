import ModelGraph
import ModelTensor

/// An optimiser whose rule sees one element of a variable at a time: an update is one pass over each variable.
open class ElementwiseOptimizer: BaseOptimizer {
  open override var decaysInUpdate: Bool { true }

  /// Assigns what the rule makes of a variable and its slots.
  ///
  /// - Parameter scalars: of the variable's dtype; the rule sees them in this order.
  func update(
    _ rule: any UpdateRule, _ variable: Variable, _ gradient: Tensor, slots: [Variable], scalars: [Tensor], learningRate: Tensor
  ) throws {
    let decay = try weightDecay(of: variable)
    var sums: [Tensor] = []
    if gradient.slices != nil, let kind = rule.partSums {
      sums = [kind == .squares ? try gradient.gradientSquared() : try gradient.gradientMagnitude()]
    }
    let op = UpdateOp(rule: rule, slotCount: slots.count, weightDecay: decay, hasPartSums: !sums.isEmpty)
    let inputs = [variable.tensor, gradient] + slots.map(\.tensor) + (decay == nil ? [] : [learningRate]) + scalars + sums
    let results = try GradientTape.stopRecording { try Dispatch.apply(op, to: inputs) }
    for (target, value) in zip([variable] + slots, results) { try target.assign(value) }
  }
}

/// How one optimiser changes the elements of a variable.
protocol UpdateRule: Sendable {
  /// What it looks at by `each`, if anything.
  var partSums: PartSums? { get }
  func apply(_ elements: UpdateElements<Float>, _ scalars: [Float])
  func apply(_ elements: UpdateElements<Double>, _ scalars: [Double])
}

extension UpdateRule {
  var partSums: PartSums? { nil }
}

/// What Keras on TensorFlow adds up over the parts of the gradient of a table whose rows were looked up, where others take it of their sum.
enum PartSums: Sendable { case squares, magnitudes }

/// A run of elements: weights and slots are changed in place. Slots that there are not point at the weights.
struct UpdateElements<T: BinaryFloatingPoint> {
  let count: Int
  let weight: UnsafeMutablePointer<T>
  let gradient: UnsafePointer<T>
  let slot0: UnsafeMutablePointer<T>
  let slot1: UnsafeMutablePointer<T>
  let slot2: UnsafeMutablePointer<T>
  /// Where they are not the gradient's own squares or magnitudes.
  var partSums: UnsafePointer<T>?

  /// Each index with the gradient there and its square.
  @inline(__always)
  func each(_ body: (_ index: Int, _ gradient: T, _ square: T) -> Void) {
    if let partSums {
      for i in 0..<count { body(i, gradient[i], partSums[i]) }
    } else {
      for i in 0..<count { body(i, gradient[i], gradient[i] * gradient[i]) }
    }
  }
}

/// One update of one variable: `weight, gradient, slots…, [learning rate,] scalars…` to `weight, slots…`.
struct UpdateOp: PrimitiveOp {
  static let name = "OptimizerUpdate"
  static let family = OpFamily.foreign
  let rule: any UpdateRule
  let slotCount: Int
  let weightDecay: Double?
  /// Whether the last input holds what the rule takes of the parts of the gradient.
  var hasPartSums = false

  func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    try (0..<(1 + slotCount)).map { index in
      let place = index == 0 ? 0 : index + 1
      guard place < inputs.count, let fact = inputs[place] else {
        throw GraphError(.wrongInputCount, "\(Self.name) takes a weight, a gradient and \(slotCount) slots")
      }
      return fact.type
    }
  }

  func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var given = inputs.compactMap { $0 }
    let partSums = hasPartSums ? given.popLast() : nil
    let fixed = 2 + slotCount + (weightDecay == nil ? 0 : 1)
    guard given.count + (hasPartSums ? 1 : 0) == inputs.count, given.count >= fixed, slotCount <= 3 else {
      throw ExecutionError(.invalidInput, "\(Self.name) takes \(fixed) arrays or more, found \(given.count)")
    }
    let weight = given[0]
    for array in given[1..<(2 + slotCount)] where array.count != weight.count || array.dtype != weight.dtype {
      throw ExecutionError(.shapeMismatch, "\(Self.name): a weight of type \(weight.type) with a part of type \(array.type)")
    }
    if let partSums, partSums.count != weight.count || partSums.dtype != weight.dtype {
      throw ExecutionError(.shapeMismatch, "\(Self.name): a weight of type \(weight.type) with sums of type \(partSums.type)")
    }
    for scalar in given[(2 + slotCount)...] where scalar.count != 1 || scalar.dtype != weight.dtype {
      throw ExecutionError(.shapeMismatch, "\(Self.name): expected scalars of \(weight.dtype), found \(scalar.type)")
    }
    switch weight.dtype {
    case .float32: return try run(given, partSums, Float.self, in: context) { rule.apply($0, $1) }
    case .float64: return try run(given, partSums, Double.self, in: context) { rule.apply($0, $1) }
    case .float16, .bfloat16:
      // Computed with more digits, and rounded once.
      let wide = try given.map { try $0.cast(to: .float32, in: context) }
      return try run(wide, try partSums?.cast(to: .float32, in: context), Float.self, in: context) { rule.apply($0, $1) }.map {
        try $0.cast(to: weight.dtype, in: context)
      }
    default: throw ExecutionError(.noKernel, "\(Self.name) of \(weight.dtype)")
    }
  }

  /// Elements that are worked on at a time: all their parts stay in the nearest cache.
  private static let blockLength = 1024

  private func run<T: BinaryFloatingPoint & ArrayScalar>(
    _ given: [NDArray], _ partSums: NDArray?, _: T.Type, in context: ExecutionContext, _ body: (UpdateElements<T>, [T]) -> Void
  ) throws -> [NDArray] {
    let count = given[0].count
    let sources = [given[0]] + given[2..<(2 + slotCount)]
    let results = try sources.map { try context.allocate(T.dtype, $0.shape) }
    var scalars = given[(2 + slotCount)...].map { $0.values(T.self)[0] }
    let rate = weightDecay == nil ? 0 : scalars.removeFirst()
    let decay = T(weightDecay ?? 0)
    guard count > 0 else { return results }
    let inputs = sources.map { array in array.with(T.self) { $0.baseAddress } }
    let outputs = results.map { array in array.withMutable(T.self) { $0.baseAddress } }
    let sums = partSums.flatMap { array in array.with(T.self) { $0.baseAddress } }
    // The arrays outlive the pointers into them.
    try withExtendedLifetime((given, results, partSums)) {
      guard let gradient = given[1].with(T.self, { $0.baseAddress }), let weight = outputs[0], let old = inputs[0] else {
        throw ExecutionError(.invalidInput, "\(Self.name) of nothing")
      }
      let blocks = (count + Self.blockLength - 1) / Self.blockLength
      context.primitives.parallel(blocks, grain: 32) { range in
        for block in range {
          let start = block * Self.blockLength, length = min(Self.blockLength, count - start)
          if weightDecay == nil {
            (weight + start).update(from: old + start, count: length)
          } else {
            for i in start..<(start + length) { weight[i] = old[i] - old[i] * decay * rate }
          }
          for case (let source?, let target?) in zip(inputs.dropFirst(), outputs.dropFirst()) {
            (target + start).update(from: source + start, count: length)
          }
          func slot(_ index: Int) -> UnsafeMutablePointer<T> { (index < outputs.count ? outputs[index] ?? weight : weight) + start }
          body(
            UpdateElements(
              count: length, weight: weight + start, gradient: gradient + start, slot0: slot(1), slot1: slot(2), slot2: slot(3),
              partSums: sums.map { $0 + start }), scalars)
        }
      }
    }
    return results
  }
}
