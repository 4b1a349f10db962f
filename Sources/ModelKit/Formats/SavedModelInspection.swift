import ModelSupport
import ModelTensor
import SavedModelFormat
import TensorFlowGraph

/// Gathers what `inspect` shows of a SavedModel or a frozen graph.
struct SavedModelInspection {
  private let file: SavedModelFile
  private let meta: MetaGraph
  private(set) var result: Inspection

  init(_ file: SavedModelFile, _ meta: MetaGraph) {
    self.file = file
    self.meta = meta
    result = Inspection(format: .savedmodel, path: file.path)
    result.fileBytes = FileSystem.byteCount(file.directory ?? file.path)
    let graph = meta.graph
    if let version = meta.definition.metaInfoDef?.tensorflowVersion, !version.isEmpty {
      result.producer = "TensorFlow \(version)"
      result.versions["tensorflow"] = version
    }
    if let producer = graph.versions?.producer { result.versions["graph"] = String(producer) }
    addInterfaces()
    var operators = Tally()
    for node in graph.node { operators.add(node.op ?? "?") }
    for function in meta.functions { for node in function.nodeDef { operators.add(node.op ?? "?") } }
    result.operators = operators.ordered
    addMetadata()
    addWeights()
    addLayers()
    result.graphText = { TensorFlowGraphText(graph).text }
  }

  // MARK: Interfaces

  private mutating func addInterfaces() {
    guard !file.isFrozenGraph else { return addFrozenPorts() }
    result.signatures = meta.signatures.map { name, definition in
      let (inputs, outputs) = meta.ports(definition)
      return SignatureSummary(
        name: name, inputs: inputs.map { Self.port($0.key, $0.info) }, outputs: outputs.map { Self.port($0.key, $0.info) })
    }
    if let main = result.signatures.first(where: { $0.name == "serving_default" }) ?? result.signatures.first {
      (result.inputs, result.outputs) = (main.inputs, main.outputs)
    } else {
      result.warnings.append("the model has no signatures")
    }
  }

  private static func port(_ name: String, _ info: TensorInfo?) -> PortSummary {
    let dtype = info?.dtype.map { $0.dtype?.rawValue ?? $0.name } ?? "?"
    return PortSummary(name: name, dtype: dtype, shape: info?.tensorShape?.shape ?? .unranked)
  }

  /// Placeholders are the inputs; what nothing uses is an output.
  private mutating func addFrozenPorts() {
    var used: Set<Substring> = []
    for node in meta.graph.node {
      for input in node.input { used.insert(input.drop { $0 == "^" }.prefix { $0 != ":" }) }
    }
    for node in meta.graph.node {
      let name = node.name ?? ""
      func attribute(_ name: String) -> AttrValue? { node.attr.first { $0.key == name }?.value }
      let type = attribute("dtype") ?? attribute("T")
      let dtype = type?.type.map { $0.dtype?.rawValue ?? $0.name } ?? "?"
      if node.op == "Placeholder" || node.op == "PlaceholderWithDefault" {
        result.inputs.append(PortSummary(name: name, dtype: dtype, shape: attribute("shape")?.shape?.shape ?? .unranked))
      } else if !used.contains(name[...]), !["NoOp", "Const", "Assert"].contains(node.op ?? "") {
        let shape = attribute("_output_shapes")?.list?.shape.first?.shape ?? .unranked
        result.outputs.append(PortSummary(name: name, dtype: dtype, shape: shape))
      }
    }
  }

  // MARK: Metadata

  private mutating func addMetadata() {
    let tags = file.model.metaGraphs.map(\.tags)
    if !file.isFrozenGraph { result.metadata["tags"] = meta.definition.tags.joined(separator: ", ") }
    if tags.count > 1 {
      result.metadata["tag sets"] = tags.map { "[\($0.joined(separator: ", "))]" }.joined(separator: " ")
    }
    if !meta.functions.isEmpty { result.metadata["functions"] = String(meta.functions.count) }
    do {
      let assets = try meta.assets()
      if !assets.isEmpty { result.metadata["assets"] = assets.map(\.name).joined(separator: ", ") }
      for asset in assets where FileSystem.kind(asset.path) != .file {
        result.warnings.append("the asset '\(asset.name)' is missing")
      }
    } catch { result.warnings.append(String(describing: error)) }
    if let print = file.fingerprint {
      if let uuid = print.uuid, !uuid.isEmpty { result.metadata["uuid"] = uuid }
      if let sum = print.savedModelChecksum { result.metadata["fingerprint"] = String(sum, radix: 16) }
    }
  }

  // MARK: Weights

  private mutating func addWeights() {
    let meta = meta
    do {
      let bundle = try meta.bundle(), all = try meta.variables(bundle)
      // Copies that no function uses, and what training needs, are no weights of the model.
      let bound = all.filter(\.isBound), variables = bound.isEmpty ? all.filter { !$0.isTrainingState } : bound
      guard !variables.isEmpty else { return addConstants() }
      if bundle == nil { result.warnings.append("the model has \(variables.count) variables and no checkpoint") }
      var trainable = 0
      for variable in variables {
        // The checkpoint knows extents that the graph may leave open.
        let stored = variable.slice == nil ? variable.checkpointKey.flatMap { try? bundle?.type($0) } : nil
        add((stored ?? variable.type), variable.name)
        if variable.isTrainable { trainable += (stored ?? variable.type).shape.elementCount ?? 0 }
        // Places are checked, no bytes are read.
        if let bundle {
          do { _ = try variable.tensor(in: bundle) } catch { warn(String(describing: error)) }
        }
      }
      result.trainableParameters = min(trainable, result.parameters)
      result.weights = { variables.map { variable in WeightEntry(variable.name, Result { try variable.tensor(in: bundle) }) } }
    } catch { warn(String(describing: error)) }
  }

  /// Frozen graphs hold their weights as constants: floats, and more than one.
  private mutating func addConstants() {
    var weights: [(name: String, proto: TensorProto)] = []
    for node in meta.graph.node + meta.functions.flatMap(\.nodeDef) where node.op == "Const" {
      guard let proto = node.attr.first(where: { $0.key == "value" })?.value?.tensor?.value,
        proto.dtype?.dtype?.isFloatingPoint == true
      else { continue }
      guard let extents = try? proto.extents(), let dtype = proto.dtype?.dtype else {
        warn("constant '\(node.name ?? "")' has no valid shape")
        continue
      }
      guard (checkedProduct(extents) ?? 0) > 1 else { continue }
      add(TensorType(dtype, extents), node.name ?? "")
      weights.append((node.name ?? "", proto))
    }
    let constants = weights
    result.weights = { constants.map { constant in WeightEntry(constant.name, Result { try constant.proto.tensor() }) } }
  }

  private mutating func add(_ type: TensorType, _ name: String) {
    guard let count = type.shape.elementCount else { return warn("variable '\(name)' has the open shape \(type.shape)") }
    let sum = result.parameters.addingReportingOverflow(count)
    let bytes = result.weightBytes.addingReportingOverflow(type.dtype.byteCount(of: count) ?? 0)
    guard !sum.overflow, !bytes.overflow else { return warn("weight '\(name)' is impossibly large") }
    (result.parameters, result.weightBytes) = (sum.partialValue, bytes.partialValue)
  }

  /// A short list, however damaged the file.
  private mutating func warn(_ text: String) {
    guard result.warnings.count <= 20 else { return }
    result.warnings.append(result.warnings.count < 20 ? text : "and more problems")
  }

  // MARK: Layers

  /// Keras 2 tells of its layers in a file of its own, or in the objects themselves.
  private mutating func addLayers() {
    var rows: [(id: Int, identifier: String, metadata: String)] = []
    if let metadata = file.kerasMetadata {
      rows = metadata.nodes.map { (Int($0.nodeID ?? 0), $0.identifier ?? "", $0.metadata ?? "") }
    } else {
      for (id, object) in (meta.objects?.nodes ?? []).enumerated() {
        guard let user = object.userObject?.value, let text = user.metadata, !text.isEmpty else { continue }
        rows.append((id, user.identifier ?? "", text))
      }
    }
    rows = rows.filter { $0.identifier.hasPrefix("_tf_keras_") && $0.identifier != "_tf_keras_metric" }
    guard !rows.isEmpty, let objects = meta.objects else { return }
    var layers: [LayerSummary] = []
    for row in rows where row.id != 0 {
      guard let json = try? JSONValue(parsing: Array(row.metadata.utf8)) else { continue }
      let inside = variables(below: row.id, objects)
      layers.append(
        LayerSummary(
          name: json["name"]?.stringValue ?? "", type: json["class_name"]?.stringValue ?? "?",
          outputShapes: [], parameters: inside.reduce(0) { $0 + ($1.shape?.shape.elementCount ?? 0) },
          trainable: json["trainable"]?.boolValue ?? true))
    }
    if !layers.isEmpty { result.layers = layers }
    if let root = rows.first(where: { $0.id == 0 }), let json = try? JSONValue(parsing: Array(root.metadata.utf8)) {
      result.name = json["name"]?.stringValue ?? ""
      if let version = json["keras_version"]?.stringValue { result.versions["keras"] = version }
    }
  }

  /// The variables an object reaches, without those of its Keras bookkeeping.
  private func variables(below id: Int, _ objects: SavedObjectGraph) -> [SavedVariable] {
    var found: [SavedVariable] = [], visited: Set<Int> = [id], waiting = [id]
    while let next = waiting.popLast() {
      guard objects.nodes.indices.contains(next), visited.count < 10_000 else { continue }
      if let variable = objects.nodes[next].variable?.value { found.append(variable) }
      for child in objects.nodes[next].children where child.localName != "keras_api" && child.localName != "optimizer" {
        let target = Int(child.nodeID ?? 0)
        if visited.insert(target).inserted { waiting.append(target) }
      }
    }
    return found
  }
}
