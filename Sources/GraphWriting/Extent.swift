import ModelGraph
import ModelOps
import ModelTensor

/// An extent in a shape being written.
public enum Extent<Value> {
  case number(Int)
  /// A vector of one element.
  case value(Value)
}

extension TensorFlowFamilyWriter {
  /// An int32 vector from numbers that are known or single extents of values.
  public mutating func int32s(_ parts: [Extent<Value>]) throws -> Value {
    let known = parts.compactMap { part -> Int? in if case .number(let number) = part { number } else { nil } }
    if known.count == parts.count { return try int32s(known) }
    let pieces = try parts.map { part in
      switch part {
      case .number(let number): try int32s([number])
      case .value(let value): try cast(value, to: .int32)
      }
    }
    return try concat(pieces, axis: 0)
  }

  /// An extent as a number where it is known, and as a vector of one element else.
  public mutating func extent(of value: Value, _ axis: Int) throws -> Extent<Value> {
    if let known = type(of: value).shape.dims.flatMap({ axis < $0.count ? $0[axis].value : nil }) { return .number(known) }
    return .value(try dim(of: value, axis))
  }
}
