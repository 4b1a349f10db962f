/// Keras's names in the place of objects, with their defaults: `kernelRegularizer: "l2"`, `kernelConstraint: "non_neg"`.
extension String: Regularizer, Constraint {
  /// - Throws: `TensorError` for a name that Keras does not know.
  public func callAsFunction(_ weight: Tensor) throws -> Tensor {
    if let regularizer = try? Regularizers.get(self) { return try regularizer(weight) }
    return try Constraints.get(self)(weight)
  }
}
extension Regularizers {
  /// The object behind a name.
  static func resolved(_ given: any Regularizer) throws -> any Regularizer { try (given as? String).map(get) ?? given }
}
extension Constraints {
  /// The object behind a name.
  static func resolved(_ given: any Constraint) throws -> any Constraint { try (given as? String).map(get) ?? given }
}
