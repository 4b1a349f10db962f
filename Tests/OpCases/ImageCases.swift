import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Image.json`.
public enum ImageCases {
  public static let coordinates: [String: CoordinateMode] = [
    "half_pixel": .halfPixel, "align_corners": .alignCorners, "asymmetric": .asymmetric,
    "pytorch_half_pixel": .pytorchHalfPixel, "half_pixel_symmetric": .halfPixelSymmetric,
  ]
  public static let nearest: [String: NearestMode] = [
    "round_prefer_floor": .roundPreferFloor, "round_prefer_ceil": .roundPreferCeil, "floor": .floor, "ceil": .ceil,
  ]

  /// Names spell the attributes: `Resize/linear/asymmetric/up`, `GridSample/cubic/border/1`.
  public static func op(_ name: String) -> (any Op)? {
    let parts = name.split(separator: "/").map(String.init)
    switch parts[0] {
    case "Resize":
      guard let mode = ResizeMode(rawValue: parts[1]) else { return nil }
      switch parts[2] {
      case "antialias": return ResizeOp(mode: mode, antialias: true)
      case "crop": return ResizeOp(mode: mode, coordinateMode: .tfCropAndResize, extrapolation: 10)
      case "exclude": return ResizeOp(mode: mode, cubicCoefficient: -0.5, excludeOutside: true)
      case "not_larger": return ResizeOp(mode: mode, aspect: .notLarger, axes: [3, 2])
      case "not_smaller": return ResizeOp(mode: mode, aspect: .notSmaller, axes: [3, 2])
      default:
        if let rounding = nearest[parts[2]] { return ResizeOp(mode: mode, nearestMode: rounding) }
        return coordinates[parts[2]].map { ResizeOp(mode: mode, coordinateMode: $0) }
      }
    case "GridSample":
      if parts[1] == "3d" { return GridSampleOp(mode: .linear, padding: .border) }
      guard let mode = ResizeMode(rawValue: parts[1]), let padding = GridPadding(rawValue: parts[2]) else { return nil }
      return GridSampleOp(mode: mode, padding: padding, alignCorners: parts[3] == "1")
    case "AffineGrid": return AffineGridOp(alignCorners: parts[2] == "1")
    case "RoiAlign":
      let maximum = parts[1] == "max"
      return RoiAlignOp(
        takesMaximum: maximum, outputHeight: 2, outputWidth: 3, samplingRatio: maximum ? 2 : 0, spatialScale: 0.8,
        halfPixel: parts[2] == "half_pixel")
    case "NonMaxSuppression": return NonMaxSuppressionOp(centerPointBox: parts.count > 1)
    default: return nil
    }
  }
  public static func op(_ recorded: RecordedCase) -> (any Op)? { op(recorded.name) }
}
