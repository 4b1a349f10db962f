import ModelGraph
import ModelTensor

/// Pools regions of an image at fractional places (He et al., 2017; ONNX RoiAlign). Channels first.
///
/// Inputs: `x` (`[N, C, H, W]`), `regions` (`[R, 4]`: x1, y1, x2, y2), `batchIndices` (`[R]`). Result:
/// `[R, C, outputHeight, outputWidth]`. `takesMaximum` takes the largest weighted corner of the samples instead of
/// averaging them, as the operator's reference implementation does.
public struct RoiAlignOp: PrimitiveOp {
  public static let name = "RoiAlign"
  public static let family = OpFamily.image
  public var takesMaximum: Bool
  public var outputHeight: Int
  public var outputWidth: Int
  /// Samples per bin and axis; 0 takes as many as the bin has pixels.
  public var samplingRatio: Int
  public var spatialScale: Double
  /// Whether coordinates are shifted by half a pixel (the default since opset 16).
  public var halfPixel: Bool
  public init(
    takesMaximum: Bool = false, outputHeight: Int = 1, outputWidth: Int = 1, samplingRatio: Int = 0,
    spatialScale: Double = 1, halfPixel: Bool = true
  ) {
    self.takesMaximum = takesMaximum
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.samplingRatio = samplingRatio
    self.spatialScale = spatialScale
    self.halfPixel = halfPixel
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, regions = try inputs.required(1, of: self).type
    let dims = x.shape.dims
    guard dims == nil || dims?.count == 4 else { throw GraphError(.shapeMismatch, "RoiAlign of \(x)") }
    return [
      TensorType(
        x.dtype,
        .ranked([
          regions.shape.dims?.first ?? .unknown, dims?[1] ?? .unknown, .fixed(outputHeight), .fixed(outputWidth),
        ]))
    ]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), regions = try inputs.required(1, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank == 4, regions.rank == 2, regions.shape[1] == 4, let batches = try inputs.required(2, of: self).integers(),
      batches.count == regions.shape[0], batches.allSatisfy({ $0 >= 0 && $0 < x.shape[0] }), outputHeight > 0, outputWidth > 0,
      samplingRatio >= 0, samplingRatio < 1 << 12, x.shape[2] > 0, x.shape[3] > 0
    else { throw ExecutionError(.shapeMismatch, "RoiAlign of \(x.type) at \(regions.type)") }
    let channels = x.shape[1], height = x.shape[2], width = x.shape[3]
    let result = try context.allocate(.float64, [batches.count, channels, outputHeight, outputWidth])
    let values = x.doubles(), corners = regions.doubles()
    try result.withMutable(Double.self) { y in
      let bins = outputHeight * outputWidth
      for region in batches.indices {
        let base = batches[region] * channels
        try forEachSample(Array(corners[(region * 4)..<(region * 4 + 4)]), height, width) { bin, near, count in
          let isFirst = count.index == 0
          for channel in 0..<channels {
            let source = (base + channel) * height * width, place = (region * channels + channel) * bins + bin
            if takesMaximum {
              let largest = near.map { $0.weight * values[source + $0.place] }.max() ?? 0
              y[place] = isFirst ? largest : max(y[place], largest)
            } else {
              if isFirst { y[place] = 0 }
              for corner in near { y[place] += corner.weight * values[source + corner.place] }
              if count.index == count.all - 1 { y[place] /= Double(count.all) }
            }
          }
        } empty: { bin in
          for channel in 0..<channels { y[(region * channels + channel) * bins + bin] = 0 }
        }
      }
    }
    return [try result.cast(to: x.dtype, in: context)]
  }

  /// Visits the samples of each bin of a region (x1, y1, x2, y2): the four pixels around one, with weights, and which of how many it is.
  /// - Throws: `ExecutionError` for a region too far away or too large, and what the visitor throws.
  package func forEachSample(
    _ region: [Double], _ height: Int, _ width: Int,
    _ visit: (_ bin: Int, _ near: [(place: Int, weight: Double)], _ count: (index: Int, all: Int)) throws -> Void,
    empty: (_ bin: Int) throws -> Void
  ) throws {
    let offset = halfPixel ? 0.5 : 0, box = region.map { $0 * spatialScale - offset }
    guard box.count == 4, box.allSatisfy({ abs($0) < 0x1p20 }) else { throw ExecutionError(.invalidValue, "RoiAlign: a region at \(box)") }
    let w = halfPixel ? box[2] - box[0] : max(box[2] - box[0], 1), h = halfPixel ? box[3] - box[1] : max(box[3] - box[1], 1)
    let binWidth = w / Double(outputWidth), binHeight = h / Double(outputHeight)
    let rows = samplingRatio > 0 ? samplingRatio : max(0, Int(binHeight.rounded(.up)))
    let columns = samplingRatio > 0 ? samplingRatio : max(0, Int(binWidth.rounded(.up)))
    guard rows <= 1 << 12, columns <= 1 << 12 else {
      throw ExecutionError(.limitExceeded, "RoiAlign: \(rows) × \(columns) samples in a bin")
    }
    for bin in 0..<(outputHeight * outputWidth) {
      let top = box[1] + Double(bin / outputWidth) * binHeight, left = box[0] + Double(bin % outputWidth) * binWidth
      if rows * columns == 0 { try empty(bin) }
      for row in 0..<rows {
        for column in 0..<columns {
          let near = corners4(
            top + (Double(row) + 0.5) * binHeight / Double(rows), left + (Double(column) + 0.5) * binWidth / Double(columns), height, width)
          try visit(bin, near, (row * columns + column, rows * columns))
        }
      }
    }
  }

  /// The four pixels around a place, with bilinear weights; all zero outside the image.
  private func corners4(_ y: Double, _ x: Double, _ height: Int, _ width: Int) -> [(place: Int, weight: Double)] {
    if y < -1 || y > Double(height) || x < -1 || x > Double(width) { return [(0, 0), (0, 0), (0, 0), (0, 0)] }
    func split(_ v: Double, _ extent: Int) -> (Int, Int, Double) {
      let v = max(v, 0), low = Int(v)
      return low >= extent - 1 ? (extent - 1, extent - 1, 0) : (low, low + 1, v - Double(low))
    }
    let (top, bottom, ly) = split(y, height), (left, right, lx) = split(x, width)
    return [
      (top * width + left, (1 - ly) * (1 - lx)), (top * width + right, (1 - ly) * lx),
      (bottom * width + left, ly * (1 - lx)), (bottom * width + right, ly * lx),
    ]
  }
}
