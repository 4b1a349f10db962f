import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let imageRules: [NodeRule] = [
  .rule("Resize", ResizeOp.self, read: { n, g in [try readResize(n, &g)] }, write: { op, x, w in [try writeResize(op, x, &w)] }),
  .reads("Upsample") { n, g in [try readUpsample(n, &g)] },
  .rule(
    "GridSample", GridSampleOp.self,
    read: { n, g in
      let mode: ResizeMode
      switch try n.string("mode") ?? "linear" {
      case "linear", "bilinear": mode = .linear
      case "cubic", "bicubic": mode = .cubic
      case "nearest": mode = .nearest
      case let other: throw FormatError(.invalidValue, "GridSample: mode is '\(other)'")
      }
      let padding = try n.string("padding_mode") ?? "zeros"
      guard let padding = GridPadding(rawValue: padding) else {
        throw FormatError(.invalidValue, "GridSample: padding_mode is '\(padding)'")
      }
      return try g.apply(GridSampleOp(mode: mode, padding: padding, alignCorners: try n.flag("align_corners")), to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 16 else { throw UnsupportedError("GridSample needs opset 16") }
      let isNew = w.opset >= 20
      guard isNew || x[0]?.type.shape.rank == 4 else { throw UnsupportedError("GridSample of volumes needs opset 20") }
      let mode: String
      switch op.mode {
      case .linear: mode = isNew ? "linear" : "bilinear"
      case .cubic: mode = isNew ? "cubic" : "bicubic"
      case .nearest: mode = "nearest"
      }
      return [
        try w.emit(
          "GridSample", x.values,
          ["mode": .string(mode), "padding_mode": .string(op.padding.rawValue), "align_corners": .flag(op.alignCorners)],
          as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .rule(
    "AffineGrid", AffineGridOp.self,
    read: { n, g in try g.apply(AffineGridOp(alignCorners: try n.flag("align_corners")), to: n.inputs) },
    write: { op, x, w in
      guard w.opset >= 20 else { throw UnsupportedError("AffineGrid needs opset 20") }
      return [
        try w.emit(
          "AffineGrid", x.values, ["align_corners": op.alignCorners.mark], as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .rule(
    "RoiAlign", RoiAlignOp.self,
    read: { n, g in
      // Opset 16 moved the coordinates by half a pixel, unless told not to.
      let mode = try n.string("coordinate_transformation_mode") ?? (n.version >= 16 ? "half_pixel" : "output_half_pixel")
      let op = RoiAlignOp(
        takesMaximum: try n.string("mode") == "max", outputHeight: try n.int("output_height") ?? 1,
        outputWidth: try n.int("output_width") ?? 1, samplingRatio: try n.int("sampling_ratio") ?? 0,
        spatialScale: try n.float("spatial_scale") ?? 1, halfPixel: mode == "half_pixel")
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 16 || !op.halfPixel else { throw UnsupportedError("RoiAlign with half-pixel coordinates needs opset 16") }
      let mode = op.halfPixel ? "half_pixel" : "output_half_pixel"
      return [
        try w.emit(
          "RoiAlign", x.values,
          [
            "mode": .string(op.takesMaximum ? "max" : "avg"), "output_height": .int(op.outputHeight), "output_width": .int(op.outputWidth),
            "sampling_ratio": .int(op.samplingRatio), "spatial_scale": .float(op.spatialScale),
            "coordinate_transformation_mode": w.opset >= 16 ? .string(mode) : nil,
          ], as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .rule(
    "NonMaxSuppression", NonMaxSuppressionOp.self,
    read: { n, g in try g.apply(NonMaxSuppressionOp(centerPointBox: try n.flag("center_point_box")), to: n.inputs) },
    write: { op, x, w in
      [
        try w.emit(
          "NonMaxSuppression", x.values, ["center_point_box": op.centerPointBox.mark], as: TensorType(.int64, .ranked([.unknown, 3])))
      ]
    }),
]
