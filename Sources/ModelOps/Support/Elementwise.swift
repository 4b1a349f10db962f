import ModelGraph
import ModelTensor
import RealModule

/// An op that does the same to each element of its first input.
public protocol UnaryElementwiseOp: PreparedOp {
  func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T
  /// The result for an integer, or `nil` when the op takes floats only.
  func applyInteger(_ x: Int) -> Int?
  /// The same for uint64, where the sign matters.
  func applyUnsigned(_ x: UInt) -> UInt?
  /// The primitive that computes it in float32, if there is one.
  var primitive: UnaryFunction? { get }
}

extension UnaryElementwiseOp {
  public func applyInteger(_ x: Int) -> Int? { nil }
  public func applyUnsigned(_ x: UInt) -> UInt? { applyInteger(Int(bitPattern: x)).map { UInt(bitPattern: $0) } }
  public var primitive: UnaryFunction? { nil }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.unquantized] }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    results.append(try evaluate(try inputs.required(0, of: self), in: context))
  }

  private func evaluate(_ x: NDArray, in context: ExecutionContext) throws -> NDArray {
    switch x.dtype {
    case .float32:
      let result = try context.allocate(.float32, x.shape)
      x.with(Float.self) { source in
        result.withMutable(Float.self) { destination in
          guard let from = source.baseAddress, let to = destination.baseAddress else { return }
          if let primitive {
            context.primitives.unary(primitive, from, to, count: source.count)
          } else {
            for i in 0..<source.count { to[i] = apply(from[i]) }
          }
        }
      }
      return result
    case .float64:
      let result = try context.allocate(.float64, x.shape)
      x.with(Double.self) { source in
        result.withMutable(Double.self) { destination in
          for i in 0..<source.count { destination[i] = apply(source[i]) }
        }
      }
      return result
    case .float16, .bfloat16:
      return try evaluate(try x.cast(to: .float32, in: context), in: context).cast(to: x.dtype, in: context)
    default:
      guard let values = x.integers() else { throw noKernel(x.dtype) }
      var results: [Int64] = []
      results.reserveCapacity(values.count)
      for value in values {
        let computed = x.dtype == .uint64 ? applyUnsigned(UInt(bitPattern: value)).map { Int(bitPattern: $0) } : applyInteger(value)
        guard let result = computed else { throw noKernel(x.dtype) }
        results.append(Int64(result))
      }
      return try NDArray(results, x.shape).cast(to: x.dtype, in: context)
    }
  }
}

/// An op on two tensors that broadcast.
public protocol BinaryElementwiseOp: PrimitiveOp {}

extension BinaryElementwiseOp {
  func inferBroadcast(_ inputs: [Fact?], dtype: DType? = nil) throws -> [TensorType] {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    guard a.type.dtype == b.type.dtype else {
      throw GraphError(.wrongDType, "\(displayName) of \(a.type) and \(b.type)")
    }
    return [TensorType(dtype ?? a.type.dtype, try broadcast([a.type.shape, b.type.shape]))]
  }
  func operands(_ inputs: [NDArray?]) throws -> (NDArray, NDArray) {
    let a = try inputs.required(0, of: self), b = try inputs.required(1, of: self)
    guard a.dtype == b.dtype else {
      throw ExecutionError(.invalidInput, "\(displayName) of \(a.dtype) and \(b.dtype)")
    }
    return (a, b)
  }
}

/// A binary op whose result has the dtype of its operands.
public protocol ArithmeticOp: BinaryElementwiseOp, PreparedOp {
  func apply<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T
  /// `nil` when the op takes floats only.
  func applyInteger<T: FixedWidthInteger>(_ a: T, _ b: T) -> T?
  var primitive: BinaryFunction? { get }
}

extension ArithmeticOp {
  public var primitive: BinaryFunction? { nil }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { try inferBroadcast(inputs) }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    let (a, b) = try operands(inputs)
    results.append(try evaluate(a, b, in: context, RememberedInputs(memo, inputs)))
  }

  private func evaluate(_ a: NDArray, _ b: NDArray, in context: ExecutionContext, _ remembered: RememberedInputs?) throws -> NDArray {
    switch a.dtype {
    case .float32:
      if let primitive, let fast = try evaluate(primitive, a, b, in: context, remembered) { return fast }
      return try broadcastMap(
        a, b, Float.self, to: .float32, Float.self, in: context, remembered: primitive == nil ? remembered : nil
      ) { apply($0, $1) }
    case .float64:
      return try broadcastMap(a, b, Double.self, to: .float64, Double.self, in: context, remembered: remembered) { apply($0, $1) }
    case .float16, .bfloat16:
      return try evaluate(try a.cast(to: .float32, in: context), try b.cast(to: .float32, in: context), in: context, nil)
        .cast(to: a.dtype, in: context)
    case .uint64: return try integers(a, b, UInt64.self, context, remembered)
    case .int64: return try integers(a, b, Int64.self, context, remembered)
    case .int32: return try integers(a, b, Int32.self, context, remembered)
    case .uint32: return try integers(a, b, UInt32.self, context, remembered)
    default:
      guard a.dtype.isInteger || a.dtype == .bool else { throw noKernel(a.dtype) }
      return try integers(try a.cast(to: .int64, in: context), try b.cast(to: .int64, in: context), Int64.self, context, nil)
        .cast(to: a.dtype, in: context)
    }
  }

  private func integers<T: FixedWidthInteger>(
    _ a: NDArray, _ b: NDArray, _: T.Type, _ context: ExecutionContext, _ remembered: RememberedInputs?
  ) throws -> NDArray {
    guard applyInteger(T(1), T(1)) != nil else { throw noKernel(a.dtype) }
    return try broadcastMap(a, b, T.self, to: a.dtype, T.self, in: context, remembered: remembered) { applyInteger($0, $1) ?? 0 }
  }

  /// Operands of which at least one moves along the innermost axis go to the primitive.
  private func evaluate(
    _ primitive: BinaryFunction, _ a: NDArray, _ b: NDArray, in context: ExecutionContext, _ remembered: RememberedInputs?
  ) throws -> NDArray? {
    // Most operands need no walk: equal shapes, or a number on one side.
    let aIsScalar = a.count == 1 && a.rank <= b.rank, bIsScalar = b.count == 1 && b.rank <= a.rank
    if a.shape == b.shape && a.count > 0 || aIsScalar != bIsScalar {
      let shape = bIsScalar ? a.shape : b.shape
      let result = try context.allocate(.float32, shape)
      guard result.count > 0 else { return result }
      a.with(Float.self) { x in
        b.with(Float.self) { y in
          result.withMutable(Float.self) { z in
            guard let x = x.baseAddress, let y = y.baseAddress, let z = z.baseAddress else { return }
            let isEqual = a.count == b.count
            context.primitives.binary(
              primitive, x, y, z, count: result.count, aIsScalar: !isEqual && aIsScalar, bIsScalar: !isEqual && bIsScalar)
          }
        }
      }
      return result
    }
    let blocked = try remembered.prepared {
      let walk = try BroadcastWalk([a.shape, b.shape])
      return BlockedRows(shape: walk.shape, rows: walk.shape.contains(0) ? nil : BroadcastRows(walk))
    }
    guard let plan = blocked.rows else { return nil }
    let result = try context.allocate(.float32, blocked.shape)
    a.with(Float.self) { x in
      b.with(Float.self) { y in
        result.withMutable(Float.self) { z in
          guard let x = x.baseAddress, let y = y.baseAddress, let z = z.baseAddress else { return }
          plan.forEachBlock { place, offsets in
            context.primitives.binary(
              primitive, x + offsets[0], y + offsets[1], z + place, rows: plan.rows, count: plan.count,
              aRow: plan.rowSteps[0], bRow: plan.rowSteps[1], aStep: plan.steps[0], bStep: plan.steps[1])
          }
        }
      }
    }
    return result
  }
}

/// The shape of a result, and how its operands are walked where a primitive takes them.
private struct BlockedRows {
  var shape: [Int]
  var rows: BroadcastRows?
}

extension Op {
  func noKernel(_ dtype: DType) -> ExecutionError {
    ExecutionError(.noKernel, "the engine has no kernel for \(displayName) of \(dtype)")
  }
}

extension TensorType {
  /// The type of a result computed from this one's elements.
  public var unquantized: TensorType { TensorType(dtype, shape, variant: variant) }
}
