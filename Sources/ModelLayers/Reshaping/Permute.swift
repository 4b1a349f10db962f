import ModelGraph
import ModelOps
import ModelTensor

/// Permutes the axes behind the batch: result axis `i + 1` is axis `order[i]`, counted from 1.
public struct Permute: ConfigurableLayer {
  public static let className = "Permute"
  public var order: [Int] = [1]
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    guard order.sorted() == Array(1..<(order.count + 1)) else {
      throw GraphError(.invalidAttribute, "Permute: \(order) is no permutation of 1 to \(order.count)")
    }
    return [try context.transpose(try call.input(), [0] + order)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
