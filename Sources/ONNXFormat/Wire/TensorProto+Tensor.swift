import ModelSupport
import ModelTensor
import ProtobufWire

extension TensorProto {
  /// The extents, checked to be possible.
  public func extents() throws -> [Int] {
    let extents = dims.map { Int($0) }
    guard extents.allSatisfy({ $0 >= 0 }), checkedProduct(extents) != nil else {
      throw FormatError(.invalidValue, "a tensor has the extents \(extents)")
    }
    return extents
  }

  /// The tensor with its bytes where they are: in the model's file, beside it, or encoded in a typed
  /// field. Only the size is checked here; no bytes of weights are read.
  /// - Throws: `FormatError` when the bytes do not fit type and shape.
  public func tensor(_ files: ExternalFiles) throws -> Tensor {
    let label = name ?? ""
    return try within(label.isEmpty ? "tensor" : "tensor \(label)") {
      guard let dtype = dataType?.dtype else {
        throw FormatError(.invalidValue, "expected a data type from 1 to 26, found \(dataType?.rawValue ?? 0)")
      }
      if segment != nil { throw UnsupportedError("tensors stored in segments are not supported") }
      let extents = try extents(), count = checkedProduct(extents) ?? 0
      let type = TensorType(dtype, extents)
      if dtype == .string { return try strings(type, count: count) }
      guard let byteCount = dtype.byteCount(of: count) else {
        throw FormatError(.limitExceeded, "a tensor of type \(type) can't be stored")
      }
      if dataLocation == .external {
        return Tensor(type, source: try externalSource(files, byteCount: byteCount))
      }
      let tensor: Tensor
      if let rawData, !rawData.isEmpty || count == 0 {
        tensor = Tensor(type, source: rawData.source)
      } else if count == 0 {
        tensor = Tensor(type, source: MemorySource([]))
      } else {
        tensor = try typedData(type, count: count)
      }
      try tensor.validate()
      return tensor
    }
  }

  private func strings(_ type: TensorType, count: Int) throws -> Tensor {
    guard stringData.count == count else {
      throw FormatError(.sizeMismatch, "a tensor of type \(type) takes \(count) strings, found \(stringData.count)")
    }
    return Tensor(type, source: StringSource(try stringData.map { try $0.bytes() }))
  }

  /// Whether the bytes of a tensor that lie in another file are there. Reads none of them.
  /// - Throws: `StorageError` when the file is not there, `FormatError` when it is too short or what the tensor says of it is wrong.
  public func checkExternalData(_ files: ExternalFiles) throws {
    guard dataLocation == .external else { return }
    try (tensor(files).source as? ExternalSource)?.checkPresence()
  }

  private func externalSource(_ files: ExternalFiles, byteCount: Int) throws -> any ByteSource {
    var entries: [String: String] = [:]
    for entry in externalData { entries[entry.key ?? ""] = entry.value ?? "" }
    guard let location = entries["location"], !location.isEmpty else {
      throw FormatError(.missingReference, "external data names no location")
    }
    // Refused already here, so that inspecting tells of it too.
    if let directory = files.directory { _ = try containedPath(location, in: directory) }
    func number(_ key: String) throws -> Int? {
      guard let text = entries[key], !text.isEmpty else { return nil }
      guard let value = Int(text), value >= 0 else {
        throw FormatError(.invalidValue, "expected a number as the \(key) of external data, found '\(text)'")
      }
      return value
    }
    let offset = try number("offset") ?? 0
    if let length = try number("length"), length != byteCount {
      throw FormatError(.sizeMismatch, "a tensor of \(byteCount) bytes has external data of \(length)")
    }
    guard offset <= Int.max - byteCount else {
      throw FormatError(.invalidValue, "external data begins at \(offset)")
    }
    return ExternalSource(files, location: location, offset: offset, byteCount: byteCount)
  }

  /// The elements of a typed field. Fixed-width ones are little-endian already; varints are decoded
  /// when they are asked for.
  private func typedData(_ type: TensorType, count: Int) throws -> Tensor {
    switch type.dtype {
    case .float32, .complex64: return Tensor(type, source: floatData.source)
    case .float64, .complex128: return Tensor(type, source: doubleData.source)
    case .int64: return varints(int64Data, type, count)
    case .uint64, .uint32: return varints(uint64Data, type, count)
    default: return varints(int32Data, type, count)
    }
  }

  private func varints(_ values: PackedValues, _ type: TensorType, _ count: Int) -> Tensor {
    // Below eight bits each varint is a byte of packed elements.
    let bits = type.dtype.bitWidth ?? 8
    let stored = bits < 8 ? (count * bits + 7) / 8 : count
    guard values.byteCount >= stored else { return Tensor(type, source: MemorySource([])) }
    return Tensor(computing: type) {
      let decoded = try values.varints(limit: stored)
      guard decoded.count == stored else {
        throw FormatError(.sizeMismatch, "a tensor of type \(type) takes \(stored) values, found \(decoded.count)")
      }
      var bytes: [UInt8] = []
      let width = max(1, bits / 8)
      bytes.reserveCapacity(stored * width)
      for value in decoded {
        let signed = Int64(bitPattern: value)
        guard Self.fits(signed, type.dtype) else {
          throw FormatError(.invalidValue, "the value \(signed) does not fit \(type.dtype)")
        }
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0.prefix(width)) }
      }
      return try Tensor(type, source: MemorySource(bytes)).array()
    }
  }

  private static func fits(_ value: Int64, _ dtype: DType) -> Bool {
    switch dtype {
    case .int64, .uint64: true
    case .bool: value == 0 || value == 1
    case .int8: Int8(exactly: value) != nil
    case .int16: Int16(exactly: value) != nil
    case .int32: Int32(exactly: value) != nil
    case .uint32: UInt32(exactly: value) != nil
    // Bits of floats are unsigned, but some writers extend the sign.
    case .uint16, .float16, .bfloat16: UInt16(exactly: value) != nil || Int16(exactly: value) != nil
    default: UInt8(exactly: value) != nil || Int8(exactly: value) != nil
    }
  }

  /// A tensor to be written: its bytes are streamed from their source.
  /// - Throws: `UnsupportedError` for a dtype ONNX does not have.
  public init(_ tensor: Tensor, name: String? = nil) throws {
    self.init()
    guard let dataType = DataType(tensor.dtype) else {
      throw UnsupportedError("ONNX has no tensors of dtype \(tensor.dtype)")
    }
    self.dataType = dataType
    self.name = name
    dims = tensor.extents.map { Int64($0) }
    if let strings = tensor.source as? StringSource {
      stringData = strings.strings.map { WireBytes($0) }
    } else {
      rawData = WireBytes(tensor.source)
    }
  }
}

extension SparseTensorProto {
  /// The most bytes a sparse tensor may take when it is made dense.
  static let denseLimit = 1 << 30

  /// The dense tensor, made when its bytes are asked for.
  public func tensor(_ files: ExternalFiles) throws -> Tensor {
    guard let values, let indices else {
      throw FormatError(.invalidStructure, "a sparse tensor lacks its values or indices")
    }
    return try within("sparse tensor \(values.name ?? "")") {
      let extents = dims.map { Int($0) }
      let stored = try values.tensor(files), places = try indices.tensor(files)
      guard let count = checkedProduct(extents), let size = stored.dtype.byteCount(of: count),
        size <= Self.denseLimit
      else {
        throw FormatError(.limitExceeded, "a sparse tensor of the extents \(extents) can't be made dense")
      }
      guard stored.dtype != .string, places.dtype == .int64, stored.extents.count == 1 else {
        throw FormatError(.invalidValue, "a sparse tensor of \(stored.type) values at \(places.type) indices")
      }
      let rank = extents.count, found = stored.elementCount
      guard places.extents == [found] || places.extents == [found, rank] else {
        throw FormatError(
          .sizeMismatch, "expected \(found) indices of \(rank) axes, found indices \(places.type.shape)")
      }
      let isLinear = places.extents.count == 1
      return Tensor(computing: TensorType(stored.dtype, extents)) {
        let source = try stored.array(), at = try places.array().values(Int64.self)
        let result = NDArray(zeros: stored.dtype, extents)
        let stride = stored.dtype.arrayStride ?? 1
        for item in 0..<found {
          var position = 0
          if isLinear {
            guard at[item] >= 0, at[item] < count else { throw Self.outside([at[item]], extents) }
            position = Int(at[item])
          } else {
            for axis in 0..<rank {
              let index = at[item * rank + axis]
              guard index >= 0, index < extents[axis] else { throw Self.outside([index], extents) }
              position = position * extents[axis] + Int(index)
            }
          }
          result.withMutableBytes { out in
            source.withBytes { bytes in
              for byte in 0..<stride { out[position * stride + byte] = bytes[item * stride + byte] }
            }
          }
        }
        return result
      }
    }
  }

  private static func outside(_ index: [Int64], _ extents: [Int]) -> FormatError {
    FormatError(.invalidValue, "the index \(index) of a sparse tensor lies outside the extents \(extents)")
  }
}
