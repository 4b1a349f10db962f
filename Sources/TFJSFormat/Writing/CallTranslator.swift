import ModelSupport
import OrderedCollections

/// Calls of one model's layers as Keras 2 lists them: `[["dense", 0, 0, {}]]`. Calls that Keras 3 spells, with arguments and
/// keywords, become that when all their tensors fit into one list.
struct CallTranslator {
  /// Models among the layers: Keras 2 counts their calls from 1, Keras 3 from 0.
  private let networks: Set<String>
  /// Those whose calls Keras 3 counts from 1 where a model lists its outputs.
  private let functionals: Set<String>
  /// Whether the calls are Keras 3's.
  private let isKeras3: Bool

  init(layers: [JSONValue]) {
    let models = layers.filter { LayerClasses.networks.contains($0["class_name"]?.stringValue ?? "") && $0["config"]?["layers"] != nil }
    networks = Set(models.compactMap { $0["name"]?.stringValue })
    functionals = Set(models.filter { $0["class_name"] != "Sequential" }.compactMap { $0["name"]?.stringValue })
    isKeras3 = layers.contains { $0["inbound_nodes"]?.arrayValue?.contains { $0.objectValue != nil } ?? false }
  }

  /// `nil` for a call that TF.js has no spelling for.
  func call(_ node: JSONValue) -> JSONValue? {
    guard node.objectValue != nil else { return node }
    var tensors: [JSONValue] = [], keywords: OrderedDictionary<String, JSONValue> = [:]
    let arguments = node["args"]?.arrayValue ?? []
    guard let first = arguments.first, arguments.dropFirst().allSatisfy(\.isNull) else { return nil }
    for tensor in first.arrayValue ?? [first] {
      guard let reference = reference(tensor) else { return nil }
      tensors.append(reference)
    }
    for (name, value) in node["kwargs"]?.objectValue ?? [:] where !value.isNull {
      // The layer takes its states from behind the sequence.
      if name == "initial_state", let states = value.arrayValue {
        for state in states {
          guard let reference = reference(state) else { return nil }
          tensors.append(reference)
        }
      } else if Self.holdsTensor(value, depth: 0) {
        return nil
      } else {
        keywords[name] = value
      }
    }
    return .array(
      tensors.map { reference in
        .array((reference.arrayValue ?? []) + [.object(keywords)])
      })
  }

  private func reference(_ tensor: JSONValue) -> JSONValue? {
    guard tensor["class_name"] == "__keras_tensor__", let history = tensor["config"]?["keras_history"]?.arrayValue, history.count >= 3,
      let name = history[0].stringValue, let node = history[1].intValue
    else { return nil }
    return .array([.string(name), .int(networks.contains(name) ? node + 1 : node), history[2]])
  }

  private static func holdsTensor(_ value: JSONValue, depth: Int) -> Bool {
    guard depth < 32 else { return true }
    if value["class_name"] == "__keras_tensor__" { return true }
    if let list = value.arrayValue { return list.contains { holdsTensor($0, depth: depth + 1) } }
    return value.objectValue?.values.contains { holdsTensor($0, depth: depth + 1) } ?? false
  }

  /// The tensors that a model lists as its inputs or outputs.
  func ports(_ ports: JSONValue) -> JSONValue {
    if let members = ports.objectValue { return self.ports(.array(Array(members.values))) }
    guard let list = ports.arrayValue else { return ports }
    // One tensor may stand without a list around it.
    if list.count == 3, list[0].stringValue != nil { return self.ports(.array([ports])) }
    guard isKeras3 else { return ports }
    return .array(
      list.map { port in
        guard var parts = port.arrayValue, parts.count >= 3, let name = parts[0].stringValue, let node = parts[1].intValue,
          networks.contains(name), !functionals.contains(name)
        else { return port }
        parts[1] = .int(node + 1)
        return .array(parts)
      })
  }
}
