/// Names a node of one graph; stays valid while others come and go.
public struct NodeID: Hashable, Sendable, Comparable {
  public let raw: Int32
  init(_ raw: Int) { self.raw = Int32(raw) }
  public static func < (a: NodeID, b: NodeID) -> Bool { a.raw < b.raw }
}

/// Names a value of one graph.
public struct ValueID: Hashable, Sendable, Comparable {
  public let raw: Int32
  init(_ raw: Int) { self.raw = Int32(raw) }
  public static func < (a: ValueID, b: ValueID) -> Bool { a.raw < b.raw }
}

/// Names a graph of a model: the main one, a function, the body of a loop.
public struct GraphID: Hashable, Sendable, CustomStringConvertible {
  public var name: String
  public init(_ name: String) { self.name = name }
  public var description: String { name }
  public static let main = GraphID("main")
}

/// Names a parameter of a model.
public struct ParameterID: Hashable, Sendable, Comparable {
  public let raw: Int32
  init(_ raw: Int) { self.raw = Int32(raw) }
  public static func < (a: ParameterID, b: ParameterID) -> Bool { a.raw < b.raw }
}

/// Names a scope of a model.
public struct ScopeID: Hashable, Sendable {
  public let raw: Int32
  init(_ raw: Int) { self.raw = Int32(raw) }
}
