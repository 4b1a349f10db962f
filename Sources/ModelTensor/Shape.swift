/// One extent of a shape.
public enum Dim: Sendable, Hashable, CustomStringConvertible {
  case fixed(Int)
  /// Unknown, but equal wherever the same name occurs.
  case named(String)
  case unknown

  public var value: Int? { if case .fixed(let n) = self { n } else { nil } }
  public var description: String {
    switch self {
    case .fixed(let n): String(n)
    case .named(let name): name
    case .unknown: "?"
    }
  }
}

extension Dim: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self = .fixed(value) }
}

/// The shape of a tensor: `.ranked([])` is a scalar, `.unranked` says nothing at all.
public enum Shape: Sendable, Hashable, CustomStringConvertible {
  case unranked
  case ranked([Dim])

  public init(_ extents: [Int]) { self = .ranked(extents.map(Dim.fixed)) }

  public var dims: [Dim]? { if case .ranked(let dims) = self { dims } else { nil } }
  public var rank: Int? { dims?.count }
  /// All extents, if every one is fixed.
  public var extents: [Int]? {
    guard case .ranked(let dims) = self else { return nil }
    var result: [Int] = []
    result.reserveCapacity(dims.count)
    for dim in dims {
      guard case .fixed(let n) = dim else { return nil }
      result.append(n)
    }
    return result
  }
  /// The number of elements, if every extent is fixed and the product fits an `Int`.
  public var elementCount: Int? { extents.flatMap(checkedProduct) }

  public var description: String {
    guard case .ranked(let dims) = self else { return "[…]" }
    return "[" + dims.map(\.description).joined(separator: ", ") + "]"
  }
}

/// The product of non-negative extents, or `nil` when one is negative or the product overflows.
///
/// An extent of 0 does not excuse the others: their product must stay below 2³¹, because kernels step over the outer axes of
/// empty tensors too.
public func checkedProduct(_ extents: [Int]) -> Int? {
  var result = 1, isEmpty = false
  for extent in extents {
    guard extent >= 0 else { return nil }
    if extent == 0 { isEmpty = true; continue }
    let (product, overflow) = result.multipliedReportingOverflow(by: extent)
    guard !overflow else { return nil }
    result = product
  }
  guard isEmpty else { return result }
  return result < 1 << 31 ? 0 : nil
}
