import ModelGraph
import ModelSupport
import ModelTensor

extension ONNXWriter {
  /// What can be written: channels first, the dtypes of ONNX, and every op a rule or its decomposition spells in this opset.
  public static func profile(opset: Int = 18) -> TargetProfile {
    var profile = TargetProfile(
      name: "ONNX opset \(opset)", level: .ops, layout: .channelsFirst,
      dtypes: Set(DType.allCases.filter { firstOpset(of: $0) ?? .max <= opset || $0 == .variant })
    ) { node, graph, model in
      // Written for trial: so the answer can't differ from what happens later.
      var writer = NodeWriter(
        opset: opset, rules: .all, names: NameTable(), nodeName: node.name, bodies: node.bodies.isEmpty ? nil : BodyWriter())
      let inputs = node.inputs.map { value in
        value.map { OutValue(name: "\($0.raw)", fact: model.fact($0, in: graph)) }
      }
      do {
        _ = try writer.write(node.op, inputs)
        return nil
      } catch let error as UnsupportedError {
        return error.message
      } catch { return String(describing: error) }
    }
    profile.prefersRecurrentOps = true
    return profile
  }
}
