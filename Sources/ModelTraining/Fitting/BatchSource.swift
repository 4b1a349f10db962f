import ModelTensor

/// What one step takes: inputs, targets, and weights of the samples (one for each output, or none).
public struct Batch: Sendable {
  public var x: [Tensor]
  public var y: [Tensor]
  public var sampleWeight: [Tensor]
  public init(x: [Tensor], y: [Tensor] = [], sampleWeight: [Tensor] = []) {
    self.x = x
    self.y = y
    self.sampleWeight = sampleWeight
  }
  /// The number of samples.
  public var count: Int { x.first?.shape.first ?? 0 }
}

/// Gives batches, anew for each epoch.
public protocol BatchSource {
  /// How many batches an epoch has; `nil` when only its end tells.
  var batchCount: Int? { get }
  /// The next batch with each call, `nil` at the end of the epoch.
  func batches(epoch: Int) throws -> () throws -> Batch?
}

/// A source whose order follows from a seed, which a resumed run has to know.
public protocol SeededBatchSource: BatchSource {
  var seed: Int { get set }
}

/// The same batches with weights for the classes of their targets.
struct ClassWeightedBatches: BatchSource {
  let source: any BatchSource
  let weights: [Int: Double]
  var batchCount: Int? { source.batchCount }
  func batches(epoch: Int) throws -> () throws -> Batch? {
    let next = try source.batches(epoch: epoch)
    return {
      guard var batch = try next() else { return nil }
      guard batch.y.count == 1, batch.sampleWeight.count <= 1 else {
        throw TensorError(.invalidArgument, "fit: class weights go with one output")
      }
      let own = try Self.perSample(batch.y[0], weights)
      guard let given = batch.sampleWeight.first else {
        batch.sampleWeight = [own]
        return batch
      }
      // One for each sample, beside weights that may be for each step too.
      let shaped = given.rank > 1 ? try own.reshape([own.size] + Array(repeating: 1, count: given.rank - 1)) : own
      batch.sampleWeight = [try given.cast(to: .float32) * shaped]
      return batch
    }
  }
  /// What each sample counts by its class: an integer, or the place of the largest of several.
  static func perSample(_ y: Tensor, _ weights: [Int: Double]) throws -> Tensor {
    var names = y
    if y.rank > 1 { names = y.shape.last != 1 ? try y.argMax(axis: -1) : try y.squeeze(axis: -1) }
    guard names.rank == 1 else { throw TensorError(.shapeMismatch, "fit: class weights for targets of the shape \(y.shape)") }
    let found = try names.doubles().map { Float(Int(exactly: $0.rounded(.toNearestOrEven)).flatMap { weights[$0] } ?? 1) }
    return try Tensor(found, shape: names.shape)
  }
}

/// Whole arrays, cut into batches along the first axis.
public struct ArrayBatches: SeededBatchSource {
  let arrays: Batch
  let batchSize: Int
  let shuffles: Bool
  public var seed: Int
  private let buffers = BatchBuffers()

  /// - Throws: `TensorError` for arrays of different lengths.
  public init(x: [Tensor], y: [Tensor] = [], sampleWeight: [Tensor] = [], batchSize: Int = 32, shuffle: Bool = false, seed: Int = 0) throws
  {
    guard batchSize > 0 else { throw TensorError(.invalidArgument, "fit: a batch of \(batchSize) samples") }
    arrays = Batch(x: x, y: y, sampleWeight: sampleWeight)
    let counts = (x + y + sampleWeight).map { $0.shape.first ?? 0 }
    guard let count = counts.first, counts.allSatisfy({ $0 == count }), !(x + y + sampleWeight).contains(where: { $0.rank == 0 }) else {
      throw TensorError(.shapeMismatch, "fit: inputs, targets and weights have \(counts) samples")
    }
    self.batchSize = batchSize
    self.shuffles = shuffle
    self.seed = seed
  }
  public var batchCount: Int? { arrays.count == 0 ? 0 : (arrays.count - 1) / batchSize + 1 }

  public func batches(epoch: Int) throws -> () throws -> Batch? {
    let order = shuffles ? try Tensor.random.permutation(arrays.count, seed: .fixed(seed &+ epoch)) : nil
    var start = 0
    // The batch before: what nobody holds of it any more is filled again.
    var kept: Batch?
    return {
      guard start < arrays.count else { return nil }
      let range = start..<(start + min(batchSize, arrays.count - start))
      start = range.upperBound
      guard let order else {
        func cut(_ tensor: Tensor) throws -> Tensor { Tensor(try tensor.array().slice(range)) }
        return Batch(x: try arrays.x.map(cut), y: try arrays.y.map(cut), sampleWeight: try arrays.sampleWeight.map(cut))
      }
      guard var batch = kept.take() else {
        func cut(_ tensor: Tensor) throws -> Tensor { try buffers.rows(order[range], of: tensor) }
        kept = Batch(x: try arrays.x.map(cut), y: try arrays.y.map(cut), sampleWeight: try arrays.sampleWeight.map(cut))
        return kept
      }
      for place in batch.x.indices { try buffers.refill(&batch.x[place], order[range], of: arrays.x[place]) }
      for place in batch.y.indices { try buffers.refill(&batch.y[place], order[range], of: arrays.y[place]) }
      for place in batch.sampleWeight.indices {
        try buffers.refill(&batch.sampleWeight[place], order[range], of: arrays.sampleWeight[place])
      }
      kept = batch
      return batch
    }
  }

  /// The samples in front and the fraction behind, as Keras splits off validation data.
  func split(_ fraction: Double, validationBatchSize: Int) throws -> (ArrayBatches, ArrayBatches) {
    let first = Int(Double(arrays.count) * (1 - fraction))
    guard fraction > 0, fraction < 1, first > 0, first < arrays.count else {
      throw TensorError(.invalidArgument, "fit: a validation split of \(fraction) of \(arrays.count) samples leaves nothing on one side")
    }
    func part(_ range: Range<Int>, _ size: Int, _ shuffle: Bool) throws -> ArrayBatches {
      func cut(_ list: [Tensor]) throws -> [Tensor] { try list.map { Tensor(try $0.array().slice(range)) } }
      return try ArrayBatches(
        x: try cut(arrays.x), y: try cut(arrays.y), sampleWeight: try cut(arrays.sampleWeight), batchSize: size, shuffle: shuffle,
        seed: seed)
    }
    return (try part(0..<first, batchSize, shuffles), try part(first..<arrays.count, validationBatchSize, false))
  }
}
