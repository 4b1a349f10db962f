import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension NodeWriter {
  /// Zeros between the elements and around them, and a convolution with the turned kernel over that.
  ///
  /// - Parameter sizes: the extents of the result.
  mutating func spreadVolume(
    _ x: OutValue, by kernel: OutValue, strides: [Int], sizes: [Extent], isSame: Bool, _ shape: Shape
  ) throws -> OutValue {
    let rank = strides.count
    guard let spans = kernel.type.shape.extents, let extents = x.type.shape.dims, extents.count == rank + 2 else {
      throw UnsupportedError("a transposed convolution of volumes with weights of unknown extents")
    }
    let lengths = extents[1...rank].compactMap(\.value)
    let targets = sizes.compactMap { if case .number(let number) = $0 { number } else { nil } }
    guard lengths.count == rank, targets.count == rank else {
      throw UnsupportedError("a transposed convolution of volumes of unknown extents")
    }
    var y = x
    for axis in 0..<rank where strides[axis] > 1 {
      // Each element with its zeros, as one axis more.
      guard let own = y.type.shape.dims else { throw UnsupportedError("a transposed convolution of an unknown rank") }
      let place = axis + 1
      var after = [Int](repeating: 0, count: own.count + 1)
      after[place + 1] = strides[axis] - 1
      y = try pad(try unsqueeze(y, [place + 1]), before: [Int](repeating: 0, count: own.count + 1), after: after)
      var merged = own.map { $0.value ?? -1 }
      merged[place] = lengths[axis] * strides[axis]
      y = try slice(try reshape(y, merged), axis: place, start: 0, end: (lengths[axis] - 1) * strides[axis] + 1)
    }
    var before = [Int](repeating: 0, count: rank + 2), after = before
    for axis in 0..<rank {
      let cut = isSame ? max(0, (lengths[axis] - 1) * strides[axis] + spans[axis] - targets[axis]) / 2 : 0
      before[axis + 1] = spans[axis] - 1 - cut
      after[axis + 1] = targets[axis] - (lengths[axis] - 1) * strides[axis] - 1 + cut
    }
    let isCut = (before + after).contains { $0 < 0 }
    y = try pad(y, before: before.map { max(0, $0) }, after: after.map { max(0, $0) })
    for axis in 1...rank where isCut && (before[axis] < 0 || after[axis] < 0) {
      y = try slice(y, axis: axis, start: max(0, -before[axis]), end: after[axis] < 0 ? after[axis] : Int(Int32.max))
    }
    let turned = try permuted(try apply(ReverseOp(axes: Array(0..<rank)), kernel), Array(0..<rank) + [rank + 1, rank])
    return try emit(
      "Conv3D", [y, turned], ["strides": .ints([1, 1, 1].overAllAxes), "padding": .string("VALID")],
      as: TensorType(x.type.dtype, shape))
  }
}
