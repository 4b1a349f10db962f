import ModelGraph
import ModelSupport
import ModelTensor

extension Col2ImOp: SpelledOp {
  /// A transposed convolution whose filters are each one at their own place of the block: `[N·C, blocks…, Πblock]` to `[N·C, image…, 1]`.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard inputs.count == 3, let x = inputs[0], let image = inputs[1].flatMap({ context.fact(of: $0).integers }),
      let block = inputs[2].flatMap({ context.fact(of: $0).integers }), block.count == image.count, (1...3).contains(image.count),
      let taps = checkedProduct(block), (1...(1 << 12)).contains(taps), let dims = context.type(of: x).shape.dims, dims.count == 3,
      let rows = dims[1].value, rows > 0, rows % taps == 0
    else { return nil }
    let n = image.count, zeros = [Int](repeating: 0, count: n), front = before.isEmpty ? zeros : before
    let geometry = try WindowGeometry(
      input: image, kernel: block, strides: strides, dilations: dilations,
      padding: .explicit(before: front, after: after.isEmpty ? zeros : after), op: self)
    guard geometry.output.allSatisfy({ $0 > 0 }), (0..<n).allSatisfy({ geometry.strides[$0] < 1 << 20 && geometry.dilations[$0] < 1 << 20 })
    else { return nil }
    // What the blocks cover beyond the image is cut off, what they do not reach stays zero.
    var beyond: [Int] = []
    for i in 0..<n {
      let blocks = (geometry.output[i] - 1) * geometry.strides[i], last = (block[i] - 1) * geometry.dilations[i] + 1
      beyond.append(blocks + last - front[i] - image[i])
    }
    var filters = [Float](repeating: 0, count: taps * taps)
    for tap in 0..<taps { filters[tap * taps + tap] = 1 }
    let kernel = try NDArray(filters, block + [1, taps]).cast(
      to: context.type(of: x).dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    let op = ConvTransposeOp(
      strides: geometry.strides, dilations: geometry.dilations,
      padding: .explicit(before: front, after: beyond.map { max(0, $0) }), outputPadding: beyond.map { max(0, -$0) },
      layout: .channelsLast, kernelLayout: .spatialOutputInput)
    // Channels last, which every target has.
    let blocks = try context.reshape(x, [-1, taps] + geometry.output)
    let y = try context.apply(op, try context.transpose(blocks, [0] + (2..<(n + 2)) + [1]), try context.constant(kernel))
    return [try context.reshape(y, [dims[0].value ?? -1, rows / taps] + image)]
  }
}
