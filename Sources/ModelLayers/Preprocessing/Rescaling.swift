import ModelGraph
import ModelOps
import ModelTensor

/// `x · scale + offset`; one number each, or one for each channel.
public struct Rescaling: ConfigurableLayer {
  public static let className = "Rescaling"
  public var scale = [1.0]
  public var offset = [0.0]
  /// Whether the numbers stand for all elements, rather than one for each channel.
  public var isScalarScale = true
  public var isScalarOffset = true
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    if !context.dtype(of: x).isFloatingPoint { x = try context.cast(x, to: .float32) }
    let scale = try context.numbers(scale, isScalar: isScalarScale, like: x)
    let offset = try context.numbers(offset, isScalar: isScalarOffset, like: x)
    return [try context.add(try context.mul(x, scale), offset)]
  }
}

extension OpContext {
  /// A constant of the dtype of `other`: a scalar or a vector.
  mutating func numbers(_ values: [Double], isScalar: Bool, like other: Value) throws -> Value {
    let array = NDArray(values.map { Float($0) }, isScalar ? [] : [values.count])
    return try constant(try array.cast(to: dtype(of: other), in: ExecutionContext(primitives: ReferencePrimitives())))
  }
}
