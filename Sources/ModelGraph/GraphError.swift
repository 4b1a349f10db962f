/// A graph that can't be: an op applied to what it does not take, or a structure that does not hold.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case wrongInputCount, wrongDType, shapeMismatch, invalidAttribute, invalidStructure, missingType
  }
  public var code: Code
  public var message: String
  /// Outermost first: graph, node.
  public var path: [String]
  public init(_ code: Code, _ message: String, path: [String] = []) {
    self.code = code
    self.message = message
    self.path = path
  }
  public func within(_ step: String) -> GraphError {
    var copy = self
    copy.path.insert(step, at: 0)
    return copy
  }
  public var description: String { (path + [message]).joined(separator: ": ") }
}

/// An execution that could not go on: inputs that do not fit, no kernel, too little memory.
public struct ExecutionError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case noKernel, invalidInput, shapeMismatch, invalidValue, outOfMemory, limitExceeded
  }
  public var code: Code
  public var message: String
  public var path: [String]
  public init(_ code: Code, _ message: String, path: [String] = []) {
    self.code = code
    self.message = message
    self.path = path
  }
  public func within(_ step: String) -> ExecutionError {
    var copy = self
    copy.path.insert(step, at: 0)
    return copy
  }
  public var description: String { (path + [message]).joined(separator: ": ") }
}
