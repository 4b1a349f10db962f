import ModelOps
import ModelTensor
import Synchronization

/// Where a shuffle takes its seeds from: the same ones for each iteration, or others.
private final class ShuffleSeeds: Sendable {
  private let generator: Mutex<Philox>
  private let seeds: (UInt64, UInt64)
  private let changes: Bool
  init(_ seeds: (UInt64, UInt64), changes: Bool) {
    self.seeds = seeds
    self.changes = changes
    generator = Mutex(Philox(key: seeds.0, counter: 0, seeds.1))
  }
  func next() -> (UInt64, UInt64) {
    changes ? generator.withLock { (UInt64($0.next()), UInt64($0.next())) } : seeds
  }
}

extension Dataset {
  /// The elements in a random order: each is drawn from a buffer of so many, which is then filled up again.
  ///
  /// With a seed, the order is that of tf.data with that seed, in each iteration.
  /// - Parameter reshuffleEachIteration: whether each iteration has another order.
  public func shuffle(_ bufferSize: Int, seed: Int? = nil, reshuffleEachIteration: Bool = true) throws -> Dataset {
    guard bufferSize > 0 else { throw TensorError(.invalidArgument, "shuffle: a buffer of \(bufferSize) elements") }
    // What TensorFlow adds to a seed of an operation alone.
    let seeds = ShuffleSeeds(
      (87_654_321, UInt64(bitPattern: Int64(seed ?? makeSeed()))), changes: reshuffleEachIteration)
    return deriving(cardinality) { next in
      let (first, second) = seeds.next()
      var random = Philox(key: first, counter: 0, second)
      // A ring, as TensorFlow has it: the order of what stays decides what is drawn next.
      var buffer: [Element?] = [], start = 0, count = 0, isDone = false
      return {
        while !isDone, count < bufferSize {
          guard let element = try next() else {
            isDone = true
            break
          }
          let place = (start + count) % bufferSize
          if place < buffer.count { buffer[place] = element } else { buffer.append(element) }
          count += 1
        }
        guard count > 0 else { return nil }
        let index = (start + Int(random.next()) % count) % bufferSize
        let element = buffer[index]
        buffer[index] = buffer[start]
        buffer[start] = nil
        start = (start + 1) % bufferSize
        count -= 1
        return element
      }
    }
  }

  /// Keeps the elements of the first iteration that reaches the end in memory, for those that follow.
  public func cache() -> Dataset {
    let box = CacheBox<Element>(), make = make
    return Dataset(cardinality: cardinality) {
      if let elements = box.kept.withLock({ $0 }) { return try Dataset(elements).make() }
      let next = try make()
      var seen: [Element] = []
      return {
        guard let element = try next() else {
          let all = seen
          box.kept.withLock { if $0 == nil { $0 = all } }
          return nil
        }
        seen.append(element)
        return element
      }
    }
  }
}

private final class CacheBox<Element: Sendable>: Sendable {
  let kept = Mutex<[Element]?>(nil)
}
