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
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    guard let resizing else { return [try call.input()] }
    var call = call
    let x = try call.input()
    if !context.dtype(of: x).isFloatingPoint {
      call.inputs = [try context.cast(x, to: call.computeDType.flatMap { $0.isFloatingPoint ? $0 : nil } ?? .float32)]
    }
    return try resizing.call(call, in: &context)
  }

  /// What the `RandomCrop` of Keras 2 does at inference: the middle of the images in the aspect ratio that is asked for, stretched to
  /// the size.
  public var resizing: Resizing? {
    guard Self.className == Augmentations.RandomCrop.className, settings[StringLookup.generationKey] != nil,
      let height = settings["height"]?.intValue, let width = settings["width"]?.intValue, height > 0, width > 0, height < 1 << 24,
      width < 1 << 24
    else { return nil }
    var resizing = Resizing()
    resizing.height = height
    resizing.width = width
    resizing.cropToAspectRatio = true
    return resizing
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

/// Which augmentation it is, as a type.
public protocol AugmentationKind: Sendable {
  static var className: String { get }
}
