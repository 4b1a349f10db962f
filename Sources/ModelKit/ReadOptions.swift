import ModelGraph
import ModelSupport

/// Which part of a file is read, where it holds several.
public struct ReadOptions: Sendable {
  /// The entry point that becomes the main graph; `nil` for the format's usual one.
  public var signature: String?
  /// The tags of the meta graph in a SavedModel; empty for the one that serves, or the only one.
  public var tags: [String]
  public init(signature: String? = nil, tags: [String] = []) {
    self.signature = signature
    self.tags = tags
  }
}

extension Model {
  /// Lets the signature's graph be the main one.
  /// - Throws: `UsageError` when there is none of that name.
  mutating func select(signature name: String) throws {
    guard let signature = signatures.first(where: { $0.name == name }) else {
      let names = signatures.map(\.name).joined(separator: ", ")
      throw UsageError("the model has no signature '\(name)'; it has \(names.isEmpty ? "none" : names)")
    }
    main = signature.graph
  }
}
