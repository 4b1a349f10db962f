import ModelGraph
import ModelTensor

/// `x[start:end:step]` along `axes` (all leading ones when left out), with Python's meaning of
/// negative and out-of-range bounds. Inputs: `x`, `starts`, `ends`, `axes?`, `steps?`.
public struct SliceOp: PreparedOp {
  public static let name = "Slice"
  public static let family = OpFamily.array
  public init() {}

  /// First index, count and step of `start:end:step` over `extent`.
  static func resolve(_ start: Int, _ end: Int, _ step: Int, extent: Int) -> (first: Int, count: Int)? {
    guard step != 0, step != .min else { return nil }
    func clamp(_ value: Int, _ low: Int, _ high: Int) -> Int {
      let counted = value < 0 ? (value < -extent ? -1 : value + extent) : value
      return max(low, min(high, counted))
    }
    if step > 0 {
      let first = value(start, extent), last = value(end, extent)
      return (first, last > first ? (last - first - 1) / step + 1 : 0)
    }
    let first = clamp(start, -1, extent - 1), last = clamp(end, -1, extent - 1)
    return (first, first > last ? (first - last - 1) / (0 - step) + 1 : 0)
    func value(_ bound: Int, _ extent: Int) -> Int {
      max(0, min(extent, bound < 0 ? (bound < -extent ? 0 : bound + extent) : bound))
    }
  }

  private func vectors(
    _ starts: [Int], _ ends: [Int], _ axes: [Int]?, _ steps: [Int]?, rank: Int
  ) throws -> [(axis: Int, start: Int, end: Int, step: Int)] {
    let axes = try (axes ?? Array(0..<starts.count)).map { try indexedAxis($0, rank: rank) }
    let steps = steps ?? Array(repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count, starts.count <= rank else {
      throw GraphError(.shapeMismatch, "Slice with \(starts.count) starts, \(ends.count) ends and \(axes.count) axes")
    }
    return starts.indices.map { (axes[$0], starts[$0], ends[$0], steps[$0]) }
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self)
    guard var dims = x.type.shape.dims else { return [TensorType(x.type.dtype, .unranked)] }
    let starts = try inputs.required(1, of: self).elements, ends = try inputs.required(2, of: self).elements
    let axes = inputs.optional(3), steps = inputs.optional(4)
    guard let starts, let ends, axes == nil || axes?.integers != nil, steps == nil || steps?.integers != nil else {
      // Which axes are cut may still be known.
      if let cut = axes?.integers {
        for axis in try cut.map({ try indexedAxis($0, rank: dims.count) }) { dims[axis] = .unknown }
        return [TensorType(x.type.dtype, .ranked(dims))]
      }
      return [TensorType(x.type.dtype, .ranked(dims.map { _ in .unknown }))]
    }
    let parts = try vectors(
      starts.indices.map { $0 }, ends.indices.map { $0 }, axes?.integers, steps?.integers, rank: dims.count)
    for part in parts {
      // `start` and `end` are positions in the vectors here.
      let start = starts[part.start], end = ends[part.end]
      if let s = start.value, let e = end.value {
        if let extent = dims[part.axis].value {
          guard let (_, count) = Self.resolve(s, e, part.step, extent: extent) else {
            throw GraphError(.invalidAttribute, "Slice with step \(part.step)")
          }
          dims[part.axis] = .fixed(count)
        } else if s == 0, e >= Int(Int32.max), part.step == 1 {
          continue
        } else if part.step == -1, s == -1 || s >= Int(Int32.max), e <= -Int(Int32.max) {
          continue
        } else if part.step == 1, s < 0, e >= Int(Int32.max) || e == 0 && s == -1 {
          dims[part.axis] = .unknown
        } else {
          dims[part.axis] = .unknown
        }
      } else if start == .fixed(0), part.step == 1, end == dims[part.axis], end != .unknown {
        continue
      } else if start == .fixed(0), part.step == 1, let extent = dims[part.axis].value, let cut = end.cut(to: extent) {
        // A table's first rows, as many as there are steps.
        dims[part.axis] = cut
      } else {
        dims[part.axis] = .unknown
      }
    }
    return [TensorType(x.type.dtype, .ranked(dims))]
  }

  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    guard let elements = inputs.first??.elements, inputs.first??.type.shape.rank == 1, inputs.count >= 3,
      let start = inputs[1]?.integers?.first, let end = inputs[2]?.integers?.first
    else { return [nil] }
    let step = inputs.optional(4)?.integers?.first ?? 1
    guard inputs.optional(4) == nil || inputs.optional(4)?.integers != nil,
      let (first, count) = Self.resolve(start, end, step, extent: elements.count)
    else { return [nil] }
    return [(0..<count).map { elements[first + $0 * step] }]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let x = try inputs.required(0, of: self)
    let plan = try memo.prepared(inputs, vectors: 1..<5) {
      guard let starts = try inputs.required(1, of: self).integers(), let ends = try inputs.required(2, of: self).integers()
      else { throw ExecutionError(.invalidInput, "Slice takes integer bounds") }
      var plan = Plan(shape: x.shape, steps: StridedView.steps(of: x.shape))
      for part in try vectors(starts, ends, inputs.optional(3)?.integers(), inputs.optional(4)?.integers(), rank: x.rank) {
        guard part.axis < x.rank, let (first, count) = Self.resolve(part.start, part.end, part.step, extent: plan.shape[part.axis])
        else { throw ExecutionError(.invalidValue, "Slice with step \(part.step)") }
        if count > 0 { plan.offset += first * plan.steps[part.axis] }
        plan.shape[part.axis] = count
        plan.steps[part.axis] &*= part.step
      }
      return plan
    }
    results.append(try StridedView(x, shape: plan.shape, steps: plan.steps, offset: plan.offset).copy(in: context))
  }

  private struct Plan {
    var shape: [Int], steps: [Int]
    var offset = 0
  }
}
