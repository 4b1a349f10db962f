import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import TensorFlowGraph

extension OperatorReader {
  /// Whether the extents that a transposed convolution is to have, input 0, are known beforehand.
  func knowsExtents(rank: Int, in g: GraphContext) throws -> Bool {
    guard let elements = g.fact(of: try input(0)).elements, elements.count == rank + 2 else { return false }
    return elements[1...rank].allSatisfy { $0.value != nil }
  }

  /// A transposed convolution to extents that are computed: all of what is spread, cut to them where the padding says, and filled
  /// up with zeros where they reach further. Extents that are its input's, scaled as Keras does it, need none of that.
  ///
  ///     x ── ConvTranspose(valid) ── Pad ── Slice(before, before + extents) ── Add(bias)
  func transposedToComputed(
    strides: [Int32], dilations: [Int32], _ padding: TFLitePadding, _ kernel: ValueID, _ bias: ValueID?,
    _ activation: ActivationFunctionType, in g: inout GraphContext
  ) throws -> Computation {
    let strides = try window(strides), dilations = try window(dilations), rank = strides.count
    guard let extents = g.type(of: kernel).shape.extents, extents.count == rank + 2 else {
      throw UnsupportedError("\(type) with filters of unknown extents")
    }
    let window = zip(extents, dilations).map { ($0 - 1) * $1 + 1 }
    if let regular = g.regularSpread(
      of: try input(2), by: kernel, to: try input(0), self.padding(padding), strides: strides,
      dilations: dilations, .channelsLast)
    {
      let op = ConvTransposeOp(
        strides: strides, dilations: dilations, padding: regular.padding, outputPadding: regular.extra, layout: .channelsLast,
        kernelLayout: .spatialOutputInput)
      return Computation(op, [try input(2), kernel, bias], activation: activation)
    }
    // Stored numbers have the bias in them, also those beyond the last element that anything is spread to.
    let beyond = isQuantized ? strides.map { $0 - 1 } : []
    let op = ConvTransposeOp(
      strides: strides, dilations: dilations, padding: .valid, outputPadding: beyond, layout: .channelsLast,
      kernelLayout: .spatialOutputInput)
    if isQuantized {
      let shape = try int64(0, in: &g), (before, ends) = try bounds(shape, window, strides, padding, in: &g)
      return Computation(op, [try input(2), kernel, bias], activation: activation) { whole, g in
        let axes = try g.ints(Array(1...rank)), steps = try g.ints(Array(repeating: 1, count: rank))
        return try g.apply(ReshapeOp(allowZero: true), try g.apply(SliceOp(), whole, before, ends, axes, steps), shape)
      }
    }
    let whole = try g.apply(op, try input(2), kernel)
    let (before, ends) = try bounds(try int64(0, in: &g), window, strides, padding, in: &g)
    let zero = try g.scalar(0, dtype: .int64)
    let made = try g.apply(ShapeOp(start: 1, end: rank + 1), whole)
    let missing = try g.maximum(try g.sub(ends, made), zero)
    let pads = try g.concat([try g.ints(Array(repeating: 0, count: rank + 3)), missing, try g.ints([0])], axis: 0)
    let filled = try g.apply(PadOp(), whole, pads, try g.scalar(0, like: whole))
    let cut = try g.apply(SliceOp(), filled, before, ends, try g.ints(Array(1...rank)), try g.ints(Array(repeating: 1, count: rank)))
    guard let bias else { return Computation(IdentityOp(), [cut], activation: activation) }
    return Computation(AddOp(), [cut, bias], activation: activation)
  }
  /// Where the part with the computed extents `shape`, `[N, space…, C]`, begins and ends in all that is spread.
  private func bounds(
    _ shape: ValueID, _ window: [Int], _ strides: [Int], _ padding: TFLitePadding, in g: inout GraphContext
  ) throws -> (before: ValueID, ends: ValueID) {
    let rank = strides.count, wanted = try g.slice(shape, axis: 0, start: 1, end: rank + 1), zero = try g.scalar(0, dtype: .int64)
    guard padding == .same else { return (try g.ints(Array(repeating: 0, count: rank)), wanted) }
    // As many steps as the convolution that this one turns round would take.
    let step = try g.ints(strides), one = try g.scalar(1, dtype: .int64)
    let steps = try g.div(try g.sub(try g.add(wanted, step), one), step)
    let covered = try g.add(try g.mul(try g.sub(steps, one), step), try g.ints(window))
    let before = try g.div(try g.maximum(try g.sub(covered, wanted), zero), try g.scalar(2, dtype: .int64))
    return (before, try g.add(before, wanted))
  }
}
