import Foundation

/// The bytes of a file, or of all files below a directory; 0 when it can't be told.
func fileSize(_ path: String) -> Int {
  let manager = FileManager.default
  func size(_ path: String) -> Int {
    ((try? manager.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.intValue ?? 0
  }
  var isDirectory: ObjCBool = false
  guard manager.fileExists(atPath: path, isDirectory: &isDirectory) else { return 0 }
  guard isDirectory.boolValue else { return size(path) }
  return (try? manager.subpathsOfDirectory(atPath: path))?.reduce(0) { $0 + size("\(path)/\($1)") } ?? 0
}
