import ModelTensor

extension Dataset {
  /// What the function makes of each element.
  ///
  /// - Parameter parallel: how many elements are computed at the same time; the order stays. At most twice as many are held.
  public func map<Other: Sendable>(parallel: Int = 1, _ body: @escaping @Sendable (Element) throws -> Other) -> Dataset<Other> {
    guard parallel > 1 else {
      return deriving(cardinality) { next in { try next().map(body) } }
    }
    let session = Session.scoped
    return deriving(cardinality) { next in
      let workers = OrderedWorkers<Element, Other>(count: min(parallel, 256)) { element in
        try Session.$scoped.withValue(session) { try body(element) }
      }
      var isDone = false
      return {
        // Upstream belongs to the caller's thread; only the function runs elsewhere.
        while !isDone, workers.hasRoom {
          do {
            guard let element = try next() else {
              isDone = true
              break
            }
            workers.submit(element)
          } catch {
            isDone = true
            workers.submit(failure: error)
          }
        }
        return try workers.next()
      }
    }
  }
  /// The same for elements that are pairs: `map { x, y in (x, y) }`.
  public func map<A: Sendable, B: Sendable, Other: Sendable>(parallel: Int = 1, _ body: @escaping @Sendable (A, B) throws -> Other)
    -> Dataset<Other> where Element == (A, B)
  {
    map(parallel: parallel) { (element: (A, B)) in try body(element.0, element.1) }
  }

  /// Elements are computed on a thread of their own, so many ahead of who takes them.
  ///
  /// The next batch is made while the model trains on this one.
  public func prefetch(_ count: Int = 2) -> Dataset {
    guard count > 0 else { return self }
    let make = make, session = Session.scoped
    return Dataset(cardinality: cardinality) {
      let producer = BackgroundProducer<Element>(capacity: count) { deliver in
        try Session.$scoped.withValue(session) {
          let next = try make()
          while let element = try next() { guard deliver(element) else { return } }
        }
      }
      return { try producer.next() }
    }
  }
}
