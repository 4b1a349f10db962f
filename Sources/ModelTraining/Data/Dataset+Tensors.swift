import ModelTensor
import NumPyFormat

// From tensors: whole, or one element for each index of the first axis.
extension Dataset where Element: DatasetElement {
  /// One element, as it is.
  public static func fromTensors(_ element: Element) -> Self { Dataset([element]) }
  /// - Throws: `TensorError` for tensors of different lengths, or without an axis.
  public static func fromTensorSlices(_ element: Element) throws -> Self { try slices(of: element, .single()) }
}
extension Dataset {
  public static func fromTensors<A: DatasetElement, B: DatasetElement>(_ element: (A, B)) -> Self where Element == (A, B) {
    Dataset([element])
  }
  /// Inputs and targets.
  public static func fromTensorSlices<A: DatasetElement, B: DatasetElement>(_ element: (A, B)) throws -> Self where Element == (A, B) {
    try slices(of: element, .pair())
  }
  /// Inputs, targets, weights of samples.
  public static func fromTensorSlices<A: DatasetElement, B: DatasetElement, C: DatasetElement>(_ element: (A, B, C)) throws -> Self
  where Element == (A, B, C) {
    try slices(of: element, .triple())
  }

  private static func slices(of element: Element, _ structure: Structure<Element>) throws -> Self {
    let arrays = try structure.components(element).map { try $0.array() }
    let counts = arrays.map { $0.shape.first }
    guard let count = counts.first ?? nil, counts.allSatisfy({ $0 == count }) else {
      throw TensorError(.shapeMismatch, "fromTensorSlices: tensors of the shapes \(arrays.map(\.shape)) have no first axis in common")
    }
    return Dataset(cardinality: .finite(count)) {
      var index = 0
      return {
        guard index < count else { return nil }
        defer { index += 1 }
        return structure.replacing(element, arrays.map { $0.element(index) })
      }
    }
  }
}

extension Dataset where Element == [String: Tensor] {
  /// The arrays of an `.npz` file, cut along the first axis; all of them, or those of `keys`.
  public static func fromNPZ(_ path: String, keys: [String]? = nil) throws -> Self {
    var arrays = try Tensor.load(npz: path)
    if let keys {
      for key in keys where arrays[key] == nil {
        throw TensorError(.invalidArgument, "\(path): expected an array '\(key)', found \(arrays.keys.sorted().joined(separator: ", "))")
      }
      arrays = arrays.filter { keys.contains($0.key) }
    }
    return try fromTensorSlices(arrays)
  }
}
extension Dataset where Element == (Tensor, Tensor) {
  /// Inputs and targets of an `.npz` file, cut along the first axis.
  public static func fromNPZ(_ path: String, x: String = "x", y: String = "y") throws -> Self {
    let arrays = try Tensor.load(npz: path)
    guard let inputs = arrays[x], let targets = arrays[y] else {
      throw TensorError(
        .invalidArgument, "\(path): expected arrays '\(x)' and '\(y)', found \(arrays.keys.sorted().joined(separator: ", "))")
    }
    return try fromTensorSlices((inputs, targets))
  }
}

extension NDArray {
  /// What stands at an index of the first axis, without it.
  func element(_ index: Int) -> Tensor { Tensor(slice(index..<(index + 1)).reshaped(Array(shape.dropFirst()))) }
}
