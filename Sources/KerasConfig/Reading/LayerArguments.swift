import ModelSupport

/// The arguments of a layer's call, sorted into tensors by place, tensors by keyword, and the rest.
struct LayerArguments {
  /// One for each tensor, as `LayerOp.roles` has them.
  private(set) var roles: [String] = []
  private(set) var tensors: [TensorReference] = []
  private(set) var options: [String: JSONValue] = [:]

  var positional: [TensorReference] { zip(roles, tensors).filter { $0.0.isEmpty }.map(\.1) }

  /// - Throws: `UnsupportedError` for arguments that mix tensors and values where a layer takes tensors.
  init(_ call: CallDescription, rule: LayerRule) throws {
    var named: [(String, [TensorReference])] = []
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
      named.append((name, references))
    }
    for (place, argument) in call.arguments.enumerated() {
      try take(argument, name: place < rule.arguments.count ? rule.arguments[place] : "argument_\(place)", place: place)
    }
    for (name, argument) in call.keywords {
      try take(argument, name: name, place: rule.arguments.firstIndex(of: name) ?? Int.max)
    }
    for (name, references) in named {
      let several = references.count > 1 || name == "initial_state" || name == "states"
      for (index, reference) in references.enumerated() {
        roles.append(several ? "\(name)/\(index)" : name)
        tensors.append(reference)
      }
    }
  }
}
