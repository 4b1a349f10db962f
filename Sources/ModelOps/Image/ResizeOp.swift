import ModelGraph
import ModelTensor

public enum ResizeMode: String, Sendable, AttributeConvertible {
  case nearest, linear, cubic
  public var attributeValue: AttributeValue { .string(rawValue) }
}
/// How a place in the result maps to one in the input; ONNX's `coordinate_transformation_mode`.
public enum CoordinateMode: String, Sendable, AttributeConvertible {
  case halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric, tfCropAndResize
  /// `(i + 0.5) / scale`, TensorFlow 1's nearest neighbour with half-pixel centres.
  case tfHalfPixelForNN
  public var attributeValue: AttributeValue { .string(rawValue) }
}
public enum NearestMode: String, Sendable, AttributeConvertible {
  case roundPreferFloor, roundPreferCeil, floor, ceil
  public var attributeValue: AttributeValue { .string(rawValue) }
}
/// What becomes of the sizes asked for: taken as they are, or as bounds for one common scale.
public enum ResizeAspect: String, Sendable, AttributeConvertible {
  case stretch, notLarger, notSmaller
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Resamples along `axes` (all of them when `nil`), one axis after the other (ONNX Resize, opset 19).
///
/// Inputs: `x`; `roi?` (starts, then ends, for `tfCropAndResize`); `scales?` (float vector); `sizes?` (integer vector): one
/// of the last two, with an entry per axis. An empty vector counts as absent.
public struct ResizeOp: PrimitiveOp {
  public static let name = "Resize"
  public static let family = OpFamily.image
  public var mode: ResizeMode
  public var coordinateMode: CoordinateMode
  public var nearestMode: NearestMode
  public var cubicCoefficient: Double
  public var excludeOutside: Bool
  public var extrapolation: Double
  public var antialias: Bool
  public var aspect: ResizeAspect
  public var axes: [Int]?
  public init(
    mode: ResizeMode = .nearest, coordinateMode: CoordinateMode = .halfPixel,
    nearestMode: NearestMode = .roundPreferFloor, cubicCoefficient: Double = -0.75, excludeOutside: Bool = false,
    extrapolation: Double = 0, antialias: Bool = false, aspect: ResizeAspect = .stretch, axes: [Int]? = nil
  ) {
    self.mode = mode
    self.coordinateMode = coordinateMode
    self.nearestMode = nearestMode
    self.cubicCoefficient = cubicCoefficient
    self.excludeOutside = excludeOutside
    self.extrapolation = extrapolation
    self.antialias = antialias
    self.aspect = aspect
    self.axes = axes
  }

  private func resolvedAxes(_ rank: Int, _ count: Int) throws -> [Int] {
    let list = try (axes ?? Array(0..<rank)).map { try indexedAxis($0, rank: rank) }
    guard list.count == count, Set(list).count == list.count else {
      throw GraphError(.shapeMismatch, "Resize of rank \(rank) along axes \(list) with \(count) scales or sizes")
    }
    return list
  }

  /// Scale and extent of each axis that `scales` or `sizes` speak of.
  /// - Throws: `GraphError` for scales that are not positive and sizes below 0.
  func targets(_ extents: [Int], scales: [Double]?, sizes: [Int]?) throws -> [(scale: Double, extent: Int)] {
    if let scales {
      return try zip(extents, scales).map { extent, scale in
        // In float32, as runtimes do: 5 rows times 7/5 are 7 there, and just less in more digits.
        let result = (Double(Float(extent) * Float(scale))).rounded(.down)
        guard scale > 0, scale.isFinite, result < 0x1p40 else { throw GraphError(.invalidAttribute, "Resize by \(scale)") }
        return (scale, Int(result))
      }
    }
    let sizes = sizes ?? []
    guard sizes.allSatisfy({ $0 >= 0 && $0 < 1 << 40 }) else { throw GraphError(.invalidAttribute, "Resize to \(sizes)") }
    let ratios = zip(extents, sizes).map { $0 == 0 ? 1 : Double($1) / Double($0) }
    guard aspect != .stretch, let common = aspect == .notLarger ? ratios.min() : ratios.max() else {
      return zip(ratios, sizes).map { ($0, $1) }
    }
    return try extents.map { extent in
      let result = (Double(extent) * common + 0.5).rounded(.down)
      guard result < 0x1p40 else { throw GraphError(.invalidAttribute, "Resize to \(sizes)") }
      return (common, Int(result))
    }
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard var dims = x.shape.dims else { return [x.unquantized] }
    let scales = inputs.optional(2).flatMap { $0.type.shape.elementCount == 0 ? nil : $0 }, sizes = inputs.optional(3)
    let given = scales ?? sizes
    guard let given else { throw GraphError(.wrongInputCount, "Resize takes scales or sizes") }
    let count = given.type.shape.elementCount ?? axes?.count ?? dims.count
    let list = try resolvedAxes(dims.count, count)
    let numbers = try scales?.constant?.array().doubles()
    for (index, axis) in list.enumerated() {
      if let scales {
        guard scales.constant != nil, let numbers, let extent = dims[axis].value else {
          // A scale of one changes nothing, whatever the extent.
          if let numbers, numbers[index] == 1 { continue }
          dims[axis] = .unknown
          continue
        }
        dims[axis] = .fixed(try targets([extent], scales: [numbers[index]], sizes: nil)[0].extent)
      } else if aspect == .stretch {
        dims[axis] = sizes?.elements.map { index < $0.count ? $0[index] : .unknown } ?? .unknown
      }
    }
    if scales == nil, aspect != .stretch {
      let extents = list.compactMap { dims[$0].value }
      if let wanted = sizes?.integers, extents.count == list.count, wanted.count == list.count {
        for (axis, target) in zip(list, try targets(extents, scales: nil, sizes: wanted)) { dims[axis] = .fixed(target.extent) }
      } else {
        for axis in list { dims[axis] = .unknown }
      }
    }
    return [TensorType(x.dtype, .ranked(dims))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let scales = inputs.optional(2).flatMap { $0.count == 0 ? nil : $0.doubles() }, sizes = inputs.optional(3)?.integers()
    guard let count = scales?.count ?? sizes?.count else { throw ExecutionError(.invalidInput, "Resize takes scales or sizes") }
    let list = try resolvedAxes(x.rank, count)
    let targets = try targets(list.map { x.shape[$0] }, scales: scales, sizes: sizes)
    let roi = inputs.optional(1)?.doubles() ?? []
    guard coordinateMode != .tfCropAndResize || roi.count == 2 * count else {
      throw ExecutionError(.invalidInput, "Resize: a region of \(roi.count) numbers for \(count) axes")
    }
    if mode == .nearest, coordinateMode != .tfCropAndResize { return [try nearest(x, list, targets, in: context)] }
    guard x.dtype.isFloatingPoint || x.dtype.isInteger else { throw noKernel(x.dtype) }
    var result = try x.cast(to: x.dtype == .float64 ? .float64 : .float32, in: context)
    var outside: [(axis: Int, flags: [Bool])] = []
    for (index, axis) in list.enumerated() {
      let extent = x.shape[axis], target = targets[index]
      if coordinateMode != .tfCropAndResize, target.extent == extent, target.scale == 1 { continue }
      guard extent > 0 || target.extent == 0 else { throw ExecutionError(.shapeMismatch, "Resize of \(x.type)") }
      guard target.extent <= 1 << 22 else { throw ExecutionError(.limitExceeded, "Resize of an axis to \(target.extent)") }
      var shape = result.shape
      shape[axis] = target.extent
      try context.demand(result.dtype, shape)
      let region = coordinateMode == .tfCropAndResize ? (roi[index], roi[count + index]) : (0, 1)
      let taps = (0..<target.extent).map { self.taps(at: $0, scale: target.scale, output: target.extent, input: extent, region: region) }
      result = try resample(result, axis: axis, taps, in: context)
      if taps.contains(where: \.isOutside) { outside.append((axis, taps.map(\.isOutside))) }
    }
    for (axis, flags) in outside { result = try extrapolate(result, axis: axis, flags, in: context) }
    return [try result.cast(to: x.dtype, in: context)]
  }

  /// One axis after the other, whatever the dtype: only places are picked.
  private func nearest(
    _ x: NDArray, _ list: [Int], _ targets: [(scale: Double, extent: Int)], in context: ExecutionContext
  ) throws -> NDArray {
    var result = x
    for (axis, target) in zip(list, targets) where target.extent != x.shape[axis] || target.scale != 1 {
      let extent = x.shape[axis], view = AxisView(result.shape, axis: axis)
      var shape = result.shape
      shape[axis] = target.extent
      guard let total = checkedProduct(shape), extent > 0 || total == 0, total / max(1, view.inner) < 1 << 28 else {
        throw ExecutionError(.limitExceeded, "Resize of \(x.type) to \(shape)")
      }
      try context.demand(x.dtype, shape)
      let sources = (0..<target.extent).map {
        taps(at: $0, scale: target.scale, output: target.extent, input: extent, region: (0, 1)).indices[0]
      }
      let places = (0..<view.outer).flatMap { o in sources.map { o * extent + $0 } }
      result = try result.reshaped([result.count]).picking(places, run: view.inner, shape: shape, in: context)
    }
    return result
  }
}
