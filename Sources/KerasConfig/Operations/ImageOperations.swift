import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  static let image = OperationFamily(rules: imageRules, writers: imageWriters)

  private static let imageRules: [OperationRule] = [
    OperationRule(.image, "Resize", ["images"]) { call, context in
      let x = try call.tensor("images", in: &context), rank = try context.rank(of: x), layout = try call.layout()
      guard let size = try call.ints("size"), size.count == 2, rank == 3 || rank == 4 else {
        throw call.mismatch("size", "height and width")
      }
      let interpolation = try call.string("interpolation") ?? "bilinear"
      let antialias = try call.bool("antialias"), crops = try call.bool("crop_to_aspect_ratio"), pads = try call.bool("pad_to_aspect_ratio")
      if antialias || crops || pads || interpolation.hasPrefix("lanczos") {
        // As the layer has it, on floats.
        guard let filter = Interpolation(rawValue: interpolation), size.allSatisfy({ $0 > 0 }) else {
          throw call.unsupported("\(interpolation) interpolation")
        }
        var layer = Resizing()
        (layer.height, layer.width, layer.interpolation, layer.layout) = (size[0], size[1], filter, layout)
        (layer.antialias, layer.cropToAspectRatio, layer.padToAspectRatio) = (antialias, crops, pads)
        layer.fillValue = try call.double("fill_value", default: 0)
        let wide = filter == .nearest ? x : try context.cast(x, to: x.fact.type.dtype.kerasFloat)
        return try layer.call(LayerCall(inputs: [wide]), in: &context).at(0)
      }
      let first = layout == .channelsLast ? rank - 3 : rank - 2
      let op: ResizeOp
      switch interpolation {
      case "nearest": op = ResizeOp(mode: .nearest, coordinateMode: .tfHalfPixelForNN, nearestMode: .floor, axes: [first, first + 1])
      case "bilinear": op = ResizeOp(mode: .linear, coordinateMode: .halfPixel, axes: [first, first + 1])
      case "bicubic":
        op = ResizeOp(mode: .cubic, coordinateMode: .halfPixel, cubicCoefficient: -0.5, excludeOutside: true, axes: [first, first + 1])
      case let other: throw call.unsupported("\(other) interpolation")
      }
      let dtype = x.fact.type.dtype
      let wide = op.mode == .nearest ? x : try context.cast(x, to: dtype.kerasFloat)
      return try context.apply(op, to: [wide, nil, nil, try context.ints(size)]).at(0)
    },
    OperationRule(.image, "RGBToGrayscale", ["images"]) { call, context in
      let x = try call.floating("images", in: &context), rank = try context.rank(of: x), layout = try call.layout()
      let axis = layout == .channelsLast ? rank - 1 : rank - 3
      var shape = [Int](repeating: 1, count: rank)
      shape[axis] = 3
      let weights = try context.cast(try context.constant(NDArray([Float(0.2989), 0.5870, 0.1140], shape)), to: x.fact.type.dtype)
      return try context.reduce(.sum, try context.mul(x, weights), axes: [axis], keepDims: true)
    },
    OperationRule(.image, "PadImages", ["images"]) { call, context in
      let x = try call.tensor("images", in: &context)
      let (top, left, bottom, right, axis) = try borders(call, x, "padding", in: &context)
      var before = [Int](repeating: 0, count: try context.rank(of: x)), after = before
      before[axis] = top
      before[axis + 1] = left
      after[axis] = bottom
      after[axis + 1] = right
      guard (before + after).allSatisfy({ $0 >= 0 }) else { throw call.mismatch("top_padding", "amounts that are not negative") }
      return try context.pad(x, before: before, after: after)
    },
    OperationRule(.image, "CropImages", ["images"]) { call, context in
      let x = try call.tensor("images", in: &context)
      let (top, left, bottom, right, axis) = try borders(call, x, "cropping", in: &context)
      guard [top, left, bottom, right].allSatisfy({ $0 >= 0 }) else { throw call.mismatch("top_cropping", "amounts that are not negative") }
      let y = try context.slice(x, axis: axis, start: top, end: bottom == 0 ? Int(Int64.max) : -bottom)
      return try context.slice(y, axis: axis + 1, start: left, end: right == 0 ? Int(Int64.max) : -right)
    },
  ]

  /// Two of the amounts along an axis and its target say the third.
  private static func borders(
    _ call: OperationCall, _ x: RecordingContext.Value, _ word: String, in context: inout RecordingContext
  ) throws -> (Int, Int, Int, Int, axis: Int) {
    let rank = try context.rank(of: x), layout = try call.layout()
    guard rank == 3 || rank == 4 else { throw call.mismatch("images", "rank 3 or 4") }
    let axis = layout == .channelsLast ? rank - 3 : rank - 2
    func pair(_ front: String, _ back: String, _ target: String, _ axis: Int) throws -> (Int, Int) {
      let a = try call.int("\(front)_\(word)"), b = try call.int("\(back)_\(word)"), goal = try call.int("target_\(target)")
      if let a, let b { return (a, b) }
      guard let goal, let extent = x.fact.type.shape.dims?[axis].value else {
        throw call.mismatch("target_\(target)", "two of three amounts")
      }
      let total = abs(goal - extent)
      if let a { return (a, total - a) }
      if let b { return (total - b, b) }
      throw call.mismatch("\(front)_\(word)", "two of three amounts")
    }
    let (top, bottom) = try pair("top", "bottom", "height", axis), (left, right) = try pair("left", "right", "width", axis + 1)
    return (top, left, bottom, right, axis)
  }
}
