import ModelGraph
import ModelTensor

public enum TermWeighting: String, Sendable, AttributeConvertible {
  case termFrequency, inverseDocumentFrequency, both
  public var attributeValue: AttributeValue { .string(rawValue) }
}

/// Counts n-grams of a pool in each row, ONNX's TfIdfVectorizer.
///
/// Input: integers or strings of shape `[C]` or `[N, C]`. Result: float32 `[M]` or `[N, M]`, where
/// `indices[i]` is the column of the pool's `i`th n-gram and `M` the largest of them plus one. `pool` holds the
/// n-grams one after the other; those of length `n` begin at `counts[n − 1]`. With skips, up to `maxSkipCount`
/// elements lie between neighbours.
public struct TfIdfVectorizerOp: PrimitiveOp {
  public static let name = "TfIdfVectorizer"
  public static let family = OpFamily.text
  public var mode: TermWeighting
  public var minLength: Int
  public var maxLength: Int
  public var maxSkipCount: Int
  public var counts: [Int]
  public var indices: [Int]
  public var pool: NDArray
  public var weights: [Float]
  public init(
    mode: TermWeighting, minLength: Int, maxLength: Int, maxSkipCount: Int, counts: [Int], indices: [Int],
    pool: NDArray, weights: [Float] = []
  ) {
    self.mode = mode
    self.minLength = minLength
    self.maxLength = maxLength
    self.maxSkipCount = maxSkipCount
    self.counts = counts
    self.indices = indices
    self.pool = pool
    self.weights = weights
  }

  private func width() throws -> Int {
    guard let largest = indices.max(), (indices.min() ?? 0) >= 0, largest < 1 << 31 else {
      throw GraphError(.invalidAttribute, "TfIdfVectorizer: bad column indices")
    }
    guard minLength >= 1, maxLength >= minLength, maxLength <= counts.count, maxSkipCount >= 0, maxSkipCount < 1 << 31 else {
      throw GraphError(.invalidAttribute, "TfIdfVectorizer: lengths \(minLength)…\(maxLength), \(counts.count) counts")
    }
    guard weights.isEmpty || weights.count == indices.count else {
      throw GraphError(.invalidAttribute, "TfIdfVectorizer: \(weights.count) weights for \(indices.count) n-grams")
    }
    return largest + 1
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    let width = try width()
    guard let dims = x.shape.dims else { return [TensorType(.float32, .unranked)] }
    guard dims.count <= 2 else { throw GraphError(.shapeMismatch, "TfIdfVectorizer of \(x)") }
    return [TensorType(.float32, .ranked((dims.count == 2 ? [dims[0]] : []) + [.fixed(width)]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank <= 2, (x.dtype == .string) == (pool.dtype == .string) else { throw noKernel(x.dtype) }
    if x.dtype == .string { return [try count(x.strings, pool.strings, x.shape, context)] }
    guard let elements = x.integers(), let words = pool.integers() else { throw noKernel(x.dtype) }
    return [try count(elements, words, x.shape, context)]
  }

  private func count<W: Hashable>(
    _ elements: [W], _ words: [W], _ shape: [Int], _ context: ExecutionContext
  ) throws -> NDArray {
    let width = try width()
    let rows = shape.count == 2 ? shape[0] : 1, length = shape.count == 0 ? 1 : shape[shape.count - 1]
    // Which n-gram of the pool has which number.
    var numbers: [[W]: Int] = [:], number = 0
    for n in 1...counts.count {
      let start = counts[n - 1], end = n < counts.count ? counts[n] : words.count
      guard start >= 0, start <= end, end <= words.count, (end - start) % n == 0 else {
        throw ExecutionError(.invalidValue, "TfIdfVectorizer: n-grams of length \(n) at \(start)..<\(end) of \(words.count)")
      }
      for place in stride(from: start, to: end, by: n) {
        if n >= minLength, n <= maxLength { numbers[Array(words[place..<(place + n)])] = number }
        number += 1
      }
    }
    guard number <= indices.count else {
      throw ExecutionError(.invalidValue, "TfIdfVectorizer: \(number) n-grams with \(indices.count) columns")
    }
    let result = try context.allocate(.float32, (shape.count == 2 ? [rows] : []) + [width])
    result.withMutable(Float.self) { y in
      for i in 0..<y.count { y[i] = 0 }
      for row in 0..<rows {
        let line = Array(elements[(row * length)..<((row + 1) * length)])
        for n in minLength...maxLength {
          // Single words have no neighbours to skip.
          for gap in 1...(n == 1 ? 1 : maxSkipCount + 1) {
            let (reach, overflow) = (n - 1).multipliedReportingOverflow(by: gap)
            guard !overflow, reach < length else { break }
            for start in 0..<(length - reach) {
              let gram = (0..<n).map { line[start + $0 * gap] }
              guard let number = numbers[gram] else { continue }
              y[row * width + indices[number]] += 1
            }
          }
        }
        for (number, column) in indices.enumerated() where mode != .termFrequency {
          let place = row * width + column, weight = weights.isEmpty ? 1 : weights[number]
          if y[place] > 0 { y[place] = mode == .both ? y[place] * weight : weight }
        }
      }
    }
    return result
  }
}
