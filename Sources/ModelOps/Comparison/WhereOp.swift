import ModelGraph
import ModelTensor

/// `condition ? a : b`, element by element; all three broadcast.
public struct WhereOp: PreparedOp {
  public static let name = "Where"
  public static let family = OpFamily.comparison
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let a = try inputs.required(1, of: self), b = try inputs.required(2, of: self)
    guard a.type.dtype == b.type.dtype else { throw GraphError(.wrongDType, "Where of \(a.type) and \(b.type)") }
    return [TensorType(a.type.dtype, try broadcast([try inputs.required(0, of: self).type.shape, a.type.shape, b.type.shape]))]
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard inputs.count == 3, let condition = inputs[0]?.constant, let choices = try? condition.array().integers(),
      let a = inputs[1]?.elements, let b = inputs[2]?.elements, a.count == b.count, choices.count == a.count
    else { return [nil] }
    return [choices.indices.map { choices[$0] != 0 ? a[$0] : b[$0] }]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let condition = try inputs.required(0, of: self), a = try inputs.required(1, of: self), b = try inputs.required(2, of: self)
    guard condition.dtype == .bool, a.dtype == b.dtype else {
      throw ExecutionError(.invalidInput, "Where of \(condition.dtype), \(a.dtype) and \(b.dtype)")
    }
    let walk = try memo.prepared(inputs) { try BroadcastWalk([condition.shape, a.shape, b.shape]) }
    let stepC = walk.steps[0].last ?? 0, stepA = walk.steps[1].last ?? 0, stepB = walk.steps[2].last ?? 0
    if a.dtype == .string {
      let x = a.strings, y = b.strings, c = condition.values(Bool.self)
      var out = [[UInt8]](repeating: [], count: walk.shape.reduce(1, *))
      walk.forEachRun { place, o, length in
        for i in 0..<length { out[place + i] = c[o[0] + i * stepC] ? x[o[1] + i * stepA] : y[o[2] + i * stepB] }
      }
      results.append(NDArray(strings: out, walk.shape))
      return
    }
    let result = try context.allocate(a.dtype, walk.shape)
    func select<T>(_: T.Type) {
      condition.with(UInt8.self) { c in
        a.with(T.self) { x in
          b.with(T.self) { y in
            result.withMutable(T.self) { z in
              if condition.count == result.count, a.count == result.count, b.count == 1, result.count > 0 {
                let other = y[0]
                for i in 0..<result.count { z[i] = c[i] != 0 ? x[i] : other }
                return
              }
              walk.forEachRun { place, o, length in
                for i in 0..<length { z[place + i] = c[o[0] + i * stepC] != 0 ? x[o[1] + i * stepA] : y[o[2] + i * stepB] }
              }
            }
          }
        }
      }
    }
    switch a.dtype.arrayStride {
    case 1: select(UInt8.self)
    case 2: select(UInt16.self)
    case 4: select(UInt32.self)
    case 8: select(UInt64.self)
    default: throw noKernel(a.dtype)
    }
    results.append(result)
  }
}
