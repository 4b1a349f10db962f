import Foundation
import HDF5Container
import KerasFormat
import KerasH5Format
import ModelSupport
import NumPyFormat
import Testing
import ZipContainer

/// One file for each way to be wrong: `fixtures/malformed/containers/generate.py` makes them and says what is
/// expected of each.
@Suite struct MalformedTests {
  struct Case: CustomTestStringConvertible {
    let path: String, error: String, reason: String
    var testDescription: String { "\(path): \(reason)" }
  }

  static let cases: [Case] = {
    let path = Fixtures.path("malformed/containers/expected.json")
    guard let data = FileManager.default.contents(atPath: path), let json = try? JSONValue(parsing: [UInt8](data)) else { return [] }
    return (json.arrayValue ?? []).map {
      Case(
        path: $0["path"]?.stringValue ?? "", error: $0["error"]?.stringValue ?? "", reason: $0["reason"]?.stringValue ?? "")
    }
  }()

  @Test func findsTheFiles() { #expect(Self.cases.count > 60) }

  @Test(arguments: cases) func givesItsError(_ malformed: Case) throws {
    let path = Fixtures.path("malformed/\(malformed.path)")
    do {
      try readEverything(path)
      Issue.record("expected the error \(malformed.error)")
    } catch let error as FormatError {
      #expect(error.code.rawValue == malformed.error, "\(error)")
      #expect(error.description.contains(path), "\(error)")
    }
  }
}

/// Opens the file and reads all that is in it.
func readEverything(_ path: String) throws {
  switch (path as NSString).pathExtension {
  case "zip":
    let archive = try ZipArchive(path: path)
    for entry in archive.entries { try archive.source(entry).forEachChunk { _ in } }
  case "npy": _ = try NumPyFile(path: path).tensor.array()
  case "npz": for (_, tensor) in try NumPyArchive(path: path).tensors() { _ = try tensor.array() }
  case "keras":
    for parameter in try KerasReader.read(path).parameters { try parameter.tensor.source.forEachChunk { _ in } }
  default:
    if path.contains("/h5/") {
      for parameter in try KerasH5Reader.read(path).parameters { try parameter.tensor.source.forEachChunk { _ in } }
    } else {
      try visit(try HDF5File(path: path).root)
    }
  }
}

/// Reads every attribute and dataset.
func visit(_ group: HDF5Group) throws {
  _ = try group.attributes()
  try group.forEachDataset { _, dataset in
    _ = try dataset.attributes()
    if dataset.datatype.dtype != nil, dataset.extents != nil { try dataset.tensor.source.forEachChunk { _ in } }
  }
}
