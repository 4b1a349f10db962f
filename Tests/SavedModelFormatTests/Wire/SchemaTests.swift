import Foundation
import ProtobufWire
import Testing

@testable import SavedModelFormat

/// Holds the field tables against `formats/savedmodel/*.proto`.
@Suite struct SchemaTests {
  /// `label type name` of each field by number, by message. Types go by the last part of their name.
  private func schema(_ file: String) throws -> [String: [UInt32: String]] {
    let url = Fixtures.repository.appendingPathComponent("formats/savedmodel/\(file)")
    var result: [String: [UInt32: String]] = [:], open: [Substring] = []
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
      let words = line.split(whereSeparator: { " ;".contains($0) })
      guard let first = words.first, first != "//", first != "syntax" else { continue }
      let path = open.joined(separator: ".")
      if first == "message" {
        open.append(words[1])
        result[open.joined(separator: ".")] = [:]
      } else if first == "}" {
        open.removeLast()
      } else {
        let number = try #require(UInt32(words[4])), label = line.contains("packed = true") ? "packed" : String(first)
        result[path]?[number] = "\(label) \(words[1].split(separator: ".").last ?? "") \(words[2])"
      }
    }
    return result
  }

  private func rows<M: ProtoMessage>(_: M.Type) -> (name: String, fields: [UInt32: String]) {
    var fields: [UInt32: String] = [:]
    for row in M.table.fields {
      fields[row.number] = "\(row.label.rawValue) \(row.type.name.split(separator: ".").last ?? "") \(row.name)"
    }
    return (M.messageName, fields)
  }

  private func hold(_ tables: [(name: String, fields: [UInt32: String])], against file: String) throws {
    let schema = try schema(file)
    #expect(Set(tables.map(\.name)) == Set(schema.keys))
    for table in tables { #expect(table.fields == schema[table.name], "\(table.name)") }
  }

  @Test func savedModel() throws {
    try hold(
      [
        rows(SavedModelProto.self), rows(MetaGraphDef.self), rows(MetaInfoDef.self), rows(FunctionAliasEntry.self),
        rows(CollectionEntry.self), rows(SignatureEntry.self), rows(CollectionDef.self), rows(CollectionDef.NodeList.self),
        rows(CollectionDef.BytesList.self), rows(CollectionDef.Int64List.self), rows(CollectionDef.FloatList.self),
        rows(CollectionDef.AnyList.self), rows(TensorInfo.self), rows(TensorInfo.CooSparse.self),
        rows(TensorInfo.CompositeTensor.self), rows(SignatureDef.self), rows(SignatureDef.InputEntry.self),
        rows(SignatureDef.OutputEntry.self), rows(SignatureDef.DefaultEntry.self), rows(AssetFileDef.self), rows(SaverDef.self),
        rows(SavedObjectGraph.self), rows(SavedObjectGraph.ConcreteFunctionEntry.self), rows(SavedObject.self),
        rows(SavedObject.SaveableObjectEntry.self), rows(SavedUserObject.self), rows(SavedAsset.self), rows(SavedFunction.self),
        rows(CapturedTensor.self), rows(SavedConcreteFunction.self), rows(SavedBareConcreteFunction.self),
        rows(SavedConstant.self), rows(SavedVariable.self), rows(FunctionSpec.self), rows(SavedResource.self),
        rows(SaveableObject.self), rows(TrackableObjectGraph.self), rows(TrackableObject.self), rows(ObjectReference.self),
        rows(TrackableObject.SerializedTensor.self), rows(SlotVariableReference.self), rows(RegisteredSaver.self),
        rows(StructuredValue.self), rows(StructuredValue.NoneValue.self), rows(StructuredValue.List.self),
        rows(StructuredValue.Tuple.self), rows(StructuredValue.Dictionary.self), rows(StructuredValue.FieldEntry.self),
        rows(StructuredValue.Pair.self), rows(StructuredValue.NamedTuple.self), rows(TensorSpecProto.self),
        rows(BoundedTensorSpecProto.self), rows(TypeSpecProto.self), rows(FingerprintDef.self), rows(VariableDef.self),
        rows(SaveSliceInfoDef.self),
      ], against: "saved_model.proto")
  }

  @Test func tensorBundle() throws {
    try hold(
      [
        rows(BundleHeaderProto.self), rows(BundleEntryProto.self), rows(TensorSliceProto.self), rows(TensorSliceProto.Extent.self),
      ], against: "tensor_bundle.proto")
  }

  @Test func kerasMetadata() throws {
    let schema = try schema("keras_metadata.proto")
    for table in [rows(SavedMetadata.self), rows(KerasObject.self)] { #expect(table.fields == schema[table.name], "\(table.name)") }
  }

  /// Python's integers stand zigzag-encoded.
  @Test func signedIntegers() throws {
    for value in [0, 1, -1, 63, -64, Int64.max, .min] {
      var structured = StructuredValue()
      structured.int64Value = value
      #expect(try StructuredValue(reading: structured.encoded()).int64Value == value)
    }
    var structured = StructuredValue()
    structured.int64Value = -1
    #expect(try structured.encoded() == [0x60, 1])
  }
}
