import ModelSupport
import OrderedCollections

/// Momentum made orthogonal for matrices (Jordan and others, 2024), AdamW for everything else.
public final class Muon: ElementwiseOptimizer {
  /// The arguments by Keras's names.
  public struct Arguments: Sendable {
    public var adamBeta1 = 0.9, adamBeta2 = 0.999
    public var adamWeightDecay: Double? = 0.004
    public var epsilon = 1e-7
    public var weightDecay: Double? = 0.004
    /// Regular expressions for the paths (`dense_1/kernel`) of variables that AdamW takes.
    public var excludeLayers: [String] = []
    public var excludeEmbeddings = true
    /// The coefficients of Newton and Schulz's iteration.
    public var a = 3.4445, b = -4.7750, c = 2.0315
    public var adamLearningRateRatio = 1.0
    public var momentum = 0.95
    public var steps = 5
    public var nesterov = true
    public var rmsRate: Double? = 0.2
    public init() {}
  }
  public let arguments: Arguments
  private let excludedLayers: [Regex<AnyRegexOutput>]
  private var momentums: [Variable] = []
  private var velocities: [Int: Variable] = [:]

  public init(learningRate: any LearningRate = 0.001, _ arguments: Arguments = Arguments(), options: [OptimizerOption] = []) throws {
    guard (0...100).contains(arguments.steps) else {
      throw TensorError(.invalidArgument, "Muon: expected 0 to 100 steps of Newton and Schulz's iteration, found \(arguments.steps)")
    }
    self.arguments = arguments
    excludedLayers = try arguments.excludeLayers.map { pattern in
      do { return try Regex(pattern) } catch { throw TensorError(.invalidArgument, "'\(pattern)' is no regular expression") }
    }
    try super.init(learningRate: learningRate, options: (arguments.weightDecay.map { [.weightDecay($0)] } ?? []) + options)
  }

  private func usesAdam(_ variable: Variable) -> Bool {
    variable.shape.count != 2 || (arguments.excludeEmbeddings && variable.path.lowercased().contains("embedding"))
      || excludedLayers.contains { variable.path.firstMatch(of: $0) != nil }
  }
  public override func weightDecay(of variable: Variable) throws -> Double? {
    isExcluded(variable) ? nil : usesAdam(variable) ? arguments.adamWeightDecay : settings.weightDecay
  }
  public override func makeState(for variables: [Variable]) throws {
    for (index, variable) in variables.enumerated() {
      momentums.append(try addSlots(["momentum"], for: [variable])[0][0])
      if usesAdam(variable) { velocities[index] = try addSlots(["velocity"], for: [variable])[0][0] }
    }
  }

  public override func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    let index = try index(of: variable), dtype = variable.dtype, m = momentums[index]
    if let velocity = velocities[index] {
      let alpha = try scalar("alpha", dtype) {
        try learningRate * arguments.adamLearningRateRatio * (1 - power(arguments.adamBeta2, dtype)).sqrt()
          / (1 - power(arguments.adamBeta1, dtype))
      }
      let rule = AdamRule(beta1: arguments.adamBeta1, beta2: arguments.adamBeta2, epsilon: arguments.epsilon, amsgrad: false)
      return try update(rule, variable, gradient, slots: [m, velocity], scalars: [alpha], learningRate: learningRate)
    }
    if let decay = try weightDecay(of: variable) { try variable.assignSub(try variable * decay * learningRate) }
    try m.assignAdd(try gradient + m * (arguments.momentum - 1))
    let direction = try orthogonal(arguments.nesterov ? try gradient + arguments.momentum * m : m.tensor)
    var step = try learningRate * direction
    if let rmsRate = arguments.rmsRate {
      step = try step * Double(variable.shape.max() ?? 1).squareRoot() * rmsRate
    }
    try variable.assignSub(step)
  }

  /// The nearest orthogonal matrix, about: Newton and Schulz's iteration of the fifth order.
  private func orthogonal(_ matrix: Tensor) throws -> Tensor {
    let isTall = matrix.shape[0] > matrix.shape[1]
    var x = isTall ? try matrix.transpose() : matrix
    x = try x / (x.norm() + 1e-7)
    for _ in 0..<arguments.steps {
      let square = try x.matmul(x, transposeB: true)
      let factor = try square * arguments.b + (square * arguments.c) • square
      x = try x * arguments.a + factor • x
    }
    return isTall ? try x.transpose() : x
  }

  public override var ownConfig: OrderedDictionary<String, JSONValue> {
    [
      "adam_beta_1": .double(arguments.adamBeta1), "adam_beta_2": .double(arguments.adamBeta2), "epsilon": .double(arguments.epsilon),
      "exclude_layers": .array(arguments.excludeLayers.map { .string($0) }), "muon_a": .double(arguments.a),
      "muon_b": .double(arguments.b), "muon_c": .double(arguments.c), "adam_lr_ratio": .double(arguments.adamLearningRateRatio),
      "momentum": .double(arguments.momentum), "ns_steps": .int(arguments.steps), "nesterov": .bool(arguments.nesterov),
      "exclude_embeddings": .bool(arguments.excludeEmbeddings),
      "adam_weight_decay": arguments.adamWeightDecay.map { .double($0) } ?? .null,
      "rms_rate": arguments.rmsRate.map { .double($0) } ?? .null,
    ]
  }
}
