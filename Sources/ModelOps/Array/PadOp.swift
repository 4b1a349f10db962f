import ModelGraph
import ModelTensor

public enum PadMode: String, Sendable, AttributeConvertible {
  case constant, reflect, edge, wrap
  /// As `reflect`, with the border element repeated (NumPy's `symmetric`).
  case symmetric
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Adds elements before and behind. Inputs: `x`, `pads` (int64: all befores, then all behinds, of `axes?`
/// or of all axes; negative ones remove), `value?` (scalar, default 0), `axes?`.
public struct PadOp: PreparedOp {
  public static let name = "Pad"
  public static let family = OpFamily.array
  public var mode: PadMode
  public init(mode: PadMode = .constant) { self.mode = mode }

  private func full(_ pads: [Int], _ axes: [Int]?, rank: Int) throws -> (before: [Int], after: [Int]) {
    let axes = try axes?.map { try indexedAxis($0, rank: rank) } ?? Array(0..<rank)
    guard pads.count == 2 * axes.count, pads.allSatisfy({ $0.magnitude < 1 << 32 }), axes.allSatisfy({ $0 < rank }) else {
      throw GraphError(.shapeMismatch, "Pad of rank \(rank) with \(pads.count) pads")
    }
    var before = [Int](repeating: 0, count: rank), after = before
    for (i, axis) in axes.enumerated() {
      before[axis] = pads[i]
      after[axis] = pads[axes.count + i]
    }
    return (before, after)
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self), pads = try inputs.required(1, of: self)
    guard let dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .unranked)] }
    let axes = inputs.optional(3)
    guard let amounts = pads.integers, axes == nil || axes?.integers != nil else {
      return [TensorType(x.type.dtype, .ranked(dims.map { _ in .unknown }))]
    }
    let (before, after) = try full(amounts, axes?.integers, rank: dims.count)
    return [
      TensorType(
        x.type.dtype,
        .ranked(
          try dims.indices.map { i in
            if before[i] == 0, after[i] == 0 { return dims[i] }
            guard let extent = dims[i].value else { return .unknown }
            let (a, o1) = extent.addingReportingOverflow(before[i]), (b, o2) = a.addingReportingOverflow(after[i])
            guard !o1, !o2, b >= 0 else { throw GraphError(.shapeMismatch, "Pad of \(x.type) by \(amounts)") }
            return .fixed(b)
          }))
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    let steps = try memo.prepared(inputs, vectors: 1..<4) {
      guard let amounts = try inputs.required(1, of: self).integers() else { throw ExecutionError(.invalidInput, "Pad takes integers") }
      let (before, after) = try full(amounts, inputs.optional(3)?.integers(), rank: x.rank)
      var shape = x.shape, steps: [Step] = []
      for axis in x.shape.indices where before[axis] != 0 || after[axis] != 0 {
        let extent = shape[axis], length = extent + before[axis] + after[axis]
        guard length >= 0, extent > 0 || mode == .constant || length == 0 else {
          throw ExecutionError(.shapeMismatch, "Pad of \(x.shape) by \(amounts)")
        }
        shape[axis] = length
        steps.append(Step(axis: axis, extent: extent, front: before[axis], shape: shape))
      }
      return steps
    }
    var value: NDArray?
    if let given = inputs.optional(2), given.count >= 1 { value = given }
    // One axis after the other: each result position names a source position or the filler.
    var array = x
    for step in steps {
      array = try gather(array, step, value, in: context) { source($0 - step.front, extent: step.extent) }
    }
    results.append(array)
  }

  /// One axis: its extent before, how much comes in front, and the shape afterwards.
  private struct Step {
    let axis: Int, extent: Int, front: Int
    let shape: [Int]
  }

  private func source(_ place: Int, extent: Int) -> Int? {
    if (0..<extent).contains(place) { return place }
    switch mode {
    case .constant: return nil
    case .edge: return place < 0 ? 0 : extent - 1
    case .wrap: return floorModulo(place, extent)
    case .reflect:
      if extent == 1 { return 0 }
      let folded = floorModulo(place, 2 * (extent - 1))
      return folded < extent ? folded : 2 * (extent - 1) - folded
    case .symmetric:
      let folded = floorModulo(place, 2 * extent)
      return folded < extent ? folded : 2 * extent - 1 - folded
    }
  }

  private func gather(
    _ x: NDArray, _ step: Step, _ value: NDArray?, in context: ExecutionContext, from source: (Int) -> Int?
  ) throws -> NDArray {
    let shape = step.shape, axis = step.axis, extent = step.extent, length = shape[axis]
    let outer = shape[..<axis].reduce(1, *), inner = shape[(axis + 1)...].reduce(1, *)
    if x.dtype == .string {
      guard value.map({ $0.dtype == .string }) ?? true else {
        throw ExecutionError(.invalidInput, "Pad of strings with \(value?.dtype ?? .string)")
      }
      let strings = x.strings, filler = value?.strings.first ?? []
      guard let total = checkedProduct(shape), total < 1 << 28 else { throw ExecutionError(.limitExceeded, "Pad to \(shape) strings") }
      var out: [[UInt8]] = []
      for o in 0..<outer {
        for place in 0..<length {
          for i in 0..<inner { out.append(source(place).map { strings[(o * extent + $0) * inner + i] } ?? filler) }
        }
      }
      return NDArray(strings: out, shape)
    }
    let result = try context.allocate(x.dtype, shape)
    let size = x.dtype.arrayStride ?? 1
    let run = inner * size
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { filler in
      filler.initialize(repeating: 0)
      value?.withBytes { for i in 0..<min(size, $0.count) { filler[i] = $0[i] } }
      let plain = filler.allSatisfy { $0 == 0 }
      x.withBytes { bytes in
        result.withMutableBytes { destination in
          guard var to = destination.baseAddress, run > 0 else { return }
          for o in 0..<outer {
            for position in 0..<length {
              if let place = source(position), let from = bytes.baseAddress {
                to.copyMemory(from: from + (o * extent + place) * run, byteCount: run)
              } else if plain {
                to.initializeMemory(as: UInt8.self, repeating: 0, count: run)
              } else {
                for i in 0..<inner { for j in 0..<size { to.storeBytes(of: filler[j], toByteOffset: i * size + j, as: UInt8.self) } }
              }
              to += run
            }
          }
        }
      }
    }
    return result
  }
}
