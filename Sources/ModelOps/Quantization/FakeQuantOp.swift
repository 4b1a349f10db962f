import ModelGraph
import ModelTensor

/// Rounds to what `bits` can say of a range, and stays a float (TensorFlow's FakeQuantWithMinMaxVars).
///
/// Inputs: `x`, `min`, `max`: scalars, or vectors with an entry for each index of the last axis. The range is moved so that 0 is one
/// of its steps. With `narrowRange` the lowest step is left out.
public struct FakeQuantOp: CompositeOp {
  public static let name = "FakeQuant"
  public static let family = OpFamily.quantization
  public var bits: Int
  public var narrowRange: Bool
  public init(bits: Int = 8, narrowRange: Bool = false) {
    self.bits = bits
    self.narrowRange = narrowRange
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 3, let x = inputs[0], let low = inputs[1], let high = inputs[2] else {
      throw GraphError(.wrongInputCount, "FakeQuant takes a value and its range")
    }
    guard (2...16).contains(bits) else { throw GraphError(.invalidAttribute, "FakeQuant to \(bits) bits") }
    let least = try context.scalar(narrowRange ? 1 : 0, like: x), most = try context.scalar(Double((1 << bits) - 1), like: x)
    let half = try context.scalar(0.5, like: x)
    let scale = try context.div(try context.sub(high, low), try context.sub(most, least))
    let exact = try context.sub(least, try context.div(low, scale))
    let rounded = try context.apply(FloorOp(), try context.add(exact, half))
    let zero = try context.minimum(try context.maximum(rounded, least), most)
    let bottom = try context.mul(try context.sub(least, zero), scale), top = try context.mul(try context.sub(most, zero), scale)
    let clamped = try context.minimum(try context.maximum(x, bottom), top)
    let steps = try context.div(try context.sub(clamped, bottom), scale)
    // Counted from the step of 0, so that 0 stays exact.
    let shifted = try context.sub(steps, try context.sub(zero, least))
    return [try context.mul(try context.apply(FloorOp(), try context.add(shifted, half)), scale)]
  }
}
