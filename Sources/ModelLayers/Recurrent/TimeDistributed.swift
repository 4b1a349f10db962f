import ModelGraph
import ModelOps
import ModelTensor

/// A layer applied to every step of `[B, T, …]` by itself: steps are folded into the batch.
///
/// Weights: the layer's.
public struct TimeDistributed: ConfigurableLayer {
  public static let className = "TimeDistributed"
  public var layer: any Layer = Identity()
  public init() {}

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let dims = try dims(inputs)
    guard dims.count >= 2 else { throw GraphError(.shapeMismatch, "TimeDistributed takes [batch, time, …], found \(inputs[0])") }
    let step = TensorType(inputs[0].dtype, .ranked([dims[0]] + dims.dropFirst(2)))
    return try layer.weights(for: [step]).map { spec in
      var spec = spec
      spec.path = "layer/\(spec.path)"
      spec.otherPaths = spec.otherPaths.map { "layer/\($0)" }
      return spec
    }
  }

  private static func worksOnLastAxis(_ layer: any Layer) -> Bool {
    layer is Dense || layer is any TrainingOnlyLayer || layer is ActivationLayer || layer is ReLU || layer is LeakyReLU || layer is ELU
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input(), dims = try context.dims(of: x)
    guard dims.count >= 2 else { throw GraphError(.shapeMismatch, "TimeDistributed of rank \(dims.count)") }
    // What works on the last axis alone needs no folding.
    if Self.worksOnLastAxis(layer), dims.count > 2 {
      var inner = call
      inner.masks = []
      return try layer.call(inner, in: &context)
    }
    let lead = try context.concat([try context.dim(of: x, 0), try context.dim(of: x, 1)], axis: 0)
    var inner = call
    inner.inputs = [try context.folded(x)]
    inner.masks = try [
      call.mask().flatMap { mask in
        // A mask of whole steps says nothing to the layer inside.
        try context.rank(of: mask) > 2 ? try context.folded(mask) : nil
      }
    ]
    return try layer.call(inner, in: &context).map { y in
      let rest = try context.slice(try context.shape(of: y), axis: 0, start: 1, end: Int.max)
      return try context.reshape(y, to: try context.concat([lead, rest], axis: 0))
    }
  }
}

extension OpContext {
  /// `[B, T, …]` as `[B·T, …]`.
  mutating func folded(_ x: Value) throws -> Value {
    let dims = try dims(of: x)
    if dims.dropFirst(2).allSatisfy({ $0.value != nil && $0.value != 0 }) {
      return try reshape(x, [-1] + dims.dropFirst(2).compactMap(\.value))
    }
    let rest = try slice(try shape(of: x), axis: 0, start: 2, end: Int.max)
    return try reshape(x, to: try concat([try ints([-1]), rest], axis: 0))
  }
}
