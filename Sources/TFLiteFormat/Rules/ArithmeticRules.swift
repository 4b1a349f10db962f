import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arithmeticRules: [OperatorRule] = [
  .computes(.add) { n, _ in Computation(AddOp(), n.inputs, activation: n.options(AddOptions.self).fusedActivationFunction) },
  .computes(.sub) { n, _ in Computation(SubOp(), n.inputs, activation: n.options(SubOptions.self).fusedActivationFunction) },
  .computes(.mul) { n, g in
    let activation = n.options(MulOptions.self).fusedActivationFunction
    guard g.type(of: try n.input(0)).dtype == .complex64 else { return Computation(MulOp(), n.inputs, activation: activation) }
    let a = try n.input(0), b = try n.input(1)
    let x = (try g.part(a, 0), try g.part(a, 1)), y = (try g.part(b, 0), try g.part(b, 1))
    let real = try g.sub(try g.mul(x.0, y.0), try g.mul(x.1, y.1)), imaginary = try g.add(try g.mul(x.0, y.1), try g.mul(x.1, y.0))
    let parts = try [real, imaginary].map { try g.unsqueeze($0, [-1]) }
    return Computation(IdentityOp(), [try g.apply(ComplexFromPartsOp(), try g.concat(parts, axis: -1))])
  },
  .computes(.div) { n, _ in Computation(DivOp(), n.inputs, activation: n.options(DivOptions.self).fusedActivationFunction) },
  // Of quantised tensors the stored numbers are divided, negated, shifted and so on.
  .stored(.floorDiv, FloorDivOp()), .stored(.floorMod, ModOp()), .stored(.bitwiseXor, BitwiseXorOp()), .stored(.neg, NegOp()),
  .same(.pow, PowOp()),
  .same(.maximum, MaximumOp()), .same(.minimum, MinimumOp()), .same(.squaredDifference, SquaredDifferenceOp()),
  .reads(.addN) { n, g in
    var sum = try n.input(0)
    for index in n.inputs.indices.dropFirst() { sum = try g.add(sum, try n.input(index)) }
    return [n.inputs.count == 1 ? try g.apply(IdentityOp(), sum) : sum]
  },
  .same(.atan2, Atan2Op()),
  .same(.abs, AbsOp()), .same(.sign, SignOp()),
  .same(.ceil, CeilOp()), .same(.floor, FloorOp()), .same(.round, RoundOp()),
  .same(.exp, ExpOp()), .same(.log, LogOp()), .same(.sin, SinOp()), .same(.cos, CosOp()),
  .same(.sqrt, SqrtOp()), .same(.rsqrt, RsqrtOp()), .same(.square, SquareOp()),
  .reads(.rightShift) { n, g in
    // Amounts outside the width count as none and as all bits.
    let x = try n.input(0), by = try n.input(1), width = g.type(of: x).dtype.bitWidth ?? 32
    let low = try g.maximum(by, try g.scalar(0, like: by))
    return [try g.apply(BitShiftOp(left: false), x, try g.minimum(low, try g.scalar(Double(width - 1), like: by)))]
  }.onAnyType,
  .reads(.real) { n, g in [try g.part(try n.input(0), 0)] },
  .reads(.imag) { n, g in [try g.part(try n.input(0), 1)] },
  .reads(.complexAbs) { n, g in
    let x = try n.input(0)
    let square = try g.add(try g.apply(SquareOp(), try g.part(x, 0)), try g.apply(SquareOp(), try g.part(x, 1)))
    return [try g.apply(SqrtOp(), square)]
  },
  .reads(.rfft2d) { n, g in
    // The last two axes, cut or filled with zeros to the lengths.
    let x = try n.input(0), rank = try n.rank(0, in: g), lengths = try n.scalars(1, count: 2, in: &g)
    guard rank >= 2 else { throw FormatError(.invalidValue, "RFFT2D of a value of rank \(rank)") }
    let column = try g.unsqueeze(x, [rank])
    let rows = try g.apply(DFTOp(axis: rank - 1, onesided: true), column, lengths[1])
    let both = try g.apply(DFTOp(axis: rank - 2), rows, lengths[0])
    return [try g.apply(ComplexFromPartsOp(), both)]
  },
]

extension OperatorReader {
  /// The elements of a short integer vector, each as an int64 scalar.
  fileprivate func scalars(_ index: Int, count: Int, in g: inout GraphContext) throws -> [ValueID] {
    if let known = g.fact(of: try input(index)).integers, known.count == count {
      return try known.map { try g.constant(NDArray(scalar: Int64($0))) }
    }
    let all = try g.cast(try input(index), to: .int64)
    return try (0..<count).map { try g.reshape(try g.slice(all, axis: 0, start: $0, end: $0 + 1), []) }
  }
}

extension GraphContext {
  /// The real (0) or imaginary (1) parts; of a real tensor itself and zeros.
  mutating func part(_ x: ValueID, _ index: Int) throws -> ValueID {
    guard type(of: x).dtype == .complex64 || type(of: x).dtype == .complex128 else {
      return index == 0 ? try apply(IdentityOp(), x) : try sub(x, x)
    }
    let parts = try apply(ComplexPartsOp(), x), rank = try rank(of: x)
    return try squeeze(try slice(parts, axis: rank, start: index, end: index + 1), [rank])
  }
}
