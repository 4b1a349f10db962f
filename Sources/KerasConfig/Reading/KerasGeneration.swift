/// Which Keras a file's spellings are of.
public enum KerasGeneration: Int, Sendable, Comparable {
  case keras1 = 1, keras2, keras3
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  /// From what a file says in `keras_version`: `2.11.0`, `2.2.4-tf`, `3.15.0`. A file without it is of
  /// Keras 1, which did not write one.
  public init(version: String?) {
    switch version?.prefix(while: \.isNumber) {
    case nil, "0", "1": self = .keras1
    case "2": self = .keras2
    default: self = .keras3
    }
  }
}
