/// Where in a file, and where in the structure it holds, something was found.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
  /// The file's path, as the caller named it.
  public var file: String?
  /// The byte offset in the file, when one is known.
  public var offset: Int?
  /// The path inside, outermost first: `["graph main", "node conv1", "attribute strides"]`.
  public var path: [String]

  public init(file: String? = nil, offset: Int? = nil, path: [String] = []) {
    self.file = file
    self.offset = offset
    self.path = path
  }

  public var description: String {
    var parts: [String] = []
    if let file { parts.append(offset.map { "\(file) at byte \($0)" } ?? file) } else if let offset { parts.append("byte \(offset)") }
    if !path.isEmpty { parts.append(path.joined(separator: " / ")) }
    return parts.joined(separator: ": ")
  }
}

/// A model or data file that is malformed (exit code 65).
public struct FormatError: Error, Sendable, CustomStringConvertible {
  /// What kind of damage it is; tests match on this, people read the message.
  public enum Code: String, Sendable, CaseIterable {
    /// The file ends before something it promises.
    case truncated
    /// A count, size or offset does not fit the bytes that are there.
    case sizeMismatch
    /// The bytes are not what the format prescribes here.
    case invalidStructure
    /// A value is of a wrong type or outside its range.
    case invalidValue
    /// A name, index or path refers to something that is not there.
    case missingReference
    /// Things refer to each other in a circle.
    case cycle
    /// Nested deeper, or expanding to more, than any sound file.
    case limitExceeded
    /// A path leads outside the model's directory.
    case pathEscape
    /// None of the known formats.
    case unrecognized
  }
  public var code: Code
  public var message: String
  public var location: SourceLocation

  public init(_ code: Code, _ message: String, at location: SourceLocation = SourceLocation()) {
    self.code = code
    self.message = message
    self.location = location
  }

  /// The same error seen from one level further out.
  public func within(_ step: String) -> FormatError {
    var copy = self
    copy.location.path.insert(step, at: 0)
    return copy
  }

  /// The same error with its file named, if none is named yet.
  public func inFile(_ path: String) -> FormatError {
    var copy = self
    if copy.location.file == nil { copy.location.file = path }
    return copy
  }

  public var description: String {
    let place = location.description
    return place.isEmpty ? message : "\(place): \(message)"
  }
}

/// Runs `body` and prefixes the path of any `FormatError` it throws with `step`.
public func within<R>(_ step: @autoclosure () -> String, _ body: () throws -> R) throws -> R {
  do { return try body() } catch let error as FormatError { throw error.within(step()) }
}

/// Reading or writing that the operating system refused.
public struct StorageError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// An input does not exist or can't be opened (exit code 66).
    case unreadable
    /// The destination can't be created (exit code 73).
    case cannotCreate
    /// Reading or writing failed part-way (exit code 74).
    case ioFailed
  }
  public var code: Code
  public var message: String
  public var path: String

  public init(_ code: Code, _ message: String, path: String) {
    self.code = code
    self.message = message
    self.path = path
  }

  public var description: String { "\(path): \(message)" }
}

/// A sound model that uses something the target or the engine does not support (exit code 69).
public struct UnsupportedError: Error, Sendable, CustomStringConvertible {
  /// One unsupported thing, how often it occurs, and why it is not supported.
  public struct Item: Sendable, Hashable {
    public var name: String
    public var count: Int
    public var reason: String?
    public init(_ name: String, count: Int = 1, reason: String? = nil) {
      self.name = name
      self.count = count
      self.reason = reason
    }
  }
  public var message: String
  public var items: [Item]

  public init(_ message: String, items: [Item] = []) {
    self.message = message
    self.items = items
  }

  public var description: String {
    guard !items.isEmpty else { return message }
    let lines = items.map { item in
      "  \(item.name) × \(item.count)" + (item.reason.map { ": \($0)" } ?? "")
    }
    return ([message] + lines).joined(separator: "\n")
  }
}

/// Something a conversion could not carry over although the result computes the same.
public struct Loss: Sendable, Hashable, CustomStringConvertible {
  /// What was lost: `training configuration`, `metadata key 'author'`.
  public var subject: String
  public var reason: String
  public init(_ subject: String, reason: String) {
    self.subject = subject
    self.reason = reason
  }
  public var description: String { "\(subject): \(reason)" }
}
