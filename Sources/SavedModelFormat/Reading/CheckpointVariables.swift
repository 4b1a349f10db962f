import ModelSupport
import ModelTensor
import TensorFlowGraph

/// The variables of a meta graph, found by the nodes that make their handles.
struct CheckpointVariables: VariableSource {
  private let bundle: TensorBundle?
  private var byNode: [String: SavedModelVariable] = [:]
  private var byName: [String: SavedModelVariable] = [:]
  /// The key of each object's table in the checkpoint, by the nodes that make handles.
  private var tables: [String: String] = [:]
  private let assets: [String: String]
  /// By the placeholders that loaders feed them to.
  private let fedFiles: [String: String]

  /// - Throws: `FormatError` for a damaged object graph or checkpoint index.
  init(_ meta: MetaGraph) throws {
    bundle = try meta.bundle()
    let variables = try meta.variables(bundle)
    var byID: [Int: SavedModelVariable] = [:]
    for variable in variables {
      if let id = variable.nodeID { byID[id] = variable }
      if byName[variable.name] == nil { byName[variable.name] = variable }
      if variable.nodeID == nil { byNode[variable.name] = variable }
    }
    let tableKeys = try meta.tableKeys(bundle)
    // Nodes of the main graph have names of their own. What ties them to objects is a call of a function: its last inputs are the
    // objects that the function is bound to.
    let bound = Dictionary(
      (meta.objects?.concreteFunctions ?? []).map { ($0.key ?? "", $0.value?.boundInputs ?? []) },
      uniquingKeysWith: { first, _ in first })
    for node in meta.graph.node {
      guard let name = node.attr.first(where: { $0.key == "f" })?.value?.function?.value.name, let objects = bound[name] else { continue }
      let inputs = node.input.filter { !$0.hasPrefix("^") }
      guard objects.count <= inputs.count else { continue }
      for (input, object) in zip(inputs.suffix(objects.count), objects) {
        let handle = input.split(separator: ":").first.map(String.init) ?? input
        byNode[handle] = byID[Int(object)]
        tables[handle] = tableKeys[Int(object)]
      }
    }
    var assets: [String: String] = [:]
    var fed: [String: String] = [:]
    for asset in try meta.assets() {
      assets[asset.name] = asset.path
      if let tensor = asset.tensorName { fed[tensor.hasSuffix(":0") ? String(tensor.dropLast(2)) : tensor] = asset.name }
    }
    self.assets = assets
    fedFiles = fed
  }

  func variable(_ reference: VariableReference) throws -> VariableContent? {
    guard let variable = byNode[reference.node] ?? byName[reference.sharedName] ?? byName[reference.node] else { return nil }
    return VariableContent(tensor: try variable.tensor(in: bundle), name: variable.name, isTrainable: variable.isTrainable)
  }

  /// TensorFlow 1 names the two tensors after the table, TensorFlow 2 after the object.
  func table(_ reference: VariableReference) throws -> (keys: Tensor, values: Tensor)? {
    guard let bundle else { return nil }
    let prefixes = [tables[reference.node], reference.sharedName, reference.node].compactMap { $0 }
    guard let prefix = prefixes.first(where: { bundle.contains($0 + "-keys") && bundle.contains($0 + "-values") }) else { return nil }
    return (try bundle.tensor(prefix + "-keys"), try bundle.tensor(prefix + "-values"))
  }

  func fileName(fedTo node: String) -> String? { fedFiles[node] }

  /// Assets are found by their names; the directories in front are those of the machine that wrote the model.
  func file(named path: String) throws -> [UInt8]? {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let path = assets[name] else { return nil }
    let file = try MappedFile(path: path)
    return [UInt8](file.bytes)
  }
}
