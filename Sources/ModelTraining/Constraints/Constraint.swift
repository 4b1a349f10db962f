import ModelSupport
import OrderedCollections

/// What a weight is brought to after each update.
public protocol Constraint: Sendable {
  func callAsFunction(_ weight: Tensor) throws -> Tensor
}

/// One that Keras's configurations can say.
public protocol SerializableConstraint: Constraint {
  var config: OrderedDictionary<String, JSONValue> { get }
}

/// Constraints by Keras's names (`keras.constraints`).
public enum Constraints {
  /// With its defaults: `get("max_norm")`.
  public static func get(_ name: String) throws -> any Constraint {
    try make(LayerNames.snakeCase(name), ConfigValues(members: [:], owner: name))
  }
  /// From what `serialize` or Keras wrote.
  public static func deserialize(_ json: JSONValue) throws -> any Constraint {
    if let name = json.stringValue { return try get(name) }
    guard let object = SerializedObject(json) else { throw TensorError(.invalidArgument, "a constraint without a class name: \(json)") }
    return try make(LayerNames.snakeCase(object.className), object.config)
  }
  /// As Keras writes it; `nil` for one of one's own.
  public static func serialize(_ constraint: any Constraint) -> JSONValue? {
    guard let known = constraint as? any SerializableConstraint else { return nil }
    return SerializedObject.json(module: "keras.constraints", String(describing: type(of: known)), known.config)
  }

  private static func make(_ name: String, _ c: ConfigValues) throws -> any Constraint {
    let axes = try c.members["axis"]?.intValue.map { [$0] } ?? c.ints("axis") ?? [0]
    switch name {
    case "max_norm": return MaxNorm(try c.double("max_value", 2), axes: axes)
    case "min_max_norm":
      return MinMaxNorm(
        minValue: try c.double("min_value", 0), maxValue: try c.double("max_value", 1), rate: try c.double("rate", 1), axes: axes)
    case "non_neg": return NonNeg()
    case "unit_norm": return UnitNorm(axes: axes)
    default: throw TensorError(.invalidArgument, "there is no constraint '\(c.owner)'")
    }
  }
}
