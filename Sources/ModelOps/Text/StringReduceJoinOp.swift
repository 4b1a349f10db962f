import ModelGraph
import ModelTensor

/// The strings along some axes, joined one axis after the other, with `separator` between them (TensorFlow's ReduceJoin). Without
/// strings along an axis the result is empty.
public struct StringReduceJoinOp: PrimitiveOp {
  public static let name = "StringReduceJoin"
  public static let family = OpFamily.text
  /// In the order in which they are joined.
  public var axes: [Int]
  public var separator: String
  public var keepsDims: Bool
  public init(axes: [Int], separator: String = "", keepsDims: Bool = false) {
    self.axes = axes
    self.separator = separator
    self.keepsDims = keepsDims
  }

  private func places(_ rank: Int) throws -> [Int] {
    let places = axes.map { $0 < 0 ? $0 + rank : $0 }
    guard places.allSatisfy({ (0..<rank).contains($0) }), Set(places).count == places.count else {
      throw GraphError(.invalidAttribute, "\(displayName) along the axes \(axes) of a value of rank \(rank)")
    }
    return places
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == .string else { throw GraphError(.wrongDType, "\(displayName) of \(x)") }
    guard let dims = x.shape.dims else { return [TensorType(.string, .unranked)] }
    let places = try places(dims.count)
    let kept = dims.enumerated().compactMap { places.contains($0) ? keepsDims ? Dim.fixed(1) : nil : $1 }
    return [TensorType(.string, .ranked(kept))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .string else { throw noKernel(x.dtype) }
    let places = try places(x.rank), between = Array(separator.utf8)
    var shape = x.shape, strings = x.strings
    for axis in places {
      let extent = shape[axis], inner = shape[(axis + 1)...].reduce(1, *), outer = shape[..<axis].reduce(1, *)
      var joined: [[UInt8]] = []
      for row in 0..<outer {
        for column in 0..<inner {
          let parts = (0..<extent).map { strings[(row * extent + $0) * inner + column] }
          joined.append(Array(parts.joined(separator: between)))
        }
      }
      shape[axis] = 1
      strings = joined
    }
    let kept = keepsDims ? shape : shape.enumerated().filter { !places.contains($0.offset) }.map(\.element)
    return [NDArray(strings: strings, kept)]
  }
}
