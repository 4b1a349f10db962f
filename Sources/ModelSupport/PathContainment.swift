/// Resolves `relative` inside `directory` and refuses anything that would leave it: absolute paths,
/// `..` components, NUL bytes and backslashes.
///
/// Symbolic links are not followed here; callers open the result with the usual permissions.
/// - Throws: `FormatError.pathEscape`.
public func containedPath(_ relative: String, in directory: String) throws -> String {
  let parts = relative.split(separator: "/", omittingEmptySubsequences: true)
  guard !relative.isEmpty, !relative.hasPrefix("/"), !parts.contains(".."),
    !relative.utf8.contains(0), !relative.contains("\\")
  else {
    throw FormatError(.pathEscape, "the path '\(relative)' leads outside the model's directory")
  }
  return directory.isEmpty ? relative : "\(directory)/\(parts.filter { $0 != "." }.joined(separator: "/"))"
}
