import ModelGraph
import ModelOps
import ModelTensor

/// Masks the steps whose features all equal `maskValue`, and sets them to 0.
public struct Masking: ConfigurableLayer {
  public static let className = "Masking"
  public var maskValue = 0.0
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input()
    let keep = try kept(x, keepDims: true, in: &context)
    return [try context.select(keep, x, try context.scalar(0, like: x))]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    [try kept(try call.input(), keepDims: false, in: &context)]
  }
  private func kept<C: OpContext>(_ x: C.Value, keepDims: Bool, in context: inout C) throws -> C.Value {
    let differs = try context.apply(NotEqualOp(), x, try context.scalar(maskValue, like: x))
    return try context.reduce(.any, differs, axes: [-1], keepDims: keepDims)
  }
}
