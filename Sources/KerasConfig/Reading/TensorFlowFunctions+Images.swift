import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// `tf.image`: one image `[H, W, C]` or a batch of them.
extension TensorFlowFunctions {
  /// The axis of the rows.
  private static func rows(_ call: Call, _ x: ValueID, _ graph: GraphContext) throws -> Int {
    let rank = try graph.rank(of: x)
    guard rank == 3 || rank == 4 else { throw call.unsupported("of rank \(rank)") }
    return rank - 3
  }
  /// Height and width.
  private static func size(_ call: Call, _ x: ValueID, _ graph: GraphContext) throws -> (height: Int, width: Int) {
    let first = try rows(call, x, graph)
    guard let dims = graph.type(of: x).shape.dims, let height = dims[first].value, let width = dims[first + 1].value,
      (1...(1 << 24)).contains(height), (1...(1 << 24)).contains(width)
    else { throw call.unsupported("of an unknown size") }
    return (height, width)
  }
  private static func flipped(_ offset: Int) -> Compose {
    one { call, graph in
      let x = try call.x(in: &graph)
      return try graph.apply(ReverseOp(axes: [try rows(call, x, graph) + offset]), x)
    }
  }
  private static func cropped(_ call: Call, _ x: ValueID, _ top: Int, _ left: Int, _ height: Int, _ width: Int, _ graph: inout GraphContext)
    throws -> ValueID
  {
    let first = try rows(call, x, graph)
    guard top >= 0, left >= 0, height >= 1, width >= 1, max(top, left, height, width) < 1 << 24 else {
      throw call.unsupported("to a size below 1")
    }
    return try graph.apply(
      SliceOp(), x, try graph.ints([top, left]), try graph.ints([top + height, left + width]), try graph.ints([first, first + 1]),
      try graph.ints([1, 1]))
  }
  private static func padded(
    _ call: Call, _ x: ValueID, _ top: Int, _ left: Int, to height: Int, _ width: Int, _ graph: inout GraphContext
  ) throws -> ValueID {
    let first = try rows(call, x, graph), size = try size(call, x, graph)
    guard top >= 0, left >= 0, height <= 1 << 24, width <= 1 << 24, height - top >= size.height, width - left >= size.width else {
      throw call.unsupported("to a smaller size")
    }
    let ends = Array(repeating: 0, count: first)
    return try graph.pad(
      x, before: ends + [top, left, 0], after: ends + [height - top - size.height, width - left - size.width, 0])
  }
  private static func resized(
    _ call: Call, _ x: ValueID, _ height: Int, _ width: Int, _ graph: inout GraphContext
  ) throws -> ValueID {
    let method = (call.json("method")?.stringValue ?? "bilinear").lowercased()
    if method == "area" {
      // Of whole parts it is their mean.
      let size = try size(call, x, graph)
      guard height >= 1, width >= 1, size.height % height == 0, size.width % width == 0, try graph.rank(of: x) == 4 else {
        throw call.unsupported("by area to sizes that do not divide the image's")
      }
      let part = [size.height / height, size.width / width]
      return try graph.apply(PoolOp(.average, kernel: part, strides: part, layout: .channelsLast), x)
    }
    return try call.operation(
      "Resize", [.tensor(x)],
      [
        "size": [.int(height), .int(width)], "interpolation": .string(method), "antialias": call.json("antialias") ?? false,
        "data_format": "channels_last",
      ], in: &graph)
  }
  private static let resize: Compose = one { call, graph in
    guard !call.flag("preserve_aspect_ratio") else { throw call.unsupported("with the aspect kept") }
    var x = try call.x(in: &graph)
    let sizes = try call.argument("size")
    if call.json("method")?.stringValue?.lowercased() != "nearest" { x = try graph.cast(x, to: .float32) }
    if sizes.plain != nil, let size = try call.ints("size"), size.count == 2 { return try resized(call, x, size[0], size[1], &graph) }
    let first = try rows(call, x, graph), axes = [first, first + 1]
    guard !call.flag("antialias") else { throw call.unsupported("smoothly to a computed size") }
    let op: ResizeOp
    switch (call.json("method")?.stringValue ?? "bilinear").lowercased() {
    case "bilinear": op = ResizeOp(mode: .linear, coordinateMode: .halfPixel, axes: axes)
    case "nearest": op = ResizeOp(mode: .nearest, coordinateMode: .tfHalfPixelForNN, nearestMode: .floor, axes: axes)
    default: throw call.unsupported("by this method to a computed size")
    }
    return try graph.apply(op, x, nil, nil, try call.extents(sizes, in: &graph))
  }
  /// TensorFlow 1: pixels are points at whole numbers, unless their centres are asked for.
  private static func older(_ mode: ResizeMode?) -> Compose {
    one { call, graph in
      var x = try call.x(in: &graph)
      let first = try rows(call, x, graph)
      guard !call.flag("preserve_aspect_ratio") else { throw call.unsupported("with the aspect kept") }
      var mode = mode ?? .linear
      switch call.json("method") ?? 0 {
      case 0, "bilinear": break
      case 1, "nearest": mode = .nearest
      default: throw call.unsupported("by this method")
      }
      if mode != .nearest { x = try graph.cast(x, to: .float32) }
      let corners = call.flag("align_corners"), centres = call.flag("half_pixel_centers")
      var op = ResizeOp(
        mode: mode, coordinateMode: corners ? .alignCorners : centres ? .halfPixel : .asymmetric, axes: [first, first + 1])
      if mode == .nearest {
        if centres { op.coordinateMode = .tfHalfPixelForNN }
        op.nearestMode = corners ? .roundPreferCeil : .floor
      }
      return try graph.apply(op, x, nil, nil, try call.extents(try call.argument("size"), in: &graph))
    }
  }

  static let images: [String: Compose] = [
    "image.flip_left_right": flipped(1), "image.flip_up_down": flipped(0), "image.resize": resize,
    "compat.v1.image.resize_bilinear": older(.linear), "compat.v1.image.resize_nearest_neighbor": older(.nearest),
    "compat.v1.image.resize_images": older(nil), "compat.v1.image.resize": older(nil),
    "image.transpose": one { call, graph in
      let x = try call.x(in: &graph), first = try rows(call, x, graph)
      return try graph.transpose(x, Array(0..<first) + [first + 1, first, first + 2])
    },
    "image.rot90": one { call, graph in
      let x = try call.x(in: &graph), first = try rows(call, x, graph)
      let order = Array(0..<first) + [first + 1, first, first + 2]
      switch ((try call.int("k", default: 1) % 4) + 4) % 4 {
      case 0: return x
      case 1: return try graph.apply(ReverseOp(axes: [first]), try graph.transpose(x, order))
      case 2: return try graph.apply(ReverseOp(axes: [first, first + 1]), x)
      default: return try graph.transpose(try graph.apply(ReverseOp(axes: [first]), x), order)
      }
    },
    "image.central_crop": one { call, graph in
      let x = try call.x(in: &graph), size = try size(call, x, graph), fraction = try call.double("central_fraction")
      guard fraction > 0, fraction <= 1 else { throw call.unsupported("to the fraction \(fraction)") }
      func start(_ extent: Int) -> Int { Int((Double(extent) - Double(extent) * fraction) / 2) }
      let top = start(size.height), left = start(size.width)
      return try cropped(call, x, top, left, size.height - 2 * top, size.width - 2 * left, &graph)
    },
    "image.crop_to_bounding_box": one { call, graph in
      try cropped(
        call, try call.x(in: &graph), try call.int("offset_height"), try call.int("offset_width"), try call.int("target_height"),
        try call.int("target_width"), &graph)
    },
    "image.pad_to_bounding_box": one { call, graph in
      try padded(
        call, try call.x(in: &graph), try call.int("offset_height"), try call.int("offset_width"),
        to: try call.int("target_height"), try call.int("target_width"), &graph)
    },
    "image.resize_with_crop_or_pad": one { call, graph in
      var x = try call.x(in: &graph)
      let size = try size(call, x, graph), height = try call.int("target_height"), width = try call.int("target_width")
      let down = (height - size.height) / 2, across = (width - size.width) / 2
      x = try cropped(
        call, x, max(-down, 0), max(-across, 0), min(height, size.height), min(width, size.width), &graph)
      return try padded(call, x, max(down, 0), max(across, 0), to: height, width, &graph)
    },
    "image.resize_with_pad": one { call, graph in
      let x = try call.x(in: &graph), size = try size(call, x, graph)
      let height = try call.int("target_height"), width = try call.int("target_width")
      guard (1...(1 << 24)).contains(height), (1...(1 << 24)).contains(width) else { throw call.unsupported("to a size below 1") }
      let ratio = max(Float(size.width) / Float(width), Float(size.height) / Float(height))
      let tall = Float(size.height) / ratio, wide = Float(size.width) / ratio
      let whole = try resized(call, x, Int(tall), Int(wide), &graph)
      let top = max(0, Int(((Float(height) - tall) / 2).rounded(.down))), left = max(0, Int(((Float(width) - wide) / 2).rounded(.down)))
      return try padded(call, whole, top, left, to: height, width, &graph)
    },
    "image.rgb_to_grayscale": one { call, graph in
      let x = try call.x(in: &graph)
      guard graph.type(of: x).dtype.isFloatingPoint else { throw call.unsupported("of integers") }
      let weights = try graph.cast(try graph.constant(NDArray([Float(0.2989), 0.5870, 0.1140], [3, 1])), to: graph.type(of: x).dtype)
      return try graph.matmul(x, weights)
    },
    "image.grayscale_to_rgb": one { call, graph in
      let x = try call.x(in: &graph)
      return try graph.concat([x, x, x], axis: try graph.rank(of: x) - 1)
    },
    "image.adjust_brightness": one { call, graph in
      let x = try call.x(in: &graph)
      guard graph.type(of: x).dtype == .float32 else { throw call.unsupported("of other than float32") }
      return try graph.add(x, try call.tensor("delta", dtype: .float32, in: &graph))
    },
    "image.adjust_contrast": one { call, graph in
      let x = try call.x(in: &graph), first = try rows(call, x, graph)
      guard graph.type(of: x).dtype == .float32 else { throw call.unsupported("of other than float32") }
      let mean = try graph.reduce(.mean, x, axes: [first, first + 1], keepDims: true)
      let factor = try call.tensor("contrast_factor", dtype: .float32, in: &graph)
      return try graph.add(try graph.mul(try graph.sub(x, mean), factor), mean)
    },
    "image.per_image_standardization": one { call, graph in
      let x = try graph.cast(try call.x(in: &graph), to: .float32), first = try rows(call, x, graph)
      let axes = [first, first + 1, first + 2]
      guard let count = checkedProduct(axes.compactMap { graph.type(of: x).shape.dims?[$0].value } + [1]), count > 0,
        axes.allSatisfy({ graph.type(of: x).shape.dims?[$0].value != nil })
      else { throw call.unsupported("of an unknown size") }
      let centred = try graph.sub(x, try graph.reduce(.mean, x, axes: axes, keepDims: true))
      let variance = try graph.reduce(.mean, try graph.apply(SquareOp(), centred), axes: axes, keepDims: true)
      let least = try graph.scalar(1 / Double(count).squareRoot(), like: x)
      return try graph.div(centred, try graph.maximum(try graph.apply(SqrtOp(), variance), least))
    },
    "image.extract_patches": one { call, graph in
      guard let sizes = try call.ints("sizes"), let strides = try call.ints("strides"), let rates = try call.ints("rates"),
        sizes.count == 4, strides.count == 4, rates.count == 4, let padding = call.json("padding")?.stringValue
      else { throw call.unsupported("of computed sizes") }
      return try call.operation(
        "ExtractPatches", [call.first],
        [
          "size": sizes[1...2].map { $0 }.configValue, "strides": strides[1...2].map { $0 }.configValue,
          "dilation_rate": rates[1...2].map { $0 }.configValue, "padding": .string(padding.lowercased()),
          "data_format": "channels_last",
        ], in: &graph)
    },
  ]
}
