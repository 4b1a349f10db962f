import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Categories as the buckets their hashes fall in (Keras `Hashing`).
public struct Hashing: VocabularyLayer {
  public static let className = "Hashing"
  public var settings: JSONValue = .object([:])
  public init() {}

  private var count: Int { settings["num_bins"]?.intValue ?? 0 }
  private func mode() throws -> CategoryMode {
    let word = settings["output_mode"]?.stringValue ?? "int"
    guard let mode = CategoryMode(rawValue: word) else { throw UnsupportedError("the output mode '\(word)' is not known") }
    return mode
  }
  private var key: [Int] {
    if let salt = settings["salt"]?.intValue { return [salt, salt] }
    return settings["salt"]?.vocabularyList?.compactMap(\.intValue) ?? []
  }

  public func check() throws {
    _ = try mode()
    guard count >= 1, count <= 1 << 31, key.isEmpty || key.count == 2 else { throw UnsupportedError("it has \(count) bins") }
    guard settings["sparse"]?.boolValue != true else { throw UnsupportedError("its result is sparse") }
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let mode = try mode()
    var x = try call.input(), bins = count, isMask: C.Value?
    if mode == .oneHot, let dims = context.type(of: x).shape.dims, dims.count > 1, dims.last?.value == 1 {
      x = try context.squeeze(x, [-1])
    }
    if let mask = settings["mask_value"], !mask.isNull, bins > 1 {
      bins -= 1
      let value =
        if let text = mask.stringValue { try context.constant(NDArray(strings: [Array(text.utf8)], [])) } else {
          try context.cast(try context.scalar(mask.doubleValue ?? 0, dtype: .float64), to: context.type(of: x).dtype)
        }
      isMask = try context.apply(EqualOp(), x, value)
    }
    if context.type(of: x).dtype.isFloatingPoint { x = try context.cast(x, to: .int64) }
    if context.type(of: x).dtype != .string { x = try context.apply(NumberFormatOp(), x) }
    var hash = try context.apply(StringHashOp(bucketCount: bins, key: key), x)
    if let isMask {
      hash = try context.select(
        isMask, try context.scalar(0, dtype: .int64), try context.add(hash, try context.scalar(1, dtype: .int64)))
    }
    return [try context.encoded(hash, mode, depth: count, dtype: encodedType(call, mode), weights: nil)]
  }
}

/// Combinations of categories as the buckets their hashes fall in (Keras `HashedCrossing`).
public struct HashedCrossing: VocabularyLayer {
  public static let className = "HashedCrossing"
  public var settings: JSONValue = .object([:])
  public init() {}

  private var count: Int { settings["num_bins"]?.intValue ?? 0 }

  public func check() throws {
    guard count >= 1, count <= 1 << 31 else { throw UnsupportedError("it has \(count) bins") }
    guard settings["sparse"]?.boolValue != true else { throw UnsupportedError("its result is sparse") }
  }

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let mode = CategoryMode(rawValue: settings["output_mode"]?.stringValue ?? "int") ?? .int
    guard call.inputs.count >= 2 else { throw GraphError(.wrongInputCount, "HashedCrossing of \(call.inputs.count) inputs") }
    let rank = try context.rank(of: try call.input())
    var parts: [C.Value] = []
    for var x in call.inputs {
      if context.type(of: x).dtype != .string { x = try context.cast(x, to: .int64) }
      if rank < 2 { x = try context.reshape(x, rank == 0 ? [1, 1] : [-1, 1]) }
      parts.append(x)
    }
    var crossed = try context.apply(HashCrossOp(bucketCount: count), to: parts)[0]
    if rank < 2 { crossed = try context.reshape(crossed, rank == 0 ? [] : [-1]) }
    return [try context.encoded(crossed, mode, depth: count, dtype: encodedType(call, mode), weights: nil)]
  }
}

/// The layer's own dtype where it fits the mode.
private func encodedType<V>(_ call: LayerCall<V>, _ mode: CategoryMode) -> DType {
  let dtype = call.computeDType ?? .float32
  return mode == .int ? (dtype.isInteger ? dtype : .int64) : dtype == .string ? .float32 : dtype
}
