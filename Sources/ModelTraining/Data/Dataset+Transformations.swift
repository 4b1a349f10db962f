import ModelTensor

extension Dataset {
  /// The first elements; all of them for a negative count.
  public func take(_ count: Int) -> Dataset {
    if count < 0 { return self }
    let known: Cardinality = if case .infinite = cardinality { .finite(count) } else { cardinality.map { min($0, count) } }
    return deriving(known) { next in
      var left = count
      return {
        guard left > 0 else { return nil }
        left -= 1
        return try next()
      }
    }
  }
  /// Without the first elements; none is left for a negative count.
  public func skip(_ count: Int) -> Dataset {
    if count < 0 { return take(0) }
    return deriving(cardinality.map { Swift.max(0, $0 - count) }) { next in
      var left = count
      return {
        while left > 0 {
          left -= 1
          guard try next() != nil else {
            left = 0
            return nil
          }
        }
        return try next()
      }
    }
  }
  /// The elements as long as the condition holds.
  public func takeWhile(_ condition: @escaping @Sendable (Element) throws -> Bool) -> Dataset {
    deriving(.unknown) { next in
      var isDone = false
      return {
        guard !isDone, let element = try next() else { return nil }
        isDone = try !condition(element)
        return isDone ? nil : element
      }
    }
  }
  /// Those for which the condition holds.
  public func filter(_ condition: @escaping @Sendable (Element) throws -> Bool) -> Dataset {
    deriving(.unknown) { next in
      {
        while let element = try next() { if try condition(element) { return element } }
        return nil
      }
    }
  }
  /// Every `count`th element, beginning with the one at `index`: for several readers of one source.
  public func shard(_ count: Int, index: Int) throws -> Dataset {
    guard count > 0, (0..<count).contains(index) else { throw TensorError(.invalidArgument, "shard: part \(index) of \(count)") }
    return deriving(cardinality.map { ($0 - index + count - 1) / count }) { next in
      var place = 0
      return {
        while let element = try next() {
          defer { place += 1 }
          if place % count == index { return element }
        }
        return nil
      }
    }
  }

  /// Goes through the elements so often; without end when no count is given (or a negative one).
  public func `repeat`(_ count: Int? = nil) -> Dataset {
    let rounds = count.flatMap { $0 < 0 ? nil : $0 }, make = make
    let known: Cardinality =
      switch (rounds, cardinality) {
      case (0, _): .finite(0)
      case (let rounds?, .finite(let count)): count.multipliedReportingOverflow(by: rounds).overflow ? .unknown : .finite(count * rounds)
      case (_?, let other): other
      case (nil, .finite(0)): .finite(0)
      case (nil, _): .infinite
      }
    return Dataset(cardinality: known) {
      var round = 0, next: (() throws -> Element?)?, isFresh = false
      return {
        while true {
          if next == nil {
            guard rounds.map({ round < $0 }) ?? true else { return nil }
            round += 1
            isFresh = true
            next = try make()
          }
          if let element = try next?() {
            isFresh = false
            return element
          }
          next = nil
          // Nothing at all would be repeated for ever.
          if isFresh { return nil }
        }
      }
    }
  }
  /// These elements, then the other's.
  public func concatenate(_ other: Dataset) -> Dataset {
    let first = make, second = other.make
    let known: Cardinality =
      switch (cardinality, other.cardinality) {
      case (.finite(let a), .finite(let b)): a.addingReportingOverflow(b).overflow ? .unknown : .finite(a + b)
      case (.infinite, _), (_, .infinite): .infinite
      default: .unknown
      }
    return Dataset(cardinality: known) {
      var next = try first(), isFirst = true
      return {
        if let element = try next() { return element }
        guard isFirst else { return nil }
        isFirst = false
        next = try second()
        return try next()
      }
    }
  }
  /// Pairs, as long as both have elements.
  public static func zip<A: Sendable, B: Sendable>(_ a: Dataset<A>, _ b: Dataset<B>) -> Dataset<(A, B)> where Element == (A, B) {
    let (first, second) = (a.make, b.make)
    return Dataset<(A, B)>(cardinality: shorter(a.cardinality, b.cardinality)) {
      let (left, right) = (try first(), try second())
      return {
        guard let l = try left(), let r = try right() else { return nil }
        return (l, r)
      }
    }
  }
  public static func zip<A: Sendable, B: Sendable, C: Sendable>(_ a: Dataset<A>, _ b: Dataset<B>, _ c: Dataset<C>) -> Dataset<(A, B, C)>
  where Element == (A, B, C) {
    Dataset<((A, B), C)>.zip(Dataset<(A, B)>.zip(a, b), c).map { ($0.0, $0.1, $1) }
  }
  private static func shorter(_ a: Cardinality, _ b: Cardinality) -> Cardinality {
    switch (a, b) {
    case (.finite(let a), .finite(let b)): .finite(min(a, b))
    case (.infinite, let other), (let other, .infinite): other
    default: .unknown
    }
  }
  /// Each element with its place, from `start` on.
  public func enumerated(start: Int = 0) -> Dataset<(Int, Element)> {
    deriving(cardinality) { next in
      var index = start
      return {
        guard let element = try next() else { return nil }
        defer { index += 1 }
        return (index, element)
      }
    }
  }
  /// What the function makes of each element, one dataset after the other.
  public func flatMap<Other: Sendable>(_ body: @escaping @Sendable (Element) throws -> Dataset<Other>) -> Dataset<Other> {
    deriving(.unknown) { next in
      var inner: (() throws -> Other?)?
      return {
        while true {
          if let element = try inner?() { return element }
          guard let outer = try next() else { return nil }
          inner = try body(outer).make()
        }
      }
    }
  }
}
