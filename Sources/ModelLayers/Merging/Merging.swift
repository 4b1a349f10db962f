import ModelGraph
import ModelOps
import ModelTensor

/// A layer that combines tensors element by element. Inputs of lower rank get axes of extent 1
/// behind the batch axis; the rest broadcasts.
protocol MergingLayer: ConfigurableLayer {
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value
}

extension MergingLayer {
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    guard !call.inputs.isEmpty else { throw GraphError(.wrongInputCount, "\(Self.className) of no tensors") }
    return [try merge(try context.aligned(call.inputs), in: &context)]
  }
  /// Or of the masks, if every input has one.
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    let masks = call.inputs.indices.compactMap { call.mask($0) }
    guard masks.count == call.inputs.count, var result = masks.first else { return [nil] }
    for mask in masks.dropFirst() { result = try context.apply(LogicalOrOp(), result, mask) }
    return [result]
  }
  func fold<C: OpContext>(
    _ inputs: [C.Value], _ op: any Op, in context: inout C
  ) throws -> C.Value {
    var result = inputs[0]
    for input in inputs.dropFirst() { result = try context.apply(op, result, input) }
    return result
  }
}

extension OpContext {
  /// The values with axes inserted behind the first until all have the same rank.
  mutating func aligned(_ values: [Value]) throws -> [Value] {
    let ranks = values.map { type(of: $0).shape.rank }
    guard Set(ranks).count > 1 else { return values }
    let highest = ranks.compactMap { $0 }.max() ?? 0
    return try values.map { try expanded($0, toRank: highest, at: 1) }
  }
}
