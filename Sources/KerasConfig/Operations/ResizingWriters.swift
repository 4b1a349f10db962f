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
        let changed = dims.indices.filter { dims[$0] != result[$0] || $0 > 0 && dims[$0] == .unknown }
        if changed.isEmpty, dims.allSatisfy({ $0.value != nil }) { return [x] }
        let axes = try changed.map { axis in
          guard let from = dims[axis].value, let to = result[axis].value else {
            throw OperationWriter.unsupported(op, "only images of known size are resized")
          }
          return ResizedAxis(axis: axis, from: from, to: to)
        }
        if let interpolation = interpolation(op, axes) {
          return try resizeImages(x, dims, result, interpolation, in: &writer) ?? resize(x, op, inputs, axes, in: &writer)
        }
        return try resize(x, op, inputs, axes, in: &writer)
      })
  ]

  private struct ResizedAxis {
    var axis: Int, from: Int, to: Int
    var isWhole: Bool { to % max(1, from) == 0 }
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
        || isWhole && op.coordinateMode == .asymmetric && op.nearestMode == .floor
        || isWhole && isCentred && [.roundPreferFloor, .roundPreferCeil].contains(op.nearestMode)
      return isSame ? "nearest" : nil
    case .linear: return isCentred && axes.allSatisfy { $0.to > 1 } ? "bilinear" : nil
    case .cubic: return op.coordinateMode == .halfPixel && op.cubicCoefficient == -0.5 && op.excludeOutside ? "bicubic" : nil
    }
  }

  /// Keras's own operation, where it is images that are resized; `nil` for anything else.
  private static func resizeImages(
    _ x: WrittenTensor, _ dims: [Dim], _ result: [Dim], _ interpolation: String, in writer: inout OperationWriter
  ) throws -> [WrittenTensor]? {
    guard dims.count == 4 else { return nil }
    let changed = dims.indices.filter { dims[$0] != result[$0] }
    let first: Int
    if changed.allSatisfy({ $0 == 1 || $0 == 2 }) { first = 1 } else if changed.allSatisfy({ $0 >= 2 }) { first = 2 } else { return nil }
    guard let height = result[first].value, let width = result[first + 1].value, dims[first].value != nil, dims[first + 1].value != nil
    else {
      return nil
    }
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
    _ x: WrittenTensor, _ op: ResizeOp, _ inputs: [WrittenTensor?], _ axes: [ResizedAxis], in writer: inout OperationWriter
  ) throws -> [WrittenTensor] {
    guard op.coordinateMode != .tfCropAndResize else { throw OperationWriter.unsupported(op, "cropping and resizing at once") }
    let rank = try x.rank(), letters = Array("abcdefghijklmnopqrstuvwxy")
    let scales = try inputs.count > 2 ? inputs[2]?.fact.constant?.array().doubles() : nil
    let listed = (op.axes ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 }
    var y = x
    for item in axes {
      guard item.from <= 1 << 20, item.from * item.to <= 1 << 22, rank <= letters.count else {
        throw OperationWriter.unsupported(op, "the image is too large to be resized by a matrix")
      }
      var single = op
      single.axes = [1]
      single.aspect = .stretch
      let scale = scales.flatMap { scales in
        listed.firstIndex(of: item.axis).flatMap { $0 < scales.count ? NDArray([Float(scales[$0])], [1]) : nil }
      }
      let size = scale == nil ? NDArray([Int64(item.to)], [1]) : nil
      var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
      if op.mode == .nearest {
        let line = NDArray((0..<item.from).map(Float.init), [1, item.from])
        let places = NDArray(try context.apply(single, to: [line, nil, scale, size]).at(0).doubles().map { Int32($0) }, [item.to])
        y = try writer.call(.numpy, "Take", [.tensor(y), .tensor(writer.constant(places))], ["axis": .int(item.axis)])
        continue
      }
      var identity = [Float](repeating: 0, count: item.from * item.from)
      for i in 0..<item.from { identity[i * item.from + i] = 1 }
      let matrix = try context.apply(single, to: [NDArray(identity, [item.from, item.from]), nil, scale, size]).at(0)
      let before = String(letters[..<rank]), letter = letters[item.axis]
      let after = String(before.map { $0 == letter ? "z" : $0 })
      y = try writer.call(
        .numpy, "Einsum", [.tensor(y), .tensor(try writer.cast(writer.constant(matrix), to: y.dtype))],
        ["subscripts": .string("\(before),\(letter)z->\(after)")])
    }
    return [y]
  }
}
