import ModelTensor

extension Dataset {
  /// Datasets of neighbouring elements: `size` of them, every `stride`th, each window beginning `shift` elements behind the one before.
  ///
  /// - Parameters:
  ///   - shift: the size when not given, so that windows do not overlap.
  ///   - dropRemainder: leaves windows at the end out that have fewer elements.
  public func window(_ size: Int, shift: Int? = nil, stride: Int = 1, dropRemainder: Bool = false) throws -> Dataset<Dataset<Element>> {
    let shift = shift ?? size
    guard size > 0, shift > 0, stride > 0 else {
      throw TensorError(.invalidArgument, "window: expected a size, shift and stride above 0, found \(size), \(shift), \(stride)")
    }
    let (span, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
    guard !overflow, span < Int.max else { throw TensorError(.invalidArgument, "window: a stride of \(stride) is too large") }
    let known = cardinality.map { dropRemainder ? ($0 > span ? ($0 - span - 1) / shift + 1 : 0) : $0 == 0 ? 0 : ($0 - 1) / shift + 1 }
    return deriving(known) { next in
      var buffer: [Element] = [], isDone = false, isFirst = true
      return {
        // What lies before the next window is not needed any more.
        if !isFirst {
          let inside = min(shift, buffer.count)
          buffer.removeFirst(inside)
          for _ in 0..<(shift - inside) where !isDone { isDone = try next() == nil }
        }
        isFirst = false
        while !isDone, buffer.count <= span {
          if let element = try next() { buffer.append(element) } else { isDone = true }
        }
        guard !buffer.isEmpty else { return nil }
        let places = Swift.stride(from: 0, through: min(span, buffer.count - 1), by: stride)
        let elements = places.map { buffer[$0] }
        if dropRemainder, elements.count < size { return nil }
        return Dataset(elements)
      }
    }
  }
}
