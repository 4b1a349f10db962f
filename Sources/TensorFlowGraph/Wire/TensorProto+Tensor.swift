import ModelSupport
import ModelTensor
import ProtobufWire

extension TensorProto {
  /// The most bytes a tensor may take that its proto spells with fewer elements.
  static let fillLimit = 1 << 30

  /// The extents, checked to be possible.
  public func extents() throws -> [Int] {
    let dims = tensorShape?.dim ?? []
    let extents = dims.map { Int($0.size ?? 0) }
    guard tensorShape?.unknownRank != true, extents.allSatisfy({ $0 >= 0 }), checkedProduct(extents) != nil else {
      throw FormatError(.invalidValue, "expected the extents of a tensor, found \(extents)")
    }
    return extents
  }

  /// The tensor with its bytes where they are. Fields with fewer elements than the shape go on with their last one.
  /// - Throws: `FormatError` when the bytes do not fit; `UnsupportedError` for dtypes without a canonical one.
  public func tensor() throws -> Tensor {
    let type = self.dtype ?? DataType(rawValue: 0)
    guard let dtype = type.dtype else { throw UnsupportedError("tensors of the type \(type.name) are not supported") }
    let extents = try extents(), count = checkedProduct(extents) ?? 0
    let result = TensorType(dtype, extents)
    if dtype == .string { return Tensor(result, source: StringSource(try strings(count))) }
    guard let byteCount = dtype.byteCount(of: count), dtype.bitWidth != nil else {
      throw UnsupportedError("constants of dtype \(dtype) are not supported")
    }
    if let content = tensorContent, !content.isEmpty {
      // Elements under eight bits take a byte each here.
      if let bits = dtype.bitWidth, bits < 8 { throw UnsupportedError("constants of dtype \(dtype) are not supported") }
      let tensor = Tensor(result, source: content.source)
      try tensor.validate()
      return tensor
    }
    if count == 0 { return Tensor(result, source: MemorySource([])) }
    let bytes = try elementBytes(dtype)
    if bytes.count == byteCount { return Tensor(result, source: MemorySource(bytes)) }
    let width = dtype.arrayStride ?? 1
    guard bytes.count <= byteCount, bytes.count % width == 0, byteCount <= Self.fillLimit else {
      throw FormatError(.sizeMismatch, "a tensor of type \(result) takes \(byteCount) bytes, found \(bytes.count)")
    }
    let last = bytes.isEmpty ? [UInt8](repeating: 0, count: width) : Array(bytes.suffix(width))
    return Tensor(computing: result) {
      let array = NDArray(zeros: dtype, extents)
      array.withMutableBytes { out in
        out.copyBytes(from: bytes)
        guard last.contains(where: { $0 != 0 }) else { return }
        for at in stride(from: bytes.count, to: out.count, by: width) {
          for byte in 0..<width where at + byte < out.count { out[at + byte] = last[byte] }
        }
      }
      return array
    }
  }

  private func strings(_ count: Int) throws -> [[UInt8]] {
    guard stringVal.count <= count, count <= max(1 << 20, stringVal.count) else {
      throw FormatError(.sizeMismatch, "a tensor of \(count) strings, found \(stringVal.count)")
    }
    var result = try stringVal.map { try $0.bytes() }
    let last = result.last ?? []
    while result.count < count { result.append(last) }
    return result
  }

  /// The elements of the dtype's field, as they stand in memory.
  private func elementBytes(_ dtype: DType) throws -> [UInt8] {
    func integers(_ values: PackedValues, _ width: Int) throws -> [UInt8] {
      var bytes: [UInt8] = []
      for value in try values.varints() { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0.prefix(width)) } }
      return bytes
    }
    switch dtype {
    case .float32: return try floatVal.source.bytes()
    case .float64: return try doubleVal.source.bytes()
    case .complex64: return try scomplexVal.source.bytes()
    case .complex128: return try dcomplexVal.source.bytes()
    case .float16, .bfloat16: return try integers(halfVal, 2)
    case .int64: return try integers(int64Val, 8)
    case .uint64: return try integers(uint64Val, 8)
    case .uint32: return try integers(uint32Val, 4)
    case .bool: return try boolVal.varints().map { $0 != 0 ? 1 : 0 }
    case .float8e5m2, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2fnuz: return try float8Val?.bytes() ?? []
    default: return try integers(intVal, dtype.arrayStride ?? 4)
    }
  }

  /// A tensor to be written: its bytes are streamed from their source.
  /// - Throws: `UnsupportedError` for a dtype TensorFlow does not have.
  public init(_ tensor: Tensor) throws {
    self.init()
    guard let type = DataType(tensor.dtype) else { throw UnsupportedError("TensorFlow has no dtype \(tensor.dtype)") }
    dtype = type
    tensorShape = TensorShapeProto(Shape(tensor.extents))
    if let strings = tensor.source as? StringSource {
      stringVal = strings.strings.map { WireBytes($0) }
    } else {
      tensorContent = WireBytes(tensor.source)
    }
  }
}
