import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// A variable of a SavedModel: what it is called, of which type, and where its value stands.
public struct SavedModelVariable: Sendable {
  /// Its own name: `dense/kernel`.
  public var name: String
  public var type: TensorType
  public var isTrainable: Bool
  /// Where its value stands in the checkpoint; `nil` when nothing says.
  public var checkpointKey: String?
  /// For a part of a partitioned variable: which.
  public var slice: TensorSlice?
  /// Its place in the object graph; `nil` in TensorFlow 1.
  public var nodeID: Int?
  /// Its names from the root down; empty in TensorFlow 1.
  public var path: [String] = []

  /// Whether a function of the model takes it.
  public var isBound = false
  /// Whether an optimiser keeps it for another variable.
  public var isSlot = false

  /// Whether it serves training alone: an optimiser's, or a metric's.
  public var isTrainingState: Bool {
    isSlot || path.first == "optimizer" || path.contains("_optimizer") || path.contains("keras_api")
  }
}

extension MetaGraph {
  /// The variables, from the object graph or, in files of TensorFlow 1, from the nodes and collections.
  /// - Parameter bundle: the checkpoint, whose objects name the keys.
  /// - Throws: `FormatError` for a damaged object graph.
  public func variables(_ bundle: TensorBundle?) throws -> [SavedModelVariable] {
    if let objects, objects.nodes.contains(where: { $0.variable != nil }) {
      let keys = try bundle.map { try checkpointKeys(objects, $0) } ?? [:]
      let paths = objects.paths
      var bound: Set<Int> = [], slots: Set<Int> = []
      for entry in objects.concreteFunctions { bound.formUnion((entry.value?.boundInputs ?? []).map { Int($0) }) }
      // A variable of a frozen layer is one that could be trained; the lists of the model say that it is not.
      let frozen = Set(objects.list("non_trainable_variables", of: 0) ?? []).subtracting(objects.list("trainable_variables", of: 0) ?? [])
      for object in objects.nodes { slots.formUnion(object.slotVariables.map { Int($0.slotVariableNodeID ?? 0) }) }
      return try objects.nodes.enumerated().compactMap { id, object in
        guard let variable = object.variable?.value else { return nil }
        let name = variable.name ?? ""
        return try within("variable \(name)") {
          SavedModelVariable(
            name: name.isEmpty ? paths[id]?.joined(separator: "/") ?? "variable_\(id)" : name, type: try variable.tensorType(),
            isTrainable: (variable.trainable ?? false) && !frozen.contains(id), checkpointKey: keys[id], nodeID: id, path: paths[id] ?? [],
            isBound: bound.contains(id), isSlot: slots.contains(id))
        }
      }
    }
    return try graphVariables(bundle)
  }

  public func variables() throws -> [SavedModelVariable] { try variables(try bundle()) }

  private func checkpointKeys(_ objects: SavedObjectGraph, _ bundle: TensorBundle) throws -> [Int: String] {
    try checkpointAttributes(objects, bundle).compactMapValues { $0.first { $0.name == "VARIABLE_VALUE" }?.checkpointKey }
  }

  /// Where the tables of objects stand in the checkpoint: two tensors, whose keys end in `-keys` and `-values`.
  func tableKeys(_ bundle: TensorBundle?) throws -> [Int: String] {
    guard let bundle, let objects, objects.nodes.contains(where: { $0.resource != nil }) else { return [:] }
    return try checkpointAttributes(objects, bundle).compactMapValues { attributes in
      attributes.compactMap(\.checkpointKey).map { $0.hasSuffix("-keys") ? String($0.dropLast(5)) : $0 }
        .first { bundle.contains($0 + "-keys") && bundle.contains($0 + "-values") }
    }
  }

  /// Walks the objects of the model and of the checkpoint side by side: what has the same names is the same.
  private func checkpointAttributes(
    _ objects: SavedObjectGraph, _ bundle: TensorBundle
  ) throws -> [Int: [TrackableObject.SerializedTensor]] {
    guard let graph = try bundle.objectGraph() else { return [:] }
    var same: [Int: Int] = [0: 0], waiting: [(Int, Int)] = [(0, 0)]
    while let (own, stored) = waiting.popLast() {
      guard own < objects.nodes.count, stored < graph.nodes.count else { continue }
      let node = graph.nodes[stored]
      let children = Dictionary(
        node.children.map { ($0.localName ?? "", Int($0.nodeID ?? 0)) }, uniquingKeysWith: { first, _ in first })
      for child in objects.nodes[own].children {
        let id = Int(child.nodeID ?? 0)
        guard id >= 0, let other = children[child.localName ?? ""], other >= 0, same[id] == nil else { continue }
        same[id] = other
        waiting.append((id, other))
      }
    }
    // Slots are children of nobody: an optimiser lists them with the variables they belong to.
    for (own, stored) in same where objects.nodes.indices.contains(own) && graph.nodes.indices.contains(stored) {
      for slot in objects.nodes[own].slotVariables {
        let original = same[Int(slot.originalVariableNodeID ?? 0)]
        let match = graph.nodes[stored].slotVariables.first {
          $0.slotName == slot.slotName && Int($0.originalVariableNodeID ?? 0) == original
        }
        if let match { same[Int(slot.slotVariableNodeID ?? 0)] = Int(match.slotVariableNodeID ?? 0) }
      }
    }
    return same.compactMapValues { graph.nodes.indices.contains($0) ? graph.nodes[$0].attributes : nil }
  }

  /// TensorFlow 1: nodes that make variables; collections tell which are trained and which are parts.
  private func graphVariables(_ bundle: TensorBundle?) throws -> [SavedModelVariable] {
    var trainable: Set<String> = [], parts: [String: SaveSliceInfoDef] = [:], known: Set<String> = []
    for entry in definition.collectionDef where entry.key == "trainable_variables" || entry.key == "variables" {
      for bytes in entry.value?.bytesList?.value ?? [] {
        let variable = try within("collection \(entry.key ?? "")") { try VariableDef(reading: bytes.source) }
        let node = (variable.variableName ?? "").split(separator: ":").first.map(String.init) ?? ""
        if entry.key == "trainable_variables" { trainable.insert(node) }
        known.insert(node)
        parts[node] = variable.saveSliceInfoDef
      }
    }
    return try graph.node.compactMap { node in
      guard let op = node.op, ["VarHandleOp", "VariableV2", "Variable"].contains(op), let name = node.name else { return nil }
      func attribute(_ name: String) -> AttrValue? { node.attr.first { $0.key == name }?.value }
      return try within("variable \(name)") {
        let dtype = try TensorBundle.dtype(attribute("dtype")?.type)
        let shape = attribute("shape")?.shape?.shape ?? .unranked
        let shared = try attribute("shared_name")?.s?.text() ?? ""
        var result = SavedModelVariable(
          name: name, type: TensorType(dtype, shape), isTrainable: known.isEmpty || trainable.contains(name),
          checkpointKey: shared.isEmpty ? name : shared)
        if let key = result.checkpointKey, let bundle, !bundle.contains(key), bundle.contains(name) { result.checkpointKey = name }
        if let part = parts[name], let whole = part.fullName, !whole.isEmpty {
          result.checkpointKey = whole
          result.slice = TensorSlice(
            starts: part.varOffset.map { Int($0) },
            lengths: zip(part.varShape, part.fullShape).map { $0 == $1 ? nil : Int($0) })
        }
        // A node that no collection knows and no checkpoint holds is an internal one.
        let isStored = result.checkpointKey.flatMap { bundle?.contains($0) } ?? false
        return known.isEmpty || known.contains(name) || isStored ? result : nil
      }
    }
  }
}

extension SavedModelVariable {
  /// The value, where it is.
  /// - Throws: `FormatError` when the checkpoint does not hold it, or not with this type.
  public func tensor(in bundle: TensorBundle?) throws -> Tensor {
    guard let bundle else { throw FormatError(.missingReference, "variable \(name): there is no checkpoint") }
    guard let checkpointKey else {
      throw FormatError(
        .missingReference, "the checkpoint's objects know no variable '\(name)'",
        at: SourceLocation(file: bundle.prefix + ".index"))
    }
    let tensor: Tensor
    if let slice {
      guard slice.starts.allSatisfy({ $0 >= 0 }), slice.lengths.allSatisfy({ ($0 ?? 0) >= 0 }) else {
        throw FormatError(.invalidValue, "variable \(name): a part that begins at \(slice.starts)")
      }
      tensor = try bundle.tensor(checkpointKey, slice)
    } else {
      tensor = try bundle.tensor(checkpointKey)
    }
    let fits = type.shape.dims.map { dims in
      dims.count == tensor.extents.count && zip(dims, tensor.extents).allSatisfy { $0.value == nil || $0.value == $1 }
    }
    guard tensor.dtype == type.dtype, fits ?? true else {
      throw FormatError(
        .sizeMismatch, "variable \(name): expected \(type), the checkpoint holds \(tensor.type)",
        at: SourceLocation(file: bundle.prefix + ".index"))
    }
    return tensor
  }
}

extension SavedVariable {
  func tensorType() throws -> TensorType { TensorType(try TensorBundle.dtype(dtype), shape?.shape ?? .unranked) }
}

extension SavedObjectGraph {
  /// The shortest names from the root to each object that has some.
  public var paths: [Int: [String]] {
    var paths: [Int: [String]] = [0: []], waiting = [0], next = 0
    while next < waiting.count {
      let id = waiting[next]
      next += 1
      for child in nodes.indices.contains(id) ? nodes[id].children : [] {
        let target = Int(child.nodeID ?? 0)
        guard nodes.indices.contains(target), paths[target] == nil else { continue }
        paths[target] = (paths[id] ?? []) + [child.localName ?? ""]
        waiting.append(target)
      }
    }
    return paths
  }
}

extension TensorBundle {
  static let objectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH"

  /// The objects whose values the checkpoint holds; `nil` in checkpoints of TensorFlow 1.
  public func objectGraph() throws -> TrackableObjectGraph? {
    guard contains(Self.objectGraphKey) else { return nil }
    guard let strings = try tensor(Self.objectGraphKey).source as? StringSource, let bytes = strings.strings.first else {
      throw FormatError(.invalidValue, "expected the object graph as a string", at: SourceLocation(file: prefix + ".index"))
    }
    do { return try within(Self.objectGraphKey) { try TrackableObjectGraph(reading: bytes) } } catch let error as FormatError {
      throw error.inFile(prefix + ".index")
    }
  }
}
