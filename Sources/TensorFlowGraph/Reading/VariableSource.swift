import ModelTensor

/// A variable as a graph names it.
public struct VariableReference: Sendable, Hashable {
  /// The node that makes the handle.
  public var node: String
  /// By which variables are shared; the node's name when none is given.
  public var sharedName: String
  public init(node: String, sharedName: String) {
    self.node = node
    self.sharedName = sharedName
  }
}

/// What a variable holds, and how it is called.
public struct VariableContent: Sendable {
  public var tensor: Tensor
  /// The name to show, without `:0`.
  public var name: String
  public var isTrainable: Bool
  public init(tensor: Tensor, name: String, isTrainable: Bool = true) {
    self.tensor = tensor
    self.name = name
    self.isTrainable = isTrainable
  }
}

/// Where the values of a graph's variables come from: a checkpoint.
public protocol VariableSource {
  /// The variable; `nil` when there is none of that name.
  func variable(_ reference: VariableReference) throws -> VariableContent?
  /// What a table held when the model was saved; `nil` when nothing says.
  func table(_ reference: VariableReference) throws -> (keys: Tensor, values: Tensor)?
  /// The bytes of a file the graph names: an asset. `nil` when there is none.
  func file(named path: String) throws -> [UInt8]?
  /// The name of the file that a loader feeds to a placeholder; `nil` for any other node.
  func fileName(fedTo node: String) -> String?
}

extension VariableSource {
  public func table(_ reference: VariableReference) throws -> (keys: Tensor, values: Tensor)? { nil }
  public func file(named path: String) throws -> [UInt8]? { nil }
  public func fileName(fedTo node: String) -> String? { nil }
}

/// The source of a frozen graph: it has no variables.
public struct NoVariables: VariableSource {
  public init() {}
  public func variable(_ reference: VariableReference) throws -> VariableContent? { nil }
}
