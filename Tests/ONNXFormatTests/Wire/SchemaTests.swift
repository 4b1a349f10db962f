import Foundation
import ONNXFormat
import ProtobufWire
import Testing

/// Holds the field tables against `formats/onnx/onnx.proto`.
@Suite struct SchemaTests {
  /// `number: label type name` of each field, by message.
  static func schema() throws -> [String: [UInt32: String]] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("formats/onnx/onnx.proto"), encoding: .utf8)
    var result: [String: [UInt32: String]] = [:]
    var open: [(kind: Substring, name: Substring)] = []
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { " ;".contains($0) })
      guard let first = words.first, first != "//" else { continue }
      if words.last == "{" {
        open.append((first, words[1]))
        let path = open.filter { $0.kind == "message" }.map(\.name).joined(separator: ".")
        if first == "message" { result[path] = [:] }
      } else if first == "}" {
        open.removeLast()
      } else if let inside = open.last, inside.kind != "enum", let equals = words.firstIndex(of: "=") {
        let path = open.filter { $0.kind == "message" }.map(\.name).joined(separator: ".")
        let number = try #require(UInt32(words[equals + 1]))
        let label = line.contains("packed = true") ? "packed" : inside.kind == "oneof" ? "optional" : String(first)
        result[path]?[number] = "\(label) \(words[equals - 2]) \(words[equals - 1])"
      }
    }
    return result
  }

  private func rows<M: ProtoMessage>(_: M.Type) -> (name: String, fields: [UInt32: String]) {
    var fields: [UInt32: String] = [:]
    for row in M.table.fields {
      // Inside its parent a nested type goes by its last name.
      let type =
        row.type.name.hasPrefix(M.messageName + ".")
        ? String(row.type.name.dropFirst(M.messageName.count + 1)) : row.type.name
      fields[row.number] = "\(row.label.rawValue) \(type) \(row.name)"
    }
    return (M.messageName, fields)
  }

  @Test func tablesMatchTheSchema() throws {
    let schema = try Self.schema()
    let tables = [
      rows(ModelProto.self), rows(OperatorSetIdProto.self), rows(StringStringEntryProto.self),
      rows(TrainingInfoProto.self), rows(FunctionProto.self), rows(GraphProto.self), rows(ValueInfoProto.self),
      rows(TensorAnnotation.self), rows(NodeProto.self), rows(AttributeProto.self), rows(TensorProto.self),
      rows(TensorProto.Segment.self), rows(SparseTensorProto.self), rows(TypeProto.self),
      rows(TypeProto.Tensor.self), rows(TypeProto.SparseTensor.self), rows(TypeProto.Sequence.self),
      rows(TypeProto.Map.self), rows(TypeProto.OptionalType.self), rows(TypeProto.Opaque.self),
      rows(TensorShapeProto.self), rows(TensorShapeProto.Dimension.self), rows(DeviceConfigurationProto.self),
      rows(NodeDeviceConfigurationProto.self), rows(ShardingSpecProto.self), rows(IntIntListEntryProto.self),
      rows(ShardedDimProto.self), rows(SimpleShardedDimProto.self),
    ]
    #expect(Set(tables.map(\.name)) == Set(schema.keys))
    for table in tables { #expect(table.fields == schema[table.name], "\(table.name)") }
  }
}
