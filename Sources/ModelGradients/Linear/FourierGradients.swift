import ModelGraph
import ModelOps
import ModelTensor

extension DFTOp: LinearRule {
  /// The conjugate transpose of the transform is the inverse one, up to its factor.
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    let x = try call.x(), from = try c.extents(of: x), to = try c.extents(of: g)
    let given = call.inputs.count > 2 ? call.inputs[2] : nil
    guard given == nil || given.flatMap({ c.fact(of: $0).integers?.first }) != nil else {
      throw GraphError(.missingType, "the axis of a DFT must be known")
    }
    let axis = try normalizeAxis(given.flatMap { c.fact(of: $0).integers?.first } ?? axis, rank: from.count)
    guard !(inverse && onesided) else { throw GraphError(.invalidStructure, "DFT from the bins of a real signal has no gradient") }
    let wanted = call.inputs.count > 1 ? call.inputs[1].flatMap { c.fact(of: $0).integers?.first } : nil
    let length = wanted ?? from[axis]
    func resized(_ value: C.Value, _ extent: Int, _ target: Int) throws -> C.Value {
      if extent > target { return try c.slice(value, axis: axis, start: 0, end: target) }
      var after = [Int](repeating: 0, count: from.count)
      after[axis] = target - extent
      return try c.pad(value, before: after.map { _ in 0 }, after: after)
    }
    let whole = try resized(g, to[axis], length)
    var back = try c.apply(DFTOp(axis: axis, inverse: !inverse), whole)
    back = try c.scaled(back, by: inverse ? 1 / Double(length) : Double(length))
    back = try resized(back, length, from[axis])
    return from[from.count - 1] == 1 ? try c.slice(back, axis: from.count - 1, start: 0, end: 1) : back
  }
}

extension STFTOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count >= 2, let signal = inputs[0], let given = inputs[1], let step = c.fact(of: given).integers?.first, step > 0 else {
      throw GraphError(.missingType, "STFT takes a signal and a step that is known")
    }
    let window = inputs.count > 2 ? inputs[2] : nil, extents = try c.extents(of: signal)
    let told = inputs.count > 3 ? inputs[3].flatMap { c.fact(of: $0).integers?.first } : nil
    guard let length = try told ?? window.map({ try c.extents(of: $0).reduce(1, *) }), length > 0, extents.count == 3, length <= extents[1]
    else {
      throw GraphError(.shapeMismatch, "STFT of \(extents) without a length of the frames")
    }
    let frames = (extents[1] - length) / step + 1
    let places = NDArray((0..<frames).flatMap { frame in (0..<length).map { Int64(frame * step + $0) } }, [frames, length])
    var cut = try c.gather(signal, try c.constant(places), axis: 1)
    if let window { cut = try c.mul(cut, try c.reshaped(window, [length, 1])) }
    return [try c.apply(DFTOp(axis: 2, onesided: onesided), cut)]
  }
}
