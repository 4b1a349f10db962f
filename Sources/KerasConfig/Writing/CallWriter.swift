import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor
import OrderedCollections

/// Calls as `inbound_nodes` of each generation spell them.
enum CallWriter {
  /// The arguments of a layer's call: how its roles become positions, lists and keywords again.
  static func description(of op: LayerOp, tensors: [CallArgument], rule: LayerRule) -> CallDescription {
    var positional: [CallArgument] = [], named: OrderedDictionary<String, [(Int?, CallArgument)]> = [:]
    for (role, tensor) in zip(op.roles, tensors) {
      if role.isEmpty {
        positional.append(tensor)
      } else if let slash = role.lastIndex(of: "/"), let index = Int(role[role.index(after: slash)...]) {
        named[String(role[..<slash]), default: []].append((index, tensor))
      } else {
        named[role, default: []].append((nil, tensor))
      }
    }
    var call = CallDescription()
    if takesList.contains(rule.className) {
      call.arguments = [.list(positional)]
    } else if rule.arguments.contains("initial_state") || rule.arguments.contains("states"), positional.count > 1 {
      call.arguments = [positional[0]]
      call.keywords[rule.arguments.contains("states") ? "states" : "initial_state"] = .list(Array(positional.dropFirst()))
    } else if rule.className == "CategoryEncoding", positional.count == 2 {
      // `DataLayer.__call__` takes one tensor by its place.
      call.arguments = [positional[0]]
      call.keywords["count_weights"] = positional[1]
    } else if positional.count > 1, positional.count > max(1, rule.arguments.count) || rule.arguments == ["inputs"] {
      call.arguments = [.list(positional)]
    } else {
      call.arguments = positional
    }
    for (name, entries) in named {
      if entries.count == 1, entries[0].0 == nil {
        call.keywords[name] = entries[0].1
      } else {
        let last = entries.map { $0.0 ?? 0 }.max() ?? 0
        var list = [CallArgument](repeating: .plain(.null), count: min(last, 64) + 1)
        for (place, tensor) in entries where (place ?? 0) < list.count { list[place ?? 0] = tensor }
        call.keywords[name] = .list(list)
      }
    }
    for (name, value) in op.options.sorted(by: { $0.key < $1.key }) where !name.hasPrefix("argument_") {
      call.keywords[name] = .plain(value)
    }
    return call
  }

  /// Layers whose first argument is a list of tensors.
  private static let takesList: Set<String> = [
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot", "Attention", "AdditiveAttention",
  ]

  /// `{"args": […], "kwargs": {…}}`.
  static func keras3(_ call: CallDescription) -> JSONValue {
    func spell(_ argument: CallArgument) -> JSONValue {
      switch argument {
      case .tensor(let reference, let type):
        var config: JSONValue = ["shape": .null, "dtype": "float32"]
        if let type {
          config["shape"] = type.shape.openJSON
          config["dtype"] = .string(type.dtype.rawValue)
        }
        config["keras_history"] = reference.json
        return ["class_name": "__keras_tensor__", "config": config]
      case .plain(let json): return json
      case .list(let list): return .array(list.map(spell))
      case .dictionary(let members): return .object(members.mapValues(spell))
      }
    }
    return ["args": .array(call.arguments.map(spell)), "kwargs": .object(call.keywords.mapValues(spell))]
  }

  /// `[["dense", 0, 0, {}]]`; `nil` for a call that Keras 3 can't read in this spelling: more tensors than
  /// those of the first argument.
  static func keras2(_ call: CallDescription) -> JSONValue? {
    guard call.arguments.count == 1 else { return nil }
    var keywords: OrderedDictionary<String, JSONValue> = [:]
    for (name, argument) in call.keywords {
      if call.isOfKeras2, let tensors = references(argument) {
        keywords[name] = tensors
        continue
      }
      guard let plain = argument.plain else { return nil }
      keywords[name] = plain
    }
    func leaf(_ argument: CallArgument) -> JSONValue? {
      guard case .tensor(let reference, _) = argument else { return nil }
      return .array([.string(reference.layer), .int(reference.node), .int(reference.index), .object(keywords)])
    }
    switch call.arguments[0] {
    case .tensor: return leaf(call.arguments[0]).map { .array([$0]) }
    case .list(let list):
      let leaves = list.compactMap(leaf)
      return leaves.count == list.count ? .array(leaves) : nil
    default: return nil
    }
  }
}

extension TensorReference {
  var json: JSONValue { .array([.string(layer), .int(node), .int(index)]) }
}

extension Shape {
  /// The same, but a batch axis alone when nothing is known: Keras builds no tensor without a rank.
  var openJSON: JSONValue { rank == nil ? [.null] : kerasJSON }
  /// `[null, 32, 3]`; null when nothing is known.
  var kerasJSON: JSONValue {
    guard let dims else { return .null }
    return .array(dims.map { $0.value.map { .int($0) } ?? .null })
  }
}

extension CallWriter {
  /// A tensor or a list of tensors, as Keras 2 spells keywords.
  private static func references(_ argument: CallArgument) -> JSONValue? {
    switch argument {
    case .tensor(let reference, _): return reference.json
    case .list(let list):
      let members = list.compactMap { argument -> JSONValue? in
        guard case .tensor(let reference, _) = argument else { return nil }
        return reference.json
      }
      return members.isEmpty || members.count != list.count ? nil : .array(members)
    default: return nil
    }
  }
}

extension CallDescription {
  /// Gives all tensors but the first their keywords: only Keras 2 reads tensors there, and only there.
  mutating func nameTensors(as names: [String]) {
    for (name, argument) in zip(names, arguments).dropFirst() { keywords[name] = argument }
    arguments = Array(arguments.prefix(1))
    isOfKeras2 = true
  }
}
