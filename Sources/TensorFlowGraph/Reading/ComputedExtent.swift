import ModelGraph
import ModelOps
import ModelTensor

/// One element of a computed shape: an extent of a value, scaled and shifted, or a number (a scale of 0).
struct ComputedExtent: Equatable {
  var value: ValueID?
  var axis = 0
  var scale = 0
  var offset = 0

  init(number: Int) { offset = number }
  init(_ value: ValueID, axis: Int) {
    self.value = value
    self.axis = axis
    scale = 1
  }

  func times(_ other: Self) -> Self? {
    guard let number = other.number else { return number == nil ? nil : other.times(self) }
    let (s, a) = scale.multipliedReportingOverflow(by: number), (o, b) = offset.multipliedReportingOverflow(by: number)
    guard !a, !b else { return nil }
    var result = self
    (result.scale, result.offset) = (s, o)
    return result
  }
  func plus(_ other: Self, sign: Int = 1) -> Self? {
    guard let number = other.number else { return number == nil || sign < 0 ? nil : other.plus(self) }
    let (sum, overflow) = offset.addingReportingOverflow(sign &* number)
    guard !overflow else { return nil }
    var result = self
    result.offset = sum
    return result
  }
  var number: Int? { value == nil || scale == 0 ? offset : nil }
}

extension GraphContext {
  /// The elements of an integer vector or scalar, followed back to the tensors whose extents they are made of;
  /// `nil` for one that is not.
  func computedExtents(_ id: ValueID, depth: Int = 0) -> [ComputedExtent?]? {
    let fact = fact(of: id)
    if let integers = fact.integers { return integers.map(ComputedExtent.init(number:)) }
    guard depth < 32, let producer = graph.producer(of: id) else { return nil }
    let node = graph[producer]
    guard let x = node.inputs.first ?? nil else { return nil }
    func operand(_ index: Int) -> [ComputedExtent?]? {
      node.inputs.indices.contains(index) ? node.inputs[index].flatMap { computedExtents($0, depth: depth + 1) } : nil
    }
    func pairwise(_ combine: (ComputedExtent, ComputedExtent) -> ComputedExtent?) -> [ComputedExtent?]? {
      guard node.inputs.count == 2, let a = operand(0), let b = operand(1), a.count == b.count || a.count == 1 || b.count == 1 else {
        return nil
      }
      return (0..<max(a.count, b.count)).map { index in
        guard let left = a[a.count == 1 ? 0 : index], let right = b[b.count == 1 ? 0 : index] else { return nil }
        return combine(left, right)
      }
    }
    switch node.op {
    case let op as ShapeOp:
      guard op.start == 0, op.end == nil, let dims = type(of: x).shape.dims else { return nil }
      return dims.indices.map { dims[$0].value.map(ComputedExtent.init(number:)) ?? ComputedExtent(x, axis: $0) }
    case is CastOp, is IdentityOp, is SqueezeOp, is UnsqueezeOp, is ReshapeOp:
      return fact.type.shape.rank ?? 2 <= 1 ? operand(0) : nil
    case is ConcatOp:
      var all: [ComputedExtent?] = []
      for index in node.inputs.indices {
        guard let part = operand(index) else { return nil }
        all += part
      }
      return all
    case is SliceOp, is GatherOp:
      guard let all = operand(0), type(of: x).shape.rank == 1 else { return nil }
      var inputs: [NDArray?] = [NDArray(all.indices.map(Int64.init), [all.count])]
      for input in node.inputs.dropFirst() {
        guard let input else {
          inputs.append(nil)
          continue
        }
        guard let constant = try? self.fact(of: input).constant?.array() else { return nil }
        inputs.append(constant)
      }
      var eager = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      guard let places = (try? eager.apply(node.op, to: inputs))?.first?.integers(), places.allSatisfy(all.indices.contains) else {
        return nil
      }
      return places.map { all[$0] }
    case is MulOp: return pairwise { $0.times($1) }
    case is AddOp: return pairwise { $0.plus($1) }
    case is SubOp: return pairwise { $0.plus($1, sign: -1) }
    default: return nil
    }
  }
}
