import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

extension SubgraphReader {
  /// Reads the control flow of functions; `nil` for any other op.
  func readControl(
    _ node: NodeDef, _ type: String, name: String, _ inputs: [Symbol], in g: inout GraphContext
  ) throws -> [Symbol]? {
    let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
    switch type {
    case "If", "StatelessIf":
      let given = try value(of: try required(inputs, 0, type), in: &g)
      return try branch(
        given, name: name, Array(inputs.dropFirst()), then: maker(try reader.function("then_branch"), name),
        otherwise: maker(try reader.function("else_branch"), name), in: &g)
    case "Case", "StatelessCase":
      let branches = try reader.functions("branches")
      guard !branches.isEmpty else { throw FormatError(.invalidStructure, "\(type) without branches") }
      guard branches.count <= GraphLibrary.depthLimit else {
        throw UnsupportedError("a choice among \(branches.count) branches is not supported")
      }
      let makers = branches.map { maker($0, name) }
      let index = try value(of: try required(inputs, 0, type), in: &g)
      if let known = g.fact(of: index).scalar.map({ Int($0) }) {
        return try makers[makers.indices.contains(known) ? known : makers.count - 1](Array(inputs.dropFirst()), state, &g)
      }
      return try choose(index, name: name, Array(inputs.dropFirst()), makers[...], 0, in: &g)
    case "While", "StatelessWhile":
      let body = try reader.function("body")
      return try loop(
        name: name, inputs, isInvariant: try invariants(body, inputs), condition: maker(try reader.function("cond"), name),
        body: maker(body, name), in: &g)
    default: return nil
    }
  }

  private func required(_ inputs: [Symbol], _ index: Int, _ type: String) throws -> Symbol {
    guard index < inputs.count else { throw FormatError(.invalidStructure, "\(type) has \(inputs.count) inputs") }
    return inputs[index]
  }

  /// Reads a function as a body.
  private func maker(_ function: NameAttrList, _ name: String) -> BodyMaker {
    { inputs, state, g in
      var callee = try self.callee(function, inputs, state: state, prefix: Self.prefix(name))
      return try within("function \(function.name ?? "")") { try callee.run(in: &g) }
    }
  }

  /// The first branch whose number the index is; the last one for any other.
  func choose(
    _ index: ValueID, name: String, _ inputs: [Symbol], _ makers: ArraySlice<BodyMaker>, _ number: Int, in g: inout GraphContext
  ) throws -> [Symbol] {
    guard let first = makers.first else { throw FormatError(.invalidStructure, "a choice without branches") }
    if makers.count == 1 { return try first(inputs, state, &g) }
    enter(name, in: &g)
    let wanted = try g.scalar(Double(number), like: index)
    let isWanted = try g.apply(EqualOp(), index, wanted)
    return try branch(
      isWanted, name: name, [.value(index)] + inputs, then: { try first(Array($0.dropFirst()), $1, &$2) },
      otherwise: { inputs, state, g in
        guard case .value(let index)? = inputs.first else { throw FormatError(.invalidStructure, "a choice by a handle") }
        let inner = SubgraphReader(
          self.library, self.table, state: state, arguments: self.arguments, attributes: self.attributes, prefix: self.prefix,
          calls: self.calls)
        return try inner.choose(index, name: name, Array(inputs.dropFirst()), makers.dropFirst(), number + 1, in: &g)
      }, in: &g)
  }

  /// Which inputs of a loop its body gives back as they are.
  private func invariants(_ body: NameAttrList, _ inputs: [Symbol]) throws -> [Bool] {
    let callee = try callee(body, inputs, state: VariableState(), prefix: "")
    guard callee.results.count == inputs.count else {
      throw FormatError(.invalidStructure, "the loop has \(inputs.count) variables, its body gives \(callee.results.count)")
    }
    return try callee.results.enumerated().map { index, result in
      var reference = result
      for _ in 0..<GraphLibrary.depthLimit {
        switch reference {
        case .argument(let argument): return argument == index
        case .control: return false
        case .output(let node, _):
          let def = callee.reader.table.nodes[node]
          guard def.op == "Identity", let input = def.input.first else { return false }
          reference = try callee.reader.table.reference(input)
        }
      }
      return false
    }
  }
}
