import ModelTensor

extension Metrics {
  /// The mean of what a function of targets and predictions gives.
  open class MeanMetricWrapper: Mean {
    public typealias Function = (_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor
    private let function: Function
    public init(_ function: @escaping Function, name: String? = nil) throws {
      self.function = function
      try super.init(name: name)
    }
    open override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      let values = try function(yTrue, yPred)
      let weight = try Weighting.merge(sampleWeight, yPred.mask, like: try values.cast(to: .float32), .sum)
      try updateState(values, sampleWeight: weight)
    }
  }
}
