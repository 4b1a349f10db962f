import ModelGraph
import ModelTensor
import RealModule

/// The matrix `[dftLength / 2 + 1, bins]` that turns a spectrum into mel-frequency bins (ONNX MelWeightMatrix).
///
/// Inputs, all scalars: the number of bins, the DFT's length, the sample rate (Hz), the lower and the upper edge
/// (Hz). A bin is a triangle between its neighbours' centres.
public struct MelWeightMatrixOp: PrimitiveOp {
  public static let name = "MelWeightMatrix"
  public static let family = OpFamily.array
  public var dtype: DType
  public init(dtype: DType = .float32) { self.dtype = dtype }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let bins = try inputs.required(0, of: self).integers?.first, length = try inputs.required(1, of: self).integers?.first
    return [TensorType(dtype, .ranked([length.map { .fixed($0 / 2 + 1) } ?? .unknown, bins.map(Dim.fixed) ?? .unknown]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    guard let bins = try inputs.required(0, of: self).integers()?.first, bins >= 0, bins < 1 << 31,
      let length = try inputs.required(1, of: self).integers()?.first, length >= 0, length < 1 << 31,
      let rate = try inputs.required(2, of: self).integers()?.first, rate > 0,
      let low = try inputs.required(3, of: self).doubles().first, let high = try inputs.required(4, of: self).doubles().first
    else { throw ExecutionError(.invalidValue, "MelWeightMatrix takes five numbers") }
    let rows = length / 2 + 1
    let result = try context.allocate(.float64, [rows, bins])
    func mel(_ hertz: Double) -> Double { 2595 * Double.log10(1 + hertz / 700) }
    let step = (mel(high) - mel(low)) / Double(bins + 2)
    let edges = (0..<(bins + 2)).map { i in
      let hertz = 700 * (Double.pow(10, (mel(low) + Double(i) * step) / 2595) - 1)
      return (Double(length + 1) * hertz / Double(rate)).rounded(.down)
    }
    guard edges.allSatisfy({ $0 >= 0 && $0 < Double(rows) + 1 }) else {
      throw ExecutionError(.invalidValue, "MelWeightMatrix: edges \(low)…\(high) Hz at \(rate) Hz")
    }
    result.withMutable(Double.self) { y in
      for i in 0..<y.count { y[i] = 0 }
      for bin in 0..<bins {
        let (left, centre, right) = (Int(edges[bin]), Int(edges[bin + 1]), Int(edges[bin + 2]))
        if left == centre, centre < rows {
          y[centre * bins + bin] = 1
        } else {
          for row in left..<min(rows, centre + 1) { y[row * bins + bin] = Double(row - left) / Double(centre - left) }
        }
        if right > centre {
          for row in centre..<min(rows, right) { y[row * bins + bin] = Double(right - row) / Double(right - centre) }
        }
      }
    }
    return [try result.cast(to: dtype, in: context)]
  }
}
