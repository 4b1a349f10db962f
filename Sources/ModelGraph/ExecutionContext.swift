import ModelTensor

/// What a kernel may use while it computes: compute primitives, memory, the bodies of its node.
public final class ExecutionContext {
  public let primitives: any ComputePrimitives
  /// Memory for a result; throws `ExecutionError.outOfMemory` above the limit.
  private let allocator: (DType, [Int]) throws -> NDArray
  /// Throws what `allocator` would, and takes nothing.
  private let checker: (DType, [Int]) throws -> Void
  /// Runs body `index` of the node being evaluated; set by the executor around a `BodyOp`.
  public var runBody: ((_ index: Int, _ inputs: [NDArray]) throws -> [NDArray])?
  /// What a kernel keeps from one run to the next (packed weights), one for each node. `nil` when
  /// the inputs are not constant.
  public var nodeCache: NodeCache?
  /// Seeds ops that draw random numbers without a seed of their own.
  public var seed: UInt64

  public init(
    primitives: any ComputePrimitives, seed: UInt64 = 0,
    checker: ((DType, [Int]) throws -> Void)? = nil, allocator: ((DType, [Int]) throws -> NDArray)? = nil
  ) {
    self.primitives = primitives
    self.seed = seed
    let allocator = allocator ?? ExecutionContext.allocateChecked
    self.allocator = allocator
    self.checker = checker ?? { _ = try allocator($0, $1) }
  }

  /// An uninitialised array for a result.
  public func allocate(_ dtype: DType, _ shape: [Int]) throws -> NDArray { try allocator(dtype, shape) }

  /// Holds a size that a kernel is about to need, for a result or for scratch memory of its own, against the limits.
  /// - Throws: what `allocate` would throw.
  public func demand(_ dtype: DType, _ shape: [Int]) throws { try checker(dtype, shape) }

  /// The most bytes a single result may take where no pool of the engine counts them all.
  static let largestResult = 1 << 31

  /// Fresh memory for one result of at most `largestResult` bytes.
  public static func allocateChecked(_ dtype: DType, _ shape: [Int]) throws -> NDArray {
    guard let count = checkedProduct(shape), let stride = dtype.arrayStride ?? (dtype == .string ? 32 : nil),
      count <= largestResult / stride
    else {
      throw ExecutionError(
        .limitExceeded, "a result of type \(TensorType(dtype, Shape(shape))) can't be held: the limit is \(largestResult) bytes")
    }
    if dtype == .string { return NDArray(zeros: dtype, shape) }
    guard let storage = ArrayStorage(trying: count * stride) else {
      throw ExecutionError(
        .outOfMemory, "the system has no \(count * stride) bytes for a result of type \(TensorType(dtype, Shape(shape)))")
    }
    return NDArray(uninitialized: dtype, shape, storage: storage)
  }
}

/// A place for whatever a kernel prepares once for a node.
public final class NodeCache {
  public var content: AnyObject?
  public init() {}

  /// For a node that uses its weights several times in a run, and other weights in the next: what was prepared is not true any more, its memory is
  /// used again.
  public func renew() { (content as? any RenewableContent)?.renew() }
}

public protocol RenewableContent: AnyObject {
  /// Drops what was prepared.
  func renew()
}
