import ModelGraph

/// A step that rewrites a model and leaves what it computes as it is.
public protocol Pass: Sendable {
  /// Stamped on the nodes it makes, and named in errors: `lower-layers`.
  var name: String { get }
  func run(_ model: inout Model) throws
}
