import ModelGraph
import ModelLayers

public final class MaxPooling1D: StandardLayer {
  public init(
    _ poolSize: Extents = 2, strides: Extents? = nil, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    var layer = ModelLayers.MaxPooling1D()
    layer.poolSize = poolSize.filled(1)
    layer.strides = strides?.filled(1)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class MaxPooling2D: StandardLayer {
  public init(
    _ poolSize: Extents = 2, strides: Extents? = nil, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    var layer = ModelLayers.MaxPooling2D()
    layer.poolSize = poolSize.filled(2)
    layer.strides = strides?.filled(2)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class MaxPooling3D: StandardLayer {
  public init(
    _ poolSize: Extents = 2, strides: Extents? = nil, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    var layer = ModelLayers.MaxPooling3D()
    layer.poolSize = poolSize.filled(3)
    layer.strides = strides?.filled(3)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class AveragePooling1D: StandardLayer {
  public init(
    _ poolSize: Extents = 2, strides: Extents? = nil, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    var layer = ModelLayers.AveragePooling1D()
    layer.poolSize = poolSize.filled(1)
    layer.strides = strides?.filled(1)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class AveragePooling2D: StandardLayer {
  public init(
    _ poolSize: Extents = 2, strides: Extents? = nil, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    var layer = ModelLayers.AveragePooling2D()
    layer.poolSize = poolSize.filled(2)
    layer.strides = strides?.filled(2)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class AveragePooling3D: StandardLayer {
  public init(
    _ poolSize: Extents = 2, strides: Extents? = nil, padding: WindowPadding = .valid, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    var layer = ModelLayers.AveragePooling3D()
    layer.poolSize = poolSize.filled(3)
    layer.strides = strides?.filled(3)
    layer.padding = padding.definition
    layer.layout = dataFormat.layout
    super.init(layer, name: name)
  }
}
public final class GlobalMaxPooling1D: StandardLayer {
  public init(dataFormat: DataFormat = .channelsLast, keepDims: Bool = false, name: String? = nil) {
    var layer = ModelLayers.GlobalMaxPooling1D()
    layer.layout = dataFormat.layout
    layer.keepDims = keepDims
    super.init(layer, name: name)
  }
}
public final class GlobalMaxPooling2D: StandardLayer {
  public init(dataFormat: DataFormat = .channelsLast, keepDims: Bool = false, name: String? = nil) {
    var layer = ModelLayers.GlobalMaxPooling2D()
    layer.layout = dataFormat.layout
    layer.keepDims = keepDims
    super.init(layer, name: name)
  }
}
public final class GlobalMaxPooling3D: StandardLayer {
  public init(dataFormat: DataFormat = .channelsLast, keepDims: Bool = false, name: String? = nil) {
    var layer = ModelLayers.GlobalMaxPooling3D()
    layer.layout = dataFormat.layout
    layer.keepDims = keepDims
    super.init(layer, name: name)
  }
}
public final class GlobalAveragePooling1D: StandardLayer {
  public init(dataFormat: DataFormat = .channelsLast, keepDims: Bool = false, name: String? = nil) {
    var layer = ModelLayers.GlobalAveragePooling1D()
    layer.layout = dataFormat.layout
    layer.keepDims = keepDims
    super.init(layer, name: name)
  }
}
public final class GlobalAveragePooling2D: StandardLayer {
  public init(dataFormat: DataFormat = .channelsLast, keepDims: Bool = false, name: String? = nil) {
    var layer = ModelLayers.GlobalAveragePooling2D()
    layer.layout = dataFormat.layout
    layer.keepDims = keepDims
    super.init(layer, name: name)
  }
}
public final class GlobalAveragePooling3D: StandardLayer {
  public init(dataFormat: DataFormat = .channelsLast, keepDims: Bool = false, name: String? = nil) {
    var layer = ModelLayers.GlobalAveragePooling3D()
    layer.layout = dataFormat.layout
    layer.keepDims = keepDims
    super.init(layer, name: name)
  }
}
