import ModelSupport
import ModelTensor

/// What `build_config` of Keras 3 says of the shapes a layer was built with.
enum BuildConfig {
  /// `{"input_shape": […]}`, `{"input_shape": [[…], […]]}` or `{"shapes_dict": {"query_shape": […]}}`.
  static func inputShapes(_ json: JSONValue?) -> [Shape]? {
    if let input = json?["input_shape"], !input.isNull {
      if let one = try? Shape(keras: input) { return [one] }
      guard let list = input.arrayValue else { return nil }
      let shapes = list.compactMap { try? Shape(keras: $0) }
      return shapes.count == list.count ? shapes : nil
    }
    if let members = json?["shapes_dict"]?.objectValue {
      // An attention's shapes stand in the order in which a call named its tensors.
      let heads = ["query_shape", "value_shape", "key_shape"], named = heads.compactMap { members[$0] }
      let shapes = (named.count == members.count ? named : Array(members.values)).compactMap { try? Shape(keras: $0) }
      return shapes.count == members.count ? shapes : nil
    }
    return nil
  }
}
