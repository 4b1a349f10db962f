import ModelSupport
import ModelTensor
import TensorFlowGraph

/// The files beside a SavedModel, for the next one: what reads them is written in the graph itself, but people and programs look for
/// them by their names.
struct SavedAssets: Sendable {
  static let residueKey = "savedmodel-assets"
  let files: [(name: String, file: MappedFile)]

  /// The files that are there.
  init(_ meta: MetaGraph) throws {
    files = try meta.assets().compactMap { asset in
      FileSystem.kind(asset.path) == .file ? (asset.name, try MappedFile(path: asset.path)) : nil
    }
  }

  /// Writes the files, and makes them objects of the model.
  func write(to directory: String, _ builder: inout ObjectGraphBuilder, _ main: inout MainGraph) throws -> [AssetFileDef] {
    guard !files.isEmpty else { return [] }
    let list = builder.add(ObjectGraphBuilder.user("trackable_list_wrapper"))
    builder.connect(0, "assets", list)
    var result: [AssetFileDef] = []
    for (index, asset) in files.enumerated() {
      let output = try OutputFile(creating: "\(directory)/\(asset.name)")
      try output.append(FileSlice(asset.file, 0..<asset.file.count))
      try output.finish()
      // Loaders feed the path to this placeholder.
      let node = main.add(
        "Placeholder", "asset_path_initializer", [], ["dtype": .type(DataType(rawValue: 7)), "shape": .shape(.ranked([]))])
      var definition = AssetFileDef(), object = SavedObject(), place = SavedAsset()
      definition.filename = asset.name
      definition.tensorInfo = TensorInfo()
      definition.tensorInfo?.name = node + ":0"
      // Zero is left out, as proto3 does.
      place.assetFileDefIndex = index == 0 ? nil : Int32(clamping: index)
      object.asset = place
      builder.connect(list, String(index), builder.add(object))
      result.append(definition)
    }
    return result
  }
}
