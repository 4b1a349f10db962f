import ModelGraph
import ModelLayers

public final class Flatten: StandardLayer {
  public init(dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.Flatten()
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class Reshape: StandardLayer {
  public init(_ targetShape: [Int], name: String? = nil) {
    var layer = ModelLayers.Reshape()
    layer.targetShape = targetShape
    super.init(layer, name: name)
  }
}
public final class Permute: StandardLayer {
  public init(_ order: [Int], name: String? = nil) {
    var layer = ModelLayers.Permute()
    layer.order = order
    super.init(layer, name: name)
  }
}
public final class RepeatVector: StandardLayer {
  public init(_ count: Int, name: String? = nil) {
    var layer = ModelLayers.RepeatVector()
    layer.count = count
    super.init(layer, name: name)
  }
}
public final class ZeroPadding1D: StandardLayer {
  /// - Parameter padding: in front and behind, for each axis.
  public init(_ padding: [[Int]] = [[Int]](repeating: [1, 1], count: 1), dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.ZeroPadding1D()
    layer.padding = padding
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class ZeroPadding2D: StandardLayer {
  /// - Parameter padding: in front and behind, for each axis.
  public init(_ padding: [[Int]] = [[Int]](repeating: [1, 1], count: 2), dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.ZeroPadding2D()
    layer.padding = padding
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class ZeroPadding3D: StandardLayer {
  /// - Parameter padding: in front and behind, for each axis.
  public init(_ padding: [[Int]] = [[Int]](repeating: [1, 1], count: 3), dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.ZeroPadding3D()
    layer.padding = padding
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class Cropping1D: StandardLayer {
  /// - Parameter cropping: in front and behind, for each axis.
  public init(_ cropping: [[Int]] = [[Int]](repeating: [0, 0], count: 1), dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.Cropping1D()
    layer.cropping = cropping
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class Cropping2D: StandardLayer {
  /// - Parameter cropping: in front and behind, for each axis.
  public init(_ cropping: [[Int]] = [[Int]](repeating: [0, 0], count: 2), dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.Cropping2D()
    layer.cropping = cropping
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class Cropping3D: StandardLayer {
  /// - Parameter cropping: in front and behind, for each axis.
  public init(_ cropping: [[Int]] = [[Int]](repeating: [0, 0], count: 3), dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.Cropping3D()
    layer.cropping = cropping
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class UpSampling1D: StandardLayer {
  public init(_ size: Extents = 2, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.UpSampling1D()
    layer.size = size.filled(1)
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class UpSampling2D: StandardLayer {
  public init(_ size: Extents = 2, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.UpSampling2D()
    layer.size = size.filled(2)
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class UpSampling3D: StandardLayer {
  public init(_ size: Extents = 2, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    var layer = ModelLayers.UpSampling3D()
    layer.size = size.filled(3)
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class Add: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.Add(), name: name) }
}
public final class Subtract: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.Subtract(), name: name) }
}
public final class Multiply: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.Multiply(), name: name) }
}
public final class Average: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.Average(), name: name) }
}
public final class Maximum: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.Maximum(), name: name) }
}
public final class Minimum: StandardLayer {
  public init(name: String? = nil) { super.init(ModelLayers.Minimum(), name: name) }
}
public final class Concatenate: StandardLayer {
  public init(axis: Int = -1, name: String? = nil) {
    var layer = ModelLayers.Concatenate()
    layer.axis = axis
    super.init(layer, name: name)
  }
}
public final class Dot: StandardLayer {
  public init(axes: [Int], normalize: Bool = false, name: String? = nil) {
    var layer = ModelLayers.Dot()
    layer.axes = axes
    layer.normalize = normalize
    super.init(layer, name: name)
  }
}
public final class Rescaling: StandardLayer {
  public init(_ scale: Double, offset: Double = 0, name: String? = nil) {
    var layer = ModelLayers.Rescaling()
    layer.scale = [scale]
    layer.offset = [offset]
    super.init(layer, name: name)
  }
}
