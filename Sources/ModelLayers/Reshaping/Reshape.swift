import ModelGraph
import ModelOps
import ModelTensor

/// `[batch, …]` to `[batch] + targetShape`, where one extent may be −1.
public struct Reshape: ConfigurableLayer {
  public static let className = "Reshape"
  public var targetShape: [Int] = []
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input(), dims = try context.dims(of: x)
    var target = targetShape
    // The −1 is worked out where it can be, so that the batch is the only unknown.
    if let open = target.firstIndex(of: -1), let total = checkedProduct(dims.dropFirst().map { $0.value ?? -1 }) {
      let rest = checkedProduct(target.enumerated().filter { $0.offset != open }.map(\.element)) ?? 0
      guard rest > 0, total % rest == 0 else {
        throw GraphError(.shapeMismatch, "Reshape of \(dims.dropFirst().map(\.description)) to \(targetShape)")
      }
      target[open] = total / rest
    }
    if !target.contains(-1), !target.contains(0) { return [try context.reshape(x, [dims.first?.value ?? -1] + target)] }
    let batch = try context.dim(of: x, 0)
    return [try context.reshape(x, to: try context.concat([batch, try context.ints(target)], axis: 0))]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}
