import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let quantizationRules: [OperatorRule] = [
  .same(.quantize, IdentityOp()),
  .computes(.dequantize) { n, g in
    let x = try n.input(0), type = g.type(of: x)
    guard type.dtype.isFloatingPoint else {
      guard QuantizedType(type) != nil || n.inputTypes.first?.flatMap({ QuantizedType($0) }) != nil else {
        throw UnsupportedError("DEQUANTIZE of \(type.dtype) without a scale")
      }
      return Computation(IdentityOp(), [x])
    }
    // Weights of half precision: converted when they are asked for.
    guard type.dtype != .float32 else { return Computation(IdentityOp(), [x]) }
    if case .parameter(let id) = g.graph[x].definition {
      let wide = n.library.derived(id, [], in: &g.model) { $0.widened }
      return Computation(IdentityOp(), [g.graph.addParameter(wide, of: g.model)])
    }
    return Computation(CastOp(to: .float32), [x])
  },
  .reads(.fakeQuant) { n, g in
    let o = n.options(FakeQuantOptions.self), dtype = g.type(of: try n.input(0)).dtype
    // LiteRT's kernel takes the bytes of whatever it is given for floats.
    guard dtype == .float32 else { throw UnsupportedError("FAKE_QUANT of \(dtype)") }
    guard (2...16).contains(o.numBits) else { throw FormatError(.invalidValue, "FAKE_QUANT to \(o.numBits) bits") }
    let low = try g.constant(NDArray(scalar: o.min)), high = try g.constant(NDArray(scalar: o.max))
    return [try g.apply(FakeQuantOp(bits: Int(o.numBits), narrowRange: o.narrowRange), try n.input(0), low, high)]
  },
  // What is sparse in the file has been spread out.
  .moves(.densify) { n, g in [try g.apply(IdentityOp(), try n.input(0))] },
]

extension Tensor {
  /// The elements as float32, lazily.
  var widened: Tensor {
    mapped(to: TensorType(.float32, type.shape)) { array in
      try array.cast(to: .float32, in: ExecutionContext(primitives: ReferencePrimitives()))
    }
  }
}
