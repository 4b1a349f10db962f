import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What convolutions and poolings say of their windows: one entry for each axis of the tensor, batch and channels included.
extension NodeReader {
  func flag(_ name: String, or fallback: Bool) throws -> Bool { attribute(name) == nil ? fallback : try flag(name) }
  func float(_ name: String, or fallback: Double) throws -> Double { attribute(name) == nil ? fallback : try float(name) }
  func string(_ name: String, or fallback: String) throws -> String { attribute(name) == nil ? fallback : try string(name) }

  /// `NHWC`, `NDHWC`, `NCHW`, `NCDHW` and their short forms.
  func layout() throws -> DataLayout {
    let format = try string("data_format", or: "NHWC")
    switch format {
    case "NHWC", "NDHWC", "NWC", "channelsLast", "CHANNELS_LAST": return .channelsLast
    case "NCHW", "NCDHW", "NCW", "channelsFirst", "CHANNELS_FIRST": return .channelsFirst
    default: throw UnsupportedError("the data format \(format)")
    }
  }

  /// The spatial entries of a list over all axes; a list of as many as there are spatial axes is taken as it is, none at all as 1s.
  /// - Throws: `UnsupportedError` when the window moves over batch or channels.
  func window(_ name: String, _ rank: Int, _ layout: DataLayout) throws -> [Int] {
    let values = attribute(name) == nil ? [] : try ints(name)
    return try spatial(values, named: name, rank, layout)
  }

  func spatial(_ values: [Int], named name: String, _ rank: Int, _ layout: DataLayout) throws -> [Int] {
    if values.isEmpty { return Array(repeating: 1, count: rank) }
    if values.count == rank, rank != 4 { return try positive(values, name) }
    guard values.count == rank + 2 else {
      throw FormatError(
        .invalidValue, "expected \(rank + 2) numbers, found \(values.count)", at: SourceLocation(path: ["attribute \(name)"]))
    }
    guard values[0] == 1, values[layout.channelAxis(rank: rank + 2)] == 1 else {
      throw UnsupportedError("\(type) whose \(name) moves over batch or channels")
    }
    return try positive(layout.spatialAxes(rank: rank + 2).map { values[$0] }, name)
  }
  private func positive(_ values: [Int], _ name: String) throws -> [Int] {
    guard values.allSatisfy({ $0 > 0 && $0 < 1 << 24 }) else {
      throw FormatError(.invalidValue, "expected positive numbers, found \(values)", at: SourceLocation(path: ["attribute \(name)"]))
    }
    return values
  }

  /// `SAME`, `VALID`, or `EXPLICIT` with `explicit_paddings` (in front and behind, axis by axis).
  func padding(_ rank: Int, _ layout: DataLayout) throws -> Padding {
    switch try string("padding", or: "VALID").uppercased() {
    case "SAME": return .same
    case "VALID": return .valid
    case "EXPLICIT":
      let pads = try ints("explicit_paddings")
      guard pads.count == 2 * (rank + 2) else {
        throw FormatError(
          .invalidValue, "expected \(2 * (rank + 2)) numbers, found \(pads.count)",
          at: SourceLocation(path: ["attribute explicit_paddings"]))
      }
      let axes = Array(layout.spatialAxes(rank: rank + 2))
      return .explicit(before: axes.map { pads[2 * $0] }, after: axes.map { pads[2 * $0 + 1] })
    case let other: throw FormatError(.invalidValue, "unknown padding '\(other)'", at: SourceLocation(path: ["attribute padding"]))
    }
  }
}

extension Array where Element == Int {
  /// The list between the 1s of batch and channels, channels last.
  var overAllAxes: [Int] { [1] + self + [1] }
}

extension NodeWriter {
  /// The value with its axes permuted; a constant is written permuted, its bytes being gathered on the way.
  mutating func permuted(_ value: OutValue, _ order: [Int]) throws -> OutValue {
    if order == Array(0..<order.count) { return value }
    if let tensor = value.foldable, tensor.extents.count == order.count, tensor.dtype.bitWidth ?? 0 >= 8 {
      return try constant(tensor.transposed(order))
    }
    return try transpose(value, order)
  }

  /// A constant of one number everywhere.
  mutating func filled(_ value: Double, _ shape: [Int], _ dtype: DType) throws -> OutValue {
    guard let count = checkedProduct(shape), count <= 1 << 24 else {
      throw UnsupportedError("a constant of the extents \(shape) can't be written")
    }
    let array = NDArray([Double](repeating: value, count: count), shape)
    return try constant(try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
  }
}

typealias Extent = GraphWriting.Extent<OutValue>
