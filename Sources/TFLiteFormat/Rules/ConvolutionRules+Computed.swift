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
    strides: [Int32], _ padding: TFLitePadding, _ kernel: ValueID, _ bias: ValueID?, _ activation: ActivationFunctionType,
    in g: inout GraphContext
  ) throws -> Computation {
    guard !isQuantized else { throw UnsupportedError("the shape of \(type)'s output is computed") }
    let strides = try window(strides), rank = strides.count
    guard let extents = g.type(of: kernel).shape.extents, extents.count == rank + 2 else {
      throw UnsupportedError("\(type) with filters of unknown extents")
    }
    let window = Array(extents.prefix(rank))
    if let regular = g.regularSpread(
      of: try input(2), by: kernel, to: try input(0), self.padding(padding), strides: strides,
      dilations: Array(repeating: 1, count: rank), .channelsLast)
    {
      let op = ConvTransposeOp(
        strides: strides, padding: regular.padding, outputPadding: regular.extra, layout: .channelsLast, kernelLayout: .spatialOutputInput)
      return Computation(op, [try input(2), kernel, bias], activation: activation)
    }
    let op = ConvTransposeOp(strides: strides, padding: .valid, layout: .channelsLast, kernelLayout: .spatialOutputInput)
    let whole = try g.apply(op, try input(2), kernel)
    let wanted = try g.slice(try int64(0, in: &g), axis: 0, start: 1, end: rank + 1)
    let zero = try g.scalar(0, dtype: .int64)
    var before = try g.ints(Array(repeating: 0, count: rank))
    if padding == .same {
      // As many steps as the convolution that this one turns round would take.
      let step = try g.ints(strides), one = try g.scalar(1, dtype: .int64)
      let steps = try g.div(try g.sub(try g.add(wanted, step), one), step)
      let covered = try g.add(try g.mul(try g.sub(steps, one), step), try g.ints(window))
      before = try g.div(try g.maximum(try g.sub(covered, wanted), zero), try g.scalar(2, dtype: .int64))
    }
    let ends = try g.add(before, wanted)
    let made = try g.apply(ShapeOp(start: 1, end: rank + 1), whole)
    let missing = try g.maximum(try g.sub(ends, made), zero)
    let pads = try g.concat([try g.ints(Array(repeating: 0, count: rank + 3)), missing, try g.ints([0])], axis: 0)
    let filled = try g.apply(PadOp(), whole, pads, try g.scalar(0, like: whole))
    let cut = try g.apply(SliceOp(), filled, before, ends, try g.ints(Array(1...rank)), try g.ints(Array(repeating: 1, count: rank)))
    guard let bias else { return Computation(IdentityOp(), [cut], activation: activation) }
    return Computation(AddOp(), [cut, bias], activation: activation)
  }
}
