import ModelSupport
import ModelTensor
import OrderedCollections

/// A learning rate that changes with the number of updates.
public protocol LearningRateSchedule: LearningRate {
  /// The rate at a step, an int64 scalar; a float32 scalar.
  func callAsFunction(_ step: Tensor) throws -> Tensor
  /// Its arguments as Keras writes them.
  var config: OrderedDictionary<String, JSONValue> { get }
}

extension LearningRateSchedule {
  /// The rate at a step.
  public func callAsFunction(_ step: Int) throws -> Double { try self(Tensor(NDArray(scalar: Int64(step)))).item() }
  public var config: OrderedDictionary<String, JSONValue> { [:] }
}

/// Schedules by configuration (Keras's `keras.optimizers.schedules`).
public enum Schedules {
  public static func serialize(_ schedule: any LearningRateSchedule) -> JSONValue {
    SerializedObject.json(module: "keras.optimizers.schedules", String(describing: type(of: schedule)), schedule.config)
  }
  /// From what `serialize` or Keras wrote.
  public static func deserialize(_ json: JSONValue) throws -> any LearningRateSchedule {
    guard let object = SerializedObject(json) else { throw TensorError(.invalidArgument, "a schedule without a class name: \(json)") }
    let c = object.config
    let name = try c.string("name")
    func required(_ key: String) throws -> Double {
      guard let value = try c.double(key) else { throw TensorError(.invalidArgument, "\(object.className): expected '\(key)'") }
      return value
    }
    switch object.className {
    case "ExponentialDecay":
      return try ExponentialDecay(
        initialLearningRate: required("initial_learning_rate"), decaySteps: required("decay_steps"), decayRate: required("decay_rate"),
        staircase: c.bool("staircase", false), name: name ?? "ExponentialDecay")
    case "InverseTimeDecay":
      return try InverseTimeDecay(
        initialLearningRate: required("initial_learning_rate"), decaySteps: required("decay_steps"), decayRate: required("decay_rate"),
        staircase: c.bool("staircase", false), name: name ?? "InverseTimeDecay")
    case "PolynomialDecay":
      return try PolynomialDecay(
        initialLearningRate: required("initial_learning_rate"), decaySteps: required("decay_steps"),
        endLearningRate: c.double("end_learning_rate", 0.0001), power: c.double("power", 1), cycle: c.bool("cycle", false),
        name: name ?? "PolynomialDecay")
    case "PiecewiseConstantDecay":
      return try PiecewiseConstantDecay(
        boundaries: c.doubles("boundaries") ?? [], values: c.doubles("values") ?? [], name: name ?? "PiecewiseConstant")
    case "CosineDecay":
      return try CosineDecay(
        initialLearningRate: required("initial_learning_rate"), decaySteps: required("decay_steps"), alpha: c.double("alpha", 0),
        warmupTarget: c.double("warmup_target"), warmupSteps: c.double("warmup_steps", 0), name: name ?? "CosineDecay")
    case "CosineDecayRestarts":
      return try CosineDecayRestarts(
        initialLearningRate: required("initial_learning_rate"), firstDecaySteps: required("first_decay_steps"), tMul: c.double("t_mul", 2),
        mMul: c.double("m_mul", 1), alpha: c.double("alpha", 0), name: name ?? "SGDRDecay")
    default: throw TensorError(.invalidArgument, "there is no learning rate schedule '\(object.className)'")
    }
  }

  /// Steps are written as integers where they are whole.
  static func number(_ value: Double) -> JSONValue { Int(exactly: value).map { .int($0) } ?? .double(value) }
  static func check(_ steps: Double, _ what: String) throws {
    guard steps > 0 else { throw TensorError(.invalidArgument, "\(what): expected a positive number of steps, found \(steps)") }
  }
}
