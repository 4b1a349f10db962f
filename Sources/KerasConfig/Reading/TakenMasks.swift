import ModelLayers
import ModelSupport
import ModelTensor

/// Which calls get tensors whose masks are gone by then.
///
/// In Keras 3 a mask is an attribute of the tensor object, and `MultiHeadAttention.call` deletes it from its query, value and key
/// (`set_keras_mask(…, None)`): whatever looks for it later finds none. What is later, `Function._run_through_graph` says: calls
/// run by depth, then in the order in which a walk from the outputs lists them. A layer that gives back its very input (`Dropout`
/// in inference) shares the attribute; one that casts its input first deletes that of the copy. Keras 2 deletes nothing.
struct TakenMasks {
  /// Marks the nodes that stand for tensors without their masks.
  static let pass = "taken-mask"
  /// Marks the nodes that stand for tensors with the masks that a nested model is called with.
  static let given = "given-mask"

  struct Use: Hashable {
    /// The call that gets the tensor.
    var call: TensorReference
    var tensor: TensorReference
  }
  /// The uses of tensors that had a mask and have none any more.
  private(set) var uses: Set<Use> = []
  /// The inputs whose masks are gone at the end, and the outputs that may have one.
  private var takenInputs: Set<Int> = []
  private var maskedOutputs: Set<Int> = []

  /// Operations that give tensors of their own with what was in others.
  static let copies: Set<String> = ["Copy", "StopGradient"]
  /// Whether some layer makes a mask, or some call is given one.
  static func areMade(by entries: [NetworkDescription.Entry]) -> Bool {
    entries.contains { entry in makesMask(entry.object) || entry.calls.contains { $0.keywords["mask"] != nil } }
  }
  private static func makesMask(_ object: SerializedObject) -> Bool {
    object.className == "Masking" || object.config["mask_zero"]?.boolValue == true
  }

  private static let heads = ["query", "value", "key"]
  /// Layers that give back the object they are called on.
  private static let transparent: Set<String> = [
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "ActivityRegularization", "Identity",
  ]

  /// - Parameter masksInputs: whether the inputs may be masked: those of a nested model.
  init(
    _ entries: [NetworkDescription.Entry], inputs: [TensorReference], outputs: [TensorReference], masksInputs: Bool
  ) throws {
    try self.init(entries, inputs: inputs, outputs: outputs, masksInputs: masksInputs, depth: 0)
  }

  private init(
    _ entries: [NetworkDescription.Entry], inputs: [TensorReference], outputs: [TensorReference], masksInputs: Bool, depth: Int
  ) throws {
    guard depth < NetworkBuilder.depthLimit, entries.contains(where: { Self.hasHeads($0.object.json) }) else {
      // Nothing is taken. What comes out may be masked all the same.
      maskedOutputs = Set(outputs.indices)
      return
    }
    var masked = masksInputs ? Set(inputs) : [], taken: Set<TensorReference> = []
    /// The objects that results are, where they are those of other calls.
    var objects: [TensorReference: TensorReference] = [:]
    func object(_ reference: TensorReference) -> TensorReference { objects[reference] ?? reference }
    let order = LayerOrder(entries.map { ($0.object.name, $0.calls) }).calls(outputs: outputs)
    for (index, place) in order {
      let entry = entries[index]
      guard place < entry.calls.count, !entry.object.isInput else { continue }
      let call = entry.calls[place], reference = TensorReference(entry.object.name, place)
      let isOperation = entry.object.isOperation(.keras3)
      if !isOperation, entry.object.networkKind != nil {
        // A model's call notes the masks its tensors have when the model is made, and puts them back on.
        let given = call.networkInputs.map { object($0.reference) }
        taken.subtract(given)
        let inner = try NestingLimit.descend {
          let network = try NetworkDescription(entry.object, generation: .keras3)
          return try Self(network.entries, inputs: network.inputs, outputs: network.outputs, masksInputs: true, depth: depth + 1)
        }
        for position in inner.takenInputs where position < given.count { taken.insert(given[position]) }
        for position in inner.maskedOutputs { masked.insert(TensorReference(entry.object.name, place, position)) }
        continue
      }
      guard !isOperation else { continue }
      for (tensor, _) in call.tensors where masked.contains(tensor) && taken.contains(object(tensor)) {
        uses.insert(Use(call: reference, tensor: tensor))
      }
      if Self.makesMask(entry.object) || call.keywords["mask"] != nil || call.tensors.contains(where: { masked.contains($0.reference) }) {
        for result in 0..<8 { masked.insert(TensorReference(entry.object.name, place, result)) }
      }
      guard entry.object.isKeras else { continue }
      if entry.object.className == "MultiHeadAttention" {
        let arguments = call.arguments.prefix(3) + Self.heads.compactMap { call.keywords[$0] }
        for (tensor, type) in arguments.flatMap(\.tensors) where !Self.casts(entry.object, type) { taken.insert(object(tensor)) }
      } else if Self.isTransparent(entry.object), let (tensor, type) = call.tensors.first, !Self.casts(entry.object, type) {
        objects[reference] = object(tensor)
      }
    }
    takenInputs = Set(inputs.indices.filter { taken.contains(inputs[$0]) })
    maskedOutputs = Set(outputs.indices.filter { masked.contains(outputs[$0]) })
  }

  private static func hasHeads(_ json: JSONValue, depth: Int = 0) -> Bool {
    if json["class_name"] == "MultiHeadAttention" { return true }
    guard depth < NetworkBuilder.depthLimit, let layers = json["config"]?["layers"]?.arrayValue else { return false }
    return layers.contains { hasHeads($0, depth: depth + 1) }
  }

  /// Whether a layer gives back the object it is called on.
  static func isTransparent(_ layer: any Layer) -> Bool {
    transparent.contains(type(of: layer).className) || (layer as? ActivationLayer)?.activation.name == "linear"
  }
  private static func isTransparent(_ object: SerializedObject) -> Bool {
    transparent.contains(object.className) || object.className == "Activation" && object.config["activation"] == "linear"
  }

  /// Whether a layer works on a copy of a tensor, in the dtype it computes in.
  private static func casts(_ object: SerializedObject, _ type: TensorType?) -> Bool {
    guard let type, type.dtype.isFloatingPoint, let policy = try? object.policy() else { return false }
    return type.dtype != policy.compute
  }
}

extension CallDescription {
  /// The tensors a nested model is called on: all but those of its masks.
  var networkInputs: [(reference: TensorReference, type: TensorType?)] {
    arguments.flatMap(\.tensors) + keywords.filter { $0.key != "mask" }.values.flatMap(\.tensors)
  }
  /// The mask of each of them, where the call spells one.
  var networkMasks: [TensorReference?] { keywords["mask"]?.places ?? [] }
}

extension CallArgument {
  /// The tensors in it and the places where none stands.
  fileprivate var places: [TensorReference?] {
    switch self {
    case .tensor(let reference, _): [reference]
    case .plain(let json): json.arrayValue.map { $0.map { _ in nil } } ?? [nil]
    case .list(let list): list.flatMap(\.places)
    case .dictionary(let members): members.keys.sorted().flatMap { members[$0]?.places ?? [] }
    }
  }
}
