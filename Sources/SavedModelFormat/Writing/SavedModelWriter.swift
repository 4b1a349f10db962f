import KerasConfig
import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// Writes a model of canonical ops as a SavedModel: signatures as functions, weights as variables that loaders restore from a
/// checkpoint and can train.
public struct SavedModelWriter: Sendable {
  public init() {}

  /// The version of TensorFlow whose conventions the directory follows.
  static let tensorFlowVersion = "2.16.1"
  /// Tells who wrote the directory, and that signatures list their inputs and outputs in order: TensorFlow's own lists have none.
  static let gitVersion = "modelctl"

  /// Writes the files of a SavedModel into `directory`, which is made.
  /// - Throws: `UnsupportedError` with the complete list of what can't be written; `StorageError`.
  public func write(_ model: Model, to directory: String) throws -> [Loss] {
    var losses: [Loss] = [], model = model
    // As `Model.export()` names the results of a model that gives a dictionary.
    if model.signatures.isEmpty, let keys = (model.residue["keras"] as? KerasResidue)?.outputKeys,
      keys.count == model.mainGraph.outputs.count
    {
      for (index, key) in keys.enumerated() { model.mainGraph.outputs[index].name = key }
    }
    let states = Self.addVariables(to: &model)
    let writer = TensorFlowGraphWriter(model)
    let keras = model.residue[KerasLayers.residueKey] as? KerasLayers
    var builder = ObjectGraphBuilder(root: keras?.identifier ?? "_generic_user_object")
    var main = MainGraph(), functions: [FunctionDef] = []
    let used = Self.usedParameters(model, states)
    let variables = try Variables(model, used, &builder, &main)

    let signatures = model.signatures.isEmpty ? [Signature("serving_default", graph: model.main)] : model.signatures
    var definitions: [SignatureEntry] = [], bare: [(name: String, node: Int)] = []
    // TensorFlow tells functions apart by the numbers at the ends of their names.
    for (number, signature) in signatures.enumerated() {
      let name = writer.uniqueFunctionName("__inference_signature_wrapper_\(signature.name)_\(number)")
      let written = try writer.function(signature.graph, named: name, variables: states)
      // Callers pass by keyword: TensorFlow flattens dictionaries by their sorted keys.
      let order = (inputs: written.inputs.sortedIndices, outputs: written.outputs.sortedIndices)
      functions.append(written.function(inOrder: order))
      let definition = try main.addSignature(
        signature.name, name, inputs: written.inputs, outputs: written.outputs,
        handles: written.captures.compactMap { variables.handles[$0] }, order: order)
      definitions.append(SignatureEntry(signature.name, definition))
      var concrete = SavedConcreteFunction()
      concrete.boundInputs = written.captures.compactMap { variables.nodes[$0] }.map(Int64.init)
      concrete.canonicalizedInputSignature = .tuple([
        .tuple([]), .dictionary(written.inputs.map { ($0.name, .spec($0.name, $0.type)) }),
      ])
      concrete.outputSignature = .dictionary(written.outputs.map { ($0.name, .spec($0.name, $0.type)) })
      builder.addConcreteFunction(name, concrete)
      var object = SavedObject(), function = SavedBareConcreteFunction()
      function.concreteFunctionName = name
      function.argumentKeywords = order.inputs.map { written.inputs[$0].name }
      object.bareConcreteFunction = Indirect(function)
      bare.append((signature.name, builder.add(object)))
    }
    try addEndpoint(model, writer, variables, states, &builder, &functions, number: signatures.count)
    try FileSystem.createDirectory(directory)
    try FileSystem.createDirectory(directory + "/variables")
    try FileSystem.createDirectory(directory + "/assets")
    let assets = model.residue[SavedAssets.residueKey] as? SavedAssets
    let files = try assets?.write(to: directory + "/assets", &builder, &main) ?? []
    let map = builder.add(ObjectGraphBuilder.user("signature_map"))
    builder.connect(0, "signatures", map)
    for entry in bare { builder.connect(map, entry.name, entry.node) }
    try writer.check("a SavedModel")

    let nodes = variables.nodes.map { (StoredBytes(model[$0.key].tensor), $0.value) }.sorted { $0.1 < $1.1 }
    let layers = try keras?.addObjects(to: &builder, variables: Dictionary(nodes, uniquingKeysWith: { first, _ in first }))
    let objectGraph = try builder.checkpoint.encoded()
    let saver = try main.addSaver(variables.saved, objectGraph: objectGraph)
    var graph = GraphDef(), library = FunctionDefLibrary()
    graph.node = main.nodes
    library.function = functions + writer.library
    graph.library = library
    graph.versions = TensorFlowGraphWriter.versions
    var info = MetaInfoDef(), meta = MetaGraphDef(), saved = SavedModelProto()
    info.tags = ["serve"]
    info.tensorflowVersion = Self.tensorFlowVersion
    info.tensorflowGitVersion = Self.gitVersion
    meta.metaInfoDef = info
    meta.graphDef = graph
    meta.saverDef = saver
    meta.signatureDef = definitions
    meta.assetFileDef = files
    meta.objectGraphDef = builder.objects
    saved.savedModelSchemaVersion = 1
    saved.metaGraphs = [meta]

    var bundle = try TensorBundleWriter(prefix: directory + "/variables/variables")
    for (id, key) in variables.keys { try bundle.add(key, model[id].tensor) }
    for entry in layers?.extra ?? [] { try bundle.add(entry.key, entry.tensor) }
    try bundle.add(
      "_CHECKPOINTABLE_OBJECT_GRAPH", Tensor(TensorType(.string, [Int]()), source: StringSource([objectGraph])))
    try bundle.finish()
    try saved.write(to: directory + "/saved_model.pb")
    let prints = try FingerprintDef(saved, index: directory + "/variables/variables.index")
    try prints?.write(to: directory + "/fingerprint.pb")
    try layers?.metadata.write(to: directory + "/keras_metadata.pb")
    if let training = model.training {
      if keras?.trainingConfig == nil {
        losses.append(Loss("training configuration", reason: "a SavedModel has no place for it"))
      } else if !training.optimizerVariables.isEmpty {
        losses.append(Loss("the optimiser's variables", reason: "Keras 2 starts an optimiser anew where it reads a SavedModel"))
      }
    }
    return losses
  }

  /// The function that Keras's `TFSMLayer` calls: its arguments and results by position, or in dictionaries where the Keras model has
  /// them so. The keys stand sorted, as TensorFlow flattens dictionaries.
  private func addEndpoint(
    _ model: Model, _ writer: TensorFlowGraphWriter, _ variables: Variables, _ states: [String: ParameterID],
    _ builder: inout ObjectGraphBuilder, _ functions: inout [FunctionDef], number: Int
  ) throws {
    let name = writer.uniqueFunctionName("__inference_serve_\(number)")
    let written = try writer.function(model.main, named: name, variables: states)
    functions.append(written.function)
    let keras = model.residue["keras"] as? KerasResidue
    let argument = Self.structure(written.inputs, keys: keras?.inputKeys), result = Self.structure(written.outputs, keys: keras?.outputKeys)
    var concrete = SavedConcreteFunction()
    concrete.boundInputs = written.captures.compactMap { variables.nodes[$0] }.map(Int64.init)
    concrete.canonicalizedInputSignature = .tuple([.tuple([argument]), .dictionary([])])
    concrete.outputSignature = result
    builder.addConcreteFunction(name, concrete)
    var object = SavedObject(), function = SavedFunction(), spec = FunctionSpec()
    spec.fullargspec = .argumentSpec(["inputs"])
    spec.inputSignature = .tuple([argument])
    function.concreteFunctions = [name]
    function.functionSpec = spec
    object.function = Indirect(function)
    builder.connect(0, "serve", builder.add(object))
  }

  private static func structure(_ ports: [WrittenPort], keys: [String]?) -> StructuredValue {
    if let keys, keys.count == ports.count { return .dictionary(zip(keys, ports).map { ($0, .spec($0, $1.type)) }) }
    let specs = ports.map { StructuredValue.spec($0.name, $0.type) }
    return specs.count == 1 ? specs[0] : .list(specs)
  }

  /// Adds a variable for each state, which the signatures share by name.
  private static func addVariables(to model: inout Model) -> [String: ParameterID] {
    var result: [String: ParameterID] = [:]
    for graph in model.graphs.values {
      for state in graph.states where result[state.name] == nil {
        result[state.name] = model.add(Parameter(name: state.name, tensor: state.initial, isTrainable: false))
      }
    }
    return result
  }

  private static func usedParameters(_ model: Model, _ states: [String: ParameterID]) -> [ParameterID] {
    var used = Set(states.values)
    for graph in model.graphs.values {
      for value in graph.valueSlots { if case .parameter(let id)? = value?.definition { used.insert(id) } }
    }
    return model.parameterIDs.filter { used.contains($0) }
  }
}

/// The variables of a SavedModel being written: where each parameter stands in the object graph, the main graph and the checkpoint.
private struct Variables {
  var nodes: [ParameterID: Int] = [:]
  var handles: [ParameterID: String] = [:]
  var keys: [(ParameterID, String)] = []
  var saved: [(handle: String, key: String, dtype: DataType)] = []

  init(_ model: Model, _ used: [ParameterID], _ builder: inout ObjectGraphBuilder, _ main: inout MainGraph) throws {
    var all: [Int] = [], trainable: [Int] = [], others: [Int] = []
    for (index, id) in used.enumerated() {
      let parameter = model[id], key = "variables/\(index)" + ObjectGraphBuilder.valueSuffix
      let node = try builder.addVariable(parameter, key: key)
      let handle = try main.addVariable(parameter)
      nodes[id] = node
      handles[id] = handle
      keys.append((id, key))
      if let dtype = DataType(parameter.tensor.dtype) { saved.append((handle, key, dtype)) }
      all.append(node)
      if parameter.isTrainable { trainable.append(node) } else { others.append(node) }
    }
    builder.addList(0, "variables", all)
    builder.addList(0, "trainable_variables", trainable)
    builder.addList(0, "non_trainable_variables", others)
  }
}

extension Array where Element == WrittenPort {
  /// The places of the ports in the order of their names.
  fileprivate var sortedIndices: [Int] { indices.sorted { self[$0].name < self[$1].name } }
}

extension WrittenFunction {
  /// The function with its own arguments and results in another order; captured resources stay behind.
  fileprivate func function(inOrder order: (inputs: [Int], outputs: [Int])) -> FunctionDef {
    var result = function
    guard var signature = result.signature else { return result }
    let own = inputs.count, arguments = signature.inputArg, results = signature.outputArg
    guard arguments.count >= own, results.count == outputs.count else { return result }
    signature.inputArg = order.inputs.map { arguments[$0] } + arguments[own...]
    signature.outputArg = order.outputs.map { results[$0] }
    result.signature = signature
    return result
  }
}
