import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// How weights are written.
public struct TFJSWeightOptions: Sendable {
  /// The bytes of a shard; the last one of a group may have fewer.
  public var shardSize: Int
  /// What elements of `float32` are stored as: `float16`, `uint8` or `uint16`.
  public var quantization: DType?

  /// What browsers cache in one piece.
  public static let defaultShardSize = 4 << 20

  public init(shardSize: Int = defaultShardSize, quantization: DType? = nil) {
    self.shardSize = shardSize
    self.quantization = quantization
  }
}

/// Writes weights one after the other into shards, whose borders may fall into the middle of one.
struct ShardWriter {
  let options: TFJSWeightOptions
  private(set) var losses: [Loss] = []

  /// The weights that are quantised; `nil` for all.
  private let quantized: Set<String>?
  /// Whether it is a loss that a weight is stored in another type: where a graph says its type, it is none.
  private let notesTypes: Bool

  init(_ options: TFJSWeightOptions, quantizing quantized: Set<String>? = nil, notesTypes: Bool = true) {
    self.options = options
    self.quantized = quantized
    self.notesTypes = notesTypes
  }

  /// Writes all weights into `directory` as one group.
  /// - Returns: the manifest.
  mutating func write(_ weights: [(name: String, tensor: Tensor)], to directory: String) throws -> JSONValue {
    var stored: [Stored] = []
    for weight in weights { stored.append(try within("weight '\(weight.name)'") { try store(weight.name, weight.tensor) }) }
    let total = stored.reduce(0) { $0 + $1.source.byteCount }
    let size = max(1, options.shardSize)
    let count = (total + size - 1) / size
    let paths = (0..<count).map { "group1-shard\($0 + 1)of\(count).bin" }
    var output: OutputFile?, index = 0
    for source in stored.flatMap({ Self.parts($0.source) }) {
      var position = 0
      while position < source.byteCount {
        let file = try output ?? OutputFile(creating: "\(directory)/\(paths[index])")
        let piece = min(source.byteCount - position, size - file.position)
        try file.append(piece == source.byteCount ? source : source.slice(position..<(position + piece)))
        position += piece
        output = file
        if file.position == size {
          try file.finish()
          output = nil
          index += 1
        }
      }
    }
    try output?.finish()
    return [["paths": .array(paths.map { .string($0) }), "weights": .array(stored.map(\.entry.json))]]
  }

  private static func parts(_ source: any ByteSource) -> [any ByteSource] {
    guard let composite = source as? CompositeSource else { return [source] }
    return composite.parts.flatMap { parts($0) }
  }

  private typealias Stored = (entry: ManifestWeight, source: any ByteSource)

  private mutating func store(_ name: String, _ tensor: Tensor) throws -> Stored {
    let tensor = try representable(tensor, name)
    var entry = ManifestWeight(name: name, dtype: tensor.dtype, shape: tensor.extents)
    if tensor.dtype == .string {
      return (entry, MemorySource(try Self.strings(tensor, name)))
    }
    guard let dtype = options.quantization, tensor.dtype == .float32, quantized?.contains(name) ?? true else {
      return (entry, tensor.source)
    }
    let quantization = try WeightQuantization(fitting: tensor, as: dtype, name: name)
    entry.quantization = quantization
    return (entry, quantization.quantized(tensor))
  }

  /// Strings, each behind its length in four bytes.
  private static func strings(_ tensor: Tensor, _ name: String) throws -> [UInt8] {
    guard let strings = (tensor.source as? StringSource)?.strings else {
      throw FormatError(.invalidStructure, "expected the strings of '\(name)', found bytes")
    }
    var result: [UInt8] = []
    for string in strings {
      guard let length = UInt32(exactly: string.count) else {
        throw UnsupportedError("a string is too long for TensorFlow.js", items: [.init(name)])
      }
      withUnsafeBytes(of: length.littleEndian) { result.append(contentsOf: $0) }
      result += string
    }
    return result
  }

  /// The tensor in a type that TF.js has, converted as tensorflowjs's `write_weights.py` does.
  private mutating func representable(_ tensor: Tensor, _ name: String) throws -> Tensor {
    switch tensor.dtype {
    case .float32, .int32, .bool, .string, .complex64: return tensor
    case .float16, .bfloat16, .float64: return try converted(tensor, to: .float32, name)
    case .int64, .int16, .int8, .uint16, .uint8: return try converted(tensor, to: .int32, name)
    default: throw UnsupportedError("TensorFlow.js has no weights of such types", items: [.init("\(name) of \(tensor.dtype)")])
    }
  }

  private mutating func converted(_ tensor: Tensor, to dtype: DType, _ name: String) throws -> Tensor {
    if tensor.dtype == .int64 {
      var isInside = true
      try tensor.source.forEachChunk { chunk in
        for index in 0..<(chunk.count / 8) where Int32(exactly: chunk.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)) == nil {
          isInside = false
        }
      }
      guard isInside else {
        throw UnsupportedError("TensorFlow.js has no 64-bit integers", items: [.init(name, reason: "it holds values beyond int32")])
      }
    }
    if notesTypes, tensor.dtype == .float64 || tensor.dtype == .int64 {
      losses.append(Loss("the type \(tensor.dtype) of '\(name)'", reason: "TensorFlow.js has \(dtype) for it"))
    }
    return tensor.mapped(to: TensorType(dtype, tensor.extents)) { array in
      try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    }
  }
}
