import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

extension GraphReader {
  /// Reads a function's body in place of its call.
  mutating func inline(
    _ function: FunctionProto, _ call: NodeReader, name: String, in g: inout GraphContext
  ) throws -> [ValueID] {
    let key = RuleTable.Key(domain: call.domain, type: "\(call.type):\(function.overload ?? "")")
    guard !scope.calls.contains(key) else { throw FormatError(.cycle, "the function '\(call.type)' calls itself") }
    guard scope.calls.count < 64 else { throw FormatError(.limitExceeded, "functions call each other deeper than 64") }
    try model.count(function, isOutermost: scope.calls.isEmpty)
    var opsets = try ModelReader.versions(function.opsetImport, irVersion: 8)
    if function.opsetImport.isEmpty { opsets = scope.opsets }
    let inner = NameScope(
      opsets: opsets, attributes: try attributes(of: function, call), calls: scope.calls + [key], prefix: "\(name)/",
      sourceIndex: 0)
    guard call.inputs.count <= function.input.count else {
      throw FormatError(
        .invalidStructure, "the function '\(call.type)' takes \(function.input.count) inputs, found \(call.inputs.count)")
    }
    for (index, input) in function.input.enumerated() {
      if let value = call[index] { inner.values[input] = value }
    }
    let outerScope = g.scope
    g.scope = g.model.add(Scope(name: name, kind: function.name ?? "", parent: outerScope))
    defer { g.scope = outerScope }
    var reader = GraphReader(model, function: function, id: id, scope: inner)
    inner.untyped = scope.untyped
    try within("function \(function.name ?? "")") { try reader.readNodes(in: &g) }
    scope.untyped.formUnion(inner.untyped)
    return try function.output.map { output in
      guard let value = inner.values[output] else { throw reader.missing(output).within("function \(call.type)") }
      return value
    }
  }

  private func attributes(of function: FunctionProto, _ call: NodeReader) throws -> [String: AttributeProto] {
    var result: [String: AttributeProto] = [:]
    for attribute in function.attributeProto { if let name = attribute.name { result[name] = attribute } }
    for attribute in call.node.attribute {
      guard let name = attribute.name else { continue }
      if let given = scope.resolve(attribute) { result[name] = given }
    }
    // An attribute without a default that the call leaves out is left out inside, too.
    return result
  }
}
