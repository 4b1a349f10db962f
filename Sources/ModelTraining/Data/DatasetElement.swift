import ModelTensor

/// What batches can be made of: something that is made of tensors.
public protocol DatasetElement: Sendable {
  /// The tensors in an order of their own.
  var components: [Tensor] { get }
  /// The same structure of other tensors.
  func replacing(_ components: [Tensor]) -> Self
  /// The tensors for inputs or outputs of these names.
  func ordered(_ names: [String]) throws -> [Tensor]
}

extension DatasetElement {
  public func ordered(_ names: [String]) throws -> [Tensor] { components }
}

extension Tensor: DatasetElement {
  public var components: [Tensor] { [self] }
  public func replacing(_ components: [Tensor]) -> Tensor { components.first ?? self }
}
extension Array: DatasetElement where Element == Tensor {
  public var components: [Tensor] { self }
  public func replacing(_ components: [Tensor]) -> [Tensor] { components }
}
/// Tensors by name, in the order of their names.
extension Dictionary: DatasetElement where Key == String, Value == Tensor {
  public var components: [Tensor] { keys.sorted().compactMap { self[$0] } }
  public func replacing(_ components: [Tensor]) -> [String: Tensor] {
    Dictionary(zip(keys.sorted(), components), uniquingKeysWith: { first, _ in first })
  }
  public func ordered(_ names: [String]) throws -> [Tensor] {
    try names.map { name in
      guard let tensor = self[name] else {
        throw TensorError(.invalidArgument, "the dataset has no '\(name)'; it gives \(keys.sorted().joined(separator: ", "))")
      }
      return tensor
    }
  }
}

/// Takes elements apart into tensors and puts them together again: pairs and triples are tuples, which conform to no protocol.
struct Structure<Element: Sendable>: Sendable {
  let components: @Sendable (Element) -> [Tensor]
  let replacing: @Sendable (Element, [Tensor]) -> Element
}

extension Structure {
  static func single() -> Self where Element: DatasetElement {
    Self(components: { $0.components }, replacing: { $0.replacing($1) })
  }
  static func pair<A: DatasetElement, B: DatasetElement>() -> Self where Element == (A, B) {
    Self(
      components: { $0.0.components + $0.1.components },
      replacing: { element, all in
        let first = element.0.components.count
        return (element.0.replacing(Array(all.prefix(first))), element.1.replacing(Array(all.dropFirst(first))))
      })
  }
  static func triple<A: DatasetElement, B: DatasetElement, C: DatasetElement>() -> Self where Element == (A, B, C) {
    Self(
      components: { $0.0.components + $0.1.components + $0.2.components },
      replacing: { element, all in
        let first = element.0.components.count, second = element.1.components.count
        return (
          element.0.replacing(Array(all.prefix(first))), element.1.replacing(Array(all.dropFirst(first).prefix(second))),
          element.2.replacing(Array(all.dropFirst(first + second)))
        )
      })
  }
}
