import ModelGraph
import ModelRuntime
import ModelTensor

/// How two models are compared.
public struct VerificationOptions: Sendable {
  /// How many made-up sets of inputs; ignored when `data` is given.
  public var samples: Int
  public var seed: UInt64
  /// An element differs when `|r − c| > atol + rtol · |r|`.
  public var atol: Double
  public var rtol: Double
  /// What each output of the reference may differ by on top, integers too: the step of a quantised one, where floats are rounded
  /// to it in another order. Empty for none.
  public var outputSteps: [Double] = []
  /// For models of which one is quantised: how many decibels an output must rise above its error to count as equivalent although
  /// elements differ by more than the tolerances; `nil` for none.
  public var minimumSignalToNoise: Double?
  /// Whether to look for the first value inside that differs.
  public var findsDivergence: Bool
  /// Inputs by name whose first axis is the sample axis, instead of made-up ones.
  public var data: [(name: String, array: NDArray)]?
  public var execution: ExecutionOptions
  /// Told how much is done, from 0 to 1.
  public var progress: (@Sendable (Double) -> Void)?

  public init(
    samples: Int = 2, seed: UInt64 = 0, atol: Double = 1e-5, rtol: Double = 1e-4, findsDivergence: Bool = false,
    data: [(name: String, array: NDArray)]? = nil, execution: ExecutionOptions = ExecutionOptions(),
    progress: (@Sendable (Double) -> Void)? = nil
  ) {
    self.samples = samples
    self.seed = seed
    self.atol = atol
    self.rtol = rtol
    self.findsDivergence = findsDivergence
    self.data = data
    self.execution = execution
    self.progress = progress
  }
}
