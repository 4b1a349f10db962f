import ModelSupport

extension NDArray {
  /// The elements as `Double`, whatever the dtype. Booleans are 0 and 1; strings are NaN.
  public func doubles() -> [Double] {
    switch dtype {
    case .bool: return with(UInt8.self) { $0.map { $0 == 0 ? 0 : 1 } }
    case .int2, .int4, .int8: return with(Int8.self) { $0.map(Double.init) }
    case .uint2, .uint4, .uint8: return with(UInt8.self) { $0.map(Double.init) }
    case .int16: return with(Int16.self) { $0.map(Double.init) }
    case .uint16: return with(UInt16.self) { $0.map(Double.init) }
    case .int32: return with(Int32.self) { $0.map(Double.init) }
    case .uint32: return with(UInt32.self) { $0.map(Double.init) }
    case .int64: return with(Int64.self) { $0.map(Double.init) }
    case .uint64:  // Not `Double.init`, which would be taken for `init(bitPattern:)`.
      return with(UInt64.self) { $0.map { Double($0) } }
    case .float16: return with(Float16.self) { $0.map(Double.init) }
    case .bfloat16: return with(BFloat16.self) { $0.map { Double(Float($0)) } }
    case .float32: return with(Float.self) { $0.map(Double.init) }
    case .float64: return with(Double.self) { Array($0) }
    case .float4e2m1, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0fnu:
      return with(UInt8.self) { $0.map { Double(MiniFloat.decode($0, as: dtype)) } }
    case .complex64, .complex128, .string, .resource, .variant:
      return [Double](repeating: .nan, count: count)
    }
  }

  /// The elements in order as runs of at most `length`; nothing is copied.
  public func runs(of length: Int = 1 << 16) -> some Sequence<NDArray> {
    let flat = reshaped([count])
    return stride(from: 0, to: count, by: length).lazy.map { flat.slice($0..<min(count, $0 + length)) }
  }

  /// The elements as `Int`, or `nil` for anything but integers and booleans. `uint64` wraps.
  public func integers() -> [Int]? {
    switch dtype {
    case .bool: with(UInt8.self) { $0.map { $0 == 0 ? 0 : 1 } }
    case .int2, .int4, .int8: with(Int8.self) { $0.map(Int.init) }
    case .uint2, .uint4, .uint8: with(UInt8.self) { $0.map(Int.init) }
    case .int16: with(Int16.self) { $0.map(Int.init) }
    case .uint16: with(UInt16.self) { $0.map(Int.init) }
    case .int32: with(Int32.self) { $0.map(Int.init) }
    case .uint32: with(UInt32.self) { $0.map(Int.init) }
    case .int64: with(Int64.self) { $0.map(Int.init) }
    case .uint64: with(UInt64.self) { $0.map { Int(truncatingIfNeeded: $0) } }
    default: nil
    }
  }
}

extension Tensor {
  /// The tensor as an array to compute with. Mapped bytes are borrowed, not copied, when they are
  /// aligned; packed types are unpacked.
  public func array() throws -> NDArray {
    try validate()
    let shape = extents
    if let strings = source as? StringSource { return NDArray(strings: strings.strings, shape) }
    if dtype == .variant, let held = source as? ArraySource { return held.array }
    guard let stride = dtype.arrayStride, let bits = dtype.bitWidth else {
      throw FormatError(.invalidValue, "a tensor of dtype \(dtype) has no elements to read")
    }
    if bits >= 8, let extent = source.extent, !extent.range.isEmpty,
      extent.range.lowerBound >= 0, extent.range.upperBound <= extent.file.count
    {
      let bytes = UnsafeRawBufferPointer(rebasing: extent.file.bytes[extent.range])
      if Int(bitPattern: bytes.baseAddress) % stride == 0 {
        return NDArray(dtype: dtype, shape: shape, borrowing: bytes, from: extent.file)
      }
    }
    // What is joined or repeated lazily may claim any size.
    guard let count = checkedProduct(shape), count <= (1 << 46) / stride, let storage = ArrayStorage(trying: count * stride) else {
      throw FormatError(.limitExceeded, "the system has no room for a tensor of type \(type)")
    }
    let result = NDArray(uninitialized: dtype, shape, storage: storage)
    try result.withMutableBytes { destination in
      if bits >= 8 {
        var position = 0
        try source.forEachChunk { chunk in
          UnsafeMutableRawBufferPointer(rebasing: destination[position..<(position + chunk.count)])
            .copyMemory(from: chunk)
          position += chunk.count
        }
      } else {
        try source.withBytes(in: 0..<source.byteCount) { unpack($0, bits: bits, signed: dtype.isSignedInteger, into: destination) }
      }
    }
    return result
  }

  /// An array as a tensor of a file.
  public init(_ array: NDArray) {
    self.init(array.type, source: array.dtype == .string ? StringSource(array.strings) : ArraySource(array))
  }
}

private func unpack(_ bytes: UnsafeRawBufferPointer, bits: Int, signed: Bool, into out: UnsafeMutableRawBufferPointer) {
  let perByte = 8 / bits, mask = UInt8((1 << bits) - 1)
  for i in 0..<out.count {
    var value = bytes[i / perByte] >> UInt8(i % perByte * bits) & mask
    if signed, value >> UInt8(bits - 1) == 1 { value |= ~mask }
    out[i] = value
  }
}

/// The bytes of an array; packed again for types under eight bits.
final class ArraySource: ByteSource {
  let array: NDArray
  let packed: [UInt8]?
  init(_ array: NDArray) {
    self.array = array
    if let bits = array.dtype.bitWidth, bits < 8 {
      let perByte = 8 / bits, mask = UInt8((1 << bits) - 1)
      var out = [UInt8](repeating: 0, count: (array.count + perByte - 1) / perByte)
      array.withBytes { bytes in
        for i in 0..<bytes.count { out[i / perByte] |= (bytes[i] & mask) << UInt8(i % perByte * bits) }
      }
      packed = out
    } else {
      packed = nil
    }
  }
  var byteCount: Int { packed?.count ?? array.byteCount }
  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    if let packed {
      try packed.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    } else {
      try array.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
  }
}
