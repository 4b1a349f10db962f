import ModelGraph
import ModelTensor

/// Hashes of all combinations of one column of each input, below `bucketCount`, as int64 `[rows, combinations]`; the last input's
/// columns vary fastest (TensorFlow `SparseCross` of dense matrices with hashed output).
///
/// Inputs are matrices of strings or int64.
public struct HashCrossOp: PrimitiveOp {
  public static let name = "HashCross"
  public static let family = OpFamily.text
  public var bucketCount: Int
  public var key: Int
  public init(bucketCount: Int, key: Int = 0xDECA_FCAF_FE) {
    self.bucketCount = bucketCount
    self.key = key
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    var columns: Int? = 1
    for index in inputs.indices {
      let shape = try inputs.required(index, of: self).type.shape
      columns = shape.dims.flatMap { $0.count == 2 ? $0[1].value : nil }.flatMap { width in columns.flatMap { checkedProduct([$0, width]) }
      }
    }
    let rows = try inputs.required(0, of: self).type.shape.dims?.first ?? .unknown
    return [TensorType(.int64, .ranked([rows, columns.map(Dim.fixed) ?? .unknown]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let features = try inputs.indices.map { try inputs.required($0, of: self) }
    guard let rows = features.first?.shape.first, features.allSatisfy({ $0.rank == 2 && $0.shape[0] == rows }), bucketCount >= 0,
      let width = checkedProduct(features.map { $0.shape[1] }), let total = checkedProduct([rows, width]), total <= 1 << 26
    else { throw ExecutionError(.shapeMismatch, "HashCross of \(features.map(\.type))") }
    let prints = try features.map { feature -> [UInt64] in
      if feature.dtype == .string { return feature.strings.map(farmHash64) }
      guard let numbers = feature.integers() else { throw noKernel(feature.dtype) }
      return numbers.map { UInt64(bitPattern: Int64($0)) }
    }
    let buckets = bucketCount == 0 ? UInt64(Int64.max) : UInt64(bucketCount)
    var out: [Int64] = []
    out.reserveCapacity(total)
    for row in 0..<rows {
      for place in 0..<width {
        var columns: [Int] = [], rest = place
        for feature in features.reversed() {
          columns.append(rest % feature.shape[1])
          rest /= feature.shape[1]
        }
        var hash = UInt64(bitPattern: Int64(key))
        for (index, column) in columns.reversed().enumerated() {
          hash = fingerprintCat64(hash, prints[index][row * features[index].shape[1] + column])
        }
        out.append(Int64(hash % buckets))
      }
    }
    return [NDArray(out, [rows, width])]
  }
}
