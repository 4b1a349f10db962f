import ModelGraph
import ModelTensor

/// Tells of models that differ whether they would agree if outputs, or inputs that no name pairs, stood in another order. The verdict stays
/// what it is: who takes results by their place gets others.
struct OtherOrder {
  /// More outputs than this are not tried against each other.
  static let outputLimit = 64
  /// More inputs than this are not tried in all orders.
  static let inputLimit = 4
  let pair: ModelPair
  let options: VerificationOptions

  func run(_ samples: Samples, _ report: inout VerificationReport) throws {
    guard samples.inputCount > 0 else { return }
    let inputs = try samples.inputs(0)
    let expected = try pair.reference.run(inputs)
    if let found = try? pair.runCandidate(inputs), let order = order(of: found, as: expected) {
      // All agree where they stand: what differs lies in other samples.
      guard order.indices.contains(where: { pair.outputs[$0] != order[$0] }) else { return }
      let places = zip(pair.reference.outputs, order).map { "'\($0.name)' as the candidate's '\(pair.candidate.outputs[$1].name)'" }
      report.note("the outputs agree in another order: " + places.joined(separator: ", "))
      return
    }
    let open = pair.feeds.indices.filter { pair.candidate.inputs[$0].name != pair.reference.inputs[pair.feeds[$0]].name }
    guard open.count > 1, open.count <= Self.inputLimit, pair.outputs.allSatisfy({ $0 != nil }) else { return }
    for feeds in permutations(open.map { pair.feeds[$0] }).dropFirst() {
      var other = pair
      for (place, feed) in zip(open, feeds) { other.feeds[place] = feed }
      guard let found = try? other.runCandidate(inputs) else { continue }
      guard pair.outputs.indices.allSatisfy({ index in pair.outputs[index].map { agree(index, expected, $0, found) } ?? false }) else {
        continue
      }
      let places = open.map { "'\(pair.reference.inputs[other.feeds[$0]].name)' as the candidate's '\(pair.candidate.inputs[$0].name)'" }
      report.note("the outputs agree when the inputs are given in another order: " + places.joined(separator: ", "))
      return
    }
  }

  /// For each output of the reference one of the candidate's that agrees with it; `nil` when there is no such order.
  private func order(of found: [NDArray], as expected: [NDArray]) -> [Int]? {
    guard expected.count > 1, expected.count <= Self.outputLimit, found.count <= Self.outputLimit else { return nil }
    var free = Set(found.indices), result: [Int] = []
    for index in expected.indices {
      // Its own first: outputs that agree where they stand stay there.
      let places = (pair.outputs[index].map { [$0] } ?? []) + found.indices
      guard let place = places.first(where: { free.contains($0) && agree(index, expected, $0, found) }) else { return nil }
      free.remove(place)
      result.append(place)
    }
    return result
  }

  private func agree(_ index: Int, _ expected: [NDArray], _ output: Int, _ found: [NDArray]) -> Bool {
    guard found.indices.contains(output), let (target, numbers) = try? pair.numbers(index, expected[index], output, found[output]),
      target.dtype.isFloatingPoint == numbers.dtype.isFloatingPoint
    else { return false }
    var array = numbers
    if array.shape != target.shape {
      guard let adaptation = Adaptation(array.shape, to: Shape(target.shape)),
        let adapted = try? adaptation.apply(array, to: TensorType(array.dtype, target.shape))
      else { return false }
      array = adapted
    }
    var statistics = OutputStatistics(name: "")
    statistics.minimumSignalToNoise = options.minimumSignalToNoise
    statistics.add(target, array, atol: options.atol, rtol: options.rtol)
    return statistics.isEquivalent
  }
}

/// All orders of `items`, the given one first.
private func permutations(_ items: [Int]) -> [[Int]] {
  guard items.count > 1 else { return [items] }
  return items.indices.flatMap { index in
    var rest = items
    let first = rest.remove(at: index)
    return permutations(rest).map { [first] + $0 }
  }
}

extension VerificationReport {
  /// Says so when what is paired by name does not stand in one order on both sides.
  /// - Parameter places: of those of one side, in its order, among those of the other.
  mutating func noteOrder(_ what: String, reference: [String], candidate: [String], places: [Int?]) {
    let known = places.compactMap { $0 }
    guard zip(known, known.dropFirst()).contains(where: { $0 > $1 }) else { return }
    let (own, other) = (reference.joined(separator: ", "), candidate.joined(separator: ", "))
    note("the \(what) are compared by name and stand in another order: \(own) here, \(other) in the candidate")
  }
}
