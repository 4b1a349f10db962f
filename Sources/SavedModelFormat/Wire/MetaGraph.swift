import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// One meta graph of a SavedModel, with the files that belong to it.
public struct MetaGraph: Sendable {
  public let file: SavedModelFile
  public let definition: MetaGraphDef

  init(_ file: SavedModelFile, _ definition: MetaGraphDef) {
    self.file = file
    self.definition = definition
  }

  public var graph: GraphDef { definition.graphDef ?? GraphDef() }
  public var objects: SavedObjectGraph? { definition.objectGraphDef }
  public var functions: [FunctionDef] { definition.graphDef?.library?.function ?? [] }

  /// The signatures by name, sorted; the one that initialises the objects is no entry point.
  public var signatures: [(name: String, definition: SignatureDef)] {
    definition.signatureDef.map { ($0.key ?? "", $0.value ?? SignatureDef()) }
      .filter { $0.0 != "__saved_model_init_op" && $0.0 != "__saved_model_train_op" }.sorted { $0.0 < $1.0 }
  }

  /// The checkpoint of the variables; `nil` when the directory has none.
  /// - Throws: `FormatError` for a damaged index.
  public func bundle() throws -> TensorBundle? {
    guard let prefix = file.variablesPrefix, FileSystem.kind(prefix + ".index") != nil else { return nil }
    return try TensorBundle(prefix: prefix)
  }

  /// A tensor that a signature names, as an interface.
  public static func type(of info: TensorInfo) -> (dtype: DType?, shape: Shape) {
    (info.dtype?.dtype, info.tensorShape?.shape ?? .unranked)
  }

  /// A file of the `assets` directory: where it is, and the tensor that its path is fed to.
  public struct Asset: Sendable {
    public let name: String
    public let path: String
    public let tensorName: String?
  }

  /// The assets in the order in which objects refer to them.
  /// - Throws: `FormatError.pathEscape` for a name that leads out of the directory.
  public func assets() throws -> [Asset] {
    guard let directory = file.directory else { return [] }
    return try listedAssets().map { asset in
      let name = asset.filename ?? ""
      do {
        let path = try containedPath(name, in: directory + "/assets")
        return Asset(name: name, path: path, tensorName: asset.tensorInfo?.name)
      } catch let error as FormatError { throw error.within("asset \(name)").inFile(file.path) }
    }
  }

  /// TensorFlow 1 has the list in a collection of messages, TensorFlow 2 in a field, and some files in both.
  private func listedAssets() throws -> [AssetFileDef] {
    guard definition.assetFileDef.isEmpty else { return definition.assetFileDef }
    let collection = definition.collectionDef.first { $0.key == "saved_model_assets" }
    return try (collection?.value?.anyList?.value ?? []).compactMap { packed in
      guard packed.typeURL?.hasSuffix("tensorflow.AssetFileDef") == true, let bytes = packed.value else { return nil }
      do { return try AssetFileDef(reading: bytes.source) } catch let error as FormatError {
        throw error.within("collection saved_model_assets").inFile(file.path)
      }
    }
  }
}
