import ModelGraph
import ModelOps
import ModelTensor

/// The body of a `Scan`, and the graph around it.
protocol ScanStep: Step {
  var scan: ScanOp { get }
  var node: Node { get }
  /// What values of the body stand for in the graph around.
  var imported: [ValueID: ValueID] { get set }
}

extension ScanStep {
  func outer(_ value: ValueID) -> Node? { context.graph.producer(of: value).map { context.graph[$0] } }
  func isUnused(_ value: ValueID) -> Bool {
    !context.graph.outputs.contains { $0.value == value }
      && !context.graph.nodeSlots.contains { $0?.inputs.contains(value) == true }
  }
  func isZeroOutside(_ value: ValueID, depth: Int = 0) -> Bool {
    if let tensor = context.model.tensor(value, in: context.graph) {
      return tensor.elementCount <= 1 << 20 && (try? tensor.array())?.doubles().allSatisfy { $0 == 0 } == true
    }
    guard depth < 16, let node = outer(value) else { return false }
    if let op = node.op as? ConstantOfShapeOp { return op.value.doubles().allSatisfy { $0 == 0 } }
    if node.op is ConcatOp { return node.inputs.allSatisfy { $0.map { isZeroOutside($0, depth: depth + 4) } ?? true } }
    guard
      node.op is ExpandOp || node.op is TileOp || node.op is IdentityOp || node.op is CastOp || node.op is UnsqueezeOp
        || node.op is SqueezeOp || node.op is ReshapeOp
    else { return false }
    return node.input(0).map { isZeroOutside($0, depth: depth + 1) } ?? false
  }
  func isZero(_ value: ValueID, depth: Int = 0) -> Bool {
    if let values = array(value)?.doubles() { return values.allSatisfy { $0 == 0 } }
    if case .input = body[value].definition, let place = body.inputs.firstIndex(where: { $0.value == value }),
      place >= scan.stateCount + scan.inputAxes.count, let given = node.input(place)
    {
      return isZeroOutside(given)
    }
    guard depth < 16, let node = producer(value), node.op is ExpandOp || node.op is TileOp, let x = node.input(0) else { return false }
    return isZero(plain(x), depth: depth + 1)
  }

  /// The sequence that an input of the body is a slice of.
  func sequence(of value: ValueID) -> ValueID? {
    guard case .input = body[value].definition, let place = body.inputs.firstIndex(where: { $0.value == value }), place >= scan.stateCount,
      place < scan.stateCount + scan.inputAxes.count
    else { return nil }
    return node.input(place)
  }

  /// A value of the body that does not depend on the step, in the graph around it.
  mutating func outside(_ inner: ValueID) throws -> ValueID? { try outside(inner, depth: 0) }
  private mutating func outside(_ inner: ValueID, depth: Int) throws -> ValueID? {
    let inner = plain(inner)
    if let known = imported[inner] { return known }
    let result: ValueID?
    switch body[inner].definition {
    case .input:
      guard let place = body.inputs.firstIndex(where: { $0.value == inner }), place >= scan.stateCount + scan.inputAxes.count else {
        return nil
      }
      result = node.input(place)
    case .constant(let tensor): result = context.graph.addConstant(tensor, name: body[inner].name)
    case .parameter(let id): result = context.graph.addParameter(id, of: context.model)
    case .result(let producer, let index):
      let made = body[producer]
      guard depth < 32, made.bodies.isEmpty, type(of: made.op).family != .random, !(made.op is OpaqueOp) else { return nil }
      var operands: [ValueID?] = []
      for input in made.inputs {
        guard let input else {
          operands.append(nil)
          continue
        }
        guard let value = try outside(input, depth: depth + 1) else { return nil }
        operands.append(value)
      }
      let values = try context.apply(made.op, to: operands)
      result = index < values.count ? values[index] : nil
    }
    imported[inner] = result
    return result
  }
}
