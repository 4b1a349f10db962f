import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Symmetric padding, which ONNX has no mode for: along each axis the first elements turned round, the tensor, the last ones
/// turned round. Extents may be unknown.
///
/// - Parameter pads: the numbers of elements in front of all axes, then behind them; none is more than its axis has.
func mirrored(_ x: OutValue, _ pads: [Int], _ axes: OutValue?, _ w: inout NodeWriter) throws -> OutValue {
  let rank = try w.rank(of: x)
  guard let places = axes == nil ? Array(0..<rank) : axes?.fact.integers, pads.count == 2 * places.count, w.opset >= 10 else {
    throw UnsupportedError("ONNX does not pad symmetrically along computed axes, or before opset 10")
  }
  var result = x
  for (index, place) in places.enumerated() {
    let axis = try normalizeAxis(place, rank: rank), before = pads[index], after = pads[index + places.count]
    guard before != 0 || after != 0 else { continue }
    var extents = result.type.shape.dims ?? [Dim](repeating: .unknown, count: rank)
    let known = extents[axis].value
    guard before >= 0, after >= 0, known.map({ before <= $0 && after <= $0 }) ?? true else {
      throw UnsupportedError("ONNX does not pad symmetrically by more than there is")
    }
    /// Elements from `first` backwards, up to and without `last`.
    func backwards(_ first: Int, _ last: Int, _ count: Int) throws -> OutValue {
      var part = extents
      part[axis] = .fixed(count)
      return try w.emit(
        "Slice", [result, try w.ints([first]), try w.ints([last]), try w.ints([axis]), try w.ints([-1])],
        as: TensorType(x.type.dtype, .ranked(part)))
    }
    var parts = [result]
    // An end before everything there is, not one that counts from the end.
    if before > 0 { parts.insert(try backwards(before - 1, .min, before), at: 0) }
    if after > 0 { parts.append(try backwards(-1, -1 - after, after)) }
    extents[axis] = known.map { .fixed($0 + before + after) } ?? .unknown
    result = try w.emit("Concat", parts, ["axis": .int(axis)], as: TensorType(x.type.dtype, .ranked(extents)))
  }
  return result
}
