import ModelGraph
import ModelOps
import ModelTensor

/// `[batch, …]` to `[batch, features]`; with channels first the channels move behind first.
public struct Flatten: ConfigurableLayer {
  public static let className = "Flatten"
  public var layout = DataLayout.channelsLast
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    let rank = try context.rank(of: x)
    if layout == .channelsFirst, rank > 2 { x = try context.transpose(x, [0] + Array(2..<rank) + [1]) }
    if rank == 1 { return [try context.unsqueeze(x, [1])] }
    let dims = try context.dims(of: x)
    if let features = checkedProduct(dims.dropFirst().map { $0.value ?? -1 }) {
      return [try context.reshape(x, [features == 0 ? 0 : -1, features])]
    }
    return [try context.apply(FlattenOp(axis: 1), x)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
