import ModelSupport
import ModelTensor

extension HDF5GroupWriter {
  /// Writes all that `source` holds: groups, those without members too, attributes with their types, datasets. Elements
  /// are streamed when the file is written. Datasets come out contiguous and little-endian, whatever they were.
  ///
  /// - Parameters:
  ///   - replacing: other elements for datasets, by their paths below `source`.
  ///   - skipping: members of `source` that are left out.
  ///   - tensor: the elements of a dataset, for types that mean something else than they say.
  /// - Throws: `FormatError.cycle` when a group contains itself.
  public func copy(
    _ source: HDF5Group, replacing: [String: Tensor] = [:], skipping: Set<String> = [],
    tensor: (HDF5Dataset) throws -> Tensor = { try $0.tensor }
  ) throws {
    var ancestors: [UInt64] = []
    try copy(source, prefix: "", replacing, skipping, tensor, &ancestors)
  }

  private func copy(
    _ source: HDF5Group, prefix: String, _ replacing: [String: Tensor], _ skipping: Set<String>,
    _ tensor: (HDF5Dataset) throws -> Tensor, _ ancestors: inout [UInt64]
  ) throws {
    let here = try source.address
    guard !ancestors.contains(here) else {
      throw FormatError(.cycle, "the group contains itself", at: SourceLocation(file: source.file.name, path: [source.path]))
    }
    ancestors.append(here)
    defer { ancestors.removeLast() }
    for attribute in try source.attributes() { try write(.copy(attribute), as: attribute.name) }
    for (name, member) in try source.members() where !skipping.contains(prefix + name) {
      switch member {
      case .group(let inner):
        try group(name).copy(inner, prefix: prefix + name + "/", replacing, skipping, tensor, &ancestors)
      case .dataset(let inner):
        let made = try dataset(name, try replacing[prefix + name] ?? tensor(inner))
        for attribute in try inner.attributes() { try made.write(.copy(attribute), as: attribute.name) }
      }
    }
  }
}
