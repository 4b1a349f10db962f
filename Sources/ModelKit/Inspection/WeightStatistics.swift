import ModelSupport
import ModelTensor

/// Smallest, largest and mean element of a weight, and how many are not numbers.
///
/// Computed a chunk at a time: memory does not grow with the weight. Not-a-numbers count for none
/// of the others; infinities count as they are.
public struct WeightStatistics: Sendable {
  public var name: String
  /// `nil` when the tensor can't be opened.
  public var type: TensorType?
  public var minimum: Double?
  public var maximum: Double?
  public var mean: Double?
  public var nanCount = 0
  /// Why there are no statistics.
  public var problem: String?

  public init(_ entry: WeightEntry) {
    name = entry.name
    do {
      let tensor = try entry.tensor.get()
      type = tensor.type
      try tensor.validate()
      try scan(tensor)
    } catch { problem = String(describing: error) }
  }

  private mutating func scan(_ tensor: Tensor) throws {
    guard let stride = tensor.dtype.arrayStride, let bits = tensor.dtype.bitWidth else {
      problem = "no statistics of \(tensor.dtype)"
      return
    }
    guard !tensor.dtype.isComplex else {
      problem = "no statistics of complex numbers"
      return
    }
    var sum = Sum(), count = 0
    // Packed elements are unpacked whole: they are small.
    if bits < 8 {
      add(try tensor.array().doubles(), &sum, &count)
    } else {
      try tensor.source.forEachChunk(of: 1 << 20) { chunk in
        try withElements(chunk, tensor.dtype, stride) { add($0, &sum, &count) }
      }
    }
    if count > 0 { mean = sum.value / Double(count) }
  }

  private mutating func add(_ values: some Sequence<Double>, _ sum: inout Sum, _ count: inout Int) {
    var low = minimum ?? .infinity, high = maximum ?? -.infinity
    for value in values {
      if value.isNaN { nanCount += 1; continue }
      low = value < low ? value : low
      high = value > high ? value : high
      sum.add(value)
      count += 1
    }
    if count > 0 { minimum = low; maximum = high }
  }

  private func withElements(
    _ chunk: UnsafeRawBufferPointer, _ dtype: DType, _ stride: Int, _ body: ([Double]) -> Void
  ) throws {
    let piece = NDArray(uninitialized: dtype, [chunk.count / stride])
    piece.withMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[..<$0.count])) }
    body(piece.doubles())
  }
}

/// A sum whose rounding error does not grow with the number of terms (Neumaier).
private struct Sum {
  var total = 0.0, correction = 0.0
  mutating func add(_ value: Double) {
    let next = total + value
    if next.isFinite {
      correction += abs(total) >= abs(value) ? (total - next) + value : (value - next) + total
    }
    total = next
  }
  var value: Double { total + correction }
}

extension DType {
  fileprivate var isComplex: Bool { self == .complex64 || self == .complex128 }
}
