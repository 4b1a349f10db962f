import ModelGraph
import ModelOps
import ModelTensor

/// Stretches each channel of each image over the whole range of values; a channel of one value stays as it is.
public struct AutoContrast: ConfigurableLayer {
  public static let className = "AutoContrast"
  public var range = [0.0, 255.0]
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input()
    guard range.count == 2 else { throw GraphError(.invalidAttribute, "AutoContrast with the range \(range)") }
    let span = range[1] - range[0]
    let images = try context.scaled(x, by: 255 / span, plus: -range[0] * 255 / span)
    let low = try context.reduce(.min, images, axes: [1, 2], keepDims: true)
    let high = try context.reduce(.max, images, axes: [1, 2], keepDims: true)
    let isFlat = try context.apply(EqualOp(), low, high)
    // Without a division by nothing: such channels are replaced below.
    let one = try context.scalar(1, like: images), spread = try context.select(isFlat, one, try context.sub(high, low))
    let scale = try context.div(try context.scalar(255, like: images), spread)
    var y = try context.mul(try context.sub(images, low), scale)
    y = try context.scaled(try context.clip(y, min: 0, max: 255), by: span / 255, plus: range[0])
    return [try context.select(isFlat, x, y)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

extension OpContext {
  fileprivate mutating func scaled(_ x: Value, by factor: Double, plus offset: Double) throws -> Value {
    var y = x
    if factor != 1 { y = try mul(y, try scalar(factor, like: y)) }
    return offset == 0 ? y : try add(y, try scalar(offset, like: y))
  }
}
