import ModelSupport

/// A dense, row-major array the engine computes with: a value with shared storage.
///
/// Sub-byte dtypes take one byte an element here. Strings are byte strings.
public struct NDArray: Sendable {
  public let dtype: DType
  public let shape: [Int]
  public let count: Int
  @usableFromInline internal private(set) var storage: ArrayStorage
  /// Offset of the first element in `storage`, in bytes.
  @usableFromInline let offset: Int

  /// Uninitialised elements; fill them with `withMutable…` before anything else holds the array.
  /// - Precondition: extents are not negative, their product fits, and the dtype is numeric.
  public init(uninitialized dtype: DType, _ shape: [Int], storage: ArrayStorage? = nil) {
    let count = shape.reduce(1, *)
    self.dtype = dtype
    self.shape = shape
    self.count = count
    self.storage = storage ?? ArrayStorage(byteCount: count * (dtype.arrayStride ?? 0))
    offset = 0
  }

  public init(zeros dtype: DType, _ shape: [Int]) {
    self.init(uninitialized: dtype, shape)
    if dtype == .string { storage.strings = [[UInt8]](repeating: [], count: count) }
    storage.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  init(dtype: DType, shape: [Int], storage: ArrayStorage, offset: Int) {
    self.dtype = dtype
    self.shape = shape
    count = shape.reduce(1, *)
    self.storage = storage
    self.offset = offset
  }

  /// A string array.
  public init(strings: [[UInt8]], _ shape: [Int]) {
    self.init(dtype: .string, shape: shape, storage: ArrayStorage(strings: strings), offset: 0)
  }

  /// Bytes that `owner` keeps alive, not copied.
  public init(dtype: DType, shape: [Int], borrowing bytes: UnsafeRawBufferPointer, from owner: any AnyObject & Sendable) {
    self.init(dtype: dtype, shape: shape, storage: ArrayStorage(borrowing: bytes, from: owner), offset: 0)
  }

  /// Copies `values`. `T` must be the Swift type of `dtype` (`NDArray.Scalar`).
  public init<T: ArrayScalar>(_ values: [T], _ shape: [Int]) {
    self.init(uninitialized: T.dtype, shape)
    precondition(values.count == count, "\(values.count) values do not fill the shape \(shape)")
    withMutable(T.self) { destination in
      for i in 0..<values.count { destination[i] = values[i] }
    }
  }

  public init<T: ArrayScalar>(scalar: T) { self.init([scalar], []) }

  public var byteCount: Int { count * (dtype.arrayStride ?? 0) }
  public var rank: Int { shape.count }
  public var type: TensorType { TensorType(dtype, Shape(shape), variant: dtype == .variant ? storage.variant?.type : nil) }

  /// The memory, when nothing but this array holds it and it is of this pool: for the pool to hand out again. The array is not used after that.
  package mutating func storageToReuse(by home: any ArrayStorageHome) -> ArrayStorage? {
    storage.home === home && isKnownUniquelyReferenced(&storage) ? storage : nil
  }

  package func isMemory(of home: any ArrayStorageHome) -> Bool { storage.home === home }

  /// The elements of a string array.
  public var strings: [[UInt8]] { Array(storage.strings[(offset)..<(offset + count)]) }

  @inlinable
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try body(UnsafeRawBufferPointer(start: storage.pointer + offset, count: byteCount))
  }
  /// The elements as `T`.
  /// - Precondition: `T.dtype` is stored like this array's dtype (same stride).
  @inlinable
  public func with<T, R>(_: T.Type, _ body: (UnsafeBufferPointer<T>) throws -> R) rethrows -> R {
    precondition(MemoryLayout<T>.stride == dtype.arrayStride, "\(dtype) read as \(T.self)")
    return try body(
      UnsafeBufferPointer(
        start: UnsafeRawPointer(storage.pointer + offset).assumingMemoryBound(to: T.self), count: count))
  }
  /// The elements to be filled. Only for an array that nothing else holds yet.
  @inlinable
  public func withMutable<T, R>(_: T.Type, _ body: (UnsafeMutableBufferPointer<T>) throws -> R) rethrows -> R {
    precondition(MemoryLayout<T>.stride == dtype.arrayStride, "\(dtype) written as \(T.self)")
    precondition(storage.isWritable, "borrowed memory is read-only")
    return try body(
      UnsafeMutableBufferPointer(
        start: (storage.pointer + offset).assumingMemoryBound(to: T.self), count: count))
  }
  @inlinable
  public func withMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R {
    precondition(storage.isWritable, "borrowed memory is read-only")
    return try body(UnsafeMutableRawBufferPointer(start: storage.pointer + offset, count: byteCount))
  }

  /// The elements as a Swift array of the dtype's own Swift type.
  public func values<T: ArrayScalar>(_: T.Type) -> [T] { with(T.self) { Array($0) } }

  /// The same elements under another shape with as many of them; nothing is copied.
  public func reshaped(_ shape: [Int]) -> NDArray {
    precondition(shape.reduce(1, *) == count, "\(self.shape) does not reshape to \(shape)")
    return NDArray(dtype: dtype, shape: shape, storage: storage, offset: offset)
  }
  /// The same bytes under another dtype of the same stride.
  public func reinterpreted(as dtype: DType) -> NDArray {
    precondition(dtype.arrayStride == self.dtype.arrayStride)
    return NDArray(dtype: dtype, shape: shape, storage: storage, offset: offset)
  }
  /// Rows `range` of the first axis; nothing is copied.
  public func slice(_ range: Range<Int>) -> NDArray {
    let row = shape.dropFirst().reduce(1, *) * (dtype == .string ? 1 : dtype.arrayStride ?? 0)
    return NDArray(
      dtype: dtype, shape: [range.count] + shape.dropFirst(), storage: storage,
      offset: offset + range.lowerBound * row)
  }
}

extension NDArray {
  /// The same, under a shape with as many elements as the rows have.
  public func slice(_ range: Range<Int>, as shape: [Int]) -> NDArray {
    let row = shape.isEmpty || self.shape.isEmpty || self.shape[0] == 0 ? 0 : count / self.shape[0]
    precondition(shape.reduce(1, *) == range.count * row && range.upperBound * row <= count, "rows \(range) of \(self.shape) as \(shape)")
    return NDArray(
      dtype: dtype, shape: shape, storage: storage,
      offset: offset + range.lowerBound * row * (dtype == .string ? 1 : dtype.arrayStride ?? 0))
  }
}

/// A Swift type that the elements of an `NDArray` can have.
public protocol ArrayScalar: Sendable {
  static var dtype: DType { get }
}
extension Bool: ArrayScalar { public static let dtype = DType.bool }
extension Int8: ArrayScalar { public static let dtype = DType.int8 }
extension UInt8: ArrayScalar { public static let dtype = DType.uint8 }
extension Int16: ArrayScalar { public static let dtype = DType.int16 }
extension UInt16: ArrayScalar { public static let dtype = DType.uint16 }
extension Int32: ArrayScalar { public static let dtype = DType.int32 }
extension UInt32: ArrayScalar { public static let dtype = DType.uint32 }
extension Int64: ArrayScalar { public static let dtype = DType.int64 }
extension UInt64: ArrayScalar { public static let dtype = DType.uint64 }
extension Float16: ArrayScalar { public static let dtype = DType.float16 }
extension BFloat16: ArrayScalar { public static let dtype = DType.bfloat16 }
extension Float: ArrayScalar { public static let dtype = DType.float32 }
extension Double: ArrayScalar { public static let dtype = DType.float64 }
