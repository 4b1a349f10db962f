import ModelTensor

extension Metrics {
  /// The weighted mean of values.
  open class Mean: BaseMetric {
    private let total: Variable, count: Variable
    public override init(name: String? = "mean") throws {
      let variables = try ["total", "count"].map { try Variable(0.0, name: $0, trainable: false) }
      (total, count) = (variables[0], variables[1])
      try super.init(name: name)
      adopt(variables)
    }
    public func updateState(_ values: Tensor, sampleWeight: Tensor? = nil) throws {
      let (values, weight) = try Metrics.samplewise(values, sampleWeight, means: true)
      try total.assignAdd(try values.reduceSum())
      if let weight {
        try count.assignAdd(try weight.reduceSum())
      } else if let rows = values.shape.first {
        try count.assignAdd(rows >= 0 ? try Tensor.full([], Double(rows)) : try values.shapeTensor()[0].cast(to: .float32))
      } else {
        try count.assignAdd(1)
      }
    }
    /// Of values alone: predictions are left out.
    open override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      try updateState(yTrue, sampleWeight: sampleWeight)
    }
    open override func result() throws -> Tensor { try total.tensor.divideNoNaN(count) }
  }

  /// The weighted sum of values.
  public final class Sum: BaseMetric {
    private let total: Variable
    public override init(name: String? = "sum") throws {
      total = try Variable(0.0, name: "total", trainable: false)
      try super.init(name: name)
      adopt([total])
    }
    public func updateState(_ values: Tensor, sampleWeight: Tensor? = nil) throws {
      try total.assignAdd(try Metrics.samplewise(values, sampleWeight, means: false).values.reduceSum())
    }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      try updateState(yTrue, sampleWeight: sampleWeight)
    }
    public override func result() throws -> Tensor { total.tensor }
  }

  /// One value for each sample, with its weight (Keras's `reduce_to_samplewise_values`).
  static func samplewise(_ given: Tensor, _ sampleWeight: Tensor?, means: Bool) throws -> (values: Tensor, weight: Tensor?) {
    func reduced(_ x: Tensor, from axis: Int) throws -> Tensor {
      guard x.rank > axis else { return x }
      let axes = Array(axis..<x.rank)
      return means ? try x.reduceMean(axes: axes) : try x.reduceSum(axes: axes)
    }
    var values = try given.cast(to: .float32)
    var weight = try sampleWeight?.cast(to: .float32)
    if let own = weight {
      weight = try Weighting.merge(own, given.mask, like: values, .sum)
    }
    if let own = weight {
      var (a, b) = try Weighting.sameRank(values, own)
      let rank = b.rank
      a = try reduced(a, from: rank)
      b = try b * Tensor.ones(like: a)
      values = try a * b
      weight = rank > 1 ? try reduced(b, from: 1) : b
    }
    return (try reduced(values, from: 1), weight)
  }
}

extension BaseMetric {
  /// Takes variables in that were made before.
  func adopt(_ made: [Variable]) { for variable in made { append(variable) } }
}
