import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

extension SubgraphReader {
  /// The value a variable has at this point.
  func read(_ variable: Variable, in g: inout GraphContext) throws -> ValueID {
    if let current = state.current[ObjectIdentifier(variable)] { return current }
    let parameter = try library.parameter(of: variable, in: &g.model)
    return g.graph.addParameter(parameter, of: g.model)
  }

  /// Reads the ops of variables; `nil` for any other op.
  ///
  /// An assignment gives the variable another value for the rest of the call; it does not outlast it.
  func readState(
    _ node: NodeDef, _ type: String, name: String, _ inputs: [Symbol], in g: inout GraphContext
  ) throws -> [Symbol]? {
    switch type {
    case "VarHandleOp", "VariableV2", "Variable", "AutoReloadVariable":
      let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
      let shared = try reader.attribute("shared_name").map { _ in try reader.string("shared_name") } ?? ""
      let container = try reader.attribute("container").map { _ in try reader.string("container") } ?? ""
      let reference = VariableReference(node: name, sharedName: shared.isEmpty ? node.name ?? "" : shared)
      return [.variable(library.variable(reference, container: container))]
    default: break
    }
    guard case .variable(let variable)? = inputs.first else { return nil }
    enter(name, in: &g)
    func operand(_ index: Int, in g: inout GraphContext) throws -> ValueID {
      guard index < inputs.count else { throw FormatError(.invalidStructure, "\(type) has \(inputs.count) inputs") }
      return try value(of: inputs[index], in: &g)
    }
    switch type {
    case "ReadVariableOp": return [.value(try read(variable, in: &g))]
    case "VarIsInitializedOp", "IsVariableInitialized":
      return [.value(try g.constant(NDArray(scalar: true)))]
    case "AssignVariableOp", "Assign":
      state.assign(try operand(1, in: &g), to: variable)
    case "AssignAddVariableOp", "AssignAdd":
      state.assign(try g.add(try read(variable, in: &g), try operand(1, in: &g)), to: variable)
    case "AssignSubVariableOp", "AssignSub":
      state.assign(try g.sub(try read(variable, in: &g), try operand(1, in: &g)), to: variable)
    case "ResourceGather":
      let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
      let x = try read(variable, in: &g), indices = try operand(1, in: &g)
      guard try reader.int("batch_dims") == 0 else { throw UnsupportedError("ResourceGather with batch_dims is not supported") }
      return [.value(rename(try g.gather(x, indices, axis: 0), name, in: &g))]
    case "ResourceGatherNd":
      let x = try read(variable, in: &g), indices = try operand(1, in: &g)
      return [.value(rename(try g.apply(GatherNDOp(batchDims: 0), x, indices), name, in: &g))]
    case "VariableShape":
      let reader = NodeReader(node, inputs: [], functionAttributes: attributes)
      let shape = try g.shape(of: try read(variable, in: &g))
      return [.value(try g.cast(shape, to: try reader.dtype("out_type")))]
    default: return nil
    }
    // The reference to the variable that the older ops give.
    return type.hasSuffix("VariableOp") ? [] : [.variable(variable)]
  }

  /// What is appended next belongs to a node.
  func enter(_ name: String, in g: inout GraphContext) {
    g.namePrefix = name
    g.origin = Origin(sources: [name])
    g.scope = library.scope(of: name, in: &g.model)
  }

  private func rename(_ value: ValueID, _ name: String, in g: inout GraphContext) -> ValueID {
    let unique = library.uniqueName(name)
    g.graph[value].name = unique
    if let producer = g.graph.producer(of: value) { g.graph[producer].name = unique }
    return value
  }

  /// Tells of the variables that a call would have left changed, but for those that the graph keeps.
  func noteAssignments(but kept: Set<ObjectIdentifier> = []) {
    for variable in state.assigned where !kept.contains(ObjectIdentifier(variable)) {
      let name = variable.reference.sharedName
      let note = Loss("assignment to '\(name)'", reason: "it lasts for one call: a model's weights are what its file says")
      if !library.notes.contains(note) { library.notes.append(note) }
    }
  }
}
