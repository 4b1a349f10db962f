import ModelGraph
import ModelTensor
import ProtobufWire

/// Writes the bodies of one op. The default one gives empty bodies, for finding out whether an op can be written at all.
struct BodyWriter {
  var model: ModelWriter?
  var ids: [GraphID] = []
  /// The inputs of the op; the last ones are what the bodies capture.
  var inputs: [OutValue?] = []
  var names = NameTable()
  var visible: [ObjectIdentifier: String] = [:]

  private func body(_ index: Int) throws -> (ModelWriter, GraphID, Graph)? {
    guard let model else { return nil }
    guard index < ids.count, let body = model.model.graphs[ids[index]] else {
      throw GraphError(.invalidStructure, "body \(index) is missing")
    }
    return (model, ids[index], body)
  }

  /// A body as a graph with its `formals` first inputs; the other ones bear the names of the op's last inputs.
  func write(_ index: Int, formals: Int) throws -> GraphProto {
    guard let (model, id, body) = try body(index) else { return GraphProto() }
    let captured = body.inputs.count - formals
    guard captured >= 0, captured <= inputs.count else {
      throw GraphError(.invalidStructure, "the body \(body.name) takes \(body.inputs.count) inputs")
    }
    var bound: [ValueID: String] = [:]
    for (port, input) in zip(body.inputs.suffix(captured), inputs.suffix(captured)) { bound[port.value] = input?.name ?? "" }
    var writer = GraphWriter(model, body, id: id, names: NameTable(parent: names), bound: bound, visible: visible)
    return try writer.write(formals: formals)
  }

  /// A body on these inputs, its names made unique among `names`.
  func inline(_ index: Int, _ inputs: [OutValue], names: NameTable) throws -> GraphProto {
    guard let (model, id, body) = try body(index) else {
      var empty = GraphProto()
      empty.output = inputs.map(\.info)
      return empty
    }
    guard body.inputs.count == inputs.count else {
      throw GraphError(.invalidStructure, "the body \(body.name) takes \(body.inputs.count) inputs, found \(inputs.count)")
    }
    var bound: [ValueID: String] = [:]
    for (port, input) in zip(body.inputs, inputs) { bound[port.value] = input.name }
    var writer = GraphWriter(model, body, id: id, names: names, bound: bound, visible: visible)
    return try writer.write(formals: 0)
  }
}

extension OutValue {
  /// The value as a graph's input or output.
  var info: ValueInfoProto {
    var info = ValueInfoProto()
    info.name = name
    info.type = TypeProto(type)
    return info
  }
}
