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
  func apply(_ elements: UpdateElements<Float>, _ scalars: UnsafeBufferPointer<Float>)
  func apply(_ elements: UpdateElements<Double>, _ scalars: UnsafeBufferPointer<Double>)
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
struct UpdateOp: PreparedOp {
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

  func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let fixed = 2 + slotCount + (weightDecay == nil ? 0 : 1), last = inputs.count - (hasPartSums ? 1 : 0)
    guard last >= fixed, slotCount <= 3 else {
      throw ExecutionError(.invalidInput, "\(Self.name) takes \(fixed) arrays or more, found \(last)")
    }
    let weight = try inputs.required(0, of: self)
    for place in inputs.indices.dropFirst() {
      let array = try inputs.required(place, of: self), isScalar = place >= 2 + slotCount && place < last
      guard array.dtype == weight.dtype, array.count == (isScalar ? 1 : weight.count) else {
        throw ExecutionError(.shapeMismatch, "\(Self.name): a weight of type \(weight.type) with input \(place) of type \(array.type)")
      }
    }
    switch weight.dtype {
    case .float32: try run(inputs, Float.self, in: context, into: &results) { rule.apply($0, $1) }
    case .float64: try run(inputs, Double.self, in: context, into: &results) { rule.apply($0, $1) }
    case .float16, .bfloat16:
      // Computed with more digits, and rounded once.
      let wide = try inputs.map { try $0?.cast(to: .float32, in: context) }
      try run(wide, Float.self, in: context, into: &results) { rule.apply($0, $1) }
      for index in results.indices { results[index] = try results[index].cast(to: weight.dtype, in: context) }
    default: throw ExecutionError(.noKernel, "\(Self.name) of \(weight.dtype)")
    }
  }

  /// Elements that are worked on at a time: all their parts stay in the nearest cache.
  private static let blockLength = 1024

  private func run<T: BinaryFloatingPoint & ArrayScalar>(
    _ inputs: [NDArray?], _: T.Type, in context: ExecutionContext, into results: inout [NDArray],
    _ body: (UpdateElements<T>, UnsafeBufferPointer<T>) -> Void
  ) throws {
    /// The arrays outlive the pointers into them.
    func elements(_ place: Int) throws -> UnsafePointer<T> {
      guard let start = try inputs.required(place, of: self).with(T.self, { $0.baseAddress }) else {
        throw ExecutionError(.invalidInput, "\(Self.name) of nothing")
      }
      return start
    }
    for index in 0...slotCount {
      results.append(try context.allocate(T.dtype, try inputs.required(index == 0 ? 0 : index + 1, of: self).shape))
    }
    let count = results[0].count
    guard count > 0 else { return }
    let old = try elements(0), gradient = try elements(1), sums = hasPartSums ? try elements(inputs.count - 1) : nil
    guard let weight = results[0].withMutable(T.self, { $0.baseAddress }) else { return }
    let made = results
    func slot(_ index: Int) -> UnsafeMutablePointer<T> {
      index < made.count ? made[index].withMutable(T.self) { $0.baseAddress } ?? weight : weight
    }
    let slots = (slot(1), slot(2), slot(3))
    let firstScalar = 2 + slotCount + (weightDecay == nil ? 0 : 1), scalarCount = inputs.count - (hasPartSums ? 1 : 0) - firstScalar
    let rate = weightDecay == nil ? 0 : try elements(2 + slotCount)[0], decay = T(weightDecay ?? 0)
    for index in 1..<max(1, made.count) { slot(index).update(from: try elements(index + 1), count: count) }
    try withUnsafeTemporaryAllocation(of: T.self, capacity: max(1, scalarCount)) { scalars in
      for index in 0..<scalarCount { scalars.initializeElement(at: index, to: try elements(firstScalar + index)[0]) }
      let scalars = UnsafeBufferPointer(rebasing: scalars[..<scalarCount])
      withExtendedLifetime((inputs, made)) {
        let blocks = (count + Self.blockLength - 1) / Self.blockLength
        context.primitives.parallel(blocks, grain: 32) { range in
          for block in range {
            let start = block * Self.blockLength, length = min(Self.blockLength, count - start)
            if weightDecay == nil {
              (weight + start).update(from: old + start, count: length)
            } else {
              for i in start..<(start + length) { weight[i] = old[i] - old[i] * decay * rate }
            }
            body(
              UpdateElements(
                count: length, weight: weight + start, gradient: gradient + start, slot0: slots.0 + start, slot1: slots.1 + start,
                slot2: slots.2 + start, partSums: sums.map { $0 + start }), scalars)
          }
        }
      }
    }
  }
}
