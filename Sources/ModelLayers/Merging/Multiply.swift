import ModelGraph
import ModelOps
import ModelTensor

/// The product of all inputs. Masked elements count as 1; if all inputs have masks, the product is 0
/// where each of them masks.
public struct Multiply: MergingLayer {
  public static let className = "Multiply"
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var inputs = try context.aligned(call.inputs)
    guard !inputs.isEmpty else { throw GraphError(.wrongInputCount, "Multiply of no tensors") }
    let (keeps, keep) = try spread(call, inputs, in: &context)
    for (index, mask) in keeps.enumerated() {
      guard let mask else { continue }
      inputs[index] = try context.select(mask, inputs[index], try context.scalar(1, like: inputs[index]))
    }
    var result = try merge(inputs, in: &context)
    if let keep { result = try context.select(keep, result, try context.scalar(0, like: result)) }
    return [result]
  }
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    try fold(inputs, MulOp(), in: &context)
  }

  /// Each mask over the elements of its input, and the or of them.
  private func spread<C: OpContext>(
    _ call: LayerCall<C.Value>, _ inputs: [C.Value], in context: inout C
  ) throws -> (each: [C.Value?], all: C.Value?) {
    var each: [C.Value?] = [], all: C.Value?
    for (index, input) in inputs.enumerated() {
      guard !call.mergesMasksAsKeras2, var mask = call.mask(index) else {
        each.append(nil)
        continue
      }
      let rank = try context.rank(of: input), own = try context.rank(of: mask)
      if own < rank { mask = try context.unsqueeze(mask, Array(own..<rank)) }
      each.append(mask)
      all = try all.map { try context.apply(LogicalOrOp(), $0, mask) } ?? mask
    }
    return (each, each.contains { $0 == nil } ? nil : all)
  }
}
