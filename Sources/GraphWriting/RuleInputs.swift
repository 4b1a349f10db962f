import ModelGraph
import ModelSupport

/// The inputs of an op being written.
public struct RuleInputs<Value> {
  public var values: [Value?]
  public init(values: [Value?]) { self.values = values }

  public var count: Int { values.count }
  /// `nil` for one that is left out.
  public subscript(index: Int) -> Value? { index < values.count ? values[index] : nil }
  /// - Throws: `GraphError.wrongInputCount` when it is left out.
  public func required(_ index: Int) throws -> Value {
    guard let value = self[index] else { throw GraphError(.wrongInputCount, "input \(index) is missing") }
    return value
  }
  /// All from `first` on.
  /// - Throws: `GraphError.wrongInputCount` when one is left out.
  public func rest(_ first: Int) throws -> [Value] { try (first..<max(first, count)).map { try required($0) } }
}

extension RuleInputs: Sendable where Value: Sendable {}

/// A rule for one type of op as a rule for any op: tables find rules by the type, so that it fits whenever it is asked.
public func erased<O: Op, Writer, Value>(
  _ write: @escaping @Sendable (O, RuleInputs<Value>, inout Writer) throws -> [Value]
) -> @Sendable (any Op, RuleInputs<Value>, inout Writer) throws -> [Value] {
  { op, inputs, writer in
    guard let op = op as? O else { throw GraphError(.invalidStructure, "\(op.displayName) written as \(O.name)") }
    return try write(op, inputs, &writer)
  }
}
