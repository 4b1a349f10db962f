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
  /// Or of the masks, if every input has one. Keras 2: and of those that there are.
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    let masks = call.inputs.indices.compactMap { call.mask($0) }
    guard masks.count == call.inputs.count || call.mergesMasksAsKeras2, var result = masks.first else { return [nil] }
    for mask in masks.dropFirst() {
      result = try call.mergesMasksAsKeras2 ? context.apply(LogicalAndOp(), result, mask) : context.apply(LogicalOrOp(), result, mask)
    }
    return [result]
  }
  /// Folds as Keras does with masks for an op without a neutral element: of two inputs, one that is
  /// masked somewhere takes the other's element there.
  func masked<C: OpContext>(_ call: LayerCall<C.Value>, _ op: any Op, in context: inout C) throws -> C.Value {
    let inputs = try context.aligned(call.inputs)
    guard var result = inputs.first else { throw GraphError(.wrongInputCount, "\(Self.className) of no tensors") }
    func spread(_ index: Int) throws -> C.Value? {
      guard !call.mergesMasksAsKeras2, let mask = call.mask(index) else { return nil }
      let missing = try context.rank(of: inputs[index]) - context.rank(of: mask)
      let wide = try (0..<max(0, missing)).reduce(mask) { mask, _ in try context.unsqueeze(mask, [context.rank(of: mask)]) }
      return wide
    }
    var keep = try spread(0)
    for (index, input) in inputs.enumerated().dropFirst() {
      let mask = try spread(index)
      var input = input
      if let mask { input = try context.select(mask, input, result) }
      if let keep { result = try context.select(keep, result, input) }
      if let own = keep, let mask { keep = try context.apply(LogicalOrOp(), own, mask) } else { keep = nil }
      result = try context.apply(op, result, input)
    }
    return result
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
