import ModelSupport
import OrderedCollections

/// A penalty on a weight that is added to the loss.
public protocol Regularizer: Sendable {
  func callAsFunction(_ weight: Tensor) throws -> Tensor
}

/// One that Keras's configurations can say.
public protocol SerializableRegularizer: Regularizer {
  var config: OrderedDictionary<String, JSONValue> { get }
}

/// Regularisers by Keras's names (`keras.regularizers`).
public enum Regularizers {
  /// With its defaults: `get("l2")`.
  public static func get(_ name: String) throws -> any Regularizer {
    try make(LayerNames.snakeCase(name), ConfigValues(members: [:], owner: name))
  }
  /// From what `serialize` or Keras wrote.
  public static func deserialize(_ json: JSONValue) throws -> any Regularizer {
    if let name = json.stringValue { return try get(name) }
    guard let object = SerializedObject(json) else { throw TensorError(.invalidArgument, "a regulariser without a class name: \(json)") }
    return try make(LayerNames.snakeCase(object.className), object.config)
  }
  /// As Keras writes it; `nil` for one of one's own.
  public static func serialize(_ regularizer: any Regularizer) -> JSONValue? {
    guard let known = regularizer as? any SerializableRegularizer else { return nil }
    return SerializedObject.json(module: "keras.regularizers", String(describing: type(of: known)), known.config)
  }

  private static func make(_ name: String, _ c: ConfigValues) throws -> any Regularizer {
    switch name {
    case "l1": return L1(try c.double("l1", 0.01))
    case "l2": return L2(try c.double("l2", 0.01))
    case "l1l2", "l1_l2": return L1L2(l1: try c.double("l1", 0), l2: try c.double("l2", 0))
    case "orthogonal_regularizer":
      guard let mode = OrthogonalRegularizer.Mode(rawValue: try c.string("mode") ?? "rows") else {
        throw TensorError(.invalidArgument, "OrthogonalRegularizer: expected the mode rows or columns")
      }
      return OrthogonalRegularizer(factor: try c.double("factor", 0.01), mode: mode)
    default: throw TensorError(.invalidArgument, "there is no regulariser '\(c.owner)'")
    }
  }
}
