/// What an array of dtype `variant` holds: always one thing, as a scalar.
public indirect enum Variant: Sendable {
  /// Any number of arrays.
  case sequence([NDArray])
  /// An array, or none.
  case optional(NDArray?)
}

/// What is known of a variant before anything runs.
public indirect enum VariantType: Sendable, Hashable, CustomStringConvertible {
  case sequence(TensorType)
  case optional(TensorType)
  public var element: TensorType {
    switch self {
    case .sequence(let type), .optional(let type): type
    }
  }
  public var description: String {
    switch self {
    case .sequence(let type): "sequence of \(type)"
    case .optional(let type): "optional \(type)"
    }
  }
}

extension TensorType {
  /// The type of a sequence of tensors.
  public static func sequence(of element: TensorType) -> TensorType {
    TensorType(.variant, .ranked([]), variant: .sequence(element))
  }
  /// The type of a tensor or sequence that may be missing.
  public static func optional(_ element: TensorType) -> TensorType {
    TensorType(.variant, .ranked([]), variant: .optional(element))
  }
}

extension NDArray {
  public init(_ variant: Variant) {
    self.init(dtype: .variant, shape: [], storage: ArrayStorage(variant: variant), offset: 0)
  }
  /// What a variant holds; `nil` for any other dtype.
  public var variant: Variant? { dtype == .variant ? storage.variant : nil }
  /// The arrays of a sequence; `nil` for anything else.
  public var sequence: [NDArray]? {
    if case .sequence(let items)? = variant { items } else { nil }
  }
}

extension Variant {
  /// As far as the contents tell.
  var type: VariantType? {
    switch self {
    case .sequence(let items):
      guard let first = items.first else { return nil }
      let shape = items.allSatisfy { $0.shape == first.shape } ? first.type.shape : .unranked
      return .sequence(TensorType(first.dtype, shape, variant: first.type.variant))
    case .optional(let item): return item.map { .optional($0.type) }
    }
  }
}
