import ModelSupport
import OrderedCollections

/// How a model holds its inputs and outputs: one tensor, a list, a dictionary, or what these make together.
enum PortStructure {
  /// The structure with other tensors in it, in the order Keras flattens them.
  /// - Parameters:
  ///   - template: the structure as a file said it, if one did.
  ///   - isOfKeras2: whether Keras 2 made the file, which has one tensor where it writes a list of one.
  /// - Returns: a list where the template does not fit.
  static func filled(_ template: JSONValue?, _ references: [JSONValue], isOfKeras2: Bool) -> JSONValue {
    guard let template else { return .array(references) }
    var rest = references[...]
    guard let result = fill(template, &rest, depth: 0), rest.isEmpty else { return .array(references) }
    if isOfKeras2, references.count == 1, result == .array(references) { return references[0] }
    return result
  }

  private static func fill(_ template: JSONValue, _ rest: inout ArraySlice<JSONValue>, depth: Int) -> JSONValue? {
    guard depth < CallArgument.depthLimit else { return nil }
    if isLeaf(template) { return rest.popFirst() }
    if let list = template.arrayValue {
      var result: [JSONValue] = []
      for item in list {
        guard let part = fill(item, &rest, depth: depth + 1) else { return nil }
        result.append(part)
      }
      return .array(result)
    }
    guard let members = template.objectValue else { return nil }
    var parts: [String: JSONValue] = [:]
    for key in members.keys.sorted() {
      guard let part = fill(members[key] ?? .null, &rest, depth: depth + 1) else { return nil }
      parts[key] = part
    }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for key in members.keys { result[key] = parts[key] }
    return .object(result)
  }

  private static func isLeaf(_ json: JSONValue) -> Bool { json.arrayValue?.count == 3 && TensorReference(json) != nil }

  /// The argument of a call of a model whose inputs are held so. `nil` where a list or a single tensor says the same.
  static func argument(_ template: JSONValue?, _ tensors: [CallArgument]) -> CallArgument? {
    guard let template, !isLeaf(template), template.arrayValue?.allSatisfy(isLeaf) != true else { return nil }
    var rest = tensors[...]
    guard let result = argument(template, &rest, depth: 0), rest.isEmpty else { return nil }
    return result
  }

  private static func argument(_ template: JSONValue, _ rest: inout ArraySlice<CallArgument>, depth: Int) -> CallArgument? {
    guard depth < CallArgument.depthLimit else { return nil }
    if isLeaf(template) { return rest.popFirst() }
    if let list = template.arrayValue {
      var result: [CallArgument] = []
      for item in list {
        guard let part = argument(item, &rest, depth: depth + 1) else { return nil }
        result.append(part)
      }
      return .list(result)
    }
    guard let members = template.objectValue else { return nil }
    var result: OrderedDictionary<String, CallArgument> = [:]
    for key in members.keys.sorted() {
      guard let part = argument(members[key] ?? .null, &rest, depth: depth + 1) else { return nil }
      result[key] = part
    }
    return .dictionary(result)
  }
}
