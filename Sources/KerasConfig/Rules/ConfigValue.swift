import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor

/// A configuration value that is not what Keras writes there; `LayerRule` adds where it was.
struct ConfigMismatch: Error {
  var expected: String
}

/// A type that a layer's property can have, and how Keras spells its values in JSON.
protocol ConfigValue: Sendable {
  init(config: JSONValue) throws
  var configValue: JSONValue { get }
}

extension Bool: ConfigValue {
  init(config: JSONValue) throws {
    // Older files hold 0 and 1.
    switch config {
    case .bool(let value): self = value
    case .int(0): self = false
    case .int(1): self = true
    default: throw ConfigMismatch(expected: "true or false")
    }
  }
  var configValue: JSONValue { .bool(self) }
}

extension Int: ConfigValue {
  init(config: JSONValue) throws {
    guard let value = config.intValue, value.magnitude < 1 << 40 else { throw ConfigMismatch(expected: "an integer") }
    self = value
  }
  var configValue: JSONValue { .int(self) }
}

extension Double: ConfigValue {
  init(config: JSONValue) throws {
    let plain = config.unwrappedArray
    guard let value = plain.doubleValue ?? plain[0]?.doubleValue else { throw ConfigMismatch(expected: "a number") }
    self = value
  }
  var configValue: JSONValue { .double(self) }
}

extension String: ConfigValue {
  init(config: JSONValue) throws {
    guard let value = config.stringValue else { throw ConfigMismatch(expected: "a string") }
    self = value
  }
  var configValue: JSONValue { .string(self) }
}

extension JSONValue: ConfigValue {
  init(config: JSONValue) throws { self = config }
  var configValue: JSONValue { self }
}

extension Optional: ConfigValue where Wrapped: ConfigValue {
  init(config: JSONValue) throws { self = config.isNull ? nil : try Wrapped(config: config) }
  var configValue: JSONValue { self?.configValue ?? .null }
}

extension Array: ConfigValue where Element: ConfigValue {
  init(config: JSONValue) throws {
    guard let elements = config.unwrappedArray.arrayValue else { throw ConfigMismatch(expected: "a list") }
    guard elements.count <= 1 << 20 else { throw ConfigMismatch(expected: "a shorter list") }
    self = try elements.map { try Element(config: $0) }
  }
  var configValue: JSONValue { .array(map(\.configValue)) }
}

extension DataLayout: ConfigValue {
  init(config: JSONValue) throws {
    switch config {
    case .null, "channels_last", "tf", "default": self = .channelsLast
    case "channels_first", "th": self = .channelsFirst
    default: throw ConfigMismatch(expected: "channels_last or channels_first")
    }
  }
  var configValue: JSONValue { self == .channelsLast ? "channels_last" : "channels_first" }
}

extension ConvPadding: ConfigValue {
  init(config: JSONValue) throws {
    guard let word = config.stringValue?.lowercased(), let value = ConvPadding(rawValue: word) else {
      throw ConfigMismatch(expected: "valid, same or causal")
    }
    self = value
  }
  var configValue: JSONValue { .string(rawValue) }
}

extension DType: ConfigValue {
  init(config: JSONValue) throws {
    guard let name = config.stringValue ?? config["config"]?["name"]?.stringValue, let value = DType(rawValue: name) else {
      throw ConfigMismatch(expected: "a dtype")
    }
    self = value
  }
  var configValue: JSONValue { .string(rawValue) }
}

extension Bidirectional.MergeMode: ConfigValue {
  init(config: JSONValue) throws {
    guard let word = config.stringValue, let value = Self(rawValue: word) else {
      throw ConfigMismatch(expected: "concat, sum, mul, ave or null")
    }
    self = value
  }
  var configValue: JSONValue { .string(rawValue) }
}

extension STFTSpectrogram.Mode: ConfigValue {
  init(config: JSONValue) throws {
    guard let word = config.stringValue, let value = Self(rawValue: word) else {
      throw ConfigMismatch(expected: "log, magnitude, psd, real, imag, angle or stft")
    }
    self = value
  }
  var configValue: JSONValue { .string(rawValue) }
}

extension JSONValue {
  /// The value inside Keras's wrapping of arrays and tensors (`__numpy__`, `__tensor__`).
  var unwrappedArray: JSONValue {
    guard let name = self["class_name"]?.stringValue, ["__numpy__", "__tensor__"].contains(name) else { return self }
    return self["config"]?["value"] ?? self
  }
}

extension Interpolation: ConfigValue {
  init(config: JSONValue) throws {
    guard let word = config.stringValue?.lowercased(), let value = Interpolation(rawValue: word) else {
      throw ConfigMismatch(expected: "an interpolation (\(Interpolation.allCases.map(\.rawValue).joined(separator: ", ")))")
    }
    self = value
  }
  var configValue: JSONValue { .string(rawValue) }
}
