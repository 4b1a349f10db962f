import ModelSupport
import ModelTensor
import OrderedCollections

/// An op of a format that has no canonical counterpart, kept verbatim: it can be inspected, carried
/// to its own format, and named in the list of what is not supported, but not computed.
public struct OpaqueOp: Op {
  public static let name = "Opaque"
  public static let family = OpFamily.foreign
  /// The format it comes from, and its domain there: `onnx`, `ai.onnx.ml`.
  public var format: String
  public var domain: String
  public var type: String
  public var foreignAttributes: OrderedDictionary<String, AttributeValue>
  public var resultTypes: [TensorType]
  /// Why there is no counterpart, when the type itself is known.
  public var reason: String?
  /// What the format's writer needs to write it again.
  public var payload: (any Sendable)?

  public init(
    format: String, domain: String = "", type: String,
    attributes: OrderedDictionary<String, AttributeValue> = [:], resultTypes: [TensorType],
    reason: String? = nil, payload: (any Sendable)? = nil
  ) {
    self.format = format
    self.domain = domain
    self.type = type
    foreignAttributes = attributes
    self.resultTypes = resultTypes
    self.reason = reason
    self.payload = payload
  }

  public var displayName: String { domain.isEmpty ? type : "\(domain)::\(type)" }
  public var attributes: [(name: String, value: AttributeValue)] {
    foreignAttributes.map { ($0.key, $0.value) }
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { resultTypes }
}
