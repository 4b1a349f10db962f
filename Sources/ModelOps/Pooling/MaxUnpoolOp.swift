import ModelGraph
import ModelTensor

/// Puts each element where a max pooling found it, amid zeros. Channels first.
///
/// Inputs: `x`, `indices` (flat in the unpooled tensor), `outputShape?` (integer vector, at least the unpooled extents: zeros
/// are added behind).
public struct MaxUnpoolOp: PrimitiveOp {
  public static let name = "MaxUnpool"
  public static let family = OpFamily.pooling
  public var kernel: [Int]
  public var strides: [Int]
  public var before: [Int]
  public var after: [Int]
  public init(kernel: [Int], strides: [Int] = [], before: [Int] = [], after: [Int] = []) {
    self.kernel = kernel
    self.strides = strides
    self.before = before
    self.after = after
  }
  private func unpooled(_ extent: Int, _ i: Int) -> Int? {
    func at(_ list: [Int], _ fallback: Int) -> Int { i < list.count ? list[i] : fallback }
    let (product, o1) = (extent - 1).multipliedReportingOverflow(by: at(strides, 1))
    let (sum, o2) = product.addingReportingOverflow(at(kernel, 1))
    let (less, o3) = sum.subtractingReportingOverflow(at(before, 0)), (result, o4) = less.subtractingReportingOverflow(at(after, 0))
    return o1 || o2 || o3 || o4 || result < 0 ? nil : result
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    if let given = inputs.optional(2) {
      if let elements = given.elements { return [TensorType(x.dtype, .ranked(elements))] }
      return [TensorType(x.dtype, x.shape.dims.map { .ranked($0.map { _ in .unknown }) } ?? .unranked)]
    }
    guard let dims = x.shape.dims, dims.count == kernel.count + 2 else { return [TensorType(x.dtype, .unranked)] }
    let spatial = dims.dropFirst(2).enumerated().map { i, dim in dim.value.flatMap { unpooled($0, i) }.map(Dim.fixed) ?? .unknown }
    return [TensorType(x.dtype, .ranked(dims.prefix(2) + spatial))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank == kernel.count + 2, let indices = try inputs.required(1, of: self).integers(), indices.count == x.count,
      x.dtype != .string
    else { throw ExecutionError(.shapeMismatch, "MaxUnpool with window \(kernel) of \(x.type)") }
    var shape = Array(x.shape.prefix(2))
    for i in kernel.indices {
      guard let extent = unpooled(x.shape[i + 2], i) else { throw ExecutionError(.invalidValue, "MaxUnpool of \(x.type)") }
      shape.append(extent)
    }
    let result = try context.allocate(x.dtype, shape)
    let size = x.dtype.arrayStride ?? 1
    guard indices.allSatisfy({ $0 >= 0 && $0 < result.count }) else {
      throw ExecutionError(.invalidValue, "MaxUnpool: an index outside \(shape)")
    }
    x.withBytes { source in
      result.withMutableBytes { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress else { return }
        to.initializeMemory(as: UInt8.self, repeating: 0, count: destination.count)
        for (i, place) in indices.enumerated() { (to + place * size).copyMemory(from: from + i * size, byteCount: size) }
      }
    }
    guard let given = inputs.optional(2) else { return [result] }
    guard let wanted = given.integers(), wanted.count == x.rank, zip(wanted, shape).allSatisfy({ $0 >= $1 && $0 < 1 << 32 }) else {
      throw ExecutionError(.shapeMismatch, "MaxUnpool to \(given.integers() ?? []), at least \(shape)")
    }
    let pads = shape.map { _ in Int64(0) } + zip(wanted, shape).map { Int64($0 - $1) }
    return try PadOp(mode: .constant).evaluate([result, NDArray(pads, [pads.count])], in: context)
  }
}
