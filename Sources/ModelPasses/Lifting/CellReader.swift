import ModelGraph
import ModelOps
import ModelTensor

/// Part of the columns of a weight that stands outside a step.
struct WeightPart {
  var whole: ValueID
  var range: Range<Int>
  /// The extent of the axis that `range` is taken from.
  var width: Int
}

/// What a gate adds up before its activation: `x·K + h·R + b`, for some of the columns of each.
struct GateSum {
  /// Products with a slice of a sequence.
  var kernels: [(sequence: ValueID, weight: WeightPart)] = []
  /// Products with anything else.
  var recurrent: [(left: ValueID, weight: WeightPart)] = []
  var biases: [WeightPart] = []
  var others: [ValueID] = []

  /// Sums of the same value over and over would double with each: no cell adds up more than this.
  var isTooLong: Bool { kernels.count + recurrent.count + biases.count + others.count > 64 }
}

/// One gate: an activation of a sum over one sequence.
struct CellGate {
  var kind: RecurrentActivation
  var sum: GateSum
  var left: ValueID
  var sequence: ValueID { sum.kernels[0].sequence }
}

/// Where a step's values stand.
protocol StepPlace: Step {
  /// The value in the graph around that does not depend on the step.
  mutating func outside(_ value: ValueID) throws -> ValueID?
  /// The sequence that a value is a slice of.
  func sequence(of value: ValueID) -> ValueID?
  /// What a value sums up that is a slice of something projected before the loop; false when that is unknown.
  mutating func collectOutside(_ value: ValueID, _ range: Range<Int>, into sum: inout GateSum) throws -> Bool
}

extension StepPlace {
  // MARK: Sums

  mutating func sum(_ value: ValueID, _ range: Range<Int>? = nil) throws -> GateSum? {
    guard let width = width(plain(value)) else { return nil }
    var result = GateSum()
    return try collect(value, range ?? 0..<width, into: &result, depth: 0) ? result : nil
  }

  private mutating func collect(_ value: ValueID, _ range: Range<Int>, into sum: inout GateSum, depth: Int) throws -> Bool {
    let value = plain(value)
    guard depth < 32, !sum.isTooLong, let width = width(value), range.upperBound <= width else { return false }
    if let rank = body[value].type.shape.rank, rank == 1, let vector = try outside(value) {
      sum.biases.append(WeightPart(whole: vector, range: range, width: width))
      return true
    }
    if let part = columns(value) {
      guard let inner = range.within(part.range) else { return false }
      return try collect(part.x, inner, into: &sum, depth: depth + 1)
    }
    guard let node = producer(value) else {
      if sequence(of: value) != nil { return try collectOutside(value, range, into: &sum) }
      sum.others.append(value)
      return range == 0..<width
    }
    switch node.op {
    case is AddOp:
      for operand in node.inputs {
        guard let operand, self.width(plain(operand)) == width, try collect(operand, range, into: &sum, depth: depth + 1) else {
          return false
        }
      }
      return true
    case let op as MatMulOp where !op.transposeA:
      return try collectProduct(node, op.transposeB, range, width, into: &sum)
    case let op as GemmOp where !op.transposeA && op.alpha == 1 && op.beta == 1:
      guard try collectProduct(node, op.transposeB, range, width, into: &sum) else { return false }
      guard let bias = node.input(2) else { return true }
      guard self.width(plain(bias)) == width else { return false }
      return try collect(bias, range, into: &sum, depth: depth + 1)
    case is FullyConnectedOp where body[value].type.shape.rank == 2:
      guard try collectProduct(node, true, range, width, into: &sum) else { return false }
      guard let bias = node.input(2) else { return true }
      return try collect(bias, range, into: &sum, depth: depth + 1)
    case is ReshapeOp, is SqueezeOp, is UnsqueezeOp:
      // A row of a batch of one, and a vector.
      guard let x = node.input(0), isRow(x, width), isRow(value, width) else {
        sum.others.append(value)
        return range == 0..<width
      }
      return try collect(x, range, into: &sum, depth: depth + 1)
    case let op as ConcatOp where op.axis == -1 || op.axis == (body[value].type.shape.rank ?? 0) - 1:
      var start = 0
      for operand in node.inputs {
        guard let operand, let part = self.width(plain(operand)) else { return false }
        if start >= 0, part >= 0, start <= range.lowerBound, range.upperBound - start <= part {
          return try collect(operand, (range.lowerBound - start)..<(range.upperBound - start), into: &sum, depth: depth + 1)
        }
        start &+= part
      }
      return false
    default:
      sum.others.append(value)
      return range == 0..<width
    }
  }

  private func isRow(_ value: ValueID, _ width: Int) -> Bool {
    guard let extents = body[value].type.shape.extents else { return false }
    return extents.last == width && extents.dropLast().allSatisfy { $0 == 1 }
  }

  private mutating func collectProduct(
    _ node: Node, _ isTransposed: Bool, _ range: Range<Int>, _ width: Int, into sum: inout GateSum
  ) throws -> Bool {
    guard let left = node.input(0).map(plain), let right = node.input(1), body[plain(right)].type.shape.rank == 2,
      let given = try outside(right)
    else { return false }
    let weight = WeightPart(whole: isTransposed ? try context.transpose(given, [1, 0]) : given, range: range, width: width)
    if let sequence = sequence(of: left) {
      sum.kernels.append((sequence, weight))
    } else {
      sum.recurrent.append((left, weight))
    }
    return true
  }

  /// The gates that a value may be: over one sequence, with one product of `left`.
  mutating func gates(_ value: ValueID, left: ValueID? = nil) throws -> [CellGate] {
    var result: [CellGate] = []
    for function in activations(value) {
      guard let sum = try sum(function.inner, function.range), sum.kernels.count == 1, sum.recurrent.count == 1, sum.others.isEmpty,
        left == nil || sum.recurrent[0].left == left
      else { continue }
      result.append(CellGate(kind: function.kind, sum: sum, left: sum.recurrent[0].left))
    }
    return result
  }
}

extension Range<Int> {
  /// These places counted from the start of `outer`; `nil` when they lie behind its end.
  func within(_ outer: Range<Int>) -> Range<Int>? {
    guard lowerBound >= 0, upperBound <= outer.count else { return nil }
    return (outer.lowerBound + lowerBound)..<(outer.lowerBound + upperBound)
  }
}
