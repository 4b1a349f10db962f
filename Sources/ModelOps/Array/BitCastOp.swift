import ModelGraph
import ModelTensor

/// The same bits under another dtype: elements cut into narrower ones gain a last axis, and wider ones take up the last axis.
public struct BitCastOp: PrimitiveOp {
  public static let name = "BitCast"
  public static let family = OpFamily.array
  public var dtype: DType
  public init(to dtype: DType) { self.dtype = dtype }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    let wrong = GraphError(.wrongDType, "BitCast of \(x) to \(dtype)")
    guard let from = x.dtype.bitWidth, let to = dtype.bitWidth, from >= 8, to >= 8 else { throw wrong }
    guard let dims = x.shape.dims, from != to else { return [TensorType(dtype, from == to ? x.shape : .unranked)] }
    if from > to { return [TensorType(dtype, .ranked(dims + [.fixed(from / to)]))] }
    guard let last = dims.last, last.value.map({ $0 == to / from }) ?? true else { throw wrong }
    return [TensorType(dtype, .ranked(Array(dims.dropLast())))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard let from = x.dtype.bitWidth, let to = dtype.bitWidth, from >= 8, to >= 8 else {
      throw ExecutionError(.invalidInput, "BitCast of \(x.type) to \(dtype)")
    }
    if from == to { return [x.reinterpreted(as: dtype)] }
    guard from > to || x.shape.last == to / from else { throw ExecutionError(.shapeMismatch, "BitCast of \(x.type) to \(dtype)") }
    let result = try context.allocate(dtype, from > to ? x.shape + [from / to] : Array(x.shape.dropLast()))
    x.withBytes { source in result.withMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix($0.count))) } }
    return [result]
  }
}
