import ModelSupport

/// Nodes that run for what they do and not for what they give: they print, check, or write files. A model computes the same without
/// them, so they are left out and told of, counted by their ops.
public struct DroppedEffects {
  private var places: [String: Set<String>] = [:]
  private var order: [String] = []

  public init() {}

  /// Ops with a result that is their input.
  private static let passing: Set<String> = ["Print", "CheckNumerics", "CheckNumericsV2"]
  private static let checks: Set<String> = ["Assert", "CheckNumerics", "CheckNumericsV2"]
  private static let silent: Set<String> = ["NoOp", "ControlTrigger"]

  /// Whether an op with so many results has an effect that is lost with it.
  public static func isDropped(_ op: String, resultCount: Int) -> Bool {
    passing.contains(op) || resultCount == 0 && !silent.contains(op)
  }

  /// Remembers a node, however often it is read.
  public mutating func add(_ op: String, at place: String) {
    if places[op] == nil { order.append(op) }
    places[op, default: []].insert(place)
  }

  public var losses: [Loss] {
    order.map { op in
      let reason =
        if Self.checks.contains(op) {
          "what it checks goes unchecked"
        } else if op.hasPrefix("Print") {
          "nothing is printed"
        } else {
          "what it does beside the model's results is left out"
        }
      return Loss("\(op) × \(places[op]?.count ?? 0)", reason: reason)
    }
  }
}
