import ModelSupport
import ModelTensor
import OrderedCollections

/// A result of one call of a layer, as configurations name it.
struct TensorReference: Hashable, Sendable {
  var layer: String
  /// Which call of the layer.
  var node: Int
  /// Which result of it.
  var index: Int
  init(_ layer: String, _ node: Int = 0, _ index: Int = 0) {
    self.layer = layer
    self.node = node
    self.index = index
  }

  /// `["dense", 0, 0]`.
  init?(_ json: JSONValue) {
    guard let list = json.arrayValue, list.count >= 3, let layer = list[0].stringValue, let node = list[1].intValue,
      let index = list[2].intValue, (0...(1 << 24)).contains(node), (0...(1 << 20)).contains(index)
    else { return nil }
    self.init(layer, node, index)
  }
}

/// An argument of a call: tensors, plain values, and lists and dictionaries of both.
indirect enum CallArgument: Sendable {
  case tensor(TensorReference, TensorType?)
  case plain(JSONValue)
  case list([CallArgument])
  case dictionary(OrderedDictionary<String, CallArgument>)

  /// The tensors in it. Dictionaries are walked by sorted key, as Keras flattens them.
  var tensors: [(reference: TensorReference, type: TensorType?)] {
    switch self {
    case .tensor(let reference, let type): [(reference, type)]
    case .plain: []
    case .list(let list): list.flatMap(\.tensors)
    case .dictionary(let members): members.keys.sorted().flatMap { members[$0]?.tensors ?? [] }
    }
  }

  func mapTensors(_ transform: (TensorReference, TensorType?) -> (TensorReference, TensorType?)) -> CallArgument {
    switch self {
    case .tensor(let reference, let type):
      let (other, itsType) = transform(reference, type)
      return .tensor(other, itsType)
    case .plain: return self
    case .list(let list): return .list(list.map { $0.mapTensors(transform) })
    case .dictionary(let members): return .dictionary(members.mapValues { $0.mapTensors(transform) })
    }
  }

  /// The value, when no tensor is in it.
  var plain: JSONValue? {
    switch self {
    case .tensor: return nil
    case .plain(let json): return json
    case .list(let list):
      var result: [JSONValue] = []
      for item in list {
        guard let json = item.plain else { return nil }
        result.append(json)
      }
      return .array(result)
    case .dictionary(let members):
      var result: OrderedDictionary<String, JSONValue> = [:]
      for (key, item) in members {
        guard let json = item.plain else { return nil }
        result[key] = json
      }
      return .object(result)
    }
  }
}

extension CallArgument {
  static let depthLimit = 32

  /// Keras 3: tensors are `__keras_tensor__` objects.
  init(keras3 json: JSONValue, depth: Int = 0) throws {
    guard depth < Self.depthLimit else { throw FormatError(.limitExceeded, "arguments nested deeper than \(Self.depthLimit)") }
    if json["class_name"] == "__keras_tensor__" {
      guard let history = json["config"]?["keras_history"], let reference = TensorReference(history) else {
        throw FormatError(.invalidStructure, "expected a tensor's 'keras_history', found \(json.abridged)")
      }
      var type: TensorType?
      if let shape = json["config"]?["shape"], let dtype = json["config"]?["dtype"]?.stringValue.flatMap(DType.init(rawValue:)) {
        type = TensorType(dtype, (try? Shape(keras: shape)) ?? .unranked)
      }
      self = .tensor(reference, type)
    } else if let list = json.arrayValue {
      self = .list(try list.map { try CallArgument(keras3: $0, depth: depth + 1) })
    } else if let members = json.objectValue, members["class_name"] == nil {
      self = .dictionary(try members.mapValues { try CallArgument(keras3: $0, depth: depth + 1) })
    } else {
      self = .plain(json)
    }
  }

  /// Keras 2's keywords: tensors are `["dense", 0, 0]`, which only the names of layers tell from lists.
  init(keras2 json: JSONValue, layers: Set<String>, depth: Int = 0) throws {
    guard depth < Self.depthLimit else { throw FormatError(.limitExceeded, "arguments nested deeper than \(Self.depthLimit)") }
    if let reference = TensorReference(json), json.arrayValue?.count == 3, layers.contains(reference.layer) {
      self = .tensor(reference, nil)
    } else if let list = json.arrayValue {
      self = .list(try list.map { try CallArgument(keras2: $0, layers: layers, depth: depth + 1) })
    } else if let members = json.objectValue, members["class_name"] == nil {
      self = .dictionary(try members.mapValues { try CallArgument(keras2: $0, layers: layers, depth: depth + 1) })
    } else {
      self = .plain(json)
    }
  }
}

/// One call of a layer.
struct CallDescription: Sendable {
  var arguments: [CallArgument] = []
  var keywords: OrderedDictionary<String, CallArgument> = [:]
  /// Spelled with `args` and `kwargs`: Keras 3 makes this call.
  var isKeras3 = false
  /// For Keras 2 alone, which takes tensors by keyword in its own spelling.
  var isOfKeras2 = false

  /// Arguments that hold tensors.
  var tensorArgumentCount: Int { (arguments + Array(keywords.values)).count { !$0.tensors.isEmpty } }

  var tensors: [(reference: TensorReference, type: TensorType?)] {
    arguments.flatMap(\.tensors) + keywords.values.flatMap(\.tensors)
  }

  mutating func mapReferences(_ transform: (TensorReference) -> TensorReference) {
    mapTensors { (transform($0), $1) }
  }

  mutating func mapTensors(_ transform: (TensorReference, TensorType?) -> (TensorReference, TensorType?)) {
    arguments = arguments.map { $0.mapTensors(transform) }
    keywords = keywords.mapValues { $0.mapTensors(transform) }
  }

  init(_ arguments: [CallArgument] = [], keywords: OrderedDictionary<String, CallArgument> = [:]) {
    self.arguments = arguments
    self.keywords = keywords
  }

  /// An entry of `inbound_nodes` of any generation; `nil` for an empty one.
  ///
  /// Keras 2 nests the first argument's tensors in a list, each `[layer, node, index, keywords]`, and
  /// stands for a single one with or without a list around it.
  init?(_ json: JSONValue, layers: Set<String>) throws {
    if let members = json.objectValue, let args = members["args"], let kwargs = members["kwargs"] {
      arguments = try (args.arrayValue ?? [args]).map { try CallArgument(keras3: $0) }
      keywords = try (kwargs.objectValue ?? [:]).mapValues { try CallArgument(keras3: $0) }
      isKeras3 = true
      return
    }
    var keywords: OrderedDictionary<String, JSONValue> = [:]
    func structure(_ json: JSONValue, depth: Int) throws -> CallArgument {
      guard depth < CallArgument.depthLimit else {
        throw FormatError(.limitExceeded, "arguments nested deeper than \(CallArgument.depthLimit)")
      }
      if let list = json.arrayValue {
        if list.count >= 3, let name = list[0].stringValue, list[1].intValue != nil {
          if keywords.isEmpty, list.count >= 4, let members = list[3].objectValue { keywords = members }
          if name == "_CONSTANT_VALUE" { return .plain(list[2]) }
          guard let reference = TensorReference(json) else {
            throw FormatError(.invalidStructure, "expected a layer's result, found \(json.abridged)")
          }
          return .tensor(reference, nil)
        }
        return .list(try list.map { try structure($0, depth: depth + 1) })
      }
      if let members = json.objectValue {
        return .dictionary(try members.mapValues { try structure($0, depth: depth + 1) })
      }
      throw FormatError(.invalidStructure, "expected a layer's inputs, found \(json.abridged)")
    }
    var first = try structure(json, depth: 0)
    if case .list(let list) = first {
      if list.isEmpty { return nil }
      if list.count == 1 { first = list[0] }
    }
    arguments = [first]
    self.keywords = try keywords.mapValues { try CallArgument(keras2: $0, layers: layers) }
  }
}
