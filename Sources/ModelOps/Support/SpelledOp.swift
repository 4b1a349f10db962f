import ModelGraph

/// A primitive with a kernel of its own that simpler ops can say as well, for targets that lack it.
public protocol SpelledOp: PrimitiveOp {
  /// The results in simpler ops, or `nil` where what is known of the inputs does not suffice.
  func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]?
}
