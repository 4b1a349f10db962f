import ModelGraph
import ModelTensor

/// The same elements under another shape.
///
/// Inputs: `x`, `shape` (int64 vector). One entry may be −1 and is inferred; 0 copies the extent of
/// `x` there, unless `allowZero` (ONNX Reshape).
public struct ReshapeOp: PreparedOp {
  public static let name = "Reshape"
  public static let family = OpFamily.array
  public var allowZero: Bool
  public init(allowZero: Bool = false) { self.allowZero = allowZero }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self), shape = try inputs.required(1, of: self)
    guard let wanted = shape.elements else {
      guard let rank = shape.type.shape.dims?.first?.value, rank <= 64 else { return [TensorType(x.type.dtype, .unranked)] }
      return [TensorType(x.type.dtype, .ranked(Array(repeating: .unknown, count: rank)))]
    }
    var dims: [Dim] = []
    var hole: Int?
    for (index, entry) in wanted.enumerated() {
      switch entry {
      case .fixed(0) where !allowZero: dims.append(x.type.shape.dims.flatMap { index < $0.count ? $0[index] : nil } ?? .unknown)
      case .fixed(-1):
        guard hole == nil else { throw GraphError(.invalidAttribute, "Reshape infers one extent, found two −1 in \(wanted)") }
        hole = index
        dims.append(.unknown)
      case .fixed(let n) where n < 0: throw GraphError(.invalidAttribute, "Reshape to \(wanted)")
      default: dims.append(entry)
      }
    }
    if let hole, let source = x.type.shape.dims {
      // Equal unknown extents on both sides cancel; what is left must be fixed.
      var unknown = source.filter { $0.value == nil }
      var open = false
      for (index, dim) in dims.enumerated() where index != hole && dim.value == nil {
        if let place = unknown.firstIndex(of: dim), dim != .unknown || copied(wanted, index) {
          unknown.remove(at: place)
        } else {
          open = true
        }
      }
      let above = checkedProduct(source.compactMap(\.value)), below = checkedProduct(dims.compactMap(\.value))
      if !open, let above, let below, below > 0, above % below == 0 {
        if unknown.isEmpty { dims[hole] = .fixed(above / below) } else if unknown.count == 1, above == below { dims[hole] = unknown[0] }
      }
    } else if hole == nil, let count = x.type.shape.elementCount, let new = checkedProduct(dims.compactMap(\.value)),
      dims.allSatisfy({ $0.value != nil }), new != count
    {
      throw GraphError(.shapeMismatch, "Reshape of \(x.type.shape) to \(Shape.ranked(dims))")
    }
    return [TensorType(x.type.dtype, .ranked(dims))]
  }
  private func copied(_ wanted: [Dim], _ index: Int) -> Bool { wanted[index] == .fixed(0) }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] { [inputs.first??.elements] }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self), wanted = try inputs.required(1, of: self)
    results.append(x.reshaped(try memo.prepared(inputs, vectors: 1..<2) { try resolve(wanted, of: x) }))
  }

  private func resolve(_ wanted: NDArray, of x: NDArray) throws -> [Int] {
    guard var shape = wanted.integers() else { throw noKernel(.float32) }
    var known = 1
    for index in shape.indices {
      if shape[index] == 0, !allowZero, index < x.rank { shape[index] = x.shape[index] }
      guard shape[index] >= -1 else { throw ExecutionError(.invalidValue, "Reshape to \(shape)") }
      if shape[index] != -1 {
        let (product, overflow) = known.multipliedReportingOverflow(by: shape[index])
        guard !overflow else { throw ExecutionError(.invalidValue, "Reshape to \(shape)") }
        known = product
      }
    }
    if let hole = shape.firstIndex(of: -1) { shape[hole] = known == 0 ? 0 : x.count / known }
    guard checkedProduct(shape) == x.count else {
      throw ExecutionError(.shapeMismatch, "Reshape of \(x.shape) to \(shape)")
    }
    return shape
  }
}
