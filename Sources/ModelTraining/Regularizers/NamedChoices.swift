/// Keras's names in the place of objects, with their defaults: `kernelRegularizer: "l2"`, `kernelConstraint: "non_neg"`.
extension String: Regularizer, Constraint {
  /// - Throws: `TensorError` for a name that Keras does not know.
  public func callAsFunction(_ weight: Tensor) throws -> Tensor {
    guard let regularizer = try? Regularizers.get(self) else {
      let constraint = try Constraints.get(self)
      return try constraint.callAsFunction(weight)
    }
    return try regularizer.callAsFunction(weight)
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
