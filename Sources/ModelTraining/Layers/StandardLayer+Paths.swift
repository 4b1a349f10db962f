import ModelLayers

extension StandardLayer {
  /// A weight's name behind those of its layer and of the layers around, as Keras has it. Those of recurrent layers are their cell's:
  /// `gru/gru_cell/kernel`, `bidirectional/forward_gru/gru_cell/kernel`.
  func path(of spec: WeightSpec) -> String {
    if let cell = Self.cell(className) { return path(ofWeight: "\(cell)/\(spec.name)") }
    guard let bidirectional = definition as? ModelLayers.Bidirectional else { return path(ofWeight: spec.name) }
    let inner = Swift.type(of: bidirectional.forward as any ModelLayers.Layer).className
    guard let cell = Self.cell(inner) else { return path(ofWeight: spec.name) }
    let way = spec.path.hasPrefix("backward") ? "backward" : "forward"
    let name = original?["config"]?["layer"]?["config"]?["name"]?.stringValue ?? kerasSnakeCase(inner)
    let named = name.hasPrefix("forward_") ? String(name.dropFirst(8)) : name
    return path(ofWeight: "\(way)_\(named)/\(cell)/\(spec.name)")
  }
  private static func cell(_ className: String) -> String? {
    switch className {
    case "LSTM", "GRU", "SimpleRNN": kerasSnakeCase(className) + "_cell"
    case "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D": "conv_lstm_cell"
    default: nil
    }
  }
}
