import ModelOps
import ModelTensor

/// Swift values that `Tensor.constant` takes: numbers, booleans, strings, and arrays of them, nested at will.
///
/// As in TensorFlow, `Double` (a literal's type) becomes float32 and `Int` int32, unless a dtype is given.
public protocol TensorConvertible: Sendable {
  /// The dtype without a wish of the caller's.
  static var tensorDType: DType { get }
  /// Appends its elements, and tells its shape.
  func append(to values: inout TensorElements) throws -> [Int]
}

/// Elements on their way into a tensor.
public struct TensorElements {
  var numbers: [Double] = []
  var integers: [Int64] = []
  var strings: [[UInt8]] = []
}

extension TensorConvertible where Self: BinaryInteger {
  public func append(to values: inout TensorElements) throws -> [Int] {
    guard let value = Int64(exactly: self) else { throw TensorError(.outOfRange, "constant: \(self) does not fit int64") }
    values.integers.append(value)
    return []
  }
}
extension Int: TensorConvertible { public static let tensorDType = DType.int32 }
extension Int8: TensorConvertible { public static let tensorDType = DType.int8 }
extension UInt8: TensorConvertible { public static let tensorDType = DType.uint8 }
extension Int16: TensorConvertible { public static let tensorDType = DType.int16 }
extension Int32: TensorConvertible { public static let tensorDType = DType.int32 }
extension Int64: TensorConvertible { public static let tensorDType = DType.int64 }
extension Double: TensorConvertible {
  public static let tensorDType = DType.float32
  public func append(to values: inout TensorElements) -> [Int] {
    values.numbers.append(self)
    return []
  }
}
extension Float: TensorConvertible {
  public static let tensorDType = DType.float32
  public func append(to values: inout TensorElements) -> [Int] {
    values.numbers.append(Double(self))
    return []
  }
}
extension Bool: TensorConvertible {
  public static let tensorDType = DType.bool
  public func append(to values: inout TensorElements) -> [Int] {
    values.integers.append(self ? 1 : 0)
    return []
  }
}
extension String: TensorConvertible {
  public static let tensorDType = DType.string
  public func append(to values: inout TensorElements) -> [Int] {
    values.strings.append(Array(utf8))
    return []
  }
}
extension Array: TensorConvertible where Element: TensorConvertible {
  public static var tensorDType: DType { Element.tensorDType }
  public func append(to values: inout TensorElements) throws -> [Int] {
    var inner: [Int]?
    for element in self {
      let shape = try element.append(to: &values)
      guard inner == nil || inner == shape else {
        throw TensorError(.shapeMismatch, "constant: rows of shapes \(inner ?? []) and \(shape) stand side by side")
      }
      inner = shape
    }
    return [count] + (inner ?? [])
  }
}

extension Tensor {
  /// A tensor of Swift values: `constant(1.5)`, `constant([[1, 2], [3, 4]], dtype: .float32)`.
  ///
  /// - Parameter shape: reshapes the values; one value fills it.
  /// - Throws: `TensorError` for rows of different lengths or numbers that the dtype does not hold.
  public static func constant<T: TensorConvertible>(_ value: T, dtype: DType? = nil, shape: [Int]? = nil) throws -> Tensor {
    var elements = TensorElements()
    let own = try value.append(to: &elements)
    let target = dtype ?? T.tensorDType
    let array: NDArray
    if T.tensorDType == .string {
      guard target == .string else { throw TensorError(.wrongDType, "constant: strings as \(target)") }
      array = NDArray(strings: elements.strings, own)
    } else if elements.numbers.isEmpty {
      array = NDArray(elements.integers, own)
    } else {
      array = NDArray(elements.numbers, own)
    }
    var tensor = try Tensor(array).cast(to: target)
    if target.isInteger, !elements.integers.isEmpty, let stored = try tensor.array().integers() {
      guard zip(stored, elements.integers).allSatisfy({ Int64($0) == $1 }) else {
        throw TensorError(.outOfRange, "constant: a number does not fit \(target)")
      }
    }
    guard let shape else { return tensor }
    if tensor.size == 1 { tensor = try tensor.reshape([]).broadcast(to: shape) }
    return try tensor.reshape(shape)
  }

  /// The elements as an array of the engine's.
  /// - Throws: `TensorError.symbolic` when there are none yet.
  public func array() throws -> NDArray {
    switch handle.content {
    case .array(let array): return array
    case .symbol, .layerOutput:
      throw TensorError(.symbolic, "a symbolic tensor of type \(type) has no values: it stands for them in a function or a model")
    }
  }
  /// The array, if there is one.
  var heldArray: NDArray? { if case .array(let array) = handle.content { array } else { nil } }
  /// The sum of the elements, as `doubles` gives them, and how many there are.
  func sum() throws -> (sum: Double, count: Int) {
    let array = try array()
    guard array.dtype == .float32 else {
      let values = array.doubles()
      return (values.reduce(0, +), values.count)
    }
    return (array.with(Float.self) { $0.reduce(0) { $0 + Double($1) } }, array.count)
  }
  /// The elements in row-major order, converted.
  public func scalars<T: ArrayScalar>(_: T.Type = T.self) throws -> [T] { try cast(to: T.dtype).array().values(T.self) }
  /// The elements in row-major order as `Double`.
  public func doubles() throws -> [Double] { try array().doubles() }
  /// The elements as strings.
  public func strings() throws -> [String] {
    let array = try array()
    guard array.dtype == .string else { throw TensorError(.wrongDType, "strings of a tensor of \(array.dtype)") }
    return array.strings.map { String(decoding: $0, as: UTF8.self) }
  }
  /// The one element.
  /// - Throws: `TensorError.shapeMismatch` when there are more or none.
  public func item() throws -> Double {
    let values = try doubles()
    guard values.count == 1 else { throw TensorError(.shapeMismatch, "item: the tensor \(type) has \(values.count) elements") }
    return values[0]
  }
}
