import ModelSupport

/// The arguments of a layer's call, sorted into tensors by place, tensors by keyword, and the rest.
struct LayerArguments {
  /// One for each tensor, as `LayerOp.roles` has them.
  private(set) var roles: [String] = []
  private(set) var tensors: [TensorReference] = []
  private(set) var options: [String: JSONValue] = [:]

  /// Whether the layer has one argument for masks, not one for each tensor.
  let takesMask: Bool

  var positional: [TensorReference] { zip(roles, tensors).filter { $0.0.isEmpty }.map(\.1) }

  mutating func remove(_ name: String) {
    guard let index = roles.firstIndex(of: name) else { return }
    roles.remove(at: index)
    tensors.remove(at: index)
  }

  /// - Throws: `UnsupportedError` for arguments that mix tensors and values where a layer takes tensors.
  init(_ call: CallDescription, rule: LayerRule) throws {
    takesMask = rule.arguments.contains("mask")
    var named: [(name: String, tensors: [(Int?, TensorReference)])] = []
    func take(_ argument: CallArgument, name: String, place: Int) throws {
      if let plain = argument.plain {
        if !plain.isNull, plain != .array([]) { options[name] = plain }
        return
      }
      let references = argument.tensors.map(\.reference)
      // Tensors given by keyword are as good as in their place, if all before them are.
      if place == roles.count && (place == 0 || references.count == 1) || (place == 0 && roles.isEmpty) {
        if !name.hasSuffix("mask"), name != "initial_state", name != "states" {
          roles += references.map { _ in "" }
          tensors += references
          return
        }
      }
      // Places count: `mask=[None, mask]`.
      if case .list(let list) = argument, list.count > 1, list.allSatisfy({ $0.tensors.count <= 1 }) {
        let placed = list.enumerated().compactMap { place, item -> (Int?, TensorReference)? in
          item.tensors.first.map { (place, $0.reference) }
        }
        named.append((name, placed))
      } else {
        let several = references.count > 1 || name == "initial_state" || name == "states"
        let placed = references.enumerated().map { place, reference -> (Int?, TensorReference) in (several ? place : nil, reference) }
        named.append((name, placed))
      }
    }
    for (place, argument) in call.arguments.enumerated() {
      try take(argument, name: place < rule.arguments.count ? rule.arguments[place] : "argument_\(place)", place: place)
    }
    // `MHA(query=q, key=k, value=v)`: in their places, not as they were said.
    let keywords = call.keywords.map { (name: $0.key, argument: $0.value, place: rule.arguments.firstIndex(of: $0.key) ?? Int.max) }
    for keyword in keywords.enumerated().sorted(by: { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }).map(\.element) {
      try take(keyword.argument, name: keyword.name, place: keyword.place)
    }
    for (name, references) in named {
      for (place, reference) in references {
        roles.append(place.map { "\(name)/\($0)" } ?? name)
        tensors.append(reference)
      }
    }
  }
}
