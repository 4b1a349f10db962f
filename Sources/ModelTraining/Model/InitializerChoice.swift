import ModelSupport
import ModelTensor

/// An initialiser as an argument: `.heNormal(seed: 1)`, `"he_normal"`, `.custom(MyInitializer())`.
public struct InitializerChoice: Initializer, ExpressibleByStringLiteral {
  private let make: @Sendable ([Int], DType) throws -> Tensor
  /// As Keras writes it; `nil` for one of one's own.
  let json: JSONValue?
  public init(_ initializer: some Initializer) {
    make = { try initializer.callAsFunction($0, dtype: $1) }
    json = (initializer as? any SerializableInitializer).map {
      SerializedObject.json(module: "keras.initializers", $0.kerasName, $0.config)
    }
  }
  private init(unknown name: String) {
    make = { _, _ in throw TensorError(.invalidArgument, "there is no initialiser '\(name)'") }
    json = nil
  }

  /// Keras's name; one that it does not know throws when a weight is made.
  public init(stringLiteral name: String) {
    switch name {
    case "zeros", "Zeros": self.init(Zeros())
    case "ones", "Ones": self.init(Ones())
    case "glorot_uniform", "GlorotUniform", "xavier_uniform": self.init(ModelTraining.glorotUniform())
    case "glorot_normal", "GlorotNormal", "xavier_normal": self.init(ModelTraining.glorotNormal())
    case "he_normal", "HeNormal": self.init(ModelTraining.heNormal())
    case "he_uniform", "HeUniform": self.init(ModelTraining.heUniform())
    case "lecun_normal", "LecunNormal": self.init(ModelTraining.lecunNormal())
    case "lecun_uniform", "LecunUniform": self.init(ModelTraining.lecunUniform())
    case "random_normal", "RandomNormal", "normal": self.init(RandomNormal())
    case "random_uniform", "RandomUniform", "uniform": self.init(RandomUniform())
    case "truncated_normal", "TruncatedNormal": self.init(TruncatedNormal())
    case "orthogonal", "Orthogonal", "OrthogonalInitializer": self.init(Orthogonal())
    case "identity", "Identity", "IdentityInitializer": self.init(IdentityInitializer())
    case "constant", "Constant": self.init(Constant())
    case "variance_scaling", "VarianceScaling": self.init(VarianceScaling())
    case "stft", "STFT", "STFTInitializer": self.init(STFTInitializer())
    default: self.init(unknown: name)
    }
  }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor { try make(shape, dtype) }

  public static var zeros: Self { Self(Zeros()) }
  public static var ones: Self { Self(Ones()) }
  public static func constant(_ value: Double) -> Self { Self(Constant(value)) }
  public static func glorotUniform(seed: RandomSeed? = nil) -> Self { Self(ModelTraining.glorotUniform(seed: seed)) }
  public static func glorotNormal(seed: RandomSeed? = nil) -> Self { Self(ModelTraining.glorotNormal(seed: seed)) }
  public static func heNormal(seed: RandomSeed? = nil) -> Self { Self(ModelTraining.heNormal(seed: seed)) }
  public static func heUniform(seed: RandomSeed? = nil) -> Self { Self(ModelTraining.heUniform(seed: seed)) }
  public static func lecunNormal(seed: RandomSeed? = nil) -> Self { Self(ModelTraining.lecunNormal(seed: seed)) }
  public static func lecunUniform(seed: RandomSeed? = nil) -> Self { Self(ModelTraining.lecunUniform(seed: seed)) }
  public static func orthogonal(gain: Double = 1, seed: RandomSeed? = nil) -> Self { Self(Orthogonal(gain: gain, seed: seed)) }
  public static func randomNormal(mean: Double = 0, stddev: Double = 0.05, seed: RandomSeed? = nil) -> Self {
    Self(RandomNormal(mean: mean, stddev: stddev, seed: seed))
  }
  public static func randomUniform(minValue: Double = -0.05, maxValue: Double = 0.05, seed: RandomSeed? = nil) -> Self {
    Self(RandomUniform(minValue: minValue, maxValue: maxValue, seed: seed))
  }
  public static func truncatedNormal(mean: Double = 0, stddev: Double = 0.05, seed: RandomSeed? = nil) -> Self {
    Self(TruncatedNormal(mean: mean, stddev: stddev, seed: seed))
  }
  public static func custom(_ initializer: some Initializer) -> Self { Self(initializer) }
}

/// Rows or columns of length `gain` that are orthogonal to each other (Saxe et al., 2014): the Q of a QR decomposition of normal numbers, its signs
/// those that make R's diagonal positive.
public struct Orthogonal: Initializer {
  public var gain: Double
  let seed: RandomSeed, givenSeed: RandomSeed?
  public init(gain: Double = 1, seed: RandomSeed? = nil) {
    self.gain = gain
    givenSeed = seed
    self.seed = seed ?? .fixed(makeSeed())
  }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    guard shape.count >= 2, let columns = shape.last else {
      throw TensorError(.shapeMismatch, "an orthogonal initialiser makes at least matrices, not \(shape)")
    }
    let rows = shape.dropLast().reduce(1, *), high = Swift.max(rows, columns), low = Swift.min(rows, columns)
    // `high × low`, orthogonalised column by column in double precision, twice for accuracy.
    let drawn = try Tensor.random.normal([high, low], dtype: dtype, seed: seed).doubles()
    var q = (0..<low).map { c in (0..<high).map { drawn[$0 * low + c] } }
    for c in 0..<low {
      for _ in 0..<2 {
        for earlier in 0..<c {
          let product = zip(q[c], q[earlier]).reduce(0) { $0 + $1.0 * $1.1 }
          for r in 0..<high { q[c][r] -= product * q[earlier][r] }
        }
      }
      let length = q[c].reduce(0) { $0 + $1 * $1 }.squareRoot()
      if length > 0 { for r in 0..<high { q[c][r] /= length } }
    }
    var values = [Double](repeating: 0, count: high * low)
    for r in 0..<rows {
      for c in 0..<columns { values[r * columns + c] = gain * (rows >= columns ? q[c][r] : q[r][c]) }
    }
    return try Tensor(values, shape: shape).cast(to: dtype)
  }
}

/// The identity matrix times `gain`.
public struct IdentityInitializer: Initializer {
  public var gain: Double
  public init(gain: Double = 1) { self.gain = gain }
  public func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    guard shape.count == 2 else { throw TensorError(.shapeMismatch, "an identity initialiser makes matrices, not \(shape)") }
    return try Tensor.eye(shape[0], shape[1], dtype: dtype) * gain
  }
}
