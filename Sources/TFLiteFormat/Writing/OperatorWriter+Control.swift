import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperatorWriter {
  /// A loop: `condition` and `body` get the variables; the body gives their next values. What both use from outside is passed
  /// along and given back unchanged.
  mutating func loop(
    _ start: [OutValue], _ label: String = "while",
    while condition: (inout OperatorWriter, [OutValue]) throws -> OutValue,
    do body: (inout OperatorWriter, [OutValue]) throws -> [OutValue]
  ) throws -> [OutValue] {
    // What one turn may change is not known of the variables.
    func variables(_ frame: SubgraphFrame) -> [OutValue] {
      start.enumerated().map { frame.addArgument("variable_\($0)", Fact($1.type)) }
    }
    var test = nested("cond"), step = nested("body")
    let goesOn = try condition(&test, variables(test.frame))
    let next = try body(&step, variables(step.frame))
    guard next.count == start.count else { throw GraphError(.invalidStructure, "a loop of \(start.count) variables") }
    // What is given back from outside as it is counts as taken from there.
    _ = (test.frame.localize(goesOn), next.map { step.frame.localize($0) })
    let captures = Self.share([test.frame, step.frame])
    let passed = captures.map { step.frame.localize($0) }
    // A variable that the condition alone decides on stands for itself; what the body gives must be computed in it.
    let types = zip(start, next).map { TensorType($0.type.dtype, Shape.common($0.type.shape, $1.type.shape)) }
    let testIndex = try test.finish(label + "_cond", giving: [goesOn], captures: captures)
    let stepIndex = try step.finish(label + "_body", giving: next + passed, captures: captures)
    var options = WhileOptions()
    options.condSubgraphIndex = Int32(clamping: testIndex)
    options.bodySubgraphIndex = Int32(clamping: stepIndex)
    let results = try emit(.while, start + captures, .whileOptions(options), types: types + captures.map(\.type))
    return Array(results.prefix(start.count))
  }

  /// One of two subgraphs.
  mutating func branch(
    _ condition: OutValue, then: (inout OperatorWriter) throws -> [OutValue], otherwise: (inout OperatorWriter) throws -> [OutValue]
  ) throws -> [OutValue] {
    var first = nested("then"), second = nested("else")
    let one = try then(&first), other = try otherwise(&second)
    guard one.count == other.count else { throw GraphError(.invalidStructure, "branches with \(one.count) and \(other.count) results") }
    _ = (one.map { first.frame.localize($0) }, other.map { second.frame.localize($0) })
    let captures = Self.share([first.frame, second.frame])
    let types = zip(one, other).map { TensorType($0.type.dtype, Shape.common($0.type.shape, $1.type.shape)) }
    var options = IfOptions()
    options.thenSubgraphIndex = Int32(clamping: try first.finish("then", giving: one, captures: captures))
    options.elseSubgraphIndex = Int32(clamping: try second.finish("else", giving: other, captures: captures))
    let flag = condition.type.shape.rank == 0 ? condition : try reshape(condition, [])
    return try emit(.if, [flag] + captures, .ifOptions(options), types: types)
  }

  /// Lets all frames capture what one of them does, in one order.
  private static func share(_ frames: [SubgraphFrame]) -> [OutValue] {
    var captures: [OutValue] = [], seen: Set<SubgraphFrame.CaptureKey> = []
    for frame in frames { for (outer, _) in frame.captures where seen.insert(outer.key).inserted { captures.append(outer) } }
    for frame in frames { for value in captures { _ = frame.localize(value) } }
    return captures
  }

  /// What has been written as a subgraph: the arguments first, then the captures in the given order.
  /// - Returns: the subgraph's place in the model.
  mutating func finish(_ name: String, giving results: [OutValue], captures: [OutValue] = []) throws -> Int {
    var outputs: [Int] = [], taken: Set<Int> = Set(frame.arguments)
    for result in results {
      var value = frame.localize(result)
      // Each result is a tensor of its own: an argument that is passed on stays one, all else is copied when met twice.
      let isArgument = frame.arguments.contains(value.index)
      if frame.entries[value.index].constant != nil || !isArgument && !taken.insert(value.index).inserted
        || isArgument && outputs.contains(value.index)
      {
        value = try copied(value)
        taken.insert(value.index)
      }
      outputs.append(value.index)
    }
    let captured = Set(frame.captures.map(\.inner.index))
    let inputs = frame.arguments.filter { !captured.contains($0) } + captures.map { frame.localize($0).index }
    return library.add(WrittenSubgraphs.Finished(name: "\(nodeName)/\(name)", frame: frame, inputs: inputs, outputs: outputs))
  }

  /// A tensor of its own with the same elements.
  mutating func copied(_ value: OutValue) throws -> OutValue {
    let value = frame.localize(value)
    if let extents = value.type.shape.dims, extents.filter({ $0.value == nil }).count <= 1 {
      return try emit(.reshape, [value, try int32s(extents.map { $0.value ?? -1 })], as: value.type)
    }
    return try emit(.reshape, [value, try shape32(of: value)], as: value.type)
  }
}
