import ModelGraph
import ModelTensor

/// Serialised `tf.train.Example` messages as tensors (`tensorflow/core/example/example.proto`; TensorFlow `ParseExampleV2`).
///
/// Inputs: the messages, a vector or one alone, and for each dense feature its default, which is empty where there is none. Results:
/// for the sparse features their indices (int64), then their values, then their dense shapes (int64); then the dense features, of
/// shape `[N] + shape`. Features are float32, int64 or string.
public struct ParseExampleOp: PrimitiveOp {
  public static let name = "ParseExample"
  public static let family = OpFamily.text
  public struct Feature: Sendable, Hashable {
    public var key: [UInt8]
    public var dtype: DType
    /// Of one message's elements, where there are always as many.
    public var shape: [Int]
    public init(key: [UInt8], dtype: DType, shape: [Int] = []) {
      self.key = key
      self.dtype = dtype
      self.shape = shape
    }
  }
  public var sparse: [Feature]
  public var dense: [Feature]
  public init(sparse: [Feature], dense: [Feature]) {
    self.sparse = sparse
    self.dense = dense
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == .string, inputs.count == 1 + dense.count else {
      throw GraphError(.wrongInputCount, "ParseExample of \(x) with \(inputs.count - 1) defaults")
    }
    let lead: [Dim]? = x.shape.dims
    let rank = lead.map { .fixed($0.count + 1) } ?? Dim.unknown
    return sparse.map { _ in TensorType(.int64, .ranked([.unknown, rank])) }
      + sparse.map { TensorType($0.dtype, .ranked([.unknown])) } + sparse.map { _ in TensorType(.int64, .ranked([rank])) }
      + dense.map { feature in TensorType(feature.dtype, lead.map { .ranked($0 + feature.shape.map(Dim.fixed)) } ?? .unranked) }
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string, x.rank <= 1, inputs.count == 1 + dense.count else { throw noKernel(x.dtype) }
    let examples = try x.strings.map { try ExampleMessage($0) }
    var indices: [NDArray] = [], values: [NDArray] = [], shapes: [NDArray] = []
    for feature in sparse {
      var places: [Int64] = [], list = FeatureList(feature.dtype), width = 0
      for (row, example) in examples.enumerated() {
        guard let found = try example.feature(feature) else { continue }
        for column in 0..<found.count { places += x.rank == 0 ? [Int64(column)] : [Int64(row), Int64(column)] }
        width = max(width, found.count)
        list.append(found)
      }
      indices.append(NDArray(places, [list.count, x.rank + 1]))
      values.append(list.array([list.count]))
      shapes.append(x.rank == 0 ? NDArray([Int64(width)], [1]) : NDArray([Int64(examples.count), Int64(width)], [2]))
    }
    var whole: [NDArray] = []
    for (place, feature) in dense.enumerated() {
      let size = feature.shape.reduce(1, *), key = String(decoding: feature.key, as: UTF8.self)
      let fallback = try inputs.required(1 + place, of: self)
      var list = FeatureList(feature.dtype)
      for example in examples {
        if let found = try example.feature(feature) {
          guard found.count == size else {
            throw ExecutionError(.invalidValue, "ParseExample: '\(key)' has \(found.count) elements, expected \(size)")
          }
          list.append(found)
        } else {
          guard fallback.dtype == feature.dtype, fallback.count == size || fallback.count == 1, size > 0 || fallback.count > 0 else {
            throw ExecutionError(.invalidValue, "ParseExample: '\(key)' is missing and has no default")
          }
          let own = FeatureList(fallback)
          for _ in 0..<(fallback.count == size ? 1 : size) { list.append(own) }
        }
      }
      whole.append(list.array((x.rank == 0 ? [] : [examples.count]) + feature.shape))
    }
    return indices + values + shapes + whole
  }
}

/// The elements of a feature.
private enum FeatureList {
  case floats([Float])
  case integers([Int64])
  case texts([[UInt8]])

  init(_ dtype: DType) {
    switch dtype {
    case .float32: self = .floats([])
    case .int64: self = .integers([])
    default: self = .texts([])
    }
  }
  init(_ array: NDArray) {
    switch array.dtype {
    case .float32: self = .floats(array.doubles().map { Float($0) })
    case .int64: self = .integers((array.integers() ?? []).map { Int64($0) })
    default: self = .texts(array.strings)
    }
  }
  var count: Int {
    switch self {
    case .floats(let list): list.count
    case .integers(let list): list.count
    case .texts(let list): list.count
    }
  }
  var dtype: DType {
    switch self {
    case .floats: .float32
    case .integers: .int64
    case .texts: .string
    }
  }
  mutating func append(_ other: FeatureList) {
    switch (self, other) {
    case (.floats(let a), .floats(let b)): self = .floats(a + b)
    case (.integers(let a), .integers(let b)): self = .integers(a + b)
    case (.texts(let a), .texts(let b)): self = .texts(a + b)
    default: break
    }
  }
  func array(_ shape: [Int]) -> NDArray {
    switch self {
    case .floats(let list): NDArray(list, shape)
    case .integers(let list): NDArray(list, shape)
    case .texts(let list): NDArray(strings: list, shape)
    }
  }
}

/// The features of one message, each still serialised.
private struct ExampleMessage {
  private var features: [[UInt8]: ArraySlice<UInt8>] = [:]

  init(_ bytes: [UInt8]) throws {
    for (field, content) in try ProtoFields.of(bytes[...]) where field == 1 {
      for (field, entry) in try ProtoFields.of(content.bytes) where field == 1 {
        var key: [UInt8] = [], value: ArraySlice<UInt8> = []
        for (field, content) in try ProtoFields.of(entry.bytes) {
          if field == 1 { key = Array(content.bytes) } else if field == 2 { value = content.bytes }
        }
        features[key] = value
      }
    }
  }

  /// `nil` where the message has no such feature, or an empty one.
  func feature(_ wanted: ParseExampleOp.Feature) throws -> FeatureList? {
    guard let bytes = features[wanted.key], let (kind, list) = try ProtoFields.of(bytes).last else { return nil }
    var floats: [Float] = [], integers: [Int64] = [], texts: [[UInt8]] = []
    for (field, content) in try ProtoFields.of(list.bytes) where field == 1 {
      switch (kind, content) {
      case (1, .bytes(let text)): texts.append(Array(text))
      case (2, .fixed(let bits)): floats.append(Float(bitPattern: bits))
      case (2, .bytes(let packed)): floats += try ProtoFields.floats(packed)
      case (3, .number(let number)): integers.append(Int64(bitPattern: number))
      case (3, .bytes(let packed)): integers += try ProtoFields.numbers(packed)
      default: throw ProtoFields.damaged
      }
    }
    let found: FeatureList = kind == 1 ? .texts(texts) : kind == 2 ? .floats(floats) : .integers(integers)
    guard found.dtype == wanted.dtype else {
      throw ExecutionError(
        .invalidValue, "ParseExample: '\(String(decoding: wanted.key, as: UTF8.self))' holds \(found.dtype), expected \(wanted.dtype)")
    }
    return found
  }
}

/// Just as much of protocol buffers as a message of features needs.
private enum ProtoFields {
  enum Content {
    case number(UInt64)
    case fixed(UInt32)
    case bytes(ArraySlice<UInt8>)
    var bytes: ArraySlice<UInt8> { if case .bytes(let bytes) = self { bytes } else { [] } }
  }
  static var damaged: ExecutionError { ExecutionError(.invalidValue, "ParseExample: a string is no serialised example") }

  static func of(_ bytes: ArraySlice<UInt8>) throws -> [(Int, Content)] {
    var rest = bytes, result: [(Int, Content)] = []
    while !rest.isEmpty {
      let tag = try varint(&rest)
      guard let field = Int(exactly: tag >> 3), field > 0 else { throw damaged }
      switch tag & 7 {
      case 0: result.append((field, .number(try varint(&rest))))
      case 1:
        guard rest.count >= 8 else { throw damaged }
        rest = rest.dropFirst(8)
      case 2:
        guard let count = Int(exactly: try varint(&rest)), count <= rest.count else { throw damaged }
        result.append((field, .bytes(rest.prefix(count))))
        rest = rest.dropFirst(count)
      case 5:
        guard rest.count >= 4 else { throw damaged }
        result.append((field, .fixed(word(rest))))
        rest = rest.dropFirst(4)
      default: throw damaged
      }
    }
    return result
  }
  static func floats(_ packed: ArraySlice<UInt8>) throws -> [Float] {
    guard packed.count % 4 == 0 else { throw damaged }
    return stride(from: 0, to: packed.count, by: 4).map { Float(bitPattern: word(packed.dropFirst($0))) }
  }
  static func numbers(_ packed: ArraySlice<UInt8>) throws -> [Int64] {
    var rest = packed, result: [Int64] = []
    while !rest.isEmpty { result.append(Int64(bitPattern: try varint(&rest))) }
    return result
  }
  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
  private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw damaged }
      if shift < 64 { value |= UInt64(byte & 0x7f) << UInt64(shift) }
      if byte & 0x80 == 0 { return value }
    }
    throw damaged
  }
}
