import ModelGraph
import ModelOps
import ModelTensor

/// The computation of one step of a loop, looked into by those that look for cells.
protocol Step {
  /// The graph that holds the step.
  var body: Graph { get }
  var context: GraphContext { get set }
}

extension Step {
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
}
