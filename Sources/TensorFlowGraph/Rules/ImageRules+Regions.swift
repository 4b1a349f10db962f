import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Parts of images, images under maps, and resizing by matrices.
let imageRegionRules: [NodeRule] = [
  .rule(
    "CropAndResize", CropAndResizeOp.self,
    read: { n, g in
      let op = CropAndResizeOp(nearest: try n.string("method") == "nearest", extrapolation: try n.float("extrapolation_value"))
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      let image = try w.cast(try x.required(0), to: .float32), size = try w.cast(try x.required(3), to: .int32)
      let boxes = try w.cast(try x.required(1), to: .float32), indices = try w.cast(try x.required(2), to: .int32)
      return [
        try w.emit(
          "CropAndResize", [image, boxes, indices, size],
          ["method": .string(op.nearest ? "nearest" : "bilinear"), "extrapolation_value": .float(op.extrapolation)])
      ]
    }),
  .rule(
    "ImageProjectiveTransformV3", ProjectiveTransformOp.self, read: { n, g in try g.apply(try n.projective(), to: n.inputs) },
    write: { op, x, w in
      let fill = try x[3].map { try w.cast(try w.asScalar($0), to: .float32) } ?? w.scalar(0, dtype: .float32)
      let size = try w.cast(try x.required(2), to: .int32), maps = try w.cast(try x.required(1), to: .float32)
      return [
        try w.emit(
          "ImageProjectiveTransformV3", [try x.required(0), maps, size, fill],
          ["interpolation": .string(op.nearest ? "NEAREST" : "BILINEAR"), "fill_mode": .string(op.fill.rawValue.uppercased())])
      ]
    }),
  .reads("ImageProjectiveTransformV2") { n, g in try g.apply(try n.projective(), to: n.inputs) },
  .reads("ResizeArea") { n, g in
    let x = try g.cast(try n.input(0), to: .float32), corners = try n.flag("align_corners")
    let size = try n.constantInts(1, in: g)
    return [try g.resampled(x, size) { extent, out, _ in areaWeights(extent, out, corners: corners) }]
  },
  .reads("ScaleAndTranslate") { n, g in
    let x = try g.cast(try n.input(0), to: .float32)
    let name = try n.string("kernel_type"), antialias = try n.flag("antialias")
    guard let kernel = ResamplingKernel(rawValue: name) else { throw UnsupportedError("the resampling kernel \(name)") }
    guard let scales = try g.fact(of: try n.input(2)).constant?.array().doubles(), scales.count == 2, scales.allSatisfy({ $0 > 0 }),
      let shifts = try g.fact(of: try n.input(3)).constant?.array().doubles(), shifts.count == 2,
      let size = g.fact(of: try n.input(1)).integers, let dims = g.type(of: x).shape.dims, dims.count == 4, dims[1].value != nil,
      dims[2].value != nil
    else { return [try n.resampled(x, kernel, antialias: antialias, in: &g)] }
    return [
      try g.resampled(x, size) { extent, out, axis in
        kernel.weights(extent, out, scale: scales[axis], shift: shifts[axis], antialias: antialias)
      }
    ]
  },
  .rule(
    "SpaceToBatchND", SpaceToBatchOp.self,
    read: { n, g in
      let op = SpaceToBatchOp(block: try n.constantInts(1, in: g))
      return [try g.apply(op, try n.input(0), try g.cast(try n.input(2), to: .int64))]
    },
    write: { op, x, w in [try w.emit("SpaceToBatchND", [x[0], try w.int32s(op.block), x[1]])] }),
  .reads("SpaceToBatch") { n, g in
    let block = try n.int("block_size")
    return [try g.apply(SpaceToBatchOp(block: [block, block]), try n.input(0), try g.cast(try n.input(1), to: .int64))]
  },
  .rule(
    "BatchToSpaceND", BatchToSpaceOp.self,
    read: { n, g in
      let block = try n.constantInts(1, in: g)
      if let whole = try g.dilated(try n.input(0), block: block, crops: try n.input(2)) { return [whole] }
      return [try g.apply(BatchToSpaceOp(block: block), try n.input(0), try g.cast(try n.input(2), to: .int64))]
    },
    write: { op, x, w in [try w.emit("BatchToSpaceND", [x[0], try w.int32s(op.block), x[1]])] }),
  .reads("BatchToSpace") { n, g in
    let block = try n.int("block_size")
    return [try g.apply(BatchToSpaceOp(block: [block, block]), try n.input(0), try g.cast(try n.input(1), to: .int64))]
  },
]

extension NodeReader {
  fileprivate func projective() throws -> ProjectiveTransformOp {
    let fill = try string("fill_mode").lowercased()
    guard let fill = ImageFill(rawValue: fill) else { throw FormatError(.invalidValue, "\(type): fill_mode is '\(fill)'") }
    return ProjectiveTransformOp(nearest: try string("interpolation").uppercased() == "NEAREST", fill: fill)
  }
}

extension NodeReader {
  /// Images times matrices for sizes and scales that are computed.
  fileprivate func resampled(
    _ x: ValueID, _ kernel: ResamplingKernel, antialias: Bool, in g: inout GraphContext
  ) throws -> ValueID {
    guard g.type(of: x).shape.rank == 4 else { throw UnsupportedError("resampling an image of unknown rank") }
    let size = try g.cast(try input(1), to: .int64), scale = try g.cast(try input(2), to: .float32)
    let shift = try g.cast(try input(3), to: .float32)
    func entry(_ vector: ValueID, _ place: Int) throws -> ValueID {
      try g.squeeze(try g.slice(vector, axis: 0, start: place, end: place + 1), [0])
    }
    let matrices = try (0..<2).map { axis in
      try kernel.weights(
        try g.squeeze(try g.dim(of: x, axis + 1), [0]), try entry(size, axis), scale: try entry(scale, axis),
        shift: try entry(shift, axis), antialias: antialias, in: &g)
    }
    let planes = try g.transpose(x, [0, 3, 1, 2])
    return try g.transpose(try g.matmul(try g.matmul(matrices[0], planes), matrices[1], transposeB: true), [0, 2, 3, 1])
  }
}

extension GraphContext {
  /// Images `[N, H, W, C]` times a matrix `[out, in]` along each of height and width.
  mutating func resampled(
    _ x: ValueID, _ size: [Int], _ weights: (_ extent: Int, _ out: Int, _ axis: Int) -> [Float]
  ) throws -> ValueID {
    guard let dims = type(of: x).shape.dims, dims.count == 4, let height = dims[1].value, let width = dims[2].value, size.count == 2,
      size.allSatisfy({ $0 > 0 && $0 < 1 << 20 }), height > 0, width > 0, size[0] * height <= 1 << 24, size[1] * width <= 1 << 24
    else { throw UnsupportedError("resampling an image of unknown extents") }
    let planes = try transpose(x, [0, 3, 1, 2])
    let rows = try constant(NDArray(weights(height, size[0], 0), [size[0], height]))
    let columns = try constant(NDArray(weights(width, size[1], 1), [size[1], width]))
    return try transpose(try matmul(try matmul(rows, planes), columns, transposeB: true), [0, 2, 3, 1])
  }
}
