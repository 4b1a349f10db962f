import ModelLayers
import ModelSupport
import ModelTensor
import OrderedCollections

/// Reads a model that stands inside another layer's configuration.
enum NestedNetworkReader {
  /// `nil` for an object that is no model.
  /// - Throws: `UnsupportedError` when one of its layers has no counterpart.
  static func read(_ json: JSONValue, generation: KerasGeneration = .keras3) throws -> NestedNetwork? {
    guard let object = try? SerializedObject(json), object.networkKind != nil else { return nil }
    return try NestingLimit.descend {
      let network = try NetworkDescription(object, generation: generation)
      return try read(network, json)
    }
  }

  private static func read(_ network: NetworkDescription, _ json: JSONValue) throws -> NestedNetwork {
    var result = NestedNetwork()
    result.object = json
    result.inputCount = network.inputs.count
    var places: [TensorReference: Int] = [:], next = network.inputs.count
    for (index, input) in network.inputs.enumerated() { places[input] = index }
    let layers = network.entries.filter { !$0.object.isInput || network.kind == .functional }
    let groups = Dictionary(
      zip(layers.map(\.object.name), LayerRecord.groupNames(layers.map(\.object.className))), uniquingKeysWith: { first, _ in first })
    var members: [String: Int] = [:], rules: [String: LayerRule] = [:]
    for entry in network.entries where !entry.object.isInput {
      let object = entry.object
      let layer: any Layer
      if let inner = try NestedNetworkReader.read(object.json) {
        layer = inner
      } else {
        guard let rule = LayerRules.rule(className: object.className, module: object.module, config: object.config) else {
          throw UnsupportedError("a nested model holds what has no counterpart", items: [.init(object.className)])
        }
        layer = try rule.read(object.config)
        rules[object.name] = rule
      }
      members[object.name] = result.members.count
      result.members.append(
        .init(
          name: object.name, layer: layer, policy: try object.policy(), isTrainable: object.isTrainable,
          group: groups[object.name] ?? object.name))
    }
    // Results are numbered by call; a layer may have as many as the highest that is used.
    var counts: [TensorReference: Int] = [:]
    let used = network.entries.flatMap { $0.calls.flatMap { $0.tensors.map(\.reference) } } + network.outputs
    for reference in used {
      let call = TensorReference(reference.layer, reference.node)
      counts[call] = max(counts[call] ?? 1, reference.index + 1)
    }
    var waiting = network.entries.flatMap { entry in entry.calls.indices.map { (entry, $0) } }
    while !waiting.isEmpty {
      var later: [(NetworkDescription.Entry, Int)] = []
      for (entry, index) in waiting {
        let call = entry.calls[index]
        guard call.tensors.allSatisfy({ places[$0.reference] != nil }), let member = members[entry.object.name] else {
          later.append((entry, index))
          continue
        }
        let arguments = try LayerArguments(call, rule: rules[entry.object.name] ?? LayerRules.identity)
        result.steps.append(
          .init(
            member: member, inputs: arguments.tensors.compactMap { places[$0] }, roles: arguments.roles,
            options: arguments.options, firstResult: next))
        let count = counts[TensorReference(entry.object.name, index)] ?? 1
        for position in 0..<count { places[TensorReference(entry.object.name, index, position)] = next + position }
        next += max(count, 8)
      }
      guard later.count < waiting.count else {
        throw FormatError(.cycle, "the layer '\(later.first?.0.object.name ?? "")' depends on itself or on what is not there")
      }
      waiting = later
    }
    result.outputs = try network.outputs.map { output in
      guard let place = places[output] else { throw FormatError(.missingReference, "the output '\(output.layer)' is not there") }
      return place
    }
    return result
  }
}
