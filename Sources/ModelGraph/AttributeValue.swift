import ModelSupport
import ModelTensor
import OrderedCollections

/// The value of an op's attribute, for printing, comparing, and for ops carried verbatim.
public enum AttributeValue: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case ints([Int])
  case doubles([Double])
  case strings([String])
  case dtype(DType)
  case shape(Shape)
  case tensor(Tensor)
  case graph(GraphID)
  case list([AttributeValue])
  case json(JSONValue)
}

extension AttributeValue: CustomStringConvertible {
  public var description: String {
    switch self {
    case .none: "none"
    case .bool(let v): String(v)
    case .int(let v): String(v)
    case .double(let v): String(v)
    case .string(let v): "\"\(v)\""
    case .bytes(let v): "\(v.count) bytes"
    case .ints(let v): "\(v)"
    case .doubles(let v): "\(v)"
    case .strings(let v): "\(v)"
    case .dtype(let v): v.rawValue
    case .shape(let v): v.description
    case .tensor(let v): "tensor \(v.type)"
    case .graph(let v): "graph \(v.name)"
    case .list(let v): "[" + v.map(\.description).joined(separator: ", ") + "]"
    case .json(let v): v.text()
    }
  }
}

/// A type a stored property of an op can have to be listed as an attribute.
public protocol AttributeConvertible {
  var attributeValue: AttributeValue { get }
}
extension Bool: AttributeConvertible { public var attributeValue: AttributeValue { .bool(self) } }
extension Int: AttributeConvertible { public var attributeValue: AttributeValue { .int(self) } }
extension Float: AttributeConvertible { public var attributeValue: AttributeValue { .double(Double(self)) } }
extension Double: AttributeConvertible { public var attributeValue: AttributeValue { .double(self) } }
extension String: AttributeConvertible { public var attributeValue: AttributeValue { .string(self) } }
extension DType: AttributeConvertible { public var attributeValue: AttributeValue { .dtype(self) } }
extension Shape: AttributeConvertible { public var attributeValue: AttributeValue { .shape(self) } }
extension NDArray: AttributeConvertible { public var attributeValue: AttributeValue { .tensor(Tensor(self)) } }
extension AttributeValue: AttributeConvertible { public var attributeValue: AttributeValue { self } }
extension JSONValue: AttributeConvertible { public var attributeValue: AttributeValue { .json(self) } }
extension Array: AttributeConvertible where Element: AttributeConvertible {
  public var attributeValue: AttributeValue {
    if let v = self as? [Int] { return .ints(v) }
    if let v = self as? [Double] { return .doubles(v) }
    if let v = self as? [Float] { return .doubles(v.map(Double.init)) }
    if let v = self as? [String] { return .strings(v) }
    return .list(map(\.attributeValue))
  }
}
extension Optional: AttributeConvertible where Wrapped: AttributeConvertible {
  public var attributeValue: AttributeValue { self?.attributeValue ?? .none }
}
