import ModelGraph
import ModelOps
import ModelTensor

/// How an array of one model is turned into what the other takes or gives.
enum Adaptation: Hashable, Sendable {
  case same
  /// Channels moved from axis 1 to the end, or back.
  case channelsToEnd, channelsToFront
  /// The same elements in the same order, with axes of extent 1 more or fewer.
  case reshaped

  /// The first adaptation that turns `shape` into something `target` admits.
  init?(_ shape: [Int], to target: Shape) {
    for candidate in [Adaptation.same, .channelsToEnd, .channelsToFront] {
      if let result = candidate.extents(of: shape), target.admits(result) { self = candidate; return }
    }
    guard let dims = target.dims else { self = .same; return }
    let fixed = dims.filter { $0 != .fixed(1) }
    let moved = shape.withoutOnes
    guard fixed.count == moved.count, zip(fixed, moved).allSatisfy({ $0.value == nil || $0.value == $1 }) else { return nil }
    self = .reshaped
  }

  /// The permutation of axes, if it is one.
  private func permutation(_ rank: Int) -> [Int]? {
    switch self {
    case .same, .reshaped: nil
    case .channelsToEnd: rank >= 3 ? [0] + Array(2..<rank) + [1] : nil
    case .channelsToFront: rank >= 3 ? [0, rank - 1] + Array(1..<(rank - 1)) : nil
    }
  }

  private func extents(of shape: [Int]) -> [Int]? {
    if self == .same { return shape }
    return permutation(shape.count).map { $0.map { shape[$0] } }
  }

  /// The array as the other side has it.
  /// - Parameter source: its type on its own side, which may say what stored integers stand for.
  /// - Throws: `ExecutionError` when dtypes can't be converted.
  func apply(_ array: NDArray, from source: TensorType? = nil, to type: TensorType) throws -> NDArray {
    let context = ExecutionContext(primitives: ReferencePrimitives())
    var result = array
    if let permutation = permutation(array.rank) {
      result = try TransposeOp(permutation: permutation).evaluate([result], in: context)[0]
    }
    if self == .reshaped, let dims = type.shape.dims {
      var moved = array.shape.withoutOnes[...]
      result = result.reshaped(dims.map { $0 == .fixed(1) ? 1 : moved.popFirst() ?? 1 })
    }
    return try result.bridged(from: source, to: type)
  }

  /// What a report says about it.
  var note: String? {
    switch self {
    case .same: nil
    case .channelsToEnd: "channels first here, last in the candidate"
    case .channelsToFront: "channels last here, first in the candidate"
    case .reshaped: "other axes of extent 1 in the candidate"
    }
  }
}

extension Shape {
  /// Whether an array of these extents can have this shape.
  func admits(_ extents: [Int]) -> Bool {
    guard let dims else { return true }
    return dims.count == extents.count && zip(dims, extents).allSatisfy { $0.value == nil || $0.value == $1 }
  }
}
