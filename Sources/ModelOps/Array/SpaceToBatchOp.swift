import ModelGraph
import ModelTensor

/// Deals the places of the axes behind the first out to the batch: `[N, s₁, …, rest]` padded, then `[b₁·…·N, s₁/b₁, …, rest]`.
///
/// Inputs: `x`, `pads` (int64 `[axes, 2]`: in front, behind).
public struct SpaceToBatchOp: CompositeOp {
  public static let name = "SpaceToBatch"
  public static let family = OpFamily.array
  public var block: [Int]
  public init(block: [Int]) { self.block = block }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 2, let x = inputs[0], let pads = inputs[1] else { throw GraphError(.wrongInputCount, "SpaceToBatch takes pads") }
    let rank = try context.rank(of: x), m = block.count
    guard m >= 1, rank > m, let area = checkedProduct(block), block.allSatisfy({ $0 > 0 }) else {
      throw GraphError(.shapeMismatch, "SpaceToBatch of \(context.type(of: x)) by \(block)")
    }
    // In front of all axes, then behind: nothing around batch and the rest.
    let amounts = try context.transpose(pads, [1, 0])
    let none = try context.constant(NDArray([Int64](repeating: 0, count: 2), [2, 1]))
    let rest = try context.constant(NDArray([Int64](repeating: 0, count: 2 * (rank - m - 1)), [2, rank - m - 1]))
    let all = try context.reshape(try context.concat([none, amounts, rest], axis: 1), [-1])
    let padded = try context.apply(PadOp(), x, all, try context.scalar(0, like: x))
    var shape = [try context.dim(of: padded, 0)], grown = [try context.mul(try context.dim(of: padded, 0), try context.ints([area]))]
    for (axis, size) in block.enumerated() {
      let steps = try context.div(try context.dim(of: padded, axis + 1), try context.ints([size]))
      shape += [steps, try context.ints([size])]
      grown.append(steps)
    }
    for axis in (m + 1)..<max(rank, m + 1) {
      shape.append(try context.dim(of: padded, axis))
      grown.append(try context.dim(of: padded, axis))
    }
    let split = try context.reshape(padded, to: try context.concat(shape, axis: 0))
    let order = (0..<m).map { 2 * $0 + 2 } + [0] + (0..<m).map { 2 * $0 + 1 } + Array((2 * m + 1)..<(rank + m))
    return [try context.reshape(try context.transpose(split, order), to: try context.concat(grown, axis: 0))]
  }
}

/// The inverse of `SpaceToBatchOp`, the result cropped. Inputs: `x`, `crops` (int64 `[axes, 2]`).
public struct BatchToSpaceOp: CompositeOp {
  public static let name = "BatchToSpace"
  public static let family = OpFamily.array
  public var block: [Int]
  public init(block: [Int]) { self.block = block }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 2, let x = inputs[0], let crops = inputs[1] else {
      throw GraphError(.wrongInputCount, "BatchToSpace takes crops")
    }
    let rank = try context.rank(of: x), m = block.count
    guard m >= 1, rank > m, let area = checkedProduct(block), block.allSatisfy({ $0 > 0 }) else {
      throw GraphError(.shapeMismatch, "BatchToSpace of \(context.type(of: x)) by \(block)")
    }
    let batch = try context.div(try context.dim(of: x, 0), try context.ints([area]))
    var shape = try block.map { try context.ints([$0]) } + [batch], grown = [batch], extents: [C.Value] = []
    for (axis, size) in block.enumerated() {
      let steps = try context.dim(of: x, axis + 1)
      shape.append(steps)
      extents.append(try context.mul(steps, try context.ints([size])))
    }
    grown += extents
    for axis in (m + 1)..<max(rank, m + 1) {
      shape.append(try context.dim(of: x, axis))
      grown.append(try context.dim(of: x, axis))
    }
    let split = try context.reshape(x, to: try context.concat(shape, axis: 0))
    let order = [m] + (0..<m).flatMap { [m + 1 + $0, $0] } + Array((2 * m + 1)..<(rank + m))
    let spread = try context.reshape(try context.transpose(split, order), to: try context.concat(grown, axis: 0))
    let columns = try context.transpose(crops, [1, 0])
    let starts = try context.reshape(try context.slice(columns, axis: 0, start: 0, end: 1), [-1])
    let behind = try context.reshape(try context.slice(columns, axis: 0, start: 1, end: 2), [-1])
    let ends = try context.sub(try context.concat(extents, axis: 0), behind), axes = try context.ints(Array(1...m))
    return [try context.apply(SliceOp(), spread, starts, ends, axes)]
  }
}
