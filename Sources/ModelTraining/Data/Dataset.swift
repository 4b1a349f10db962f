import ModelTensor

/// How many elements a dataset gives.
public enum Cardinality: Sendable, Hashable {
  case finite(Int)
  case infinite
  /// Only its end tells.
  case unknown

  func map(_ body: (Int) -> Int) -> Cardinality { if case .finite(let count) = self { .finite(body(count)) } else { self } }
}

/// A pipeline that gives elements one after the other, as in tf.data: from where they are, through transformations, to the training step.
///
/// ```swift
/// let data = try Dataset.fromTensorSlices((images, labels)).shuffle(1000, seed: 1)
///   .map(parallel: 2) { image, label in (try image.cast(to: .float32) / 255, label) }
///   .batch(32).prefetch(2)
/// try model.fit(data, epochs: 3)
/// ```
/// Elements are tensors, pairs or triples of them (inputs, targets, weights of samples), or anything else that can be sent between threads.
/// Nothing is computed before someone asks for elements, and no more than what `shuffle`, `prefetch`, `cache` and parallel maps are told to
/// keep is held in memory.
public struct Dataset<Element: Sendable>: Sendable {
  /// What is known of the number of elements.
  public let cardinality: Cardinality
  let make: @Sendable () throws -> () throws -> Element?

  /// From a function that begins anew: it is called for each iteration and gives what gives the next element, `nil` at the end.
  public init(cardinality: Cardinality = .unknown, generator: @escaping @Sendable () throws -> () throws -> Element?) {
    self.cardinality = cardinality
    make = generator
  }

  /// The elements of a collection.
  public init(_ elements: [Element]) {
    self.init(cardinality: .finite(elements.count)) {
      var index = 0
      return {
        guard index < elements.count else { return nil }
        defer { index += 1 }
        return elements[index]
      }
    }
  }

  /// Begins to go through the elements.
  public func makeIterator() throws -> DatasetIterator<Element> { DatasetIterator(try make()) }

  public func forEach(_ body: (Element) throws -> Void) throws {
    let next = try make()
    while let element = try next() { try body(element) }
  }
  /// All elements.
  /// - Throws: `TensorError.invalidArgument` for a dataset without end.
  public func array() throws -> [Element] {
    guard cardinality != .infinite else { throw TensorError(.invalidArgument, "array: the dataset has no end; take(n) ends it") }
    var result: [Element] = []
    try forEach { result.append($0) }
    return result
  }
  public func reduce<R>(_ initial: R, _ combine: (R, Element) throws -> R) throws -> R {
    var result = initial
    try forEach { result = try combine(result, $0) }
    return result
  }

  /// The same elements by other means.
  func deriving<Other: Sendable>(
    _ cardinality: Cardinality, _ body: @escaping @Sendable (@escaping () throws -> Element?) throws -> () throws -> Other?
  ) -> Dataset<Other> {
    let make = make
    return Dataset<Other>(cardinality: cardinality) { try body(try make()) }
  }
}

/// Goes through the elements of a dataset once.
public struct DatasetIterator<Element> {
  private let step: () throws -> Element?
  init(_ step: @escaping () throws -> Element?) { self.step = step }
  /// The next element; `nil` at the end.
  public func next() throws -> Element? { try step() }
}

extension Dataset where Element == Int {
  /// `start`, `start + step`, … below `stop`.
  public static func range(_ start: Int = 0, to stop: Int, by step: Int = 1) -> Dataset<Int> {
    Dataset(Array(stride(from: start, to: stop, by: step == 0 ? 1 : step)))
  }
}
