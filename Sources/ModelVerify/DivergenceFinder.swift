import ModelGraph
import ModelRuntime
import ModelTensor

/// Finds the first value inside two models that differs.
///
/// Values are matched by the names of values, of nodes, and of the layers whose result they are. Inner
/// values are held against each other as wholes: one differs when its largest difference exceeds
/// `atol + rtol · max|r|`, because rounding in an intermediate result is relative to its largest element.
struct DivergenceFinder {
  private let pair: ModelPair
  private let options: VerificationOptions
  /// Values larger than this are not kept for the comparison.
  private static let byteLimit = 4 << 30

  init(_ pair: ModelPair, _ options: VerificationOptions) {
    self.pair = pair
    self.options = options
  }

  func find(_ inputs: [NDArray], index: Int) throws -> Divergence? {
    // First only names, so that just what has a counterpart is kept.
    var known: Set<String> = []
    let referenceNames = ValueNames(pair.reference), candidateNames = ValueNames(pair.candidate)
    _ = try pair.runCandidate(inputs) { known.formUnion(candidateNames.keys(of: $0)) }
    var kept: [Record] = [], bytes = 0
    _ = try pair.reference.run(inputs) { value in
      guard value.node != nil, bytes + value.array.byteCount <= Self.byteLimit else { return }
      let keys = referenceNames.keys(of: value)
      guard keys.contains(where: known.contains) else { return }
      bytes += value.array.byteCount
      kept.append(Record(value, keys))
    }
    var counterparts: [String: [Int]] = [:]
    for (index, record) in kept.enumerated() { for key in record.keys { counterparts[key, default: []].append(index) } }
    _ = try pair.runCandidate(inputs) { value in
      guard value.node != nil else { return }
      for key in candidateNames.keys(of: value) {
        let fitting = (counterparts[key] ?? []).first { kept[$0].statistics == nil && kept[$0].array.count == value.array.count }
        guard let place = fitting else { continue }
        kept[place].compare(value, options)
        return
      }
    }
    return summary(kept.filter { $0.statistics != nil }, index)
  }

  private func summary(_ records: [Record], _ index: Int) -> Divergence? {
    guard let first = records.firstIndex(where: \.differs), let statistics = records[first].statistics,
      let candidate = records[first].candidate
    else { return nil }
    let record = records[first]
    return Divergence(
      value: record.value.name, node: record.value.path, op: record.value.opName, candidateValue: candidate.name,
      candidateNode: candidate.path, candidateOp: candidate.opName, sample: index, statistics: statistics,
      lastAgreeing: first > 0 ? records[first - 1].value.name : nil, compared: records.count)
  }
}

private struct Record {
  let value: ProbedValue
  let keys: [String]
  var candidate: ProbedValue?
  var statistics: OutputStatistics?
  var differs = false
  var array: NDArray { value.array }

  init(_ value: ProbedValue, _ keys: [String]) {
    self.value = value
    self.keys = keys
  }

  mutating func compare(_ other: ProbedValue, _ options: VerificationOptions) {
    var best: OutputStatistics?
    var largest = 0.0
    if array.dtype.isFloatingPoint {
      for run in array.runs() { largest = run.doubles().reduce(largest) { $1.isFinite ? max($0, abs($1)) : $0 } }
    }
    for adaptation in [Adaptation.same, .channelsToEnd, .channelsToFront] {
      guard let adapted = try? adaptation.apply(other.array, to: TensorType(other.array.dtype, array.shape)),
        adaptation == .same || adapted.shape == array.shape
      else { continue }
      var statistics = OutputStatistics(name: value.name, candidateName: other.name)
      statistics.add(array, adapted, atol: options.atol + options.rtol * largest, rtol: 0)
      if statistics.mismatched < best?.mismatched ?? .max { best = statistics }
    }
    guard let best, best.problem == nil else { return }
    candidate = other
    candidate?.array = NDArray(zeros: .bool, [])
    statistics = best
    differs = best.mismatched > 0
  }
}
