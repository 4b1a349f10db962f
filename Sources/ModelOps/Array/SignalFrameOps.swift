import ModelGraph
import ModelTensor

// TensorFlow Lite Micro's operators that cut a stream of samples into frames, and join frames to a stream. What they keep from one call to the
// next is an input and a result. Source: its `signal/micro/kernels/{framer,stacker,overlap_add}.cc`.

/// Overlapping frames of a stream (`SignalFramer`).
///
/// Inputs: int16 `[…, n · step]`; the samples that wait, int16 `[…, capacity]`, and how many there are, int32 `[]`. Results: frames `[…, n, size]`;
/// whether all of them are whole, bool `[]`; what waits now, and how many. A frame that is not whole is zeros; the library leaves whatever
/// stood there.
public struct SignalFramerOp: PrimitiveOp {
  public static let name = "SignalFramer"
  public static let family = OpFamily.array
  public var size: Int
  public var step: Int
  public init(size: Int, step: Int) {
    self.size = size
    self.step = step
  }
  /// A frame's size in whole steps.
  public var capacity: Int { (size + step - 1) / step * step }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, waiting = try inputs.required(1, of: self).type
    guard x.dtype == .int16, waiting.dtype == .int16 else { throw GraphError(.wrongDType, "\(displayName) of \(x) and \(waiting)") }
    guard size > 0, step > 0, size < 1 << 24, step <= size else {
      throw GraphError(.invalidAttribute, "\(displayName) of \(size) samples every \(step)")
    }
    let rest = [TensorType(.bool, []), TensorType(.int16, waiting.shape), TensorType(.int32, [])]
    guard let dims = x.shape.dims, let last = dims.last else { return [TensorType(.int16, .unranked)] + rest }
    guard last.value.map({ $0 % step == 0 }) ?? true else { throw GraphError(.shapeMismatch, "\(displayName) every \(step) of \(x)") }
    let count: Dim = last.value.map { .fixed($0 / step) } ?? .unknown
    return [TensorType(.int16, .ranked(Array(dims.dropLast()) + [count, .fixed(size)]))] + rest
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), waiting = try inputs.required(1, of: self), held = try inputs.required(2, of: self)
    guard x.dtype == .int16, waiting.dtype == .int16, size > 0, step > 0, step <= size, size < 1 << 24, let length = x.shape.last,
      length % step == 0, length > 0, waiting.shape == Array(x.shape.dropLast()) + [capacity], var count = held.integers()?.first,
      (0...capacity - step).contains(count)
    else { throw ExecutionError(.invalidInput, "\(displayName) of \(x.type), \(waiting.type) and \(held.type)") }
    let start = count, frames = length / step, result = try context.allocate(.int16, Array(x.shape.dropLast()) + [frames, size])
    let samples = x.values(Int16.self), before = waiting.values(Int16.self)
    var after: [Int16] = [], isWhole = true
    result.withMutable(Int16.self) { y in
      y.update(repeating: 0)
      for row in 0..<(samples.count / length) {
        count = start
        var line = Array(before[(row * capacity)..<(row * capacity + count)])
        for frame in 0..<frames {
          let place = row * length + frame * step
          line += samples[place..<(place + step)]
          guard line.count >= size else { isWhole = false; continue }
          for index in 0..<size { y[(row * frames + frame) * size + index] = line[index] }
          line.removeFirst(step)
        }
        count = line.count
        after += line + [Int16](repeating: 0, count: max(0, capacity - line.count))
      }
    }
    return [result, NDArray(scalar: isWhole), NDArray(after, waiting.shape), NDArray(scalar: Int32(count))]
  }
}

/// Neighbouring frames of a stream as one (`SignalStacker`).
///
/// Inputs: int16 `[channels]`; what waits, int16 `[channels · (before + 1 + after)]`, and how much of it there is, int32 `[]`, −1 at first: the first
/// frame stands for those before it. Results: int16 `[channels · (before + 1 + after)]`; whether there were enough, bool `[]`, else zeros;
/// what waits now, and how much.
public struct SignalStackerOp: PrimitiveOp {
  public static let name = "SignalStacker"
  public static let family = OpFamily.array
  public var channels: Int
  public var before: Int
  public var after: Int
  public var step: Int
  public init(channels: Int, before: Int, after: Int, step: Int) {
    self.channels = channels
    self.before = before
    self.after = after
    self.step = step
  }
  /// The frames that stand side by side.
  private var width: Int { before + 1 + after }
  private var isSound: Bool {
    channels > 0 && before >= 0 && after >= 0 && before < 1 << 16 && after < 1 << 16 && channels < 1 << 16 && (1...width).contains(step)
  }
  public var extent: Int? { isSound ? checkedProduct([channels, width]) : nil }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == .int16 else { throw GraphError(.wrongDType, "\(displayName) of \(x)") }
    guard let extent, x.shape.extents.map({ $0 == [channels] }) ?? true else {
      throw GraphError(.shapeMismatch, "\(displayName) of \(x): \(before) and \(after) frames of \(channels) every \(step)")
    }
    return [TensorType(.int16, [extent]), TensorType(.bool, []), TensorType(.int16, [extent]), TensorType(.int32, [])]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), waiting = try inputs.required(1, of: self), held = try inputs.required(2, of: self)
    guard x.dtype == .int16, waiting.dtype == .int16, let extent, x.shape == [channels], waiting.shape == [extent],
      let count = held.integers()?.first, count >= -1, count <= extent - channels
    else { throw ExecutionError(.invalidInput, "\(displayName) of \(x.type), \(waiting.type) and \(held.type)") }
    let frame = x.values(Int16.self)
    var line = Array(waiting.values(Int16.self).prefix(max(0, count))) + frame
    if count < 0 { for _ in 0..<before { line += frame } }
    let isWhole = line.count >= extent, result = isWhole ? line : [Int16](repeating: 0, count: extent)
    if isWhole { line.removeFirst(channels * step) }
    let next = line + [Int16](repeating: 0, count: max(0, extent - line.count))
    return [NDArray(result, [extent]), NDArray(scalar: isWhole), NDArray(next, [extent]), NDArray(scalar: Int32(line.count))]
  }
}

/// A stream of frames that overlap, added up (`SignalOverlapAdd`).
///
/// Inputs: int16 or float32 `[…, n, size]`, and what the frames before reach into it, `[…, size]`. Results: `[…, n · step]`, and what these
/// reach beyond. Integers saturate with each frame.
public struct SignalOverlapAddOp: PrimitiveOp {
  public static let name = "SignalOverlapAdd"
  public static let family = OpFamily.array
  public var step: Int
  public init(step: Int) { self.step = step }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, rest = try inputs.required(1, of: self).type
    guard [.int16, .float32].contains(x.dtype), rest.dtype == x.dtype else {
      throw GraphError(.wrongDType, "\(displayName) of \(x) and \(rest)")
    }
    guard step > 0, step < 1 << 24 else { throw GraphError(.invalidAttribute, "\(displayName) every \(step)") }
    guard let dims = x.shape.dims else { return [TensorType(x.dtype, .unranked), rest] }
    guard dims.count >= 2, dims.last?.value.map({ step <= $0 }) ?? true else {
      throw GraphError(.shapeMismatch, "\(displayName) every \(step) of \(x)")
    }
    let count: Dim = dims[dims.count - 2].value.flatMap { checkedProduct([$0, step]) }.map { .fixed($0) } ?? .unknown
    return [TensorType(x.dtype, .ranked(Array(dims.dropLast(2)) + [count])), rest]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), rest = try inputs.required(1, of: self)
    guard x.rank >= 2, rest.dtype == x.dtype, let size = x.shape.last, step > 0, step <= size,
      rest.shape == Array(x.shape.dropLast(2)) + [size]
    else {
      throw ExecutionError(.invalidInput, "\(displayName) of \(x.type) and \(rest.type)")
    }
    let result = try context.allocate(x.dtype, Array(x.shape.dropLast(2)) + [x.shape[x.rank - 2] * step])
    switch x.dtype {
    case .int16:
      return [result, add(x, rest, into: result) { (a: Int16, b: Int16) in Int16(clamping: Int32(a) + Int32(b)) }]
    case .float32: return [result, add(x, rest, into: result) { (a: Float, b: Float) in a + b }]
    default: throw noKernel(x.dtype)
    }
  }

  private func add<T: ArrayScalar & Numeric>(_ x: NDArray, _ rest: NDArray, into result: NDArray, _ sum: (T, T) -> T) -> NDArray {
    let frames = x.shape[x.rank - 2], size = x.shape[x.rank - 1]
    let values = x.values(T.self)
    var buffer = rest.values(T.self)
    result.withMutable(T.self) { y in
      for row in 0..<(buffer.count / size) {
        for frame in 0..<frames {
          let place = (row * frames + frame) * size, start = row * size
          for index in 0..<size { buffer[start + index] = sum(values[place + index], buffer[start + index]) }
          for index in 0..<step { y[(row * frames + frame) * step + index] = buffer[start + index] }
          for index in 0..<size { buffer[start + index] = index + step < size ? buffer[start + index + step] : .zero }
        }
      }
    }
    return NDArray(buffer, rest.shape)
  }
}
