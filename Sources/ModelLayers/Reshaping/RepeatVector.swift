import ModelGraph
import ModelOps
import ModelTensor

/// `[batch, features]` to `[batch, count, features]`.
public struct RepeatVector: ConfigurableLayer {
  public static let className = "RepeatVector"
  public var count = 1
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try context.unsqueeze(try call.input(), [1])
    return [try context.expand(x, to: try context.ints([1, count, 1]))]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
