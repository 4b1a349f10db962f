import ModelGraph
import ModelTensor

/// A layer whose configuration starts from Keras's defaults and is set property by property.
public protocol ConfigurableLayer: Layer {
  init()
}

/// One, two or three spatial axes, as a type: layers that differ only in rank share one definition.
public protocol SpatialRank: Sendable {
  static var rank: Int { get }
}
public enum Rank1: SpatialRank { public static let rank = 1 }
public enum Rank2: SpatialRank { public static let rank = 2 }
public enum Rank3: SpatialRank { public static let rank = 3 }

extension Layer {
  /// The dimensions of input `index`.
  /// - Throws: `GraphError.missingType` when its rank is unknown.
  func dims(_ inputs: [TensorType], _ index: Int = 0) throws -> [Dim] {
    guard index < inputs.count else {
      throw GraphError(.wrongInputCount, "\(Self.className) needs input \(index), found \(inputs.count)")
    }
    guard let dims = inputs[index].shape.dims else {
      throw GraphError(.missingType, "\(Self.className): the rank of input \(index) is unknown")
    }
    return dims
  }

  /// The extent of an axis (negative ones count from the end), which must be known.
  func extent(_ inputs: [TensorType], axis: Int, input: Int = 0) throws -> Int {
    let dims = try dims(inputs, input)
    let index = try normalizeAxis(axis, rank: dims.count)
    guard index < dims.count, let value = dims[index].value else {
      throw GraphError(.missingType, "\(Self.className): axis \(axis) of input \(input), \(inputs[input]), must be known")
    }
    return value
  }

  /// The number of channels of an image-like input.
  func channels(_ inputs: [TensorType], _ layout: DataLayout, rank: Int) throws -> Int {
    let found = try dims(inputs).count
    guard found == rank + 2 else {
      throw GraphError(.shapeMismatch, "\(Self.className) takes inputs of rank \(rank + 2), found \(inputs[0])")
    }
    return try extent(inputs, axis: layout.channelAxis(rank: found))
  }

  /// The product of extents of a weight.
  /// - Throws: `GraphError.invalidAttribute` when it overflows.
  func checked(_ extents: [Int]) throws -> [Int] {
    guard checkedProduct(extents) != nil else {
      throw GraphError(.invalidAttribute, "\(Self.className): a weight of shape \(extents) can't be")
    }
    return extents
  }
}

extension OpContext {
  /// The dimensions of a value.
  /// - Throws: `GraphError.missingType` when its rank is unknown.
  func dims(of x: Value) throws -> [Dim] {
    guard let dims = type(of: x).shape.dims else { throw GraphError(.missingType, "a value of unknown rank") }
    return dims
  }
  /// All extents of a value.
  func extents(of x: Value) throws -> [Int] {
    guard let extents = type(of: x).shape.extents else {
      throw GraphError(.missingType, "the shape \(type(of: x).shape) must be known")
    }
    return extents
  }
  func dtype(of x: Value) -> DType { type(of: x).dtype }

  /// `x` with its axis of extent 1 inserted so often at `axis` that it has `rank` axes.
  mutating func expanded(_ x: Value, toRank rank: Int, at axis: Int) throws -> Value {
    let missing = rank - (try dims(of: x).count)
    guard missing > 0 else { return x }
    return try unsqueeze(x, Array(axis..<(axis + missing)))
  }
}
