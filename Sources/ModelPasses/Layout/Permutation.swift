import ModelGraph
import ModelTensor

/// How the axes of a value lie in what stands for it: axis `i` of the value is axis `axes[i]` there.
struct Permutation: Hashable {
  var axes: [Int]
  init(_ axes: [Int]) { self.axes = axes }
  static func identity(_ rank: Int) -> Permutation { Permutation(Array(0..<rank)) }

  var rank: Int { axes.count }
  var isIdentity: Bool { axes == Array(0..<axes.count) }
  subscript(axis: Int) -> Int { axes[axis] }

  var inverse: Permutation {
    var result = axes
    for (index, axis) in axes.enumerated() { result[axis] = index }
    return Permutation(result)
  }

  /// A list with an entry for each axis of the value, in the order of what stands for it.
  func arrange<T>(_ list: [T]) -> [T] { inverse.axes.map { list[$0] } }

  func arrange(_ type: TensorType) -> TensorType {
    guard let dims = type.shape.dims, dims.count == rank else { return type }
    return TensorType(type.dtype, .ranked(arrange(dims)), quantization: type.quantization)
  }

  /// What is left when the value loses `removed` axes.
  func removing(_ removed: Set<Int>) -> Permutation {
    let kept = axes.indices.filter { !removed.contains($0) }
    let places = kept.map { axes[$0] }.sorted()
    return Permutation(kept.map { axis in places.firstIndex(of: axes[axis]) ?? 0 })
  }

  /// When axes of extent 1 are inserted at the same places (`inserted`, of the result) on both sides.
  func inserting(_ inserted: Set<Int>) -> Permutation {
    let free = (0..<(rank + inserted.count)).filter { !inserted.contains($0) }
    var rest = axes[...]
    return Permutation(
      (0..<(rank + inserted.count)).map { axis in
        inserted.contains(axis) ? axis : rest.popFirst().map { free[$0] } ?? axis
      })
  }

  /// How an image of one layout lies in one of the other.
  static func image(rank: Int, to layout: DataLayout) -> Permutation {
    guard rank >= 3 else { return identity(rank) }
    return layout == .channelsFirst
      ? Permutation([0] + Array(2..<rank) + [1]) : Permutation([0, rank - 1] + Array(1..<(rank - 1)))
  }
}
