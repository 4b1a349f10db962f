import ModelGraph
import ModelOps
import ModelRuntime
import ModelSupport
import ModelTensor

extension [Executor.Port] {
  /// The array for each port out of `data`: by name, else by order when the counts agree. Numbers are
  /// converted to the port's dtype where that loses nothing but precision.
  /// - Throws: `FormatError` naming the port that has no array, or whose array can't be converted.
  public func pick(from data: [(name: String, array: NDArray)]) throws -> [NDArray] {
    return try zip(self, places(among: data.map(\.name))).map { port, place in
      try data[place].array.converted(to: port.type.dtype, name: data[place].name)
    }
  }

  /// The names that stand for no port.
  public func surplus(among names: [String]) -> [String] {
    let used = Set(PortMatching.match(map(\.name), names).compactMap { $0 })
    return names.indices.filter { !used.contains($0) }.map { names[$0] }
  }

  /// Which of the names stands for each port.
  /// - Throws: `FormatError` naming the port that has none.
  public func places(among names: [String]) throws -> [Int] {
    try zip(self, PortMatching.match(map(\.name), names)).map { port, found in
      guard let found else {
        let keys = names.joined(separator: ", ")
        throw FormatError(
          .missingReference, "expected an array '\(port.name)' of type \(port.type), found \(keys.isEmpty ? "none" : keys)")
      }
      return found
    }
  }
}

extension NDArray {
  /// The same numbers in another dtype of the same kind, or integers as floats.
  func converted(to target: DType, name: String) throws -> NDArray {
    if dtype == target { return self }
    let isNumber = dtype.isInteger || dtype == .bool
    let allowed = target.isFloatingPoint ? isNumber || dtype.isFloatingPoint : target.isInteger && isNumber
    guard allowed else { throw FormatError(.invalidValue, "array '\(name)': expected \(target), found \(dtype)") }
    let result = try cast(to: target, in: ExecutionContext(primitives: ReferencePrimitives()))
    if target.isInteger, result.integers() != integers() {
      throw FormatError(.invalidValue, "array '\(name)': \(dtype) elements do not fit \(target)")
    }
    return result
  }

  /// Samples `begin ..< begin + step` of a data set. A port without a batch axis takes one sample at a time; one
  /// without any axis takes the array as it is.
  func batch(_ begin: Int, _ step: Int, of count: Int, port: Executor.Port) throws -> NDArray {
    guard let dims = port.type.shape.dims else { return slice(begin..<min(begin + step, count)) }
    if dims.count == rank - 1, rank > 0 { return slice(begin..<(begin + 1)).reshaped(Array(shape.dropFirst())) }
    guard dims.count == rank, rank > 0 else {
      if rank == 0 { return self }
      throw FormatError(.invalidValue, "the data for '\(port.name)' has the shape \(shape), the model takes \(port.type)")
    }
    guard shape[0] >= begin + step else {
      throw FormatError(.sizeMismatch, "the data for '\(port.name)' holds \(shape[0]) samples; the model takes \(step) at a time")
    }
    return slice(begin..<(begin + step))
  }
}
