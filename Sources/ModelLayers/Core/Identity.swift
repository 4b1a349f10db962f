import ModelGraph
import ModelTensor

/// The input itself.
public struct Identity: ConfigurableLayer {
  public static let className = "Identity"
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] { call.inputs }
}
