import ModelGraph
import ModelTensor

extension Executor {
  /// Holds the inputs against the ports: number, dtype, rank, extents; a symbolic dimension has one extent wherever
  /// it occurs.
  func check(_ arrays: [NDArray]) throws {
    guard arrays.count == inputs.count else {
      throw ExecutionError(
        .invalidInput, "the model takes \(inputs.count) inputs (\(inputs.map(\.name).joined(separator: ", "))), found \(arrays.count)")
    }
    var bound: [String: (extent: Int, input: String)] = [:]
    for (port, array) in zip(inputs, arrays) {
      func mismatch(_ reason: String = "") -> ExecutionError {
        ExecutionError(
          .invalidInput, "input '\(port.name)' takes \(port.type), found \(array.type)" + (reason.isEmpty ? "" : ": \(reason)"))
      }
      guard array.dtype == port.type.dtype else { throw mismatch() }
      guard let dims = port.type.shape.dims else { continue }
      guard dims.count == array.rank else { throw mismatch() }
      for (axis, dim) in dims.enumerated() {
        switch dim {
        case .fixed(let extent): guard extent == array.shape[axis] else { throw mismatch() }
        case .named(let name):
          if let earlier = bound[name] {
            guard earlier.extent == array.shape[axis] else {
              throw mismatch("'\(name)' is \(earlier.extent) in input '\(earlier.input)'")
            }
          } else {
            bound[name] = (array.shape[axis], port.name)
          }
        case .unknown: break
        }
      }
    }
  }
}
