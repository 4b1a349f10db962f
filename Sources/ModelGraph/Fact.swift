import ModelTensor

/// What is known of a value before anything runs.
public struct Fact: Sendable {
  public var type: TensorType
  /// The value itself, when it is a constant or a parameter.
  public var constant: Tensor?
  /// The elements of an integer scalar or vector as far as they are known: the shape of a tensor
  /// with an unknown batch is `[?, 3]`. At most `Fact.elementLimit` of them.
  public var elements: [Dim]?

  public static let elementLimit = 256

  public init(_ type: TensorType, constant: Tensor? = nil, elements: [Dim]? = nil) {
    self.type = type
    self.constant = constant
    self.elements = elements
    if elements == nil, let constant, type.dtype.isInteger, let count = type.shape.elementCount,
      count <= Self.elementLimit, type.shape.rank ?? 2 <= 1, let values = try? constant.array().integers()
    {
      self.elements = values.map(Dim.fixed)
    }
  }

  /// All elements, if each is known.
  public var integers: [Int]? {
    guard let elements else { return nil }
    var result: [Int] = []
    for dim in elements {
      guard let value = dim.value else { return nil }
      result.append(value)
    }
    return result
  }

  /// The one element of a constant scalar (or one-element vector) as a double.
  public var scalar: Double? {
    guard let constant, type.shape.elementCount == 1 else { return integers?.first.map(Double.init) }
    return (try? constant.array())?.doubles().first
  }
}
