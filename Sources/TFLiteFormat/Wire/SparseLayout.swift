import FlatBufferWire
import ModelSupport
import ModelTensor

/// Where the values of a sparse tensor belong: levels from the outermost to the innermost, each dense or with a list of the
/// indices that are there, as the TACO format has them. Blocks are levels of their own.
struct SparseLayout {
  private enum Level {
    case dense(Int)
    case compressed(segments: [Int], indices: [Int])
  }
  private let levels: [Level]
  /// What one step of a level moves in the dense tensor.
  private let strides: [Int]

  /// A sparse tensor that grows beyond this may expand its bytes at most `maximumExpansion` times.
  static let expansionFloor = 256 << 20
  static let maximumExpansion = 1000

  /// - Throws: `FormatError` when the levels do not describe a tensor of `shape`.
  init(_ sparsity: SparsityParameters, _ shape: [Int]) throws {
    let rank = shape.count
    let order = (sparsity.traversalOrder ?? []).map { Int($0) }
    let blocks = (sparsity.blockMap ?? []).map { Int($0) }
    let metadata = sparsity.dimMetadata ?? []
    guard order.count == metadata.count, order.count == rank + blocks.count, order.sorted() == Array(0..<order.count),
      order.prefix(rank).allSatisfy({ $0 < rank }), Set(blocks).count == blocks.count, blocks.allSatisfy(shape.indices.contains)
    else {
      throw FormatError(
        .invalidStructure,
        "expected sparsity of a tensor of rank \(rank), found the order \(order) of \(metadata.count) dimensions, blocks \(blocks)",
        at: SourceLocation(path: ["sparsity"]))
    }
    // The size of a block along each axis.
    var blockSizes = [Int](repeating: 1, count: rank)
    for (level, dimension) in order.enumerated() where dimension >= rank {
      blockSizes[blocks[dimension - rank]] = Int(metadata[level].denseSize)
    }
    var steps = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { steps[axis] = steps[axis + 1] &* shape[axis + 1] }
    var levels: [Level] = [], strides: [Int] = []
    for (number, dimension) in order.enumerated() {
      let axis = dimension < rank ? dimension : blocks[dimension - rank]
      let block = blockSizes[axis]
      guard block > 0, shape[axis] % block == 0 else {
        throw FormatError(
          .invalidValue, "expected blocks that divide \(shape[axis]), found \(block)", at: SourceLocation(path: ["sparsity"]))
      }
      let extent = dimension < rank ? shape[axis] / block : block
      strides.append(dimension < rank ? steps[axis] &* block : steps[axis])
      levels.append(try within("sparsity", { try within("dim_metadata[\(number)]") { try Self.level(metadata[number], extent: extent) } }))
    }
    (self.levels, self.strides) = (levels, strides)
  }

  private static func level(_ metadata: DimensionMetadata, extent: Int) throws -> Level {
    switch metadata.format {
    case .dense:
      guard metadata.denseSize == extent else {
        throw FormatError(.sizeMismatch, "expected a dense dimension of \(extent), found \(metadata.denseSize)")
      }
      return .dense(extent)
    case .sparseCsr:
      let segments = try metadata.arraySegments.values(), indices = try metadata.arrayIndices.values()
      guard segments.first ?? 0 == 0, (segments.last ?? 0) <= indices.count, zip(segments, segments.dropFirst()).allSatisfy({ $0 <= $1 }),
        indices.allSatisfy({ (0..<extent).contains($0) })
      else {
        throw FormatError(.invalidValue, "expected rising segments of indices below \(extent), found others")
      }
      return .compressed(segments: segments, indices: indices)
    default:
      throw FormatError(.invalidValue, "expected a dense or a sparse dimension, found the format \(metadata.format.rawValue)")
    }
  }

  /// The dense tensor, made when its bytes are asked for.
  /// - Parameter place: where errors say that it stands.
  func densified(_ type: TensorType, _ content: FlatBytes, at place: SourceLocation) throws -> Tensor {
    guard let bits = type.dtype.bitWidth, bits >= 8, let size = type.shape.elementCount.flatMap({ type.dtype.byteCount(of: $0) }) else {
      throw UnsupportedError("sparse tensors of the type \(type.dtype) are not supported")
    }
    guard size <= Self.expansionFloor || size / Self.maximumExpansion <= content.count else {
      throw FormatError(
        .limitExceeded, "expected a sparse tensor of \(content.count) bytes to expand at most \(Self.maximumExpansion) times")
    }
    return Tensor(computing: type) {
      let array = NDArray(zeros: type.dtype, type.shape.extents ?? [])
      try content.source.withBytes(in: 0..<content.count) { values in
        try array.withMutableBytes { dense in
          var next = 0
          do { try fill(level: 0, position: 0, offset: 0, width: bits / 8, values, &next, dense) } catch var error as FormatError {
            error.location = place
            throw error
          }
        }
      }
      return array
    }
  }

  private func fill(
    level: Int, position: Int, offset: Int, width: Int, _ values: UnsafeRawBufferPointer, _ next: inout Int,
    _ dense: UnsafeMutableRawBufferPointer
  ) throws {
    guard level < levels.count else {
      guard (next + 1) * width <= values.count, (offset + 1) * width <= dense.count else {
        throw FormatError(.sizeMismatch, "expected more than the \(values.count) bytes of a sparse tensor's values")
      }
      for byte in 0..<width { dense[offset * width + byte] = values[next * width + byte] }
      next += 1
      return
    }
    switch levels[level] {
    case .dense(let extent):
      for index in 0..<extent {
        try fill(
          level: level + 1, position: position * extent + index, offset: offset + index * strides[level], width: width, values, &next, dense
        )
      }
    case .compressed(let segments, let indices):
      guard position + 1 < segments.count else { return }
      for place in segments[position]..<segments[position + 1] {
        try fill(
          level: level + 1, position: place, offset: offset + indices[place] * strides[level], width: width, values, &next, dense)
      }
    }
  }
}

extension SparseIndexVector {
  fileprivate func values() throws -> [Int] {
    switch self {
    case .int32Vector(let vector): (vector.values ?? []).map { Int($0) }
    case .uint16Vector(let vector): (vector.values ?? []).map { Int($0) }
    case .uint8Vector(let vector): try vector.values?.bytes().map { Int($0) } ?? []
    case .none, .unknown: throw FormatError(.invalidStructure, "expected the indices of a sparse dimension, found none")
    }
  }
}
