import ModelGraph
import ModelTensor

/// A part of each string: from a position, negative ones counted from the end, over a length (TensorFlow `Substr`).
///
/// Inputs: the strings, positions and lengths (integers); the three broadcast. A position outside the string is an error.
public struct SubstringOp: PrimitiveOp {
  public static let name = "Substring"
  public static let family = OpFamily.text
  public var unit: StringUnit
  public init(unit: StringUnit = .byte) { self.unit = unit }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let shapes = try (0..<3).map { try inputs.required($0, of: self).type.shape }
    return [TensorType(.string, try broadcast(shapes))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string, let positions = try inputs.required(1, of: self).integers(),
      let lengths = try inputs.required(2, of: self).integers()
    else { throw noKernel(x.dtype) }
    let walk = try BroadcastWalk([x.shape, try inputs.required(1, of: self).shape, try inputs.required(2, of: self).shape])
    guard let count = checkedProduct(walk.shape), count <= 1 << 28 else {
      throw ExecutionError(.limitExceeded, "Substring to \(walk.shape)")
    }
    let texts = x.strings, steps = walk.steps.map { $0.last ?? 0 }
    var out = [[UInt8]](repeating: [], count: count), failure: Int?
    walk.forEachRun { place, offsets, length in
      for i in 0..<length {
        let text = texts[offsets[0] + i * steps[0]], starts = unit.starts(text), total = starts.count - 1
        let asked = positions[offsets[1] + i * steps[1]], first = asked < 0 ? asked &+ total : asked
        guard first >= 0, first <= total else { failure = asked; continue }
        let last = first + min(max(0, lengths[offsets[2] + i * steps[2]]), total - first)
        out[place + i] = Array(text[starts[first]..<starts[last]])
      }
    }
    if let failure { throw ExecutionError(.invalidValue, "Substring: the position \(failure) is outside the string") }
    return [NDArray(strings: out, walk.shape)]
  }
}
