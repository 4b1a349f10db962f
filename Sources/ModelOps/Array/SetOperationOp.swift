import ModelGraph
import ModelTensor

/// What is made of two sets. Raw values are TensorFlow's.
public enum SetOperation: String, Sendable, CaseIterable {
  case difference = "a-b"
  case reverseDifference = "b-a"
  case intersection
  case union
}

/// Sets along the last axis, one pair for each place of the axes before it.
///
/// Each of the two operands is one tensor, or a sparse one as three: indices `[n, rank]`, values `[n]` and the shape. Results: the same
/// three for the sets that come out, each in ascending order. Source: TensorFlow's `DenseToDenseSetOperation` and its sparse forms.
public struct SetOperationOp: PrimitiveOp {
  public static let name = "SetOperation"
  public static let family = OpFamily.array
  public var operation: SetOperation
  /// Which of the operands is sparse.
  public var isSparse: [Bool]
  public init(_ operation: SetOperation, isSparse: [Bool] = [false, false]) {
    self.operation = operation
    self.isSparse = isSparse
  }
  public var attributes: [(name: String, value: AttributeValue)] { [("operation", .string(operation.rawValue))] }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let values = try inputs.required(isSparse.first == true ? 1 : 0, of: self).type
    let rank: Dim
    if isSparse.first == true {
      rank = try inputs.required(2, of: self).type.shape.dims?.first ?? .unknown
    } else {
      rank = values.shape.rank.map { .fixed($0) } ?? .unknown
    }
    return [
      TensorType(.int64, .ranked([.unknown, rank])), TensorType(values.dtype, .ranked([.unknown])), TensorType(.int64, .ranked([rank])),
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var place = 0, operands: [SparseRows] = []
    for sparse in isSparse.prefix(2) {
      operands.append(try SparseRows(inputs, from: place, isSparse: sparse, of: self))
      place += sparse ? 3 : 1
    }
    guard operands.count == 2, operands[0].values.dtype == operands[1].values.dtype, operands[0].lead == operands[1].lead else {
      throw ExecutionError(.shapeMismatch, "\(displayName) of sets in different shapes")
    }
    if operands[0].values.dtype == .string {
      return try results(operands, operands.map(\.values.strings), in: context) { $0.lexicographicallyPrecedes($1) }
    }
    guard let a = operands[0].values.integers(), let b = operands[1].values.integers() else { throw noKernel(operands[0].values.dtype) }
    return try results(operands, [a, b], in: context, <)
  }

  private func results<E: Hashable>(
    _ operands: [SparseRows], _ elements: [[E]], in context: ExecutionContext, _ less: (E, E) -> Bool
  ) throws -> [NDArray] {
    // Where in the two operands' values, one behind the other, an element that comes out stands.
    var picked: [Int] = [], indices: [Int64] = [], longest = 0
    let lead = operands[0].lead, offset = elements[0].count
    for row in Set(operands[0].rows.keys).union(operands[1].rows.keys).sorted() {
      var first: [E: Int] = [:], second: [E: Int] = [:]
      for place in operands[0].rows[row] ?? [] { first[elements[0][place]] = place }
      for place in operands[1].rows[row] ?? [] { second[elements[1][place]] = offset + place }
      let kept: [E: Int] =
        switch operation {
        case .difference: first.filter { second[$0.key] == nil }
        case .reverseDifference: second.filter { first[$0.key] == nil }
        case .intersection: first.filter { second[$0.key] != nil }
        case .union: first.merging(second) { own, _ in own }
        }
      for (column, element) in kept.sorted(by: { less($0.key, $1.key) }).enumerated() {
        picked.append(element.value)
        indices += SparseRows.coordinates(row, in: lead).map { Int64($0) } + [Int64(column)]
      }
      longest = max(longest, kept.count)
    }
    let all = try ConcatOp(axis: 0).evaluate(operands.map { $0.values.reshaped([$0.values.count]) }, in: context)[0]
    let values = try all.picking(picked, run: 1, shape: [picked.count], in: context)
    let shape = lead.map { Int64($0) } + [Int64(longest)]
    return [NDArray(indices, [picked.count, lead.count + 1]), values, NDArray(shape, [shape.count])]
  }
}

/// The elements of a tensor by the row of the last axis that they stand in.
struct SparseRows {
  /// The axes before the last.
  let lead: [Int]
  let values: NDArray
  /// Row → places in `values`, in the order given.
  var rows: [Int: [Int]] = [:]

  /// - Throws: `ExecutionError` for coordinates outside the shape.
  init(_ inputs: [NDArray?], from first: Int, isSparse: Bool, of op: some Op) throws {
    guard isSparse else {
      values = try inputs.required(first, of: op)
      guard let width = values.shape.last else { throw ExecutionError(.shapeMismatch, "\(op.displayName) of a scalar") }
      lead = Array(values.shape.dropLast())
      if width > 0 { for place in 0..<values.count { rows[place / width, default: []].append(place) } }
      return
    }
    let indices = try inputs.required(first, of: op), shape = try inputs.required(first + 2, of: op)
    values = try inputs.required(first + 1, of: op)
    guard let extents = shape.integers(), !extents.isEmpty, extents.allSatisfy({ $0 >= 0 }), let at = indices.integers(),
      indices.shape == [values.count, extents.count], values.rank == 1
    else { throw ExecutionError(.shapeMismatch, "\(op.displayName) of a sparse tensor \(indices.type), \(values.type)") }
    lead = Array(extents.dropLast())
    guard checkedProduct(lead) != nil else { throw ExecutionError(.limitExceeded, "\(op.displayName) of a shape \(extents)") }
    for place in 0..<values.count {
      var row = 0
      for (axis, extent) in extents.enumerated() {
        let index = at[place * extents.count + axis]
        guard index >= 0, index < extent else {
          throw ExecutionError(.invalidValue, "\(op.displayName): index \(index) of \(extent)")
        }
        if axis < lead.count { row = row * extent + index }
      }
      rows[row, default: []].append(place)
    }
  }

  static func coordinates(_ row: Int, in shape: [Int]) -> [Int] {
    var rest = row, result = [Int](repeating: 0, count: shape.count)
    for axis in shape.indices.reversed() where shape[axis] > 0 {
      result[axis] = rest % shape[axis]
      rest /= shape[axis]
    }
    return result
  }
}
