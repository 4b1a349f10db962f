import ModelGraph
import ModelSupport
import ModelTensor

/// A layer that changes images at random while training; at inference they pass through. Its
/// configuration matters to training only and is kept as the file says it.
public struct Augmentation<K: AugmentationKind>: ConfigurableLayer {
  public static var className: String { K.className }
  /// All keys but those that every layer has.
  public var settings: JSONValue = .object([:])
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] { [try call.input()] }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

/// Which augmentation it is, as a type.
public protocol AugmentationKind: Sendable {
  static var className: String { get }
}
