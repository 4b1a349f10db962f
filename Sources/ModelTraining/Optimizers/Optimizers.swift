import ModelSupport
import OrderedCollections

/// Optimisers by name and by configuration (Keras's `keras.optimizers`).
public enum Optimizers {
  /// An optimiser with its defaults: `get("adam")`.
  /// - Throws: `TensorError.invalidArgument` for a name that Keras does not know.
  public static func get(_ name: String) throws -> any Optimizer { try make(name, ConfigValues(members: [:], owner: name)) }

  /// From what `serialize` or Keras wrote.
  public static func deserialize(_ json: JSONValue) throws -> any Optimizer {
    if let name = json.stringValue { return try get(name) }
    guard let object = SerializedObject(json) else { throw TensorError(.invalidArgument, "an optimiser without a class name: \(json)") }
    return try make(object.className, object.config)
  }

  /// As Keras writes it into `compile_config`.
  public static func serialize(_ optimizer: any Optimizer) throws -> JSONValue {
    let className = String(describing: type(of: optimizer)), module = "keras.optimizers"
    switch optimizer {
    case let optimizer as BaseOptimizer: return SerializedObject.json(module: module, className, try optimizer.config())
    case let optimizer as LossScaleOptimizer:
      return SerializedObject.json(
        module: module, className,
        [
          "name": .string(optimizer.name), "inner_optimizer": try serialize(optimizer.inner),
          "initial_scale": .double(optimizer.initialScale), "dynamic_growth_steps": .int(optimizer.dynamicGrowthSteps),
        ])
    case let optimizer as MultiOptimizer:
      return SerializedObject.json(
        module: module, className,
        [
          "optimizer_map": try serialize(optimizer.map), "loss_scale_factor": optimizer.lossScaleFactor.json,
          "name": .string(optimizer.name),
        ])
    default: throw TensorError(.notSupported, "the optimiser '\(className)' has no configuration")
    }
  }

  private static func make(_ name: String, _ c: ConfigValues) throws -> any Optimizer {
    func rate(_ fallback: Double) throws -> any LearningRate {
      if let object = c.members["learning_rate"], object.objectValue != nil { return try Schedules.deserialize(object) }
      return try c.double("learning_rate", fallback)
    }
    let o = try options(c)
    func beta1(_ fallback: Double = 0.9) throws -> Double { try c.double("beta_1", fallback) }
    func beta2(_ fallback: Double = 0.999) throws -> Double { try c.double("beta_2", fallback) }
    let epsilon = try c.double("epsilon", name.lowercased() == "schedulefreeadamw" ? 1e-8 : 1e-7)
    switch name.lowercased() {
    case "sgd":
      return try SGD(learningRate: rate(0.01), momentum: c.double("momentum", 0), nesterov: c.bool("nesterov", false), options: o)
    case "rmsprop":
      return try RMSprop(
        learningRate: rate(0.001), rho: c.double("rho", 0.9), momentum: c.double("momentum", 0), epsilon: epsilon,
        centered: c.bool("centered", false), options: o)
    case "adam":
      return try Adam(
        learningRate: rate(0.001), beta1: beta1(), beta2: beta2(), epsilon: epsilon, amsgrad: c.bool("amsgrad", false), options: o)
    case "adamw":
      let decay = try c.double("weight_decay") == nil ? [OptimizerOption.weightDecay(0.004)] : []
      return try AdamW(
        learningRate: rate(0.001), beta1: beta1(), beta2: beta2(), epsilon: epsilon, amsgrad: c.bool("amsgrad", false), all: decay + o)
    case "nadam": return try Nadam(learningRate: rate(0.001), beta1: beta1(), beta2: beta2(), epsilon: epsilon, options: o)
    case "adamax": return try Adamax(learningRate: rate(0.001), beta1: beta1(), beta2: beta2(), epsilon: epsilon, options: o)
    case "lamb": return try Lamb(learningRate: rate(0.001), beta1: beta1(), beta2: beta2(), epsilon: epsilon, options: o)
    case "lion": return try Lion(learningRate: rate(0.001), beta1: beta1(), beta2: beta2(0.99), options: o)
    case "adagrad":
      return try Adagrad(
        learningRate: rate(0.001), initialAccumulatorValue: c.double("initial_accumulator_value", 0.1), epsilon: epsilon, options: o)
    case "adadelta": return try Adadelta(learningRate: rate(0.001), rho: c.double("rho", 0.95), epsilon: epsilon, options: o)
    case "adafactor":
      return try Adafactor(
        learningRate: rate(0.001), beta2Decay: c.double("beta_2_decay", -0.8), epsilon1: c.double("epsilon_1", 1e-30),
        epsilon2: c.double("epsilon_2", 1e-3), clipThreshold: c.double("clip_threshold", 1), relativeStep: c.bool("relative_step", true),
        options: o)
    case "ftrl":
      return try Ftrl(
        learningRate: rate(0.001), learningRatePower: c.double("learning_rate_power", -0.5),
        initialAccumulatorValue: c.double("initial_accumulator_value", 0.1),
        l1RegularizationStrength: c.double("l1_regularization_strength", 0),
        l2RegularizationStrength: c.double("l2_regularization_strength", 0),
        l2ShrinkageRegularizationStrength: c.double("l2_shrinkage_regularization_strength", 0), beta: c.double("beta", 0), options: o)
    case "schedulefreeadamw":
      return try ScheduleFreeAdamW(
        learningRate: rate(0.0025), beta1: beta1(), beta2: beta2(), epsilon: epsilon, warmupSteps: c.int("warmup_steps", 0), options: o)
    case "muon": return try Muon(learningRate: rate(0.001), try muon(c), options: o)
    case "lossscaleoptimizer":
      guard let inner = c.members["inner_optimizer"] else {
        throw TensorError(.invalidArgument, "LossScaleOptimizer: expected an inner optimiser")
      }
      return try LossScaleOptimizer(
        try deserialize(inner), initialScale: c.double("initial_scale", 32768), dynamicGrowthSteps: c.int("dynamic_growth_steps", 2000),
        name: c.string("name"))
    case "multioptimizer":
      guard let object = try c.object("optimizer_map"), object.className == "OptimizerMap" else {
        throw TensorError(.notSupported, "MultiOptimizer: expected an OptimizerMap; a function can't be read from a file")
      }
      return try MultiOptimizer(try map(object.config), lossScaleFactor: c.double("loss_scale_factor"), name: c.string("name"))
    default: throw TensorError(.invalidArgument, "there is no optimiser '\(name)'; known are " + names.joined(separator: ", "))
    }
  }

  private static func muon(_ c: ConfigValues) throws -> Muon.Arguments {
    var a = Muon.Arguments()
    a.adamBeta1 = try c.double("adam_beta_1", a.adamBeta1)
    a.adamBeta2 = try c.double("adam_beta_2", a.adamBeta2)
    a.epsilon = try c.double("epsilon", a.epsilon)
    a.excludeLayers = try c.strings("exclude_layers") ?? []
    a.excludeEmbeddings = try c.bool("exclude_embeddings", true)
    a.a = try c.double("muon_a", a.a)
    a.b = try c.double("muon_b", a.b)
    a.c = try c.double("muon_c", a.c)
    a.adamLearningRateRatio = try c.double("adam_lr_ratio", 1)
    a.momentum = try c.double("momentum", a.momentum)
    a.steps = try c.int("ns_steps", a.steps)
    a.nesterov = try c.bool("nesterov", true)
    // What is written as null is wished for, unlike what is not written.
    if c.members["weight_decay"] != nil { a.weightDecay = try c.double("weight_decay") }
    if c.members["adam_weight_decay"] != nil { a.adamWeightDecay = try c.double("adam_weight_decay") }
    if c.members["rms_rate"] != nil { a.rmsRate = try c.double("rms_rate") }
    return a
  }

  private static func options(_ c: ConfigValues) throws -> [OptimizerOption] {
    var result: [OptimizerOption] = []
    if let value = try c.string("name") { result.append(.name(value)) }
    if let value = try c.double("weight_decay") { result.append(.weightDecay(value)) }
    if let value = try c.double("clipnorm") { result.append(.clipNorm(value)) }
    if let value = try c.double("global_clipnorm") { result.append(.globalClipNorm(value)) }
    if let value = try c.double("clipvalue") { result.append(.clipValue(value)) }
    if try c.bool("use_ema", false) {
      result.append(.ema(momentum: try c.double("ema_momentum", 0.99), overwriteEvery: try c.int("ema_overwrite_frequency")))
    }
    if let value = try c.double("loss_scale_factor") { result.append(.lossScaleFactor(value)) }
    if let value = try c.int("gradient_accumulation_steps") { result.append(.gradientAccumulation(steps: value)) }
    return result
  }
}

extension BaseOptimizer {
  func config() throws -> OrderedDictionary<String, JSONValue> {
    var result: OrderedDictionary<String, JSONValue> = ["name": .string(name)]
    if let rateVariable {
      result["learning_rate"] = .double(try rateVariable.stored.item())
    } else if let schedule = rate as? any LearningRateSchedule {
      result["learning_rate"] = Schedules.serialize(schedule)
    } else {
      result["learning_rate"] = 0.5
    }
    result["weight_decay"] = settings.weightDecay.json
    result["clipnorm"] = settings.clipNorm.json
    result["global_clipnorm"] = settings.globalClipNorm.json
    result["clipvalue"] = settings.clipValue.json
    result["use_ema"] = .bool(settings.usesEMA)
    result["ema_momentum"] = .double(settings.emaMomentum)
    result["ema_overwrite_frequency"] = settings.emaOverwriteFrequency.json
    result["loss_scale_factor"] = settings.lossScaleFactor.json
    result["gradient_accumulation_steps"] = settings.accumulationSteps.json
    for (key, value) in ownConfig { result[key] = value }
    return result
  }
}
