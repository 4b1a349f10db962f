import FlatBufferWire
import ModelSupport
import ModelTensor

extension TFLiteFile {
  func entry(_ index: Int, _ subgraph: Int) throws -> TFLiteTensor {
    guard subgraphs.indices.contains(subgraph), let tensors = subgraphs[subgraph].tensors, tensors.indices.contains(index) else {
      throw FormatError(.missingReference, "expected a tensor, found the index \(index) of subgraph \(subgraph)")
    }
    return tensors[index]
  }

  /// Runs `body` with the place of a tensor in its errors.
  func locating<R>(_ index: Int, _ subgraph: Int, _ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as FormatError {
      throw error.within("tensors[\(index)]").within("subgraphs[\(subgraph)]").inFile(path)
    }
  }

  /// The dtype, the shape with unknown extents from the shape signature, and the quantisation of a tensor.
  ///
  /// Scales that stand in another tensor (blockwise and multi-axis quantisation) are read; nothing else is.
  /// - Throws: `FormatError` for a type the schema does not name, or quantisation that does not fit the shape.
  public func tensorType(_ index: Int, subgraph: Int) throws -> TensorType {
    try locating(index, subgraph) {
      let tensor = try entry(index, subgraph)
      return TensorType(try tensor.dtype(), try tensor.declaredShape(), quantization: try quantization(of: tensor, subgraph: subgraph))
    }
  }

  /// The value of a constant tensor, where its bytes are; `nil` for a tensor that is computed, fed or a variable.
  ///
  /// A sparse tensor is made dense when it is asked for.
  /// - Throws: `FormatError` when the bytes don't fit the type.
  public func tensor(_ index: Int, subgraph: Int) throws -> Tensor? {
    try locating(index, subgraph) {
      let tensor = try entry(index, subgraph)
      guard let content = try content(of: tensor) else { return nil }
      let dtype = try tensor.dtype()
      let shape = (tensor.shape ?? []).map { Int($0) }
      guard let count = checkedProduct(shape) else {
        throw FormatError(.invalidValue, "expected the shape of a constant, found \(shape)")
      }
      // Older converters give tensors without a value an empty buffer of their own.
      if content.isEmpty, count != 0 { return nil }
      let type = TensorType(dtype, Shape(shape), quantization: try quantization(of: tensor, subgraph: subgraph))
      if let sparsity = tensor.sparsity {
        let place = SourceLocation(file: path.isEmpty ? nil : path, path: ["subgraphs[\(subgraph)]", "tensors[\(index)]"])
        return try SparseLayout(sparsity, shape).densified(type, content, at: place)
      }
      let source: any ByteSource = dtype == .string ? StringSource(try StringBuffer(content).strings) : content.source
      let result = Tensor(type, source: source)
      try result.validate()
      return result
    }
  }

  /// The value of a tensor without elements whose buffer is left out, as TensorFlow's quantiser leaves it out; `nil` for one that has
  /// elements. Only what nothing computes and nobody feeds has such a value.
  func emptyTensor(_ index: Int, subgraph: Int) throws -> Tensor? {
    try locating(index, subgraph) {
      let tensor = try entry(index, subgraph), shape = (tensor.shape ?? []).map { Int($0) }
      guard !tensor.isVariable, shape.contains(0), shape.allSatisfy({ $0 >= 0 }) else { return nil }
      let dtype = try tensor.dtype()
      let type = TensorType(dtype, Shape(shape), quantization: try quantization(of: tensor, subgraph: subgraph))
      let result = Tensor(type, source: dtype == .string ? StringSource([]) : FlatBytes([UInt8]()).source)
      try result.validate()
      return result
    }
  }

  /// The bytes of a tensor's value, in the file or in another one beside it.
  func content(of tensor: TFLiteTensor) throws -> FlatBytes? {
    guard tensor.externalBuffer != 0 else { return tensor.buffer == 0 ? nil : buffer(Int(tensor.buffer)) }
    guard let external = (model.externalBuffers ?? []).first(where: { $0.id == tensor.externalBuffer }),
      let groups = model.externalBufferGroups, let group = Int(exactly: external.group), groups.indices.contains(group)
    else { throw FormatError(.missingReference, "expected an external buffer, found \(tensor.externalBuffer)") }
    if let packing = external.packing, !packing.isEmpty {
      throw UnsupportedError("\(path): the packing '\(packing)' of external buffers is not known")
    }
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    let file = try MappedFile(path: try containedPath(groups[group].name ?? "", in: directory))
    guard let start = Int(exactly: external.offset), let size = Int(exactly: external.length), start <= file.count,
      size <= file.count - start
    else {
      throw FormatError(.sizeMismatch, "expected \(external.length) bytes at byte \(external.offset), \(file.path) has \(file.count)")
    }
    return FlatBytes(FileSlice(file, start..<(start + size)))
  }
}

extension TFLiteTensor {
  /// - Throws: `FormatError` for a number the schema does not name.
  func dtype() throws -> DType {
    guard let dtype = type.dtype else {
      throw FormatError(.invalidValue, "expected the number of a tensor type, found \(type.rawValue)", at: SourceLocation(path: ["type"]))
    }
    return dtype
  }

  /// The shape with the unknown extents of the shape signature.
  func declaredShape() throws -> Shape {
    let shape = shape ?? []
    let signature = shapeSignature.flatMap { $0.count == shape.count ? $0 : nil } ?? shape
    return .ranked(
      try signature.map { known in
        guard known >= -1 else {
          throw FormatError(.invalidValue, "expected an extent, found \(known)", at: SourceLocation(path: ["shape"]))
        }
        return known == -1 ? .unknown : .fixed(Int(known))
      })
  }
}

extension TFLiteTensorType {
  private static let dtypes: [DType] = [
    .float32, .float16, .int32, .uint8, .int64, .string, .bool, .int16, .complex64, .int8, .float64, .complex128, .uint64,
    .resource, .variant, .uint32, .uint16, .int4, .bfloat16, .int2, .uint4, .float8e4m3fn, .float8e5m2,
  ]

  /// The same type in this package's words; `nil` for a number the schema does not name.
  public var dtype: DType? { Self.dtypes.indices.contains(Int(rawValue)) ? Self.dtypes[Int(rawValue)] : nil }

  /// The schema's word for a dtype; `nil` where it has none.
  public init?(_ dtype: DType) {
    guard let index = Self.dtypes.firstIndex(of: dtype) else { return nil }
    self.init(rawValue: Int8(truncatingIfNeeded: index))
  }
}
