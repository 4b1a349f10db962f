import ModelOps
import ModelTraining

/// How pixels of another size are made (Keras's `interpolation`).
public enum Interpolation: String, Sendable, CaseIterable {
  case bilinear, nearest, bicubic

  fileprivate var op: ResizeOp {
    switch self {
    case .bilinear: ResizeOp(mode: .linear, coordinateMode: .halfPixel, axes: [0, 1])
    case .nearest: ResizeOp(mode: .nearest, coordinateMode: .tfHalfPixelForNN, nearestMode: .floor, axes: [0, 1])
    case .bicubic: ResizeOp(mode: .cubic, coordinateMode: .halfPixel, cubicCoefficient: -0.5, excludeOutside: true, axes: [0, 1])
    }
  }
}

extension Image {
  /// A picture in another size, as float32 (as `tf.image.resize` gives it).
  ///
  /// - Parameters:
  ///   - image: `[height, width, channels]`.
  ///   - keepsAspectRatio: cuts the middle out of the picture in the target's proportions first, so that nothing is distorted.
  public static func resize(
    _ image: Tensor, height: Int, width: Int, interpolation: Interpolation = .bilinear, keepsAspectRatio: Bool = false
  ) throws -> Tensor {
    guard image.rank == 3, height > 0, width > 0, !image.shape.contains(0) else {
      throw TensorError(.shapeMismatch, "resize: a picture of the shape \(image.shape) to \(height) × \(width)")
    }
    var image = image
    if keepsAspectRatio {
      let (h, w) = (image.shape[0], image.shape[1])
      // As Keras rounds.
      let cropHeight = min(h, Int(Double(w * height) / Double(width))), cropWidth = min(w, Int(Double(h * width) / Double(height)))
      let top = (h - max(1, cropHeight)) / 2, left = (w - max(1, cropWidth)) / 2
      image = try image.gather(Array(top..<(top + max(1, cropHeight))), axis: 0)
        .gather(Array(left..<(left + max(1, cropWidth))), axis: 1)
    }
    let floats = try image.cast(to: .float32)
    if floats.shape[0] == height, floats.shape[1] == width { return floats }
    let sizes = Tensor([Int64(height), Int64(width)])
    guard let result = try Tensor.apply(interpolation.op, to: [floats, nil, nil, sizes]).first else { return floats }
    return result
  }
}
