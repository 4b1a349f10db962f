import ModelGraph
import ModelOps
import ModelTensor

/// The softmax along one axis or several together, with an optional mask (`true` = keep) that
/// broadcasts to the input; masked places are 0.
public struct Softmax: ConfigurableLayer {
  public static let className = "Softmax"
  public var axes = [-1]
  public init() {}
  public init(axes: [Int]) { self.axes = axes }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let mask = call.named["mask"] ?? (call.inputs.count > 1 ? call.inputs[1] : call.mask())
    return [try apply(try call.input(), mask: mask, in: &context)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    [call.mask() ?? call.named["mask"]]
  }

  /// - Parameter zeroing: whether masked places are 0 even where everything is masked; else such lines are uniform.
  func apply<C: OpContext>(
    _ input: C.Value, mask: C.Value?, zeroing: Bool = true, in context: inout C
  ) throws -> C.Value {
    var x = input, keep = mask
    if let mask {
      if context.dtype(of: mask) != .bool {
        keep = try context.apply(GreaterOp(), mask, try context.scalar(0.5, like: mask))
      }
      if let keep { x = try context.select(keep, x, try context.scalar(Self.lowest(context.dtype(of: x)), like: x)) }
    }
    var y: C.Value
    if axes.count == 1 {
      y = try context.softmax(x, axis: axes[0])
    } else {
      let peak = try context.reduce(.max, x, axes: axes, keepDims: true)
      let exponent = try context.apply(ExpOp(), try context.sub(x, peak))
      y = try context.div(exponent, try context.reduce(.sum, exponent, axes: axes, keepDims: true))
    }
    if zeroing, let keep { y = try context.select(keep, y, try context.scalar(0, like: y)) }
    return y
  }

  /// What Keras puts where the mask is false.
  static func lowest(_ dtype: DType) -> Double { dtype == .float16 ? -3e4 : -1e9 }
}
