import ModelGraph
import ModelTensor

/// A number below `bucketCount` for each string, as int64: FarmHash64 (TensorFlow `StringToHashBucketFast`), or with a key
/// SipHash-2-4 (`StringToHashBucketStrong`).
public struct StringHashOp: PrimitiveOp {
  public static let name = "StringHash"
  public static let family = OpFamily.text
  public var bucketCount: Int
  /// Two 64-bit halves, or none.
  public var key: [Int]
  public init(bucketCount: Int, key: [Int] = []) {
    self.bucketCount = bucketCount
    self.key = key
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.int64, try inputs.required(0, of: self).type.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    guard bucketCount > 0, key.isEmpty || key.count == 2 else {
      throw ExecutionError(.invalidValue, "StringHash into \(bucketCount) buckets by a key of \(key.count) parts")
    }
    let hashes = x.strings.map { bytes -> Int64 in
      let hash = key.isEmpty ? farmHash64(bytes) : sipHash(bytes, UInt64(bitPattern: Int64(key[0])), UInt64(bitPattern: Int64(key[1])))
      return Int64(hash % UInt64(bucketCount))
    }
    return [NDArray(hashes, x.shape)]
  }
}
