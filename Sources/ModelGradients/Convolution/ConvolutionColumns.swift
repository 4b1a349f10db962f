import ModelGraph
import ModelOps
import ModelTensor

/// A float type that matrix products are made of.
protocol ProductScalar: BinaryFloatingPoint, ArrayScalar {
  static func gemm(
    _ primitives: any ComputePrimitives, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, _ c: UnsafeMutablePointer<Self>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, beta: Self)
}
extension Float: ProductScalar {
  static func gemm(
    _ primitives: any ComputePrimitives, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, beta: Float
  ) { primitives.gemm(a, b, c, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, alpha: 1, beta: beta) }
}
extension Double: ProductScalar {
  static func gemm(
    _ primitives: any ComputePrimitives, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>,
    m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool, beta: Double
  ) { primitives.gemm(a, b, c, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, alpha: 1, beta: beta) }
}

/// The gradients of a convolution by matrix products: what each window sees is a row of a matrix of columns.
///
/// Images are brought to channels last, weights to `[taps, inputs of a group, outputs]`.
struct ConvolutionColumns {
  let op: ConvOp
  let shape: ConvolutionShape
  let input: (Int, Int, Int), output: (Int, Int, Int), kernel: (Int, Int, Int)
  let stride: (Int, Int, Int), dilation: (Int, Int, Int), before: (Int, Int, Int)
  private let filterShape: [Int]
  /// Of the weights' gradient as it is computed.
  let filterRows: [Int]
  /// The convolution that makes the image's gradient of the result's, where one by the weights turned round does; the shapes of both.
  let back: (shape: ConvolutionShape, turned: [Int], result: [Int])?

  /// - Throws: `ExecutionError.shapeMismatch` unless `g` has the shape of the convolution's result.
  init(_ op: ConvOp, x: [Int], w: [Int], g: [Int]) throws {
    self.op = op
    shape = try op.resolve(x, w)
    filterShape = w
    let expected =
      op.layout == .channelsLast
      ? [shape.batch] + shape.output + [shape.outputChannels] : [shape.batch, shape.outputChannels] + shape.output
    guard g == expected else {
      throw ExecutionError(.shapeMismatch, "the gradient of a convolution has the shape \(g), expected \(expected)")
    }
    func three(_ list: [Int], _ filler: Int) -> (Int, Int, Int) {
      func axis(_ index: Int) -> Int { index < 0 ? filler : list[index] }
      return (axis(list.count - 3), axis(list.count - 2), axis(list.count - 1))
    }
    input = three(shape.input, 1)
    output = three(shape.output, 1)
    kernel = three(shape.kernel, 1)
    stride = three(shape.strides, 1)
    dilation = three(shape.dilations, 1)
    before = three(shape.padding, 0)
    let taps = shape.kernel.reduce(1, *)
    filterRows = [taps * shape.inputChannels / shape.groups, shape.outputChannels]
    back = Self.back(shape, weights: w.reduce(1, *))
  }

  private static func back(_ shape: ConvolutionShape, weights: Int) -> (shape: ConvolutionShape, turned: [Int], result: [Int])? {
    let padding = zip(zip(shape.kernel, shape.dilations), shape.padding).map { ($0.0 - 1) * $0.1 - $1 }
    guard shape.strides.allSatisfy({ $0 == 1 }), padding.allSatisfy({ $0 >= 0 }) else { return nil }
    let turned = ConvolutionShape(
      batch: shape.batch, input: shape.output, kernel: shape.kernel, output: shape.input, strides: shape.strides,
      dilations: shape.dilations, padding: padding, inputChannels: shape.outputChannels, outputChannels: shape.inputChannels,
      groups: shape.groups, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    return (turned, [weights], [shape.batch] + shape.input + [shape.inputChannels])
  }

  /// Runs `body` on float32 or float64 operands, and gives its result the first one's dtype again.
  static func widened(
    _ a: NDArray, _ b: NDArray, op: some Op, in context: ExecutionContext, _ body: (NDArray, NDArray) throws -> NDArray
  ) throws -> NDArray {
    guard a.dtype == b.dtype, a.dtype.isFloatingPoint else {
      throw ExecutionError(.noKernel, "the engine has no kernel for \(op.displayName) of \(a.dtype) and \(b.dtype)")
    }
    if a.dtype == .float32 || a.dtype == .float64 { return try body(a, b) }
    let result = try body(try a.cast(to: .float32, in: context), try b.cast(to: .float32, in: context))
    return try result.cast(to: a.dtype, in: context)
  }

  // MARK: Layouts

  private var rank: Int { shape.input.count + 2 }
  private func channelsLast(_ x: NDArray, in context: ExecutionContext) throws -> NDArray {
    op.layout == .channelsLast
      ? x : try TransposeOp(permutation: [0] + Array(2..<rank) + [1]).evaluate([x], in: context)[0]
  }
  private func restored(_ x: NDArray, in context: ExecutionContext) throws -> NDArray {
    op.layout == .channelsLast
      ? x : try TransposeOp(permutation: [0, rank - 1] + Array(1..<(rank - 1))).evaluate([x], in: context)[0]
  }
  private func packed(_ w: NDArray, in context: ExecutionContext) throws -> NDArray {
    switch op.kernelLayout {
    case .spatialInputOutput: return w
    case .outputInputSpatial: return try TransposeOp(permutation: Array(2..<rank) + [1, 0]).evaluate([w], in: context)[0]
    case .spatialOutputInput:
      return try TransposeOp(permutation: Array(0..<(rank - 2)) + [rank - 1, rank - 2]).evaluate([w], in: context)[0]
    }
  }
  private func unpacked(_ w: NDArray, in context: ExecutionContext) throws -> NDArray {
    switch op.kernelLayout {
    case .spatialInputOutput: return w.reshaped(filterShape)
    case .outputInputSpatial:
      let order = [rank - 1, rank - 2] + Array(0..<(rank - 2))
      return try TransposeOp(permutation: order).evaluate([w.reshaped(shape.kernel + [groupInputs, shape.outputChannels])], in: context)[0]
    case .spatialOutputInput:
      let order = Array(0..<(rank - 2)) + [rank - 1, rank - 2]
      return try TransposeOp(permutation: order).evaluate([w.reshaped(shape.kernel + [groupInputs, shape.outputChannels])], in: context)[0]
    }
  }

  var taps: Int { shape.kernel.reduce(1, *) }
  var pixels: Int { shape.output.reduce(1, *) }
  var inputPixels: Int { shape.input.reduce(1, *) }
  var groupInputs: Int { shape.inputChannels / shape.groups }
  var groupOutputs: Int { shape.outputChannels / shape.groups }
  var isDepthwise: Bool { shape.groups > 1 && groupInputs == 1 }
  /// Whether the columns are the image itself.
  var isPlain: Bool {
    taps == 1 && shape.groups == 1 && shape.input == shape.output && shape.padding.allSatisfy { $0 == 0 }
      && shape.strides.allSatisfy { $0 == 1 }
  }
  /// How many images are taken at once: a few megabytes of columns.
  private var chunk: Int { max(1, min(shape.batch, (1 << 20) / max(1, pixels * taps * groupInputs))) }

  // MARK: Gradients

  func filterGradient(_ x: NDArray, _ g: NDArray, in context: ExecutionContext) throws -> NDArray {
    let x = try channelsLast(x, in: context), g = try channelsLast(g, in: context)
    if let direct = try directFilterGradient(x, g, in: context) { return try unpacked(direct, in: context) }
    let result =
      x.dtype == .float64 ? try filter(x, g, Double.self, in: context) : try filter(x, g, Float.self, in: context)
    return try unpacked(result, in: context)
  }
  func inputGradient(_ g: NDArray, _ w: NDArray, in context: ExecutionContext) throws -> NDArray {
    let g = try channelsLast(g, in: context), w = try packed(w, in: context)
    if let direct = try directInputGradient(g, w, in: context) { return try restored(direct, in: context) }
    let result = g.dtype == .float64 ? try image(g, w, Double.self, in: context) : try image(g, w, Float.self, in: context)
    return try restored(result, in: context)
  }

  private func filter<T: ProductScalar>(_ x: NDArray, _ g: NDArray, _: T.Type, in context: ExecutionContext) throws -> NDArray {
    let depth = taps * groupInputs, outputs = shape.outputChannels
    let result = try context.allocate(T.dtype, [depth, outputs])
    result.withMutable(T.self) { $0.update(repeating: 0) }
    guard x.count > 0, g.count > 0 else { return result }
    let columns = try context.allocate(T.dtype, isPlain || isDepthwise ? [0] : [chunk * pixels, depth])
    let grouped = shape.groups > 1 && !isDepthwise
    let slab = try context.allocate(T.dtype, grouped ? [chunk * pixels, groupOutputs] : [0])
    let part = try context.allocate(T.dtype, grouped ? [depth, groupOutputs] : [0])
    try withPointers(x, g, result, columns, T.self) { x, g, w, columns in
      if isDepthwise { return depthwiseFilter(x, g, w) }
      for start in Swift.stride(from: 0, to: shape.batch, by: chunk) {
        let count = min(chunk, shape.batch - start), rows = count * pixels
        let from = g + start * pixels * outputs
        for group in 0..<shape.groups {
          var seen = UnsafePointer(columns)
          if isPlain { seen = x + start * inputPixels * shape.inputChannels } else { gather(x, columns, start, count, group, context) }
          guard grouped else {
            T.gemm(context.primitives, seen, from, w, m: depth, n: outputs, k: rows, transposeA: true, transposeB: false, beta: 1)
            continue
          }
          slab.withMutable(T.self) { slab in
            part.withMutable(T.self) { part in
              guard let slab = slab.baseAddress, let part = part.baseAddress else { return }
              for r in 0..<rows { (slab + r * groupOutputs).update(from: from + r * outputs + group * groupOutputs, count: groupOutputs) }
              T.gemm(context.primitives, seen, slab, part, m: depth, n: groupOutputs, k: rows, transposeA: true, transposeB: false, beta: 0)
              for d in 0..<depth {
                for o in 0..<groupOutputs { w[d * outputs + group * groupOutputs + o] += part[d * groupOutputs + o] }
              }
            }
          }
        }
      }
    }
    return result
  }

  private func image<T: ProductScalar>(_ g: NDArray, _ w: NDArray, _: T.Type, in context: ExecutionContext) throws -> NDArray {
    let depth = taps * groupInputs, outputs = shape.outputChannels
    let result = try context.allocate(T.dtype, [shape.batch] + shape.input + [shape.inputChannels])
    result.withMutable(T.self) { $0.update(repeating: 0) }
    guard w.count > 0, g.count > 0 else { return result }
    let columns = try context.allocate(T.dtype, isPlain || isDepthwise ? [0] : [chunk * pixels, depth])
    let grouped = shape.groups > 1 && !isDepthwise
    let slab = try context.allocate(T.dtype, grouped ? [chunk * pixels, groupOutputs] : [0])
    let part = try context.allocate(T.dtype, grouped ? [depth, groupOutputs] : [0])
    try withPointers(w, g, result, columns, T.self) { w, g, x, columns in
      if isDepthwise { return depthwiseImage(w, g, x) }
      for start in Swift.stride(from: 0, to: shape.batch, by: chunk) {
        let count = min(chunk, shape.batch - start), rows = count * pixels
        let from = g + start * pixels * outputs
        if isPlain {
          T.gemm(
            context.primitives, from, w, x + start * inputPixels * shape.inputChannels, m: rows, n: depth, k: outputs, transposeA: false,
            transposeB: true, beta: 0)
          continue
        }
        for group in 0..<shape.groups {
          if grouped {
            slab.withMutable(T.self) { slab in
              part.withMutable(T.self) { part in
                guard let slab = slab.baseAddress, let part = part.baseAddress else { return }
                for r in 0..<rows { (slab + r * groupOutputs).update(from: from + r * outputs + group * groupOutputs, count: groupOutputs) }
                for d in 0..<depth { (part + d * groupOutputs).update(from: w + d * outputs + group * groupOutputs, count: groupOutputs) }
                T.gemm(
                  context.primitives, slab, part, columns, m: rows, n: depth, k: groupOutputs, transposeA: false, transposeB: true, beta: 0)
              }
            }
          } else {
            T.gemm(context.primitives, from, w, columns, m: rows, n: depth, k: outputs, transposeA: false, transposeB: true, beta: 0)
          }
          scatter(columns, x, start, count, group, context)
        }
      }
    }
    return result
  }

  private func withPointers<T>(
    _ a: NDArray, _ b: NDArray, _ result: NDArray, _ columns: NDArray, _: T.Type,
    _ body: (UnsafePointer<T>, UnsafePointer<T>, UnsafeMutablePointer<T>, UnsafeMutablePointer<T>) throws -> Void
  ) throws {
    try a.with(T.self) { a in
      try b.with(T.self) { b in
        try result.withMutable(T.self) { y in
          try columns.withMutable(T.self) { columns in
            guard let a = a.baseAddress, let b = b.baseAddress, let y = y.baseAddress, let columns = columns.baseAddress else { return }
            try body(a, b, y, columns)
          }
        }
      }
    }
  }
}
