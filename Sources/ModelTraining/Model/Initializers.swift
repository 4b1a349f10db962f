import ModelTensor

public struct Zeros: Initializer {
  public init() {}
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor { try Tensor.zeros(shape, dtype: dtype) }
}
public struct Ones: Initializer {
  public init() {}
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor { try Tensor.ones(shape, dtype: dtype) }
}
public struct Constant: Initializer {
  public var value: Double
  public init(_ value: Double = 0) { self.value = value }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor { try Tensor.full(shape, value, dtype: dtype) }
}

/// Numbers drawn with the seed; each weight that one initialiser makes is the same, as in Keras.
public struct RandomNormal: Initializer {
  public var mean: Double, stddev: Double
  let seed: RandomSeed, givenSeed: RandomSeed?
  public init(mean: Double = 0, stddev: Double = 0.05, seed: RandomSeed? = nil) {
    self.mean = mean
    self.stddev = stddev
    givenSeed = seed
    self.seed = seed ?? .fixed(makeSeed())
  }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    try Tensor.random.normal(shape, mean: mean, stddev: stddev, dtype: dtype, seed: seed)
  }
}
public struct RandomUniform: Initializer {
  public var minValue: Double, maxValue: Double
  let seed: RandomSeed, givenSeed: RandomSeed?
  public init(minValue: Double = -0.05, maxValue: Double = 0.05, seed: RandomSeed? = nil) {
    self.minValue = minValue
    self.maxValue = maxValue
    givenSeed = seed
    self.seed = seed ?? .fixed(makeSeed())
  }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    try Tensor.random.uniform(shape, minValue: minValue, maxValue: maxValue, dtype: dtype, seed: seed)
  }
}
public struct TruncatedNormal: Initializer {
  public var mean: Double, stddev: Double
  let seed: RandomSeed, givenSeed: RandomSeed?
  public init(mean: Double = 0, stddev: Double = 0.05, seed: RandomSeed? = nil) {
    self.mean = mean
    self.stddev = stddev
    givenSeed = seed
    self.seed = seed ?? .fixed(makeSeed())
  }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    try Tensor.random.truncatedNormal(shape, mean: mean, stddev: stddev, dtype: dtype, seed: seed)
  }
}

/// Draws whose spread follows from the number of inputs and outputs of a weight.
public struct VarianceScaling: Initializer {
  public enum Mode: String, Sendable { case fanIn = "fan_in", fanOut = "fan_out", fanAvg = "fan_avg" }
  public enum Distribution: String, Sendable {
    case truncatedNormal = "truncated_normal", untruncatedNormal = "untruncated_normal", uniform
  }
  public var scale: Double, mode: Mode, distribution: Distribution
  /// The axes that count the inputs and the outputs of a weight, both or none; none stands for the last two.
  public var inputAxes: [Int]?, outputAxes: [Int]?
  let seed: RandomSeed, givenSeed: RandomSeed?
  public init(
    scale: Double = 1, mode: Mode = .fanIn, distribution: Distribution = .truncatedNormal, seed: RandomSeed? = nil, inputAxes: [Int]? = nil,
    outputAxes: [Int]? = nil
  ) {
    self.inputAxes = inputAxes
    self.outputAxes = outputAxes
    self.scale = scale
    self.mode = mode
    self.distribution = distribution
    givenSeed = seed
    self.seed = seed ?? .fixed(makeSeed())
  }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    let (fanIn, fanOut) = try fans(shape)
    let fan: Double =
      switch mode {
      case .fanIn: Swift.max(1, fanIn)
      case .fanOut: Swift.max(1, fanOut)
      case .fanAvg: Swift.max(1, (fanIn + fanOut) / 2)
      }
    let variance = scale / fan
    switch distribution {
    case .truncatedNormal:
      // The deviation of a standard normal distribution cut at two deviations.
      return try Tensor.random.truncatedNormal(shape, stddev: variance.squareRoot() / 0.87962566103423978, dtype: dtype, seed: seed)
    case .untruncatedNormal: return try Tensor.random.normal(shape, stddev: variance.squareRoot(), dtype: dtype, seed: seed)
    case .uniform:
      let limit = (3 * variance).squareRoot()
      return try Tensor.random.uniform(shape, minValue: -limit, maxValue: limit, dtype: dtype, seed: seed)
    }
  }
  private func fans(_ shape: [Int]) throws -> (Double, Double) {
    guard inputAxes != nil || outputAxes != nil else { return Self.fans(shape) }
    guard let inputAxes, let outputAxes else {
      throw TensorError(.invalidArgument, "VarianceScaling: expected axes of inputs and of outputs, or neither")
    }
    func product(_ axes: [Int]) throws -> Double {
      try axes.reduce(1) { result, axis in
        let place = axis < 0 ? axis + shape.count : axis
        guard shape.indices.contains(place) else {
          throw TensorError(.invalidArgument, "VarianceScaling: a weight of the shape \(shape) has no axis \(axis)")
        }
        return result * Double(shape[place])
      }
    }
    return (try product(inputAxes), try product(outputAxes))
  }
  /// Inputs and outputs of a weight: the last two axes, times the extents before them.
  static func fans(_ shape: [Int]) -> (Double, Double) {
    switch shape.count {
    case 0: return (1, 1)
    case 1: return (Double(shape[0]), Double(shape[0]))
    default:
      let field = Double(shape.dropLast(2).reduce(1, *))
      return (Double(shape[shape.count - 2]) * field, Double(shape[shape.count - 1]) * field)
    }
  }
}

public func glorotUniform(seed: RandomSeed? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) -> VarianceScaling {
  VarianceScaling(mode: .fanAvg, distribution: .uniform, seed: seed, inputAxes: inputAxes, outputAxes: outputAxes)
}
public func glorotNormal(seed: RandomSeed? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) -> VarianceScaling {
  VarianceScaling(mode: .fanAvg, seed: seed, inputAxes: inputAxes, outputAxes: outputAxes)
}
public func heNormal(seed: RandomSeed? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) -> VarianceScaling {
  VarianceScaling(scale: 2, seed: seed, inputAxes: inputAxes, outputAxes: outputAxes)
}
public func heUniform(seed: RandomSeed? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) -> VarianceScaling {
  VarianceScaling(scale: 2, distribution: .uniform, seed: seed, inputAxes: inputAxes, outputAxes: outputAxes)
}
public func lecunNormal(seed: RandomSeed? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) -> VarianceScaling {
  VarianceScaling(seed: seed, inputAxes: inputAxes, outputAxes: outputAxes)
}
public func lecunUniform(seed: RandomSeed? = nil, inputAxes: [Int]? = nil, outputAxes: [Int]? = nil) -> VarianceScaling {
  VarianceScaling(distribution: .uniform, seed: seed, inputAxes: inputAxes, outputAxes: outputAxes)
}
