/// How a model is executed.
public struct ExecutionOptions: Sendable {
  /// The number of threads; `nil` uses every core.
  public var threads: Int?
  /// The most bytes that results may hold at one time. The default is 768 MiB, or 64 times what weights take and 256
  /// times what inputs take where that is more, and never more than nine tenths of the machine's memory.
  public var memoryLimit: Int?
  /// Seeds the ops that draw random numbers without a seed of their own.
  public var seed: UInt64
  /// How many bodies (iterations of loops, calls) one run may evaluate.
  public var bodyLimit: Int
  /// How long one run may go on once it has evaluated 10,000 bodies. Models without such loops take the time they take.
  public var loopTime: Duration
  /// How deep bodies may call each other.
  public var callDepth: Int
  /// Whether nodes may be fused. Results then differ by rounding only.
  public var fuses: Bool
  /// Whether to compute with the plain definitions instead of the fast loops.
  public var usesReference: Bool
  /// Whether sums of products are as good as exact, which takes up to a third longer: results are nearer those of any other runtime.
  public var compensates: Bool

  public init(
    threads: Int? = nil, memoryLimit: Int? = nil, seed: UInt64 = 0, callDepth: Int = 100, bodyLimit: Int = 4_000_000,
    loopTime: Duration = .seconds(60), fuses: Bool = true,
    usesReference: Bool = false, compensates: Bool = false
  ) {
    self.threads = threads
    self.memoryLimit = memoryLimit
    self.seed = seed
    self.callDepth = callDepth
    self.bodyLimit = bodyLimit
    self.loopTime = loopTime
    self.fuses = fuses
    self.usesReference = usesReference
    self.compensates = compensates
  }
}
