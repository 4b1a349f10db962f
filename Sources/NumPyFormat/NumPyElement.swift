import ModelSupport
import ModelTensor

/// An element type as numpy spells it: byte order, kind, size.
struct NumPyElement {
  enum Kind {
    case number(DType)
    /// `S`: bytes padded with zeros.
    case bytes
    /// `U`: four-byte code points padded with zeros.
    case text
  }
  let kind: Kind
  let isBigEndian: Bool
  /// Bytes of an element.
  let size: Int

  init(_ descriptor: String) throws {
    let failure = FormatError(.invalidValue, "elements of the type '\(descriptor)' are not read")
    var rest = Substring(descriptor)
    guard let order = rest.popFirst(), "<>|=".contains(order), let letter = rest.popFirst() else { throw failure }
    guard let number = Int(rest), (0...(1 << 20)).contains(number) else {
      if letter == "O" {
        throw FormatError(.invalidValue, "Python objects are not read: they would have to be executed")
      }
      throw failure
    }
    isBigEndian = order == ">"
    switch letter {
    case "S", "a": (kind, size) = (.bytes, number)
    case "U": (kind, size) = (.text, number * 4)
    default:
      guard let dtype = Self.numbers["\(letter)\(number)"] else { throw failure }
      (kind, size) = (.number(dtype), number)
    }
  }

  /// `V2` is what numpy makes of ml_dtypes' bfloat16, whose name it does not write.
  static let numbers: [String: DType] = [
    "b1": .bool, "i1": .int8, "u1": .uint8, "i2": .int16, "u2": .uint16, "i4": .int32, "u4": .uint32, "i8": .int64,
    "u8": .uint64, "f2": .float16, "f4": .float32, "f8": .float64, "c8": .complex64, "c16": .complex128,
    "V2": .bfloat16,
  ]

  /// The elements in `data` as a tensor of `extents`.
  func tensor(_ data: any ByteSource, extents: [Int], count: Int) throws -> Tensor {
    switch kind {
    case .number(let dtype):
      let unit = dtype == .complex64 || dtype == .complex128 ? size / 2 : size
      let source: any ByteSource = isBigEndian && unit > 1 ? SwappedSource(data, unit: unit) : data
      return Tensor(TensorType(dtype, extents), source: source)
    case .bytes, .text:
      var strings: [[UInt8]] = []
      strings.reserveCapacity(count)
      try data.withBytes(in: 0..<data.byteCount) { bytes in
        for index in 0..<count {
          let element = UnsafeRawBufferPointer(rebasing: bytes[(index * size)..<((index + 1) * size)])
          strings.append(string(element))
        }
      }
      return Tensor(NDArray(strings: strings, extents))
    }
  }

  private func string(_ element: UnsafeRawBufferPointer) -> [UInt8] {
    if case .bytes = kind {
      var end = element.count
      while end > 0, element[end - 1] == 0 { end -= 1 }
      return [UInt8](element[..<end])
    }
    var scalars = stride(from: 0, to: element.count, by: 4).map { start -> UInt32 in
      let order = isBigEndian ? [0, 1, 2, 3] : [3, 2, 1, 0]
      return order.reduce(0) { $0 << 8 | UInt32(element[start + $1]) }
    }
    while scalars.last == 0 { scalars.removeLast() }
    var text = String.UnicodeScalarView()
    for scalar in scalars { text.append(Unicode.Scalar(scalar) ?? "\u{FFFD}") }
    return Array(String(text).utf8)
  }
}

/// Numbers of `unit` bytes each with their bytes in the other order.
final class SwappedSource: ByteSource {
  private let base: any ByteSource
  private let unit: Int
  init(_ base: any ByteSource, unit: Int) {
    self.base = base
    self.unit = unit
  }
  var byteCount: Int { base.byteCount }
  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let start = range.lowerBound / unit * unit
    let end = min(byteCount, (range.upperBound + unit - 1) / unit * unit)
    var swapped = [UInt8](repeating: 0, count: end - start)
    try base.withBytes(in: start..<end) { bytes in
      for index in 0..<bytes.count { swapped[index / unit * unit + unit - 1 - index % unit] = bytes[index] }
    }
    let skip = range.lowerBound - start
    try swapped.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[skip..<(skip + range.count)])) }
  }
  func release(_ range: Range<Int>) { base.release(range) }
}
