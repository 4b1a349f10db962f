import ModelGraph
import ModelOps
import ModelTensor

/// Reading images at fractional places, in simple ops: gradients reach the images and the places.
extension OpContext {
  /// An element of a line for each of many places: its index, and its weight.
  typealias Tap = (index: Value, weight: Value)

  /// The two elements beside each place, with linear weights. What lies outside weighs nothing, or counts as the nearest one.
  mutating func linearTaps(_ place: Value, extent: Int, clamps: Bool = false) throws -> [Tap] {
    let low = try apply(FloorOp(), place), ratio = try sub(place, low)
    return [
      try tap(low, try shifted(try neg(ratio), by: 1), extent: extent, clamps: clamps),
      try tap(try shifted(low, by: 1), ratio, extent: extent, clamps: clamps),
    ]
  }
  /// An element at a whole-numbered place.
  mutating func tap(_ place: Value, _ weight: Value, extent: Int, clamps: Bool) throws -> Tap {
    let inside = try clip(place, min: 0, max: Double(extent - 1))
    let index = try cast(inside, to: .int64)
    return (index, clamps ? weight : try keep(weight, where: try apply(EqualOp(), inside, place)))
  }

  /// The sums of rows of `rows` (`[count, channels]`), weighted by the products of taps along each axis.
  /// - Parameters:
  ///   - first: the row at which each sample begins, broadcasting with the taps.
  ///   - lines: the taps along each axis, the last axis running fastest over the rows; they broadcast with each other.
  /// - Returns: `[places…, channels]`.
  mutating func sampled(_ rows: Value, first: Value, lines: [[Tap]], extents: [Int]) throws -> Value {
    let channelAxis = try lines.reduce(rank(of: first)) { try Swift.max($0, rank(of: $1[0].index)) }
    var choices: [(index: Value, weight: Value?)] = [(first, nil)]
    var step = extents.reduce(1, *)
    for (line, extent) in zip(lines, extents) {
      step /= Swift.max(extent, 1)
      let stride = try scalar(Double(step), dtype: .int64)
      var next: [(index: Value, weight: Value?)] = []
      for choice in choices {
        for tap in line {
          let index = try add(choice.index, step == 1 ? tap.index : try mul(tap.index, stride))
          next.append((index, try choice.weight.map { try mul($0, tap.weight) } ?? tap.weight))
        }
      }
      choices = next
    }
    var sum: Value?
    for case (let index, let weight?) in choices {
      // A weight of one number goes for all places.
      let factor = try rank(of: weight) == 0 ? weight : try unsqueeze(weight, [channelAxis])
      let part = try mul(try gather(rows, index, axis: 0), factor)
      sum = try sum.map { try add($0, part) } ?? part
    }
    guard let sum else { throw GraphError(.invalidStructure, "sampling without places") }
    return sum
  }

  /// The first rows of `count` samples of `volume` rows each, in a shape with `rank` axes.
  mutating func firstRows(_ count: Int, volume: Int, rank: Int) throws -> Value {
    let shape = [count] + Array(repeating: 1, count: rank - 1)
    return try constant(NDArray((0..<count).map { Int64($0 * volume) }, shape))
  }
  /// Numbers as a constant of a floating dtype.
  mutating func numbers(_ values: [Double], _ shape: [Int], dtype: DType) throws -> Value {
    try cast(try constant(NDArray(values, shape)), to: dtype)
  }
}
