import ModelGraph
import ModelTensor

/// A sequence with the slices of a tensor's first axis put at places; it grows as far as it must (TensorFlow's TensorListScatter).
///
/// Inputs: the sequence, the tensor, the places (int vector, one for each slice).
public struct SequenceScatterOp: PrimitiveOp {
  public static let name = "SequenceScatter"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let tensor = try inputs.required(1, of: self).type
    guard let element = try elementType(inputs, 0) else { return [TensorType(.variant, [])] }
    let item = TensorType(tensor.dtype, tensor.shape.dims.map { .ranked(Array($0.dropFirst())) } ?? .unranked)
    return [.sequence(of: try merged(element, item))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var items = try sequence(inputs, 0)
    let tensor = try inputs.required(1, of: self)
    guard let places = try inputs.required(2, of: self).integers(), tensor.rank > 0, places.count == tensor.shape[0],
      places.allSatisfy({ $0 >= 0 && $0 < 1 << 31 })
    else { throw ExecutionError(.invalidInput, "SequenceScatter of \(tensor.type)") }
    let needed = (places.max() ?? -1) + 1
    if needed > items.count {
      try context.demand(.int64, [needed])
      items += Array(repeating: .unset, count: needed - items.count)
    }
    for (row, place) in places.enumerated() {
      items[place] = tensor.slice(row..<(row + 1)).reshaped(Array(tensor.shape.dropFirst()))
    }
    return [NDArray(.sequence(items))]
  }
}
