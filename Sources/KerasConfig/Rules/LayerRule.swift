import ModelLayers
import ModelSupport
import OrderedCollections

/// What is known of one layer class of Keras: how its configuration becomes a typed layer and back.
public struct LayerRule: Sendable {
  /// Keras 3's name.
  public let className: String
  /// Other names of the same class, of any generation.
  public let aliases: [String]
  /// The module Keras 3 writes.
  public let module: String
  /// The arguments of `call` in order.
  public let arguments: [String]
  /// The type `read` gives.
  public let layerType: any Layer.Type
  private var reader: @Sendable (JSONValue) throws -> any Layer
  private var writer: @Sendable (any Layer) throws -> JSONValue

  /// The layer that a configuration describes. Keys that do not matter to inference are ignored.
  /// - Throws: `FormatError` for a value of a wrong type or outside its range, naming class and key;
  ///   `UnsupportedError` for a custom function or class inside.
  public func read(_ config: JSONValue) throws -> any Layer { try reader(config) }

  /// The configuration in Keras 3's spelling, without the keys common to all layers (`name`,
  /// `trainable`, `dtype`). Complete: Keras 3's `from_config` takes it as it is.
  public func write(_ layer: any Layer) throws -> JSONValue { try writer(layer) }

  /// A layer whose configuration is kept whole: nothing in it matters to inference, or `check` looks into it.
  init<L: ConfigurableLayer>(
    _ type: L.Type, arguments: [String] = ["inputs"], whole path: RowPath<L, JSONValue>,
    check: (@Sendable (L) throws -> Void)? = nil
  ) {
    self.init(type, arguments: arguments)
    let common: Set<String> = ["name", "trainable", "dtype"]
    reader = { config in
      guard let members = config.objectValue else {
        throw FormatError(.invalidValue, "expected an object as configuration", at: SourceLocation(path: ["layer \(L.className)"]))
      }
      var layer = L()
      layer[keyPath: path] = .object(members.filter { !common.contains($0.key) })
      try check?(layer)
      return layer
    }
    writer = { layer in
      guard case .object(let members)? = (layer as? L)?[keyPath: path] else { return .object([:]) }
      return .object(members.filter { !$0.key.hasPrefix("$") })
    }
  }

  init<L: ConfigurableLayer>(
    _ type: L.Type, aliases: [String] = [], arguments: [String] = ["inputs"], className: String? = nil,
    rows: [ConfigRow<L>] = [], module: String = "keras.layers", check: (@Sendable (L) throws -> Void)? = nil
  ) {
    let name = className ?? L.className
    self.className = name
    self.aliases = aliases
    self.module = module
    self.arguments = arguments
    layerType = type
    reader = { config in
      var layer = L()
      let title = config["name"]?.stringValue.map { "\(name) '\($0)'" } ?? name
      guard config.objectValue != nil || config.isNull else {
        throw FormatError(.invalidValue, "expected an object as configuration", at: SourceLocation(path: ["layer \(title)"]))
      }
      for row in rows {
        guard let key = ([row.key] + row.aliases).first(where: { config[$0] != nil }), let json = config[key] else {
          if row.isRequired {
            throw FormatError(
              .missingReference, "'\(row.key)' is missing", at: SourceLocation(path: ["layer \(title)"]))
          }
          continue
        }
        do { try row.read(&layer, json) } catch let error as ConfigMismatch {
          throw FormatError(
            .invalidValue, "'\(key)': expected \(error.expected), found \(json.abridged)",
            at: SourceLocation(path: ["layer \(title)"]))
        } catch let error as FormatError {
          throw error.within("layer \(title)")
        }
      }
      do { try check?(layer) } catch let error as ConfigMismatch {
        throw FormatError(.invalidValue, "expected \(error.expected)", at: SourceLocation(path: ["layer \(title)"]))
      }
      return layer
    }
    writer = { layer in
      guard let layer = layer as? L else {
        throw FormatError(.invalidValue, "a \(Swift.type(of: layer).className) can't be written as \(name)")
      }
      var members: OrderedDictionary<String, JSONValue> = [:]
      for row in rows { members[row.key] = try row.write(layer) }
      return .object(members)
    }
  }
}

extension JSONValue {
  /// The value as text, cut where it is long: for messages.
  var abridged: String {
    let text = self.text()
    return text.utf8.count > 60 ? String(text.prefix(57)) + "…" : text
  }
}
