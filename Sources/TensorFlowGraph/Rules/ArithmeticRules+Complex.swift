import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Complex numbers, which the canonical ops compute by their parts.
let complexRules: [NodeRule] = [
  .reads("Complex") { n, g in [try g.complex(try n.input(0), try n.input(1))] },
  .reads("Real") { n, g in
    let x = try n.input(0)
    return [g.isComplex(x) ? try g.part(x, 0) : x]
  },
  .reads("Imag") { n, g in
    let x = try n.input(0)
    return [g.isComplex(x) ? try g.part(x, 1) : try g.sub(x, x)]
  },
  .reads("Conj") { n, g in
    let x = try n.input(0)
    return [g.isComplex(x) ? try g.complex(try g.part(x, 0), try g.apply(NegOp(), try g.part(x, 1))) : x]
  },
  .reads("ComplexAbs") { n, g in
    let x = try n.input(0), squares = try g.apply(SquareOp(), try g.apply(ComplexPartsOp(), x))
    return [try g.apply(SqrtOp(), try g.reduce(.sum, squares, axes: [-1]))]
  },
  .reads("Angle") { n, g in
    let x = try n.input(0)
    return [try g.apply(Atan2Op(), try g.part(x, 1), try g.part(x, 0))]
  },
  .writes(ComplexPartsOp.self) { op, inputs, w in
    let x = try inputs.required(0), type = try op.infer([x.fact])[0]
    let part = TensorType(type.dtype, x.type.shape)
    let parts = try ["Real", "Imag"].map { try w.emit($0, [x], ["Tout": try .dtype(type.dtype)], as: part) }
    return [try w.emit("Pack", [parts[0], parts[1]], ["axis": .int(-1)], as: type)]
  },
  .writes(ComplexFromPartsOp.self) { op, inputs, w in
    let x = try inputs.required(0), type = try op.infer([x.fact])[0]
    let parts = try (0..<2).map { try w.squeeze(try w.slice(x, axis: -1, start: $0, end: $0 + 1), [-1]) }
    return [try w.emit("Complex", [parts[0], parts[1]], ["Tout": try .dtype(type.dtype)], as: type)]
  },
  .reads("FFT") { n, g in [try n.transformed(&g, axes: 1, inverse: false)] },
  .reads("FFT2D") { n, g in [try n.transformed(&g, axes: 2, inverse: false)] },
  .reads("FFT3D") { n, g in [try n.transformed(&g, axes: 3, inverse: false)] },
  .reads("IFFT") { n, g in [try n.transformed(&g, axes: 1, inverse: true)] },
  .reads("IFFT2D") { n, g in [try n.transformed(&g, axes: 2, inverse: true)] },
  .reads("IFFT3D") { n, g in [try n.transformed(&g, axes: 3, inverse: true)] },
  .reads("RFFT") { n, g in [try n.realTransform(&g, axes: 1)] },
  .reads("RFFT2D") { n, g in [try n.realTransform(&g, axes: 2)] },
  .reads("RFFT3D") { n, g in [try n.realTransform(&g, axes: 3)] },
  .reads("IRFFT") { n, g in [try n.inverseRealTransform(&g, axes: 1)] },
  .reads("IRFFT2D") { n, g in [try n.inverseRealTransform(&g, axes: 2)] },
  .reads("IRFFT3D") { n, g in [try n.inverseRealTransform(&g, axes: 3)] },
  .writes(DFTOp.self) { op, x, w in [try writeTransform(op, x, &w)] },
]

extension OpContext {
  func isComplex(_ x: Value) -> Bool { type(of: x).dtype == .complex64 || type(of: x).dtype == .complex128 }
  /// The real (0) or imaginary (1) parts.
  mutating func part(_ x: Value, _ index: Int) throws -> Value {
    try squeeze(try slice(try apply(ComplexPartsOp(), x), axis: -1, start: index, end: index + 1), [-1])
  }
  mutating func complex(_ real: Value, _ imaginary: Value) throws -> Value {
    let shapes = [type(of: real).shape, type(of: imaginary).shape]
    var parts = [real, imaginary]
    if shapes[0] != shapes[1] {
      let zero = try scalar(0, like: real)
      parts = [try add(real, try mul(imaginary, zero)), try add(imaginary, try mul(real, zero))]
    }
    return try apply(ComplexFromPartsOp(), try concat(try parts.map { try unsqueeze($0, [-1]) }, axis: -1))
  }

  /// `Cast`, whose complex results have no imaginary part, and which drops that of complex numbers.
  mutating func complexCast(_ x: Value, to dtype: DType) throws -> Value {
    guard dtype != type(of: x).dtype else { return x }
    let isWhole = dtype == .complex64 || dtype == .complex128, part: DType = dtype == .complex64 ? .float32 : .float64
    switch (isComplex(x), isWhole) {
    case (false, false): return try cast(x, to: dtype)
    case (true, false): return try cast(try self.part(x, 0), to: dtype)
    case (true, true): return try apply(ComplexFromPartsOp(), try cast(try apply(ComplexPartsOp(), x), to: part))
    case (false, true):
      // Not `x − x`, which is no zero where `x` isn't finite.
      let real = try cast(x, to: part), zero = try cast(try apply(NotEqualOp(), real, real), to: part)
      return try complex(real, try mul(zero, try scalar(0, like: zero)))
    }
  }

  /// `a + b`, `a − b`, `a · b` and `a / b` of complex numbers.
  mutating func complexArithmetic(_ sign: Character, _ a: Value, _ b: Value) throws -> Value {
    let x = (try part(a, 0), try part(a, 1)), y = (try part(b, 0), try part(b, 1))
    switch sign {
    case "+": return try complex(try add(x.0, y.0), try add(x.1, y.1))
    case "-": return try complex(try sub(x.0, y.0), try sub(x.1, y.1))
    case "*": return try complex(try sub(try mul(x.0, y.0), try mul(x.1, y.1)), try add(try mul(x.0, y.1), try mul(x.1, y.0)))
    default:
      let size = try add(try apply(SquareOp(), y.0), try apply(SquareOp(), y.1))
      let real = try add(try mul(x.0, y.0), try mul(x.1, y.1)), imaginary = try sub(try mul(x.1, y.0), try mul(x.0, y.1))
      return try complex(try div(real, size), try div(imaginary, size))
    }
  }
}

extension NodeReader {
  fileprivate func transformed(_ g: inout GraphContext, axes: Int, inverse: Bool) throws -> ValueID {
    var parts = try g.apply(ComplexPartsOp(), try input(0))
    for axis in 0..<axes { parts = try g.apply(DFTOp(axis: -2 - axis, inverse: inverse), parts) }
    return try g.apply(ComplexFromPartsOp(), parts)
  }

  private func length(_ index: Int, _ g: inout GraphContext) throws -> ValueID {
    try g.reshape(try g.slice(try g.cast(try input(1), to: .int64), axis: 0, start: index, end: index + 1), [])
  }

  /// The last axis onesided, then the others.
  fileprivate func realTransform(_ g: inout GraphContext, axes: Int) throws -> ValueID {
    let real = try g.unsqueeze(try input(0), [-1])
    var parts = try g.apply(DFTOp(axis: -2, onesided: true), real, try length(axes - 1, &g))
    for axis in 1..<max(1, axes) { parts = try g.apply(DFTOp(axis: -2 - axis), parts, try length(axes - 1 - axis, &g)) }
    return try g.apply(ComplexFromPartsOp(), parts)
  }

  fileprivate func inverseRealTransform(_ g: inout GraphContext, axes: Int) throws -> ValueID {
    var parts = try g.apply(ComplexPartsOp(), try input(0))
    for axis in (1..<max(1, axes)).reversed() {
      parts = try g.apply(DFTOp(axis: -2 - axis, inverse: true), parts, try length(axes - 1 - axis, &g))
    }
    parts = try g.apply(DFTOp(axis: -2, inverse: true, onesided: true), parts, try length(axes - 1, &g))
    return try g.squeeze(parts, [-1])
  }
}

/// Along any axis, by turning it to the end.
private func writeTransform(_ op: DFTOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let x = try inputs.required(0), rank = try w.rank(of: x), real = x.type.dtype
  guard real == .float32 || real == .float64, let parts = x.type.shape.dims?.last?.value else {
    throw UnsupportedError("a Fourier transform of \(x.type)")
  }
  let complex = try TensorType(ComplexFromPartsOp().infer([Fact(TensorType(real, Shape([2])))])[0].dtype, .unranked)
  var given = op.axis
  if let value = inputs[2] {
    guard let known = value.fact.integers?.first else { throw UnsupportedError("a Fourier transform along a computed axis") }
    given = known
  }
  let axis = try normalizeAxis(given, rank: rank)
  guard axis < rank - 1 else { throw UnsupportedError("a Fourier transform along the parts") }
  var order = Array(0..<(rank - 1))
  order.swapAt(axis, rank - 2)
  var value = parts == 1 ? try w.squeeze(x, [-1]) : try w.apply(ComplexFromPartsOp(), x)
  let moved = order != Array(0..<(rank - 1))
  if moved { value = try w.transpose(value, order) }
  let extent = try inputs[1].map { try w.reshape(try w.cast($0, to: .int32), [1]) }
  func own() throws -> OutValue { try w.int32s([try w.extent(of: value, rank - 2)]) }
  if op.onesided, !op.inverse {
    value = try w.emit("RFFT", [value, try extent ?? own()], ["Tcomplex": try .dtype(complex.dtype)], as: complex)
  } else if op.onesided {
    guard let extent else { throw UnsupportedError("an inverse Fourier transform to an untold length") }
    value = try w.emit("IRFFT", [value, extent], ["Treal": try .dtype(real)], as: TensorType(real, .unranked))
  } else {
    guard extent == nil else { throw UnsupportedError("a Fourier transform that cuts its input") }
    if parts == 1 {
      let zero = try w.sub(value, value)
      value = try w.emit("Complex", [value, zero], ["Tout": try .dtype(complex.dtype)], as: TensorType(complex.dtype, value.type.shape))
    }
    value = try w.emit(op.inverse ? "IFFT" : "FFT", [value])
  }
  value.fact = Fact(TensorType(value.type.dtype, .ranked(Array(repeating: .unknown, count: rank - 1))))
  if moved { value = try w.transpose(value, order) }
  return op.inverse && op.onesided ? try w.unsqueeze(value, [-1]) : try w.apply(ComplexPartsOp(), value)
}
