import ModelTensor

/// How text is read as a table (the arguments of tf.data's `make_csv_dataset`).
public struct CSVOptions: Sendable {
  /// The names of the columns; those of the header when not given.
  public var columnNames: [String]?
  /// Dtypes of columns by name; the others' follow from the rows in front: int32, int64, float32, float64 or string, the first that holds all.
  public var columnTypes: [String: DType] = [:]
  /// The columns that are wanted; all when not given.
  public var selectColumns: [String]?
  public var delimiter: Character = ","
  /// Whether fields in quotation marks may hold delimiters and line breaks.
  public var usesQuotes = true
  /// What stands for a missing value, besides nothing at all; it becomes 0 or the empty text.
  public var naValue = ""
  public var hasHeader = true
  /// How many rows tell the types.
  public var rowsForInference = 100
  public init() {}
}
