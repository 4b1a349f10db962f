import ModelGraph
import ModelOps
import ModelTensor

extension NodeWriter: ScanContext {
  /// A loop over slices along `axis` that a rule makes up: a `Scan` whose body `step` writes.
  ///
  /// - Parameters:
  ///   - step: gets the body's writer, the states and one slice of each tensor; gives the next states and the slices of the results.
  /// - Returns: the states at the end, and the results stacked along `axis`.
  mutating func scan(
    _ initial: [OutValue], over tensors: [OutValue], axis: Int, backward: Bool,
    step: (inout NodeWriter, _ states: [OutValue], _ slices: [OutValue]) throws -> (states: [OutValue], results: [OutValue])
  ) throws -> (states: [OutValue], results: [OutValue]) {
    let label = "\(nodeName)/step"
    var body = NodeWriter(opset: opset, rules: rules, names: NameTable(parent: names), nodeName: label)
    func formal(_ name: String, _ type: TensorType) -> OutValue {
      OutValue(name: body.names.unique("\(label)/\(name)"), fact: Fact(type))
    }
    let states = initial.enumerated().map { formal("state\($0.offset)", $0.element.type) }
    let slices = try tensors.enumerated().map { index, tensor in
      guard var dims = tensor.type.shape.dims else { return formal("slice\(index)", TensorType(tensor.type.dtype, .unranked)) }
      dims.remove(at: try normalizeAxis(axis, rank: dims.count))
      return formal("slice\(index)", TensorType(tensor.type.dtype, .ranked(dims)))
    }
    let made = try step(&body, states, slices)
    // Each result is a value of its own, made inside.
    let outputs = try (made.states + made.results).map { try body.apply(IdentityOp(), $0) }

    func info(_ value: OutValue) -> ValueInfoProto {
      var info = ValueInfoProto()
      info.name = value.name
      info.type = TypeProto(value.type)
      return info
    }
    var graph = GraphProto()
    graph.name = label
    graph.input = (states + slices).map(info)
    graph.output = outputs.map(info)
    graph.node = body.nodes.map { node in
      var node = node
      node.name = body.names.unique("\(label)/\(node.opType ?? "")")
      return node
    }
    graph.initializer = body.initializers
    for (domain, version) in body.imports { use(domain: domain, version: version) }

    var extent = Dim.unknown
    if let dims = tensors.first?.type.shape.dims { extent = dims[try normalizeAxis(axis, rank: dims.count)] }
    let stacked = try made.results.map { result -> TensorType in
      guard var dims = result.type.shape.dims else { return TensorType(result.type.dtype, .unranked) }
      dims.insert(extent, at: try normalizeAxis(axis, rank: dims.count + 1))
      return TensorType(result.type.dtype, .ranked(dims))
    }
    func each(_ list: [OutValue], _ value: Int, _ isNeeded: Bool) -> WireAttribute? { isNeeded ? .ints(list.map { _ in value }) : nil }
    let results = try emit(
      "Scan", initial + tensors,
      [
        "body": .graph(graph), "num_scan_inputs": .int(tensors.count), "scan_input_axes": each(tensors, axis, axis != 0),
        "scan_input_directions": each(tensors, 1, backward), "scan_output_axes": each(made.results, axis, axis != 0),
        "scan_output_directions": each(made.results, 1, backward),
      ], types: initial.map(\.type) + stacked)
    return (Array(results.prefix(initial.count)), Array(results.dropFirst(initial.count)))
  }
}
