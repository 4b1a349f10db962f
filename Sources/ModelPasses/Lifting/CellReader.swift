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
}

/// One gate: an activation of a sum over one sequence.
struct CellGate {
  var kind: RecurrentActivation
  var sum: GateSum
  var left: ValueID
  var sequence: ValueID { sum.kernels[0].sequence }
}

/// Where a step's values stand.
protocol StepPlace {
  /// The graph that holds the step.
  var body: Graph { get }
  var context: GraphContext { get set }
  /// The value in the graph around that does not depend on the step.
  mutating func outside(_ value: ValueID) throws -> ValueID?
  /// The sequence that a value is a slice of.
  func sequence(of value: ValueID) -> ValueID?
  /// What a value sums up that is a slice of something projected before the loop; false when that is unknown.
  mutating func collectOutside(_ value: ValueID, _ range: Range<Int>, into sum: inout GateSum) throws -> Bool
}

extension StepPlace {
  /// A value behind identities.
  func plain(_ value: ValueID) -> ValueID {
    var value = value
    while let id = body.producer(of: value), body[id].op is IdentityOp, let inner = body[id].inputs.first ?? nil { value = inner }
    return value
  }
  func producer(_ value: ValueID?) -> Node? { value.map(plain).flatMap { body.producer(of: $0) }.map { body[$0] } }
  func pair<O: Op>(_ value: ValueID, _: O.Type) -> (ValueID, ValueID)? {
    guard let node = producer(value), node.op is O, node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else {
      return nil
    }
    return (plain(a), plain(b))
  }
  func width(_ value: ValueID) -> Int? { body[value].type.shape.dims?.last?.value }
  func array(_ value: ValueID?) -> NDArray? {
    guard let tensor = value.flatMap({ context.model.tensor(plain($0), in: body) }), tensor.elementCount <= 1 << 16 else { return nil }
    return try? tensor.array()
  }
  func integers(_ value: ValueID?) -> [Int]? { array(value)?.integers() }
  func scalar(_ value: ValueID?) -> Double? { array(value).flatMap { $0.count == 1 ? $0.doubles().first : nil } }
  func isOne(_ value: ValueID?) -> Bool { array(value).map { $0.doubles().allSatisfy { $0 == 1 } } ?? false }

  /// Some columns of another value, by a slice or a split of the last axis.
  func columns(_ value: ValueID) -> (x: ValueID, range: Range<Int>)? { Self.columns(value, in: body, context.model) }

  static func columns(_ value: ValueID, in graph: Graph, _ model: Model) -> (x: ValueID, range: Range<Int>)? {
    guard case .result(let id, let index) = graph[value].definition, let x = graph[id].inputs.first ?? nil,
      let dims = graph[x].type.shape.dims, let extent = dims.last?.value
    else { return nil }
    let node = graph[id]
    func integers(_ place: Int) -> [Int]? { node.input(place).flatMap { model.fact($0, in: graph).integers } }
    switch node.op {
    case is SliceOp:
      guard let axes = integers(3)?.map({ $0 < 0 ? $0 &+ dims.count : $0 }), let last = axes.firstIndex(of: dims.count - 1),
        node.input(4) == nil || integers(4)?.allSatisfy({ $0 == 1 }) == true, let start = integers(1), let end = integers(2),
        start.count == axes.count, end.count == axes.count
      else { return nil }
      // Of the other axes everything.
      for index in axes.indices where index != last {
        guard dims.indices.contains(axes[index]), start[index] == 0, end[index] >= dims[axes[index]].value ?? Int(Int32.max) else {
          return nil
        }
      }
      let from = start[last] < 0 ? max(0, start[last] &+ extent) : start[last]
      let to = min(end[last] < 0 ? end[last] &+ extent : end[last], extent)
      return from < to ? (x, from..<to) : nil
    case let split as SplitOp:
      guard split.axis == dims.count - 1 || split.axis == -1 else { return nil }
      var start = 0
      for output in node.outputs.prefix(index) {
        guard let part = graph[output].type.shape.dims?.last?.value else { return nil }
        start &+= part
      }
      guard let count = graph[value].type.shape.dims?.last?.value, count > 0, start >= 0, count <= extent, start <= extent - count else {
        return nil
      }
      return (x, start..<(start + count))
    default: return nil
    }
  }

  /// What function of what a value may be, and of which columns; the identity comes last.
  func activations(_ value: ValueID) -> [(kind: RecurrentActivation, inner: ValueID, range: Range<Int>?)] {
    var result: [(kind: RecurrentActivation, inner: ValueID, range: Range<Int>?)] = []
    func add(_ value: ValueID, _ range: Range<Int>?) {
      guard let node = producer(value), let x = node.input(0).map(plain), let kind = kind(of: node) else { return }
      result.append((kind, x, range))
    }
    add(value, nil)
    if let part = columns(plain(value)) { add(plain(part.x), part.range) }
    return result + [(RecurrentActivation(.linear), value, nil)]
  }
  private func kind(of node: Node) -> RecurrentActivation? {
    switch node.op {
    case is SigmoidOp: .init(.sigmoid)
    case is TanhOp: .init(.tanh)
    case is ReluOp: .init(.relu)
    case is SoftsignOp: .init(.softsign)
    case is SoftplusOp: .init(.softplus)
    case is SeluOp: .init(.selu)
    case is SiluOp: .init(.silu)
    case is ExpOp: .init(.exponential)
    case is MishOp: .init(.mish)
    case is HardSwishOp: .init(.hardSwish)
    case let op as GeluOp: .init(op.approximate ? .geluTanh : .gelu)
    case let op as EluOp: .init(.elu, alpha: Float(op.alpha))
    case let op as LeakyReluOp: .init(.leakyRelu, alpha: Float(op.alpha))
    case let op as HardSigmoidOp: .init(.hardSigmoid, alpha: Float(op.alpha), beta: Float(op.beta))
    case is ClipOp where scalar(node.input(1)) == 0 && scalar(node.input(2)) == 6: .init(.relu6)
    default: nil
    }
  }

  // MARK: Sums

  mutating func sum(_ value: ValueID, _ range: Range<Int>? = nil) throws -> GateSum? {
    guard let width = width(plain(value)) else { return nil }
    var result = GateSum()
    return try collect(value, range ?? 0..<width, into: &result, depth: 0) ? result : nil
  }

  private mutating func collect(_ value: ValueID, _ range: Range<Int>, into sum: inout GateSum, depth: Int) throws -> Bool {
    let value = plain(value)
    guard depth < 32, let width = width(value), range.upperBound <= width else { return false }
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
