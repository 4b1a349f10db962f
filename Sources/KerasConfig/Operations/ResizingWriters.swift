import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  static let imageWriters: [OperationWriteRule] = [
    OperationWriteRule(
      ResizeOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "Resize takes a tensor") }
        let dims = try x.dims()
        guard case .ranked(let result)? = try op.infer(inputs.map { $0?.fact }).first?.shape, result.count == dims.count else {
          throw OperationWriter.unsupported(op, "its size is computed at run time")
        }
        let facts = inputs.map { $0?.fact }
        // The number of images stays, known or not.
        let changed = try dims.indices.filter {
          try !op.keeps($0, facts, from: dims, to: result) && !($0 == 0 && dims[0] == result[0] && dims[0].value == nil)
        }
        if changed.isEmpty { return [x] }
        let axes = try changed.map { axis in
          guard let to = result[axis].value else {
            throw OperationWriter.unsupported(op, "only images of known size are resized, or to a known size")
          }
          return ResizedAxis(axis: axis, from: dims[axis].value, to: to)
        }
        // Where images may have any size, what is known of the result is the size that it is given.
        if axes.allSatisfy({ $0.from == nil || op.isScaledByExtents($0.axis, facts, from: dims, to: result) }),
          let interpolation = interpolation(op, axes),
          let y = try resizeImages(x, dims, result, changed, interpolation, in: &writer)
        {
          return y
        }
        guard axes.allSatisfy({ $0.from != nil }) else {
          throw OperationWriter.unsupported(op, "images of unknown size are resized as Keras does it alone: half a pixel in, to a size")
        }
        return try resize(x, op, facts, dims, result, changed, in: &writer)
      })
  ]

  private struct ResizedAxis {
    /// `from` is `nil` where images may have any size.
    var axis: Int, from: Int?, to: Int
    var isWhole: Bool { from.map { to % max(1, $0) == 0 } ?? false }
  }

  /// What Keras calls the same resampling; `nil` for any other.
  private static func interpolation(_ op: ResizeOp, _ axes: [ResizedAxis]) -> String? {
    guard !op.antialias else { return nil }
    let isCentred = [.halfPixel, .pytorchHalfPixel, .halfPixelSymmetric].contains(op.coordinateMode)
    switch op.mode {
    case .nearest:
      // For whole factors most coordinate modes pick the same element.
      let isWhole = axes.allSatisfy(\.isWhole)
      let isSame =
        op.coordinateMode == .tfHalfPixelForNN && op.nearestMode == .floor
        // Half a pixel back and rounded, halves up, is cut off.
        || axes.contains { $0.from == nil } && op.coordinateMode == .halfPixel && op.nearestMode == .roundPreferCeil
        || isWhole && op.coordinateMode == .asymmetric && op.nearestMode == .floor
        || isWhole && isCentred && [.roundPreferFloor, .roundPreferCeil].contains(op.nearestMode)
      return isSame ? "nearest" : nil
    case .linear: return isCentred && axes.allSatisfy { $0.to > 1 } ? "bilinear" : nil
    case .cubic:
      let isExact = axes.allSatisfy { op.keepsToTable(0, from: [$0.from.map(Dim.fixed) ?? .unknown], to: [.fixed($0.to)]) }
      return isExact && op.coordinateMode == .halfPixel && op.cubicCoefficient == -0.5 && op.excludeOutside ? "bicubic" : nil
    }
  }

  /// Keras's own operation, where it is images that are resized; `nil` for anything else.
  private static func resizeImages(
    _ x: WrittenTensor, _ dims: [Dim], _ result: [Dim], _ changed: [Int], _ interpolation: String, in writer: inout OperationWriter
  ) throws -> [WrittenTensor]? {
    guard dims.count == 4 else { return nil }
    let first: Int
    if changed.allSatisfy({ $0 == 1 || $0 == 2 }) { first = 1 } else if changed.allSatisfy({ $0 >= 2 }) { first = 2 } else { return nil }
    guard let height = result[first].value, let width = result[first + 1].value else { return nil }
    return [
      try writer.call(
        .image, "Resize", [.tensor(x)],
        [
          "size": [height, width].configValue, "interpolation": .string(interpolation), "antialias": false,
          "crop_to_aspect_ratio": false, "pad_to_aspect_ratio": false, "fill_mode": "constant", "fill_value": 0.0,
          "data_format": first == 1 ? "channels_last" : "channels_first",
        ])
    ]
  }

  /// Axis by axis: each place of a nearest neighbour takes one element; anything else is a product with a matrix.
  private static func resize(
    _ x: WrittenTensor, _ op: ResizeOp, _ facts: [Fact?], _ dims: [Dim], _ result: [Dim], _ axes: [Int], in writer: inout OperationWriter
  ) throws -> [WrittenTensor] {
    guard op.coordinateMode != .tfCropAndResize else { throw OperationWriter.unsupported(op, "cropping and resizing at once") }
    let letters = Array("abcdefghijklmnopqrstuvwxy")
    guard dims.count <= letters.count else { throw OperationWriter.unsupported(op, "an image of \(dims.count) axes") }
    var y = x
    for axis in axes {
      if op.mode == .nearest {
        let places = NDArray(try op.places(along: axis, facts, from: dims, to: result).map(Int32.init), [result[axis].value ?? 0])
        y = try writer.call(.numpy, "Take", [.tensor(y), .tensor(writer.constant(places))], ["axis": .int(axis)])
        continue
      }
      let matrix = try op.matrix(along: axis, facts, from: dims, to: result)
      let before = String(letters[..<dims.count]), letter = letters[axis]
      let after = String(before.map { $0 == letter ? "z" : $0 })
      y = try writer.call(
        .numpy, "Einsum", [.tensor(y), .tensor(try writer.cast(writer.constant(matrix), to: y.dtype))],
        ["subscripts": .string("\(before),\(letter)z->\(after)")])
    }
    return [y]
  }
}
