import ModelGraph
import ModelOps
import ModelTensor

/// One place of a subscript: an index, a range, or what `Axis` has.
public protocol TensorIndex {
  var slice: TensorSlice { get }
}

public enum TensorSlice: TensorIndex, Sendable {
  /// One slice; its axis goes.
  case index(Int)
  /// From `start` to before `end` in steps; `nil` is as far as there is.
  case range(start: Int?, end: Int?, step: Int)
  /// A new axis of extent 1.
  case newAxis
  /// As many whole axes as fit.
  case ellipsis
  public var slice: TensorSlice { self }
}

/// Places of a subscript that are no numbers: `x[Axis.rest, 0]`, `x[Axis.all, Axis.new]`.
public enum Axis {
  public static let all = TensorSlice.range(start: nil, end: nil, step: 1)
  public static let new = TensorSlice.newAxis
  public static let rest = TensorSlice.ellipsis
  public static func step(_ step: Int, from start: Int? = nil, to end: Int? = nil) -> TensorSlice {
    .range(start: start, end: end, step: step)
  }
}

extension Int: TensorIndex { public var slice: TensorSlice { .index(self) } }
extension Range<Int>: TensorIndex { public var slice: TensorSlice { .range(start: lowerBound, end: upperBound, step: 1) } }
extension ClosedRange<Int>: TensorIndex {
  public var slice: TensorSlice { .range(start: lowerBound, end: upperBound == -1 ? nil : upperBound &+ 1, step: 1) }
}
extension PartialRangeFrom<Int>: TensorIndex { public var slice: TensorSlice { .range(start: lowerBound, end: nil, step: 1) } }
extension PartialRangeUpTo<Int>: TensorIndex { public var slice: TensorSlice { .range(start: nil, end: upperBound, step: 1) } }
extension PartialRangeThrough<Int>: TensorIndex {
  public var slice: TensorSlice { .range(start: nil, end: upperBound == -1 ? nil : upperBound &+ 1, step: 1) }
}

extension TensorValue {
  /// A part of the tensor, as Python's slices say it: `x[0]`, `x[1..<3, Axis.all, -1]`.
  ///
  /// - Throws: `TensorError.outOfRange` for an index that is not there; ranges are cut to what is.
  public subscript(places: any TensorIndex...) -> Tensor {
    get throws { try tensor.sliced(places.map(\.slice)) }
  }

  func sliced(_ given: [TensorSlice]) throws -> Tensor {
    let tensor = tensor
    guard tensor.rank >= 0 else { throw TensorError(.symbolic, "a subscript of a tensor of unknown rank") }
    let used = given.filter { place in
      switch place {
      case .index, .range: true
      case .newAxis, .ellipsis: false
      }
    }.count
    guard used <= tensor.rank else { throw TensorError(.outOfRange, "\(used) places in a subscript of \(tensor.type)") }
    var places = given
    let rest = Array(repeating: Axis.all, count: tensor.rank - used)
    if let hole = given.firstIndex(where: { if case .ellipsis = $0 { true } else { false } }) {
      places.replaceSubrange(hole...hole, with: rest)
    } else {
      places += rest
    }
    var starts: [Int] = [], ends: [Int] = [], axes: [Int] = [], steps: [Int] = [], shape: [Int] = [], axis = 0
    var dropped: [Int] = [], added: [Int] = []
    for place in places {
      switch place {
      case .ellipsis: throw TensorError(.invalidArgument, "a subscript has one Axis.rest at most")
      case .newAxis:
        added.append(shape.count)
        shape.append(1)
      case .index(let index):
        let extent = tensor.shape[axis]
        guard extent < 0 || (index >= -extent && index < extent) else {
          throw TensorError(.outOfRange, "index \(index) of axis \(axis) of \(tensor.type)")
        }
        (starts, ends) = (starts + [index], ends + [index == -1 ? .max : index + 1])
        (axes, steps) = (axes + [axis], steps + [1])
        dropped.append(axis)
        axis += 1
      case .range(let start, let end, let step):
        guard step != 0 else { throw TensorError(.invalidArgument, "a subscript with step 0") }
        if start != nil || end != nil || step != 1 {
          (starts, ends) = (starts + [start ?? (step > 0 ? 0 : .max)], ends + [end ?? (step > 0 ? .max : .min + 1)])
          (axes, steps) = (axes + [axis], steps + [step])
        }
        shape.append(0)
        axis += 1
      }
    }
    var result = tensor
    func vector(_ values: [Int]) -> Tensor { Tensor(values.map(Int64.init)) }
    if !axes.isEmpty { result = try Dispatch.one(SliceOp(), result, vector(starts), vector(ends), vector(axes), vector(steps)) }
    if !dropped.isEmpty { result = try Dispatch.one(SqueezeOp(axes: dropped), result) }
    if !added.isEmpty { result = try Dispatch.one(UnsqueezeOp(axes: added), result) }
    return result
  }
}
