import ModelTensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How far two outputs differ, over all samples.
///
/// With `r` the reference and `c` the candidate, element by element in float64: an element is mismatched unless
/// `|r − c| ≤ atol + rtol · |r|`. Integers, booleans and strings must be equal. Two NaNs are equal, and so are two
/// infinities of one sign; a NaN or infinity against anything else is a mismatch and leaves the other figures alone.
/// Outputs of reduced precision may always differ by two units in their last place.
public struct OutputStatistics: Sendable, Hashable {
  public var name: String
  /// The candidate's name for it.
  public var candidateName: String
  public var elements = 0
  public var mismatched = 0
  /// Of quantised outputs where floats are rounded to steps: the elements that lie a step beside, which are not mismatched.
  public var beside = 0
  public var maxAbsolute = 0.0
  /// Over elements whose reference is not 0.
  public var maxRelative = 0.0
  /// Why the outputs can't be compared at all.
  public var problem: String?
  /// Why the output says little about the model on these inputs.
  public var weakness: Weakness?
  /// How far what goes into the activation behind it differs, where the output itself is saturated.
  public var preActivation: PreActivationStatistics?
  /// In decibels: how far the output must rise above its error to count as equivalent although elements differ. For models of which
  /// one is quantised.
  public var minimumSignalToNoise: Double?
  /// Elements that can't be measured: a NaN or infinity on one side.
  private var unmeasured = 0
  private var isCompared = false
  private var sum = 0.0, errorSquares = 0.0
  private var sumAbsolute = 0.0
  private var finite = 0
  private var dot = 0.0, referenceSquares = 0.0, candidateSquares = 0.0

  public init(name: String, candidateName: String? = nil) {
    self.name = name
    self.candidateName = candidateName ?? name
  }

  public var meanAbsolute: Double { finite == 0 ? 0 : sumAbsolute / Double(finite) }
  /// How large the reference's finite numbers are.
  var rootMeanSquare: Double { finite == 0 ? 0 : (referenceSquares / Double(finite)).squareRoot() }
  /// The cosine of the angle between both as vectors; 1 when both are zero, `nil` when just one is, or when nothing was compared.
  public var cosine: Double? {
    guard isCompared else { return nil }
    if referenceSquares == 0, candidateSquares == 0 { return 1 }
    guard referenceSquares > 0, candidateSquares > 0 else { return nil }
    return min(1, max(-1, dot / (referenceSquares.squareRoot() * candidateSquares.squareRoot())))
  }
  public var isEquivalent: Bool {
    guard problem == nil, preActivation?.isEquivalent ?? true else { return false }
    if mismatched == 0 { return beside <= max(Self.fewBeside, elements / 4) }
    guard let minimumSignalToNoise, let signalToNoise, unmeasured == 0 else { return false }
    return signalToNoise >= minimumSignalToNoise
  }
  /// How far the reference's variation about its mean lies above the difference, in decibels; `nil` when there is no variation or no
  /// difference.
  public var signalToNoise: Double? {
    let variation = finite == 0 ? 0 : referenceSquares - sum * sum / Double(finite)
    guard variation > 0, errorSquares > 0 else { return nil }
    return 10 * log10(variation / errorSquares)
  }

  /// How many elements of a small output may lie a step beside. Where sums are rounded in another order, that concerns those next to the
  /// middle between two steps; when more than a quarter of all moves, something else moves them.
  private static let fewBeside = 4

  /// What every element may differ by, relative to the largest of its output: eight units in the last place of a float32.
  private static let rounding = 0x1p-20

  /// Adds one sample.
  /// - Parameter step: what quantised numbers may differ by, integers too.
  public mutating func add(_ reference: NDArray, _ candidate: NDArray, atol: Double, rtol: Double, step: Double = 0) {
    elements += reference.count
    guard reference.count == candidate.count, reference.shape.withoutOnes == candidate.shape.withoutOnes else {
      mismatched += reference.count
      problem = "the reference gives \(reference.type), the candidate \(candidate.type)"
      return
    }
    isCompared = true
    if reference.dtype == .string || candidate.dtype == .string {
      addStrings(reference, candidate)
    } else {
      let exact = !reference.dtype.isFloatingPoint && !candidate.dtype.isFloatingPoint
      let floor = max(reference.dtype.spacing, candidate.dtype.spacing) * 2
      // Sums of numbers of one size are rounded to that size, whatever is left of them.
      let rounding = exact || atol == 0 ? 0 : Self.rounding * reference.largestMagnitude
      // In runs: as doubles all elements would take up to eight times their room.
      for (a, b) in zip(reference.runs(), candidate.runs()) {
        add(a.doubles(), b.doubles(), atol: exact ? 0 : max(atol, rounding), rtol: exact ? 0 : max(rtol, floor), step: step)
        // 64-bit integers beyond 2⁵³ would round to the same double.
        if exact, let a = a.integers(), let b = b.integers() {
          for i in a.indices where a[i] != b[i] && Double(a[i]) == Double(b[i]) { mismatched += 1 }
        }
      }
    }
  }

  /// Takes mismatches back that another look has explained.
  mutating func forgive(_ count: Int) { mismatched = max(0, mismatched - count) }

  private mutating func addStrings(_ reference: NDArray, _ candidate: NDArray) {
    guard reference.dtype == .string, candidate.dtype == .string else {
      mismatched += reference.count
      problem = "the reference gives \(reference.type), the candidate \(candidate.type)"
      return
    }
    for (a, b) in zip(reference.strings, candidate.strings) where a != b { mismatched += 1; unmeasured += 1 }
  }

  private mutating func add(_ reference: [Double], _ candidate: [Double], atol: Double, rtol: Double, step: Double) {
    for i in reference.indices {
      let r = reference[i], c = candidate[i]
      guard r.isFinite, c.isFinite else {
        if !(r == c || (r.isNaN && c.isNaN)) { mismatched += 1; unmeasured += 1 }
        continue
      }
      let difference = abs(r - c)
      let tolerance = atol + rtol * abs(r)
      if difference > tolerance + step { mismatched += 1 } else if difference > tolerance { beside += 1 }
      maxAbsolute = max(maxAbsolute, difference)
      if r != 0 { maxRelative = max(maxRelative, difference / abs(r)) }
      sumAbsolute += difference
      finite += 1
      sum += r
      errorSquares += difference * difference
      dot += r * c
      referenceSquares += r * r
      candidateSquares += c * c
    }
  }
}

extension NDArray {
  /// The largest finite `|x|`.
  fileprivate var largestMagnitude: Double {
    runs().reduce(0) { largest, run in run.doubles().reduce(largest) { $1.isFinite ? max($0, abs($1)) : $0 } }
  }
}

extension [Int] {
  /// The extents that move elements.
  var withoutOnes: [Int] { filter { $0 != 1 } }
}

extension DType {
  /// The relative distance of neighbouring numbers, for the dtypes in which outputs are given.
  fileprivate var spacing: Double {
    switch self {
    case .float16: 0x1p-10
    case .bfloat16: 0x1p-7
    case .float8e4m3fn, .float8e4m3fnuz: 0x1p-3
    case .float8e5m2, .float8e5m2fnuz: 0x1p-2
    case .float32: 0x1p-23
    default: 0
    }
  }
}
