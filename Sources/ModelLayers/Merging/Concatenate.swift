import ModelGraph
import ModelOps
import ModelTensor

/// The inputs one after another along `axis`.
public struct Concatenate: ConfigurableLayer {
  public static let className = "Concatenate"
  public var axis = -1
  public init() {}
  public init(axis: Int) { self.axis = axis }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let first = try call.input()
    let axis = try normalizeAxis(axis, rank: try context.rank(of: first))
    var parts = call.inputs
    // Integers beside floats (from a lookup layer) become floats, as Keras promotes them.
    if let float = parts.map({ context.type(of: $0).dtype }).first(where: \.isFloatingPoint) {
      parts = try parts.map { context.type(of: $0).dtype.isInteger ? try context.cast($0, to: float) : $0 }
    }
    return [try context.concat(parts, axis: axis)]
  }
  /// The masks concatenated like the inputs (without a mask: all kept), then any over the last axis. Keras 2: all of them.
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    guard call.inputs.indices.contains(where: { call.mask($0) != nil }) else { return [nil] }
    var masks: [C.Value] = []
    for (index, input) in call.inputs.enumerated() {
      let shape = try context.shape(of: input)
      guard var mask = call.mask(index) else {
        masks.append(try context.expand(try context.constant(NDArray(scalar: true)), to: shape))
        continue
      }
      if try context.rank(of: mask) < (try context.rank(of: input)) {
        mask = try context.expand(try context.unsqueeze(mask, [try context.rank(of: mask)]), to: shape)
      }
      masks.append(mask)
    }
    let rank = try context.rank(of: masks[0])
    let joined = try context.concat(masks, axis: try normalizeAxis(axis, rank: rank))
    return [try context.reduce(call.mergesMasksAsKeras2 ? .all : .any, joined, axes: [-1])]
  }
}
