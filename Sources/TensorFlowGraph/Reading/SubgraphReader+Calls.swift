import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

extension SubgraphReader {
  /// Reads a call of a function in its place; `nil` for any other op.
  func readCall(
    _ node: NodeDef, _ type: String, name: String, _ inputs: [Symbol], in g: inout GraphContext
  ) throws -> [Symbol]? {
    let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
    switch type {
    case "PartitionedCall", "StatefulPartitionedCall", "RemoteCall", "SymbolicGradient", "TPUPartitionedCall", "XlaLaunch",
      "BatchFunction":
      guard type == "PartitionedCall" || type == "StatefulPartitionedCall" else { return nil }
      return try call(try reader.function("f"), inputs, prefix: Self.prefix(name), in: &g)
    default:
      guard library.function(type) != nil else { return nil }
      var function = NameAttrList()
      function.name = type
      function.attr = node.attr
      return try call(function, inputs, prefix: Self.prefix(name), in: &g)
    }
  }

  /// What a function gives for these arguments.
  /// - Throws: `FormatError` for functions that are missing, call themselves, or take something else.
  func call(_ target: NameAttrList, _ inputs: [Symbol], prefix: String, in g: inout GraphContext) throws -> [Symbol] {
    var callee = try self.callee(target, inputs, state: state, prefix: prefix)
    return try within("function \(target.name ?? "")") { try callee.run(in: &g) }
  }

  /// A reader for the body of a function, and what it is asked for.
  func callee(_ target: NameAttrList, _ inputs: [Symbol], state: VariableState, prefix: String) throws -> Callee {
    let name = target.name ?? ""
    guard let function = library.function(name) else {
      throw FormatError(.missingReference, "there is no function '\(name)'")
    }
    if calls.isEmpty { try library.foresee(function) }
    guard !calls.contains(name) else { throw FormatError(.cycle, "the function '\(name)' calls itself") }
    guard calls.count < GraphLibrary.depthLimit else {
      throw FormatError(.limitExceeded, "functions call each other deeper than \(GraphLibrary.depthLimit)")
    }
    var given: [String: AttrValue] = [:]
    for entry in function.attr { if let key = entry.key { given[key] = entry.value } }
    for entry in target.attr {
      guard let key = entry.key, let value = entry.value else { continue }
      given[key] = value.placeholder.flatMap { attributes[$0] } ?? value
    }
    let counts = try (function.signature?.inputArg ?? []).map { argument -> Int in
      let count: Int64
      if let number = argument.numberAttr, !number.isEmpty {
        count = given[number]?.i ?? 0
      } else if let list = argument.typeListAttr, !list.isEmpty {
        count = Int64(given[list]?.list?.type.count ?? 0)
      } else {
        count = 1
      }
      guard (0...65536).contains(count) else { throw FormatError(.limitExceeded, "an argument of \(count) values") }
      return Int(count)
    }
    let total = counts.reduce(0, +)
    guard total == inputs.count else {
      throw FormatError(.invalidStructure, "the function '\(name)' takes \(total) arguments, found \(inputs.count)")
    }
    let table = try within("function \(name)") { try library.table(of: function, argumentCounts: counts) }
    let reader = SubgraphReader(
      library, table, state: state, arguments: inputs, attributes: given, prefix: prefix, calls: calls + [name])
    return try within("function \(name)") { try Callee(reader, function) }
  }

  /// The body of a function about to be read.
  struct Callee {
    var reader: SubgraphReader
    /// What it gives, in order.
    let results: [Reference]
    /// Nodes that run for their effects.
    let effects: [Reference]

    init(_ reader: SubgraphReader, _ function: FunctionDef) throws {
      self.reader = reader
      var returns: [String: String] = [:]
      for entry in function.ret { returns[entry.key ?? ""] = entry.value }
      results = try (function.signature?.outputArg ?? []).map { output in
        let name = output.name ?? ""
        guard let reference = returns[name] else { throw FormatError(.missingReference, "the result '\(name)' is not given") }
        return try reader.table.reference(reference)
      }
      effects = try function.controlRet.map { entry in
        guard let node = reader.table.position(of: entry.value ?? "") else {
          throw FormatError(.missingReference, "there is no node '\(entry.value ?? "")'")
        }
        return .control(node: node)
      }
    }

    mutating func run(in g: inout GraphContext) throws -> [Symbol] {
      try reader.evaluate(results + effects, in: &g)
      return try results.map { try reader.symbol(of: $0) }
    }
  }
}
