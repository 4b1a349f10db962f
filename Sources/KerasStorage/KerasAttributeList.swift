import HDF5Container
import ModelSupport
import ModelTensor

/// Lists of names in attributes. An HDF5 attribute holds 64,512 bytes; Keras spreads longer lists over
/// `weight_names0`, `weight_names1`, …
public enum KerasAttributeList {
  static let limit = 64_512

  /// The list called `name`; empty when there is none.
  public static func read(_ name: String, of object: some HDF5Object) throws -> [String] {
    if let attribute = try object.attribute(name) { return try strings(attribute, of: object) }
    var result: [String] = []
    var index = 0
    while let attribute = try object.attribute("\(name)\(index)") {
      result += try strings(attribute, of: object)
      index += 1
    }
    return result
  }

  /// Whether there is a list called `name`.
  public static func exists(_ name: String, in object: some HDF5Object) throws -> Bool {
    if try object.attribute(name) != nil { return true }
    return try object.attribute("\(name)0") != nil
  }

  private static func strings(_ attribute: HDF5Attribute, of object: some HDF5Object) throws -> [String] {
    if let strings = attribute.strings { return strings }
    // An empty list has no strings to tell the type: numpy makes it an array of floats.
    if attribute.isEmpty || attribute.array?.count == 0 { return [] }
    throw FormatError(
      .invalidValue, "expected names, found elements of the type \(attribute.datatype)",
      at: SourceLocation(file: object.file.name, path: [object.path, "attribute \(attribute.name)"]))
  }

  /// Writes `names` as Keras does.
  public static func write(_ names: [String], as name: String, to object: some HDF5AttributeWriter) throws {
    guard !names.isEmpty else { return try object.write(.array(NDArray(zeros: .float64, [0])), as: name) }
    let bytes = names.map { Array($0.utf8) }
    let width = max(1, bytes.map(\.count).max() ?? 1)
    guard width <= limit else { throw FormatError(.limitExceeded, "a name of \(width) bytes") }
    guard width * bytes.count > limit else { return try object.write(.byteStrings(bytes), as: name) }
    // As numpy's `array_split`: the first parts are one longer. Each part is padded to the longest name.
    var parts = 2
    while (bytes.count + parts - 1) / parts * width > limit { parts += 1 }
    var start = 0
    for index in 0..<parts {
      let size = bytes.count / parts + (index < bytes.count % parts ? 1 : 0)
      try object.write(.byteStrings(Array(bytes[start..<(start + size)])), as: "\(name)\(index)")
      start += size
    }
  }
}
