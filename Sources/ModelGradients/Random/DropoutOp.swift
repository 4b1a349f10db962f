import ModelGraph
import ModelOps
import ModelTensor

/// Elements with probability `rate` zero, the others scaled up: TensorFlow's `stateless_dropout`, in one pass.
///
/// Inputs: `x` of float32, the key (uint64 `[1]`), the counter (uint64 `[2]`), as `CounterRandomOp` takes them. `noiseShape` broadcasts
/// to that of `x`. The same key and counter drop the same elements, so nothing is kept for the way back.
public struct DropoutOp: PreparedOp, CompositeOp, LinearRule {
  public static let name = "Dropout"
  public static let family = OpFamily.random
  public var rate: Double
  public var noiseShape: [Int]
  public init(rate: Double, noiseShape: [Int]) {
    self.rate = rate
    self.noiseShape = noiseShape
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.plain] }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .float32, x.count > 0, noiseShape.allSatisfy({ $0 > 0 }), let count = checkedProduct(noiseShape) else {
      var eager = EagerContext(context)
      results = try decompose(inputs, in: &eager)
      return
    }
    let key = try inputs.required(1, of: self), counter = try inputs.required(2, of: self)
    guard key.dtype == .uint64, counter.dtype == .uint64, key.count == 1, counter.count == 2 else {
      throw ExecutionError(.invalidInput, "Dropout takes a key and a counter, found \(key.type) and \(counter.type)")
    }
    let result = try context.allocate(.float32, noiseShape), scale = Float(1 / (1 - rate))
    if noiseShape == x.shape {
      x.with(Float.self) { draw($0.baseAddress, scale, into: result, count, key, counter, in: context) }
      results.append(result)
      return
    }
    // One factor for what is dropped together.
    draw(nil, scale, into: result, count, key, counter, in: context)
    let product = memo.prepared(inputs) { Product() }
    product.inputs[0] = x
    product.inputs[1] = result
    defer { for place in product.inputs.indices { product.inputs[place] = nil } }
    try MulOp().evaluate(product.inputs, in: context, memo: product.memo, into: &results)
  }
  /// Where the operands of a product with factors stand.
  private final class Product {
    let memo = KernelMemo()
    var inputs: [NDArray?] = [nil, nil]
  }

  /// Of what is kept `x` (or 1) times `scale`, else 0.
  private func draw(
    _ x: UnsafePointer<Float>?, _ scale: Float, into result: NDArray, _ count: Int, _ key: NDArray, _ counter: NDArray,
    in context: ExecutionContext
  ) {
    let k = key.with(UInt64.self) { $0[0] }, (c0, c1) = counter.with(UInt64.self) { ($0[0], $0[1]) }
    let limit = Float(rate)
    result.withMutable(Float.self) { ys in
      guard let y = ys.baseAddress else { return }
      nonisolated(unsafe) let (x, to) = (x, y)
      // As many numbers at a time as find room on the stack.
      let side = 64, pieces = (count + 4 * side - 1) / (4 * side)
      context.primitives.parallel(pieces, grain: 64) { range in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * side) { buffer in
          guard let bits = buffer.baseAddress else { return }
          for piece in range {
            let start = piece * 4 * side, length = min(4 * side, count - start)
            let (low, overflow) = c0.addingReportingOverflow(UInt64(piece * side))
            context.primitives.philox(key: k, counter: (low, overflow ? c1 &+ 1 : c1), bits, blocks: (length + 3) / 4)
            for i in 0..<length {
              let isKept = Float(Int32(bitPattern: bits[i] & 0x7F_FFFF)) * 0x1p-23 >= limit
              to[start + i] = isKept ? (x.map { $0[start + i] } ?? 1) * scale : 0
            }
          }
        }
      }
    }
  }

  public func decompose<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count == 3, let x = inputs[0], let key = inputs[1], let counter = inputs[2] else {
      throw GraphError(.wrongInputCount, "Dropout takes a tensor, a key and a counter")
    }
    let dtype = c.type(of: x).dtype
    let noise = try c.apply(CounterRandomOp(.uniform, dtype: dtype), try c.ints(noiseShape), key, counter)
    let isKept = try c.apply(GreaterOrEqualOp(), noise, try c.scalar(rate, like: noise))
    if noiseShape == c.type(of: x).shape.extents {
      return [try c.keep(try c.scaled(x, by: 1 / (1 - rate)), where: isKept)]
    }
    // One factor for what is dropped together.
    return [try c.mul(x, try c.select(isKept, try c.scalar(1 / (1 - rate), like: x), try c.scalar(0, like: x)))]
  }

  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    guard call.inputs.count == 3 else { throw GraphError(.wrongInputCount, "Dropout takes 3 inputs") }
    guard let first = try c.apply(self, to: [g, call.inputs[1], call.inputs[2]]).first else {
      throw GraphError(.invalidStructure, "Dropout without a result")
    }
    return first
  }
}
