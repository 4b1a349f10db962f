import ModelSupport

/// A layer, nested model or operation of a network that is being written, with all its calls.
struct NetworkEntry {
  var name: String
  var object: JSONValue
  var record: LayerRecord
  var calls: [CallDescription] = []
  var isInput = false
  var isOperation = false
  var isNetwork: Bool { !record.children.isEmpty }

  /// The inputs, and what the outputs depend on, in their order.
  ///
  /// What gave only a shape that is written as numbers, or an operand that Keras does without, is left over. Keras drops such layers as
  /// it loads a network, and then finds more weights in an `.h5` file than it has layers for.
  static func reached(_ entries: [NetworkEntry], from outputs: [TensorReference]) -> [NetworkEntry] {
    var places: [String: Int] = [:]
    for (place, entry) in entries.enumerated() { places[entry.name] = place }
    var isReached = entries.map(\.isInput), open = outputs.compactMap { places[$0.layer] }
    while let place = open.popLast() {
      guard !isReached[place] else { continue }
      isReached[place] = true
      for call in entries[place].calls { open += call.tensors.compactMap { places[$0.reference.layer] } }
    }
    return zip(entries, isReached).compactMap { $1 ? $0 : nil }
  }
}
