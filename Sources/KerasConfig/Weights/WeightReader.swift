import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor
import OrderedCollections

/// Gives the parameters of a model that has been built their tensors from a file.
struct WeightReader {
  let store: any KerasWeightStore
  let generation: KerasGeneration
  var model: Model
  /// Parameters of each shared layer that has been read.
  private var shared: [Int: [ParameterID]] = [:]
  /// Layers and models of a tree by what tells them apart in a model.
  private var met: [Identity: LayerRecord] = [:]
  /// Paths that have been used, in a tree.
  private var used: Set<String> = []
  /// Whether a layer has its weights in another place than its own, where Keras does not look for them.
  private(set) var hasLayersElsewhere = false
  /// The names that lists give to weights.
  private(set) var names: [ParameterID: String] = [:]

  init(_ store: any KerasWeightStore, generation: KerasGeneration, model: Model) {
    self.store = store
    self.generation = generation
    self.model = model
  }

  /// - Throws: `FormatError` naming the layer whose weight is missing or of another shape.
  mutating func read(_ root: LayerRecord) throws {
    switch store.layout {
    case .tree: try readTree(root, at: "", depth: 0)
    case .lists: try readLists(root)
    case .names: try readNames(root)
    }
  }

  // MARK: Keras 3

  private mutating func readTree(_ record: LayerRecord, at group: String, depth: Int) throws {
    guard depth < 64 else { throw FormatError(.limitExceeded, "models nested deeper than 64") }
    let names = LayerRecord.groupNames(record.children.map(\.className))
    // `_layer_checkpoint_dependencies` stands in the first files of this kind (Keras 2.12 and 2.13).
    let containers = ["layers", "_layer_checkpoint_dependencies"].map { group.isEmpty ? $0 : "\(group)/\($0)" }
    let olderNames = try namesAsDependencies(record, in: containers[1]) ?? names
    for (child, (name, olderName)) in zip(record.children, zip(names, olderNames)) {
      let places = ["\(containers[0])/\(name)", "\(containers[1])/\(olderName)"]
      let place = try store.groups(at: places[0]).isEmpty && !store.groups(at: places[1]).isEmpty ? places[1] : places[0]
      if try isStoredElsewhere(child, at: places) { continue }
      if !child.children.isEmpty {
        try readTree(child, at: place, depth: depth + 1)
        continue
      }
      try within("layer \(child.name)") {
        if let id = child.sharedID, let known = shared[id], known.count == child.parameters.count {
          for (to, from) in zip(child.parameters, known) { model[to].tensor = model[from].tensor }
          return
        }
        var tensors: [Tensor] = []
        for spec in child.weights {
          // Keras 2 names attributes of its own as Python does, with an underscore in front.
          let own = [spec.path] + spec.otherPaths + (spec.path.hasPrefix("vars/") ? [] : ["_\(spec.path)"])
          let paths = places.flatMap { place in own.map { "\(place)/\($0)" } }
          var found: Tensor?
          for path in paths where found == nil {
            found = try store.variable(at: path)
            if found != nil { used.insert(path) }
          }
          if found == nil, let other = try groupNamed(child.name, in: containers) {
            found = try store.variable(at: "\(other)/\(spec.path)")
            if found != nil { used.insert("\(other)/\(spec.path)") }
          }
          guard let found else {
            throw FormatError(.missingReference, "the weight '\(spec.name)' is missing (\(paths[0]))")
          }
          tensors.append(found)
        }
        try assign(tensors, to: child)
        if !child.isBuilt { try list(try store.allVariables(below: place), of: child) }
        if let id = child.sharedID { shared[id] = child.parameters }
      }
    }
  }

  /// What tells a layer from others: Keras has one of a name in a model, and in models inside it the same one or another.
  private struct Identity: Hashable {
    var name: String
    var className: String
    var config: JSONValue?
  }

  /// A layer that stands in a model and in another inside it is one to the Keras that saved it, which stores it where it meets it
  /// first and leaves its other places empty.
  /// - Returns: whether the tensors have been taken from there.
  private mutating func isStoredElsewhere(_ record: LayerRecord, at places: [String]) throws -> Bool {
    let config = record.scope.flatMap { model[$0].config?["config"] }.map(Self.unnumbered)
    let identity = Identity(name: record.name, className: record.className, config: config)
    guard let known = met[identity], try places.allSatisfy({ try store.allVariables(below: $0).isEmpty }) else {
      met[identity] = met[identity] ?? record
      return false
    }
    let to = record.legacyParameters(), from = known.legacyParameters()
    let pairs = Array(zip(to.trainable + to.fixed, from.trainable + from.fixed))
    guard !pairs.isEmpty, to.trainable.count == from.trainable.count, to.fixed.count == from.fixed.count,
      pairs.allSatisfy({ $0.spec.path == $1.spec.path && $0.spec.shape == $1.spec.shape })
    else { return false }
    for (to, from) in pairs { model[to.parameter].tensor = model[from.parameter].tensor }
    hasLayersElsewhere = true
    return true
  }

  /// A configuration without the numbers of objects that stand in it several times: each model counts them by itself.
  private static func unnumbered(_ json: JSONValue) -> JSONValue { unnumbered(json, depth: 0) }

  private static func unnumbered(_ json: JSONValue, depth: Int) -> JSONValue {
    guard depth < NestingLimit.maximum else { return json }
    if let list = json.arrayValue { return .array(list.map { unnumbered($0, depth: depth + 1) }) }
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (key, value) in members where key != "shared_object_id" { result[key] = unnumbered(value, depth: depth + 1) }
    return .object(result)
  }

  /// The groups of layers among a model's dependencies, where those with weights stand twice: the second place is numbered, and empty.
  /// - Returns: `nil` where the file has no such groups.
  private func namesAsDependencies(_ record: LayerRecord, in container: String) throws -> [String]? {
    let groups = Set(try store.groups(at: container))
    guard !groups.isEmpty else { return nil }
    var classNames: [String] = [], places: [Int] = []
    for child in record.children {
      let isTwice = !child.weights.isEmpty || !child.children.isEmpty
      places.append(classNames.count)
      classNames += Array(repeating: child.className, count: isTwice ? 2 : 1)
    }
    let all = LayerRecord.groupNames(classNames), names = places.map { all[$0] }
    return zip(record.children, names).allSatisfy { $0.weights.isEmpty || groups.contains($1) } ? names : nil
  }

  /// The group whose attribute says that it is this layer's: files of other versions number groups
  /// differently.
  private func groupNamed(_ name: String, in containers: [String]) throws -> String? {
    for container in containers {
      for child in try store.groups(at: container) {
        let group = "\(container)/\(child)"
        if try store.layerName(at: group) == name { return group }
        if try store.layerName(at: "\(group)/vars") == name { return group }
      }
    }
    return nil
  }

  // MARK: Keras 1 and 2

  private mutating func readLists(_ root: LayerRecord) throws {
    for child in root.children {
      try within("layer \(child.name)") {
        let stored = try store.weights(ofLayer: child.name)
        if !child.isBuilt, child.children.isEmpty {
          try list(stored, of: child)
          return
        }
        let slots = child.legacyParameters()
        let wanted = slots.trainable + slots.fixed
        let merged = LegacyWeights.withoutLoRA(stored, wanted.map(\.spec), config: child.scope.flatMap { model[$0].config?["config"] })
        let tensors = try LegacyWeights.modernized(merged, wanted.map(\.spec), of: child, generation: generation, backend: store.backend)
        guard tensors.count == wanted.count else {
          throw FormatError(.sizeMismatch, "expected \(wanted.count) weights, found \(tensors.count)")
        }
        if stored.count == wanted.count {
          for (slot, weight) in zip(wanted, stored) { names[slot.parameter] = weight.name }
        }
        for (slot, tensor) in zip(wanted, tensors) {
          try within(slot.record.name == child.name ? "weight \(slot.spec.name)" : "layer \(slot.record.name) / weight \(slot.spec.name)") {
            try assign(tensor, to: slot.parameter)
          }
        }
      }
    }
  }

  /// Variables that are nobody's weights; the optimiser's apart, which the storage reads.
  func unused() throws -> [(path: String, tensor: Tensor)] {
    try store.allVariables(below: "").filter { !used.contains($0.name) && !$0.name.hasPrefix("optimizer/") }
      .map { ($0.name, $0.tensor) }
  }

  // MARK: TensorFlow.js

  private mutating func readNames(_ root: LayerRecord) throws {
    var names = WeightNames(store.namedWeights, layers: root.leafNames())
    try readNames(root, in: &names, depth: 0)
    if let left = names.unused.first {
      let others = names.unused.count > 1 ? " and \(names.unused.count - 1) more" : ""
      throw FormatError(.missingReference, "expected a layer for each weight, found none for '\(left)'\(others)")
    }
  }

  private mutating func readNames(_ record: LayerRecord, in names: inout WeightNames, depth: Int) throws {
    guard depth < 64 else { throw FormatError(.limitExceeded, "models nested deeper than 64") }
    for child in record.children {
      try within("layer \(child.name)") {
        if !child.children.isEmpty { return try readNames(child, in: &names, depth: depth + 1) }
        guard child.isBuilt else { return try list(names.all(ofLayer: child.name), of: child) }
        let found = try names.weights(ofLayer: child.name, child.weights)
        for (parameter, weight) in zip(child.parameters, found) { self.names[parameter] = weight.name }
        try assign(found.map(\.tensor), to: child)
      }
    }
  }

  // MARK: Assigning

  private mutating func assign(_ tensors: [Tensor], to record: LayerRecord) throws {
    guard tensors.count == record.parameters.count else {
      throw FormatError(.sizeMismatch, "expected \(record.parameters.count) weights, found \(tensors.count)")
    }
    for (index, tensor) in tensors.enumerated() {
      try within("weight \(record.weights[index].name)") { try assign(tensor, to: record.parameters[index]) }
    }
  }

  private mutating func assign(_ tensor: Tensor, to id: ParameterID) throws {
    let expected = model[id].tensor.type.shape
    var tensor = tensor
    if tensor.type.shape != expected {
      // A scalar may be stored as a vector of one.
      guard let extents = expected.extents, tensor.elementCount == 1, checkedProduct(extents) == 1 else {
        throw FormatError(.sizeMismatch, "expected the shape \(expected), found \(tensor.type.shape)")
      }
      tensor = tensor.reshaped(extents)
    }
    model[id].tensor = tensor
  }

  /// Parameters of a layer that could not be built, as the file names them.
  private mutating func list(_ stored: [StoredWeight], of record: LayerRecord) throws {
    for weight in stored {
      _ = model.add(
        Parameter(name: "\(record.name)/\(weight.name)", tensor: weight.tensor, isTrainable: record.isTrainable, scope: record.scope))
    }
  }
}

extension Model {
  /// Lets every value that is a parameter have the parameter's type: files may store another dtype than
  /// the configuration says.
  mutating func refreshParameterTypes() {
    for id in graphs.keys {
      guard var graph = graphs[id] else { continue }
      graphs[id] = Graph()
      for value in graph.valueIDs {
        if case .parameter(let parameter) = graph[value].definition, graph[value].type != self[parameter].tensor.type {
          graph[value].type = self[parameter].tensor.type
        }
      }
      graphs[id] = graph
    }
  }
}
