import Foundation
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Fourier transforms. LiteRT makes complex numbers by `RFFT2D` alone: those that ops make of pairs stay the pairs they are.
let fourierWriting: [WritingRule] = [
  .writes(DFTOp.self) { op, x, w in [try writeTransform(op, x, &w)] },
  .writes(ComplexFromPartsOp.self) { op, x, w in
    var pair = try x.required(0)
    guard pair.dtype == .float32, pair.fact.constant == nil else { throw UnsupportedError("complex numbers of \(pair.dtype)") }
    pair.fact = Fact(try w.types(op, x)[0])
    return [pair]
  },
  .writes(ComplexPartsOp.self) { op, x, w in
    let whole = try x.required(0), type = try w.types(op, x)[0]
    if var pair = w.pair(whole) {
      pair.fact = Fact(type)
      return [pair]
    }
    return [try w.parts(whole)]
  },
]

extension OperatorWriter {
  /// The tensor of pairs that stands for complex numbers; `nil` for a tensor of complex numbers.
  fileprivate func pair(_ value: OutValue) -> OutValue? {
    guard value.dtype == .complex64 else { return nil }
    let local = frame.localize(value)
    return frame.entries[local.index].type.dtype == .float32 ? local : nil
  }

  /// - Throws: `UnsupportedError` where complex numbers are asked for that are pairs of floats here.
  func refusePairs(_ values: [OutValue]) throws {
    guard !values.contains(where: { pair($0) != nil }) else { throw UnsupportedError("TFLite makes no complex numbers of floats") }
  }

  /// A part of complex numbers that are pairs of floats here, as one of pairs; `nil` for anything else.
  mutating func slicedPairs(_ op: SliceOp, _ inputs: RuleInputs) throws -> OutValue? {
    guard let pairs = inputs[0].flatMap({ pair($0) }), let dims = inputs[0]?.type.shape.dims else { return nil }
    let type = try types(op, inputs)[0]
    var values = inputs.values, whole = pairs
    whole.fact = Fact(TensorType(.float32, .ranked(dims + [2])))
    values[0] = whole
    if let axes = inputs[3] {
      guard let known = axes.fact.integers else { return nil }
      values[3] = try constant(NDArray(try known.map { Int64(try normalizeAxis($0, rank: dims.count)) }, [known.count]))
    }
    guard var result = try apply(op, to: values).first else { return nil }
    result.fact = Fact(type)
    return result
  }

  /// Real and imaginary parts along a last axis.
  fileprivate mutating func parts(_ whole: OutValue) throws -> OutValue {
    guard whole.dtype == .complex64 else { throw UnsupportedError("parts of \(whole.dtype)") }
    let rank = try self.rank(of: whole), type = TensorType(.float32, whole.type.shape)
    let real = try emit(.real, [whole], as: type), imaginary = try emit(.imag, [whole], as: type)
    return try concat([try unsqueeze(real, [rank]), try unsqueeze(imaginary, [rank])], axis: rank)
  }
}

/// `RFFT2D` for the real transform over a power of two, products with a matrix for any other.
private func writeTransform(_ op: DFTOp, _ inputs: RuleInputs, _ w: inout OperatorWriter) throws -> OutValue {
  let given = try inputs.required(0), result = try w.types(op, inputs)[0]
  guard given.dtype == .float32, let dims = given.type.shape.dims, let parts = dims.last?.value, !(op.onesided && op.inverse) else {
    throw UnsupportedError("a Fourier transform of \(given.type)")
  }
  guard inputs[2] == nil || inputs[2]?.fact.integers != nil else { throw UnsupportedError("a Fourier transform along a computed axis") }
  let rank = dims.count, axis = try normalizeAxis(inputs[2]?.fact.integers?.first ?? op.axis, rank: rank)
  guard axis < rank - 1, let extent = dims[axis].value, inputs[1] == nil || inputs[1]?.fact.integers?.first != nil else {
    throw UnsupportedError("a Fourier transform of unknown length")
  }
  let length = inputs[1]?.fact.integers?.first ?? extent
  guard length >= 1, length <= 4096 else { throw UnsupportedError("a Fourier transform of length \(length)") }
  var x = given
  if extent > length { x = try w.slice(x, axis: axis, start: 0, end: length) }
  if extent < length {
    var after = [Int](repeating: 0, count: rank)
    after[axis] = length - extent
    x = try w.pad(x, before: [Int](repeating: 0, count: rank), after: after)
  }
  // The axis last.
  let order = (0..<(rank - 1)).filter { $0 != axis } + [axis]
  func part(_ index: Int, _ w: inout OperatorWriter) throws -> OutValue {
    let one = try w.squeeze(try w.slice(x, axis: rank - 1, start: index, end: index + 1), [rank - 1])
    return axis == rank - 2 ? one : try w.transpose(one, order)
  }
  let bins = op.onesided ? length / 2 + 1 : length
  var pair: OutValue
  if op.onesided, length > 1, length & (length - 1) == 0 {
    let row = try w.unsqueeze(try part(0, &w), [rank - 2])
    let whole = (row.type.shape.dims ?? []).dropLast() + [.fixed(bins)]
    let spectrum = try w.emit(
      .rfft2d, [row, try w.int32s([1, length])], .rfft2dOptions(Rfft2dOptions()), as: TensorType(.complex64, .ranked(Array(whole))))
    pair = try w.squeeze(try w.parts(spectrum), [rank - 2])
  } else {
    let real = try part(0, &w), imaginary = parts == 2 ? try part(1, &w) : nil
    func matrix(_ value: (Double) -> Double) -> NDArray {
      let scale = op.inverse ? 1 / Double(length) : 1
      let numbers = (0..<length).flatMap { t in
        (0..<bins).map { k in Float(scale * value(2 * Double.pi * Double(t * k % length) / Double(length))) }
      }
      return NDArray(numbers, [length, bins])
    }
    let cosines = try w.constant(matrix { cos($0) }), sines = try w.constant(matrix { op.inverse ? sin($0) : -sin($0) })
    var re = try w.matmul(real, cosines), im = try w.matmul(real, sines)
    if let imaginary {
      re = try w.sub(re, try w.matmul(imaginary, sines))
      im = try w.add(im, try w.matmul(imaginary, cosines))
    }
    pair = try w.concat([try w.unsqueeze(re, [rank - 1]), try w.unsqueeze(im, [rank - 1])], axis: rank - 1)
  }
  if axis != rank - 2 {
    var back = Array(0..<(rank - 2))
    back.insert(rank - 2, at: axis)
    pair = try w.transpose(pair, back + [rank - 1])
  }
  return w.refined(pair, result)
}
