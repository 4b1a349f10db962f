import ModelGraph
import ModelTensor

/// The characters of each string (UTF-8; what is none is U+FFFD).
///
/// Results as those of `StringSplitOp`: the characters, padded with empty strings along a new last axis; how many there are (int64).
public struct CharacterSplitOp: PrimitiveOp {
  public static let name = "CharacterSplit"
  public static let family = OpFamily.text
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try StringSplitOp().infer(inputs) }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let parts = x.strings.map { String(decoding: $0, as: UTF8.self).unicodeScalars.map { Array(String($0).utf8) } }
    let width = parts.map(\.count).max() ?? 0
    guard let total = checkedProduct(x.shape + [width]), total <= 1 << 28 else {
      throw ExecutionError(.limitExceeded, "CharacterSplit of \(x.type) into \(width) parts")
    }
    var out: [[UInt8]] = []
    out.reserveCapacity(total)
    for list in parts { out += list + Array(repeating: [], count: width - list.count) }
    return [NDArray(strings: out, x.shape + [width]), NDArray(parts.map { Int64($0.count) }, x.shape)]
  }
}

/// The code points of each string of a vector, one after the other: the places where each string's begin, and the total behind them;
/// the code points, int32 (TensorFlow `UnicodeDecode` of UTF-8; what is none is U+FFFD).
public struct UnicodeDecodeOp: PrimitiveOp {
  public static let name = "UnicodeDecode"
  public static let family = OpFamily.text
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let rows = try inputs.required(0, of: self).type.shape.dims?.first?.value
    return [
      TensorType(.int64, .ranked([rows.map { .fixed($0 + 1) } ?? .unknown])), TensorType(.int32, .ranked([.unknown])),
    ]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    var splits: [Int64] = [0], points: [Int32] = []
    for text in x.strings {
      points += String(decoding: text, as: UTF8.self).unicodeScalars.map { Int32($0.value) }
      splits.append(Int64(points.count))
    }
    return [NDArray(splits, [splits.count]), NDArray(points, [points.count])]
  }
}

/// Strings in UTF-8 of code points; `splits` tells where each begins (TensorFlow `UnicodeEncode`; what is none is U+FFFD).
public struct UnicodeEncodeOp: PrimitiveOp {
  public static let name = "UnicodeEncode"
  public static let family = OpFamily.text
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let splits = try inputs.required(1, of: self).type.shape.dims?.first?.value
    return [TensorType(.string, .ranked([splits.map { .fixed(max(0, $0 - 1)) } ?? .unknown]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    guard let points = try inputs.required(0, of: self).integers(), let splits = try inputs.required(1, of: self).integers() else {
      throw ExecutionError(.invalidInput, "UnicodeEncode takes integers")
    }
    var out: [[UInt8]] = []
    for (start, end) in zip(splits, splits.dropFirst()) {
      guard 0 <= start, start <= end, end <= points.count else {
        throw ExecutionError(.invalidValue, "UnicodeEncode: \(start)..<\(end) of \(points.count) code points")
      }
      out.append(
        points[start..<end].flatMap { point in
          Array(String(UInt32(exactly: point).flatMap(Unicode.Scalar.init) ?? "\u{fffd}").utf8)
        })
    }
    return [NDArray(strings: out, [out.count])]
  }
}
