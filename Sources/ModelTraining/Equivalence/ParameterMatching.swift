import ModelTensor
import ModelVerify

/// Pairs the trained weights of two models: by what they hold, for formats call them otherwise and turn them round.
struct ParameterMatching {
  typealias Parameter = (name: String, variable: Variable)
  struct Pair {
    let reference: Parameter
    let candidate: Parameter
    /// For each element of the candidate the reference's; `nil` when they stand in the same order.
    let order: [Int]?
  }
  private(set) var pairs: [Pair] = []
  /// Weights of the reference that the candidate does not train.
  private(set) var missing: [String] = []
  /// Weights that the candidate trains besides.
  private(set) var surplus: [String] = []

  init(_ reference: [Parameter], _ candidate: [Parameter]) throws {
    var free = Array(candidate.indices)
    let values = try candidate.map { try $0.variable.stored.doubles() }
    let names = PortMatching.match(reference.map(\.name), candidate.map(\.name))
    for (index, parameter) in reference.enumerated() {
      let own = try parameter.variable.stored.doubles(), shape = parameter.variable.shape
      // The one of that name first; the others in their order, which is the models' order.
      let order = free.sorted { ($0 == names[index] ? 0 : 1, $0) < ($1 == names[index] ? 0 : 1, $1) }
      var found: (place: Int, order: [Int]?)?
      for place in order where values[place].count == own.count {
        if candidate[place].variable.shape.filter({ $0 != 1 }) == shape.filter({ $0 != 1 }), Self.areEqual(own, values[place]) {
          found = (place, nil)
          break
        }
      }
      if found == nil {
        search: for place in order where candidate[place].variable.shape.sorted() == shape.sorted() && (2...4).contains(shape.count) {
          for permutation in Self.permutations(shape.count) where permutation.map({ shape[$0] }) == candidate[place].variable.shape {
            if Self.areEqual(try parameter.variable.stored.transpose(permutation).doubles(), values[place]) {
              found = (place, try Self.indices(shape).transpose(permutation).doubles().map { Int($0) })
              break search
            }
          }
        }
      }
      // Rows that another layout of images has moved.
      if found == nil {
        for place in order where values[place].count == own.count {
          guard let moved = Self.order(own, values[place]) else { continue }
          found = (place, moved)
          break
        }
      }
      // One of the same name and shape that holds other numbers is a difference to be told, not a weight that is missing.
      if found == nil, let named = names[index], free.contains(named), candidate[named].variable.shape == shape { found = (named, nil) }
      guard let found else {
        missing.append(parameter.name)
        continue
      }
      free.removeAll { $0 == found.place }
      pairs.append(Pair(reference: parameter, candidate: candidate[found.place], order: found.order))
    }
    surplus = free.map { candidate[$0].name }
  }

  private static func areEqual(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-6 + 1e-5 * abs($0) || ($0.isNaN && $1.isNaN) }
  }

  private static func indices(_ shape: [Int]) throws -> Tensor {
    Tensor(NDArray((0..<shape.reduce(1, *)).map { Double($0) }, shape))
  }

  /// Where each number of `candidate` stands in `reference`, when they hold the same ones and each of them once.
  private static func order(_ reference: [Double], _ candidate: [Double]) -> [Int]? {
    guard reference.count > 1, !reference.contains(where: \.isNaN) else { return nil }
    let from = reference.indices.sorted { reference[$0] < reference[$1] }, to = candidate.indices.sorted { candidate[$0] < candidate[$1] }
    var result = [Int](repeating: 0, count: reference.count)
    for (index, (a, b)) in zip(from, to).enumerated() {
      guard reference[a] == candidate[b], index == 0 || reference[from[index - 1]] < reference[a] else { return nil }
      result[b] = a
    }
    return result
  }

  /// All orders of so many axes but the plain one.
  private static func permutations(_ count: Int) -> [[Int]] {
    var result: [[Int]] = [[]]
    for axis in 0..<count {
      result = result.flatMap { order in (0...order.count).map { Array(order[..<$0]) + [axis] + Array(order[$0...]) } }
    }
    return result.filter { $0 != Array(0..<count) }.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
