import ModelGraph
import ModelTensor

/// How many insertions, deletions and replacements make one sequence of another (Levenshtein's distance), for each place of the axes
/// before the last.
///
/// Inputs: two sparse tensors as indices, values and shape each: what was found, and the truth. Result: float32; with
/// `isNormalized` divided by the truth's length, infinite where something was found of nothing. Source: TensorFlow's `EditDistance`.
public struct EditDistanceOp: PrimitiveOp {
  public static let name = "EditDistance"
  public static let family = OpFamily.text
  public var isNormalized: Bool
  public init(isNormalized: Bool = true) { self.isNormalized = isNormalized }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let found = try inputs.required(2, of: self), truth = try inputs.required(5, of: self)
    guard let a = found.elements, let b = truth.elements, a.count == b.count else {
      let rank = found.type.shape.dims?.first?.value
      return [TensorType(.float32, rank.map { .ranked(Array(repeating: .unknown, count: max(0, $0 - 1))) } ?? .unranked)]
    }
    return [
      TensorType(
        .float32,
        .ranked(
          zip(a, b).dropLast().map { a, b in
            if let a = a.value, let b = b.value { return .fixed(max(a, b)) }
            return .unknown
          }))
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let found = try SparseRows(inputs, from: 0, isSparse: true, of: self)
    let truth = try SparseRows(inputs, from: 3, isSparse: true, of: self)
    guard found.lead.count == truth.lead.count, found.values.dtype == truth.values.dtype else {
      throw ExecutionError(.shapeMismatch, "\(displayName) of sequences in different shapes")
    }
    if found.values.dtype == .string { return try distances(found, found.values.strings, truth, truth.values.strings, in: context) }
    if let a = found.values.integers(), let b = truth.values.integers() { return try distances(found, a, truth, b, in: context) }
    return try distances(found, found.values.doubles(), truth, truth.values.doubles(), in: context)
  }

  private func distances<E: Equatable>(
    _ found: SparseRows, _ a: [E], _ truth: SparseRows, _ b: [E], in context: ExecutionContext
  ) throws -> [NDArray] {
    let shape = zip(found.lead, truth.lead).map { max($0, $1) }
    let result = try context.allocate(.float32, shape)
    func place(_ row: Int, in lead: [Int]) -> Int {
      zip(SparseRows.coordinates(row, in: lead), shape).reduce(0) { $0 * $1.1 + $1.0 }
    }
    var pairs: [Int: (found: [Int], truth: [Int])] = [:]
    for (row, places) in found.rows { pairs[place(row, in: found.lead), default: ([], [])].found = places }
    for (row, places) in truth.rows { pairs[place(row, in: truth.lead), default: ([], [])].truth = places }
    result.withMutable(Float.self) { y in
      for index in y.indices { y[index] = 0 }
      for (index, pair) in pairs {
        let distance = Float(Self.distance(pair.found.map { a[$0] }, pair.truth.map { b[$0] }))
        y[index] = !isNormalized || pair.truth.isEmpty && distance == 0 ? distance : distance / Float(pair.truth.count)
      }
    }
    return [result]
  }

  /// Row by row of the table, of which one is kept.
  private static func distance<E: Equatable>(_ a: [E], _ b: [E]) -> Int {
    var row = Array(0...b.count)
    for (i, element) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let replaced = element == other ? diagonal : diagonal + 1
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, min(row[j], diagonal) + 1)
      }
    }
    return row[b.count]
  }
}
