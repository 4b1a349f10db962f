extension JSONValue {
  /// A number, or `null` where JSON has none: not-a-number, the infinities, a missing value.
  public static func finite(_ value: Double?) -> JSONValue {
    guard let value, value.isFinite else { return .null }
    return .double(value)
  }
}
