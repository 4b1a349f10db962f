import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// ONNX's names of the ways to map coordinates.
private let coordinateModes: [(String, CoordinateMode)] = [
  ("half_pixel", .halfPixel), ("half_pixel_symmetric", .halfPixelSymmetric), ("pytorch_half_pixel", .pytorchHalfPixel),
  ("align_corners", .alignCorners), ("asymmetric", .asymmetric), ("tf_crop_and_resize", .tfCropAndResize),
  ("tf_half_pixel_for_nn", .tfHalfPixelForNN),
]
private let nearestModes: [(String, NearestMode)] = [
  ("round_prefer_floor", .roundPreferFloor), ("round_prefer_ceil", .roundPreferCeil), ("floor", .floor), ("ceil", .ceil),
]
private let aspects: [(String, ResizeAspect)] = [("stretch", .stretch), ("not_larger", .notLarger), ("not_smaller", .notSmaller)]

extension NodeReader {
  fileprivate func choice<T>(_ name: String, _ fallback: String, _ table: [(String, T)]) throws -> T {
    let text = try string(name) ?? fallback
    guard let found = table.first(where: { $0.0 == text }) else {
      throw FormatError(.invalidValue, "\(type): \(name) is '\(text)'")
    }
    return found.1
  }
}

/// Opset 10 has scales only, and counts pixels from their corners.
func readResize(_ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  let x = try n.input(0)
  let modes: [(String, ResizeMode)] = [("nearest", .nearest), ("linear", .linear), ("bilinear", .linear), ("cubic", .cubic)]
  let mode = try n.choice("mode", "nearest", modes)
  if n.version < 11 {
    let op = ResizeOp(mode: mode, coordinateMode: .asymmetric, nearestMode: .floor)
    return try g.apply(op, x, nil, try n.input(1))
  }
  let op = ResizeOp(
    mode: mode, coordinateMode: try n.choice("coordinate_transformation_mode", "half_pixel", coordinateModes),
    nearestMode: try n.choice("nearest_mode", "round_prefer_floor", nearestModes),
    cubicCoefficient: try n.float("cubic_coeff_a") ?? -0.75, excludeOutside: try n.flag("exclude_outside"),
    extrapolation: try n.float("extrapolation_value") ?? 0, antialias: try n.flag("antialias"),
    aspect: try n.choice("keep_aspect_ratio_policy", "stretch", aspects), axes: try n.ints("axes"))
  // An empty list of scales or sizes counts as none.
  func present(_ index: Int) -> ValueID? { n[index].flatMap { g.type(of: $0).shape.elementCount == 0 ? nil : $0 } }
  let region = op.coordinateMode == .tfCropAndResize ? n[1] : nil
  guard present(2) != nil || present(3) != nil else { throw FormatError(.missingReference, "Resize has neither scales nor sizes") }
  return try g.apply(op, x, region, present(2), present(2) == nil ? present(3) : nil)
}

/// What came before Resize: scales as attributes of height and width (opset 1), of all axes (7), or as an input (9).
func readUpsample(_ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  let x = try n.input(0)
  let mode = try n.string("mode") ?? "nearest"
  let op = ResizeOp(mode: mode == "nearest" ? .nearest : .linear, coordinateMode: .asymmetric, nearestMode: .floor)
  if n.version >= 9 { return try g.apply(op, x, nil, try n.input(1)) }
  let scales: [Double]
  if n.version >= 7 {
    scales = try n.required(try n.floats("scales"), "scales")
  } else {
    let height = try n.required(try n.float("height_scale"), "height_scale")
    scales = [1, 1, height, try n.required(try n.float("width_scale"), "width_scale")]
  }
  return try g.apply(op, x, nil, try g.constant(NDArray(scales.map { Float($0) }, [scales.count])))
}

func writeResize(_ op: ResizeOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  var op = op
  let x = try inputs.required(0)
  let result = try op.infer(inputs.values.map { $0?.fact })[0]
  // The same pixels by another name.
  if op.coordinateMode == .tfHalfPixelForNN {
    guard op.mode == .nearest, op.nearestMode == .floor else {
      throw UnsupportedError("ONNX has the coordinates of TensorFlow's nearest neighbour in opset 11 only")
    }
    op.coordinateMode = .halfPixel
    op.nearestMode = .roundPreferCeil
  }
  guard w.opset >= 19 || op.coordinateMode != .halfPixelSymmetric else {
    throw UnsupportedError("symmetric half-pixel coordinates need opset 19")
  }
  guard w.opset >= 18 || !op.antialias && op.aspect == .stretch else {
    throw UnsupportedError("antialiasing and keeping the aspect ratio need opset 18")
  }
  var scales = inputs[2].flatMap { $0.type.shape.elementCount == 0 ? nil : $0 }
  var sizes = scales == nil ? inputs[3] : nil
  if let given = sizes { sizes = try w.cast(given, to: .int64) }
  var region = op.coordinateMode == .tfCropAndResize ? inputs[1] : nil
  if let given = region, ![.float16, .float32, .float64].contains(given.type.dtype) { region = try w.cast(given, to: .float32) }
  if let axes = op.axes, let dims = x.type.shape.dims, region == nil, op.aspect == .stretch {
    // Every axis has its scale or size: opset 18 knows axes, ONNX Runtime loses them when it turns images round.
    let places = try axes.map { try normalizeAxis($0, rank: dims.count) }
    if let factors = exactFactors(places, dims, result, sizes) {
      scales = try w.constant(NDArray(factors, [factors.count]))
      sizes = nil
    }
    func full(_ given: OutValue, _ filler: (Int, inout NodeWriter) throws -> OutValue, _ w: inout NodeWriter) throws -> OutValue {
      let parts = try dims.indices.map { axis in
        try places.firstIndex(of: axis).map { try w.slice(given, axis: 0, start: $0, end: $0 + 1) } ?? filler(axis, &w)
      }
      return try w.concat(parts, axis: 0)
    }
    scales = try scales.map { try full($0, { _, w in try w.constant(NDArray([Float(1)], [1])) }, &w) }
    sizes = try sizes.map { try full($0, { axis, w in try w.dim(of: x, axis) }, &w) }
    op.axes = nil
  }
  guard op.axes == nil || w.opset >= 18 else { throw UnsupportedError("Resize along some axes needs opset 18") }
  return try w.emit(
    "Resize", [x, region, scales, sizes],
    [
      "mode": .string(op.mode.rawValue),
      "coordinate_transformation_mode": .string(coordinateModes.first { $0.1 == op.coordinateMode }?.0 ?? ""),
      "nearest_mode": op.mode == .nearest ? .string(nearestModes.first { $0.1 == op.nearestMode }?.0 ?? "") : nil,
      "cubic_coeff_a": op.mode == .cubic ? .float(op.cubicCoefficient) : nil, "exclude_outside": op.excludeOutside.mark,
      "extrapolation_value": op.extrapolation == 0 ? nil : .float(op.extrapolation), "antialias": op.antialias.mark,
      "keep_aspect_ratio_policy": op.aspect == .stretch ? nil : .string(aspects.first { $0.1 == op.aspect }?.0 ?? ""),
      "axes": op.axes.map { .ints($0) },
    ], as: result)
}

/// The factors that sizes come to, where float32 holds them as they are: they need no extents of the other axes.
private func exactFactors(_ places: [Int], _ dims: [Dim], _ result: TensorType, _ sizes: OutValue?) -> [Float]? {
  guard sizes != nil, let to = result.shape.dims, to.count == dims.count else { return nil }
  var factors: [Float] = []
  for place in places {
    guard let n = dims[place].value, let out = to[place].value, n > 0, out > 0, n < 1 << 24, out < 1 << 24 else { return nil }
    let factor = Float(out) / Float(n)
    guard Double(factor) * Double(n) == Double(out) else { return nil }
    factors.append(factor)
  }
  return factors
}
